//! Manifests as users write them, short.

/// A virtual network of one prefix.
pub fn network(name: &str, prefix: &str) -> String {
    object("VirtualNetwork", name, &format!("addressSpace: {{addressPrefixes: [{prefix}]}}"))
}

/// A subnet of a virtual network.
pub fn subnet(name: &str, network: &str, prefix: &str) -> String {
    object("Subnet", name, &format!("virtualNetwork: {{name: {network}}}, addressPrefixes: [{prefix}]"))
}

/// A NIC with one Dynamic configuration.
pub fn nic(name: &str, subnet: &str) -> String {
    nic_with(name, subnet, &["{name: ipconfig1}"])
}

/// A NIC with one Static configuration.
pub fn static_nic(name: &str, subnet: &str, address: &str) -> String {
    nic_with(name, subnet, &[&static_configuration("ipconfig1", address)])
}

/// A NIC with these configurations.
pub fn nic_with(name: &str, subnet: &str, configurations: &[&str]) -> String {
    let configurations = configurations.join(", ");
    object("NetworkInterface", name, &format!("subnet: {{name: {subnet}}}, ipConfigurations: [{configurations}]"))
}

/// A Static configuration.
pub fn static_configuration(name: &str, address: &str) -> String {
    format!("{{name: {name}, privateIPAllocationMethod: Static, privateIPAddress: {address}}}")
}

/// A configuration that holds a public address.
pub fn public_configuration(name: &str, public: &str) -> String {
    format!("{{name: {name}, publicIPAddress: {{name: {public}}}}}")
}

/// A NIC whose one configuration holds a public address.
pub fn public_nic(name: &str, subnet: &str, public: &str) -> String {
    nic_with(name, subnet, &[&public_configuration("ipconfig1", public)])
}

/// A public address: Standard is Static, Basic is Dynamic.
pub fn public_address(name: &str, sku: &str) -> String {
    object("PublicIPAddress", name, &format!("sku: {{name: {sku}}}"))
}

/// A public address of the default SKU, Basic, that is Static.
pub fn static_public_address(name: &str) -> String {
    object("PublicIPAddress", name, "publicIPAllocationMethod: Static")
}

/// A public address with a domain name.
pub fn named_public_address(name: &str, label: &str) -> String {
    object("PublicIPAddress", name, &format!("dnsSettings: {{domainNameLabel: {label}}}"))
}

/// A public prefix.
pub fn prefix(name: &str, length: u8) -> String {
    object("PublicIPPrefix", name, &format!("prefixLength: {length}"))
}

/// A public address that is taken from a prefix.
pub fn address_of_prefix(name: &str, prefix: &str) -> String {
    object("PublicIPAddress", name, &format!("sku: {{name: Standard}}, publicIPPrefix: {{name: {prefix}}}"))
}

/// An availability set.
pub fn availability_set(name: &str) -> String {
    object("AvailabilitySet", name, "")
}

/// A virtual machine of a size that takes four NICs; `more` is the rest of its spec, such as a power state.
pub fn machine(name: &str, nics: &[&str], more: &str) -> String {
    machine_of_size(name, "Standard_DS3_v2", nics, more)
}

/// A virtual machine.
pub fn machine_of_size(name: &str, size: &str, nics: &[&str], more: &str) -> String {
    let nics: Vec<String> = nics.iter().map(|nic| format!("{{name: {nic}}}")).collect();
    let (nics, comma) = (nics.join(", "), if more.is_empty() { "" } else { ", " });
    let spec =
        format!("hardwareProfile: {{vmSize: {size}}}, networkProfile: {{networkInterfaces: [{nics}]}}{comma}{more}");
    object("VirtualMachine", name, &spec)
}

/// What a VM says that may be disrupted.
pub const POLICY: &str = "disruptionPolicy: Deallocate";

/// The VM `m`, which may be disrupted.
pub fn disrupted(nics: &[&str], power: &str) -> String {
    machine("m", nics, &format!("{POLICY}, powerState: {power}"))
}

/// A NIC `b` with a secondary address; where that is a secondary NIC, an edit of it needs the VM deallocated.
pub fn secondary(address: &str) -> String {
    nic_with("b", "web", &["{name: one, primary: true}", &static_configuration("two", address)])
}

/// An object of any kind, as a document of a stream.
pub fn object(kind: &str, name: &str, spec: &str) -> String {
    format!("---\napiVersion: vnet.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n")
}
