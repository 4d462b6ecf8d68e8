//! What the operator of a fabric may choose: the same for `vnet run` and `vnet plan`.

use std::str::FromStr;

use clap::builder::BoolishValueParser;
use ipnet::Ipv4Net;
use vnet_operator::fabric::Settings;
use vnet_operator::fabric::engine::DynamicAddresses;
use vnet_operator::fabric::id::is_region;
use vnet_operator::fabric::limits;
use vnet_operator::fabric::quota::Quotas;
use vnet_operator::operator::settings::{
    DEFAULT_LOCATION, ENFORCE_QUOTAS, PUBLIC_IP_POOL, Published, REASSIGN_DYNAMIC_ADDRESSES, written,
};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Fabric")]
pub struct FabricOptions {
    /// The region of objects that name none and whose Namespace has no label vnet.dev/location [default: westeurope]
    #[arg(long, env = "VNET_DEFAULT_LOCATION", value_parser = location)]
    default_location: Option<String>,
    /// The platform's public IPv4 addresses [default: 198.18.0.0/15]
    #[arg(long, env = "VNET_PUBLIC_IP_POOL")]
    public_ip_pool: Option<Ipv4Net>,
    /// Reassign dynamic private addresses when a virtual machine starts after it was deallocated
    #[arg(long, env = "VNET_REASSIGN_DYNAMIC_ADDRESSES", value_parser = BoolishValueParser::new(), value_name = "BOOL",
          num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    reassign_dynamic_addresses: Option<bool>,
    /// Enforce the quotas of a new subscription: in each region 10 public addresses of a kind, 1,000 virtual networks,
    /// 65,536 network interfaces
    #[arg(long, env = "VNET_ENFORCE_QUOTAS", value_parser = BoolishValueParser::new(), value_name = "BOOL",
          num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    enforce_quotas: Option<bool>,
}

impl FabricOptions {
    /// As the fabric takes them.
    pub fn settings(&self) -> Settings {
        self.over(&Published::new()).0
    }

    /// As the fabric takes them; what no flag gives is as an operator has published it. Says what of that is no default.
    pub fn over(&self, published: &Published) -> (Settings, Vec<String>) {
        let defaults = written(&Settings::default());
        let mut used = Vec::new();
        let default = Settings::default();
        let location = self.default_location.clone().or_else(|| {
            read(published, DEFAULT_LOCATION, &defaults, &mut used).filter(|region: &String| is_region(region))
        });
        let pool = self.public_ip_pool.or_else(|| read(published, PUBLIC_IP_POOL, &defaults, &mut used));
        let reassigns = self
            .reassign_dynamic_addresses
            .or_else(|| read(published, REASSIGN_DYNAMIC_ADDRESSES, &defaults, &mut used));
        let enforces = self.enforce_quotas.or_else(|| read(published, ENFORCE_QUOTAS, &defaults, &mut used));
        let settings = Settings {
            default_location: location.map_or(default.default_location, Into::into),
            public_ip_pool: pool.map_or(default.public_ip_pool, |pool: Ipv4Net| pool.trunc()),
            dynamic_addresses: match reassigns.unwrap_or_default() {
                true => DynamicAddresses::Reassigned,
                false => DynamicAddresses::Kept,
            },
            quotas: match enforces.unwrap_or_default() {
                true => Quotas::Enforced,
                false => Quotas::Off,
            },
            vm_start: default.vm_start,
        };
        (settings, used)
    }
}

/// A setting that an operator has published; added to `used` unless it is the default.
fn read<T: FromStr>(published: &Published, name: &str, defaults: &Published, used: &mut Vec<String>) -> Option<T> {
    let text = published.get(name)?;
    let value = text.parse().ok();
    if value.is_none() {
        used.push(format!("{name}={text} (not valid, and passed over)"));
    } else if defaults.get(name) != Some(text) {
        used.push(format!("{name}={text}"));
    }
    value
}

fn location(text: &str) -> Result<String, String> {
    is_region(text).then(|| text.to_owned()).ok_or_else(|| {
        format!("a region is lower-case letters and digits, at most {}, such as westeurope", limits::LOCATION_LENGTH)
    })
}
