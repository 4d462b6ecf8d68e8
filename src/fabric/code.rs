//! Azure's error codes, by which a refusal names the broken constraint.

use std::fmt;

/// Azure Resource Manager's error codes, as reasons of conditions show them.
///
/// The source of each is that of the rules that refuse with it, in `docs/rules.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // each is the error code of its name
pub enum Code {
    AllocationFailed,
    AnotherOperationInProgress,
    AvailabilitySetVMCountLimitReached,
    DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed,
    DnsRecordInUse,
    DomainNameLabelReserved,
    DuplicateResourceName,
    IPVersionForPublicIpAndNicIpConfigurationMustMatch,
    IPv4BasicSkuPublicIpCountLimitReached,
    InUsePrefixCannotBeDeleted,
    InUsePublicIpPrefixCannotBeDeleted,
    InUseSubnetCannotBeDeleted,
    InvalidAddressPrefixFormat,
    InvalidCIDRNotation,
    InvalidDnsServerIPAddressFormat,
    InvalidDomainNameLabel,
    InvalidParameter,
    InvalidPrivateIPAddressFormat,
    InvalidRequestContent,
    InvalidResourceLocation,
    InvalidResourceName,
    InvalidResourceReference,
    InvalidTagNameCharacters,
    IpConfigDeleteNotSupported,
    NetcfgInvalidDnsServer,
    NetcfgInvalidSubnet,
    NetcfgSubnetRangeOutsideVnet,
    NetcfgSubnetRangesOverlap,
    NetworkInterfaceCountExceeded,
    NetworkInterfaceMustHaveOneOneIPConfigAsPrimary,
    NetworkInterfaceMustHavePrimaryPropertySet,
    NicInUse,
    OperationNotAllowed,
    PrivateIPAddressInReservedRange,
    PrivateIPAddressInUse,
    PrivateIPAddressMissing,
    PrivateIPAddressNotInAnySubnet,
    PrivateIPAddressNotInSubnet,
    PropertyChangeNotAllowed,
    PublicIPAddressCannotBeDeleted,
    PublicIPAddressInUse,
    PublicIPCountLimitReached,
    PublicIPIdleTimeoutIsOutOfRange,
    PublicIPPrefixExhausted,
    PublicIPPrefixSkuMismatch,
    PublicIPReferencedByMultipleIPConfigs,
    QuotaExceeded,
    RequestContentTooLarge,
    SecondaryIpConfigurationCountPerVMSSVMExceeded,
    SecondaryNetworkInterfaceInUseCannotChangeSubnet,
    SkuCannotBeChangedOnUpdate,
    SkuCannotBeUpdatedOnVMSSPublicIpAddresses,
    StandardSkuPublicIPCountLimitReached,
    StandardSkuPublicIPAddressesMustBeStatic,
    SubnetIsFull,
    SubnetIsRequired,
    SubnetsNotInSameVnet,
    VMScaleSetCannotBeUpdatedToReferenceSubnetsFromDifferentVirtualNetworks,
    VMScaleSetNetworkInterfaceConfigurationMustHaveOneIpConfigAsPrimary,
    VMSizeIsNotPermittedToEnableAcceleratedNetworking,
    VMSizeIsNotPermittedToEnableAcceleratedNetworkingForVmss,
    VnetCountLimitReached,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
