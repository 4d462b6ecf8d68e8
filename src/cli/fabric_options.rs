//! What the operator of a fabric may choose: the same for `vnet run` and `vnet plan`.

use ipnet::Ipv4Net;
use vnet_operator::fabric::Settings;
use vnet_operator::fabric::engine::DynamicAddresses;
use vnet_operator::fabric::id::is_region;
use vnet_operator::fabric::limits;
use vnet_operator::fabric::quota::Quotas;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Fabric")]
pub struct FabricOptions {
    /// The region of objects that name none and whose Namespace has no label vnet.dev/location
    #[arg(long, env = "VNET_DEFAULT_LOCATION", default_value = "westeurope", value_parser = location)]
    default_location: String,
    /// The platform's public IPv4 addresses
    #[arg(long, env = "VNET_PUBLIC_IP_POOL", default_value = "198.18.0.0/15")]
    public_ip_pool: Ipv4Net,
    /// Assign dynamic private addresses anew when a virtual machine starts after it was deallocated
    #[arg(long, env = "VNET_REASSIGN_DYNAMIC_ADDRESSES")]
    reassign_dynamic_addresses: bool,
    /// Enforce the quotas of a new subscription: in each region 10 public addresses of a kind, 1,000 virtual networks,
    /// 65,536 network interfaces
    #[arg(long, env = "VNET_ENFORCE_QUOTAS")]
    enforce_quotas: bool,
}

impl FabricOptions {
    /// As the fabric takes them.
    pub fn settings(&self) -> Settings {
        Settings {
            default_location: self.default_location.as_str().into(),
            public_ip_pool: self.public_ip_pool.trunc(),
            dynamic_addresses: match self.reassign_dynamic_addresses {
                true => DynamicAddresses::Reassigned,
                false => DynamicAddresses::Kept,
            },
            quotas: match self.enforce_quotas {
                true => Quotas::Enforced,
                false => Quotas::Off,
            },
            ..Settings::default()
        }
    }
}

fn location(text: &str) -> Result<String, String> {
    is_region(text).then(|| text.to_owned()).ok_or_else(|| {
        format!("a region is lower-case letters and digits, at most {}, such as westeurope", limits::LOCATION_LENGTH)
    })
}
