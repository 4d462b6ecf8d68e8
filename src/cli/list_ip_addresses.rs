//! `vnet list-ip-addresses`: the addresses of machines.

use std::io::Write;
use std::net::IpAddr;

use comfy_table::{Table, presets};
use serde_json::Value;
use vnet_operator::fabric::Kind;
use vnet_operator::view::ip_addresses::{ConfigurationAddresses, MachineAddresses, PublicAddress, ip_addresses};

use super::view::{Output, ViewOptions, engine_with};

pub const EXAMPLES: &str = "\
Examples:
  vnet list-ip-addresses vm/jump -n shop          a virtual machine
  vnet list-ip-addresses vmssvm/api-0 -n shop     an instance of a Uniform scale set
  vnet list-ip-addresses jump web-0 -o json       two machines, as `az vm list-ip-addresses` prints them
  vnet list-ip-addresses jump -f deploy/          as it would be in an empty cluster with these manifests";

const KINDS: [Kind; 2] = [Kind::VirtualMachine, Kind::VirtualMachineScaleSetVM];

#[derive(Debug, clap::Args)]
pub struct ListIpAddressesOptions {
    /// The machines: NAME or vm/NAME, and vmssvm/NAME of instances of Uniform scale sets
    #[arg(required = true, value_name = "MACHINE")]
    machines: Vec<String>,
    #[command(flatten)]
    view: ViewOptions,
}

/// Prints the addresses of machines.
pub fn list(options: &ListIpAddressesOptions) -> anyhow::Result<()> {
    let (engine, machines) = engine_with(&options.machines, &KINDS, &options.view)?;
    let all = machines.iter().map(|machine| ip_addresses(&engine, machine)).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|why| options.view.explained(why))?;
    let as_azure = || all.iter().map(MachineAddresses::as_azure_shows_them).collect::<Vec<Value>>();
    let text = match options.view.output {
        Output::Table => table(&all),
        Output::Json => serde_json::to_string_pretty(&as_azure())? + "\n",
        Output::Yaml => serde_saphyr::to_string(&as_azure())?,
    };
    Ok(anstream::stdout().write_all(text.as_bytes())?)
}

fn table(all: &[MachineAddresses]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["MACHINE", "NIC", "CONFIGURATION", "PRIVATE-IP", "PUBLIC-IP", "PUBLIC-IP-ADDRESS", "FQDN"]);
    let address = |address: Option<IpAddr>| address.map(|address| address.to_string()).unwrap_or_default();
    for MachineAddresses { machine, configurations } in all {
        for ConfigurationAddresses { network_interface, name, private_ip_address, public_ip_address } in configurations
        {
            let public = public_ip_address.as_ref();
            table.add_row([
                machine.name.name.to_string(),
                network_interface.clone(),
                name.clone(),
                address(*private_ip_address),
                address(public.and_then(|public| public.ip_address)),
                public.map(|public| public.name.clone()).unwrap_or_default(),
                public.and_then(|PublicAddress { fqdn, .. }| fqdn.clone()).unwrap_or_default(),
            ]);
        }
    }
    table.to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
