//! Scale sets, their models, and the objects that show their instances.

use std::sync::Arc;
use std::time::Duration;

use super::{A, named};
use crate::fabric::network_interface::{Assignment, NetworkInterface};
use crate::fabric::public_ip_address::Sku;
use crate::fabric::sizes;
use crate::fabric::terms::{DeleteOption, IpVersion, Primary, Switch};
use crate::fabric::virtual_machine::{DesiredPowerState, OsType};
use crate::fabric::virtual_machine_scale_set::{
    ConfigurationModel, Model, NicModel, OrchestrationMode, PublicModel, RollingPolicy, UpgradeMode,
    VirtualMachineScaleSet, mark_primary,
};
use crate::fabric::virtual_machine_scale_set_vm::{DesiredRevision, Maker, VirtualMachineScaleSetVM};
use crate::fabric::zones::{Zone, Zones};

/// A Uniform scale set of this many instances, each with one network interface `nic` in subnet `web`.
pub fn a_scale_set(name: &str, replicas: u32) -> A<VirtualMachineScaleSet> {
    let model = Model {
        size: sizes::vm_size("Standard_DS3_v2").unwrap(),
        computer_name_prefix: "host".to_owned(),
        os_type: OsType::Linux,
        network: [a_nic_model("nic")].into(),
    };
    let rolling = RollingPolicy { max_batch_percent: 20, max_unhealthy_percent: 20, pause: Duration::ZERO };
    let (mode, upgrade) = (OrchestrationMode::Uniform, UpgradeMode::Manual);
    let (model, restarted_at, zones) = (model.into(), None, Zones::new());
    A::new(name, VirtualMachineScaleSet { mode, replicas, upgrade, rolling, model, restarted_at, zones })
}

impl A<VirtualMachineScaleSet> {
    pub fn flexible(mut self) -> Self {
        self.ask.mode = OrchestrationMode::Flexible;
        self
    }

    pub fn zones(mut self, zones: impl IntoIterator<Item = Zone>) -> Self {
        self.ask.zones = zones.into_iter().collect();
        self
    }

    pub fn upgrade(mut self, mode: UpgradeMode) -> Self {
        self.ask.upgrade = mode;
        self
    }

    /// A Rolling upgrade in batches of so many percent, with a pause of so many seconds.
    pub fn rolling(mut self, batch: u8, pause: u64) -> Self {
        self.ask.upgrade = UpgradeMode::Rolling;
        self.ask.rolling.max_batch_percent = batch;
        self.ask.rolling.pause = Duration::from_secs(pause);
        self
    }

    /// With the annotation that asks for a restart.
    pub fn restarted_at(mut self, when: &str) -> Self {
        self.ask.restarted_at = Some(when.to_owned());
        self
    }

    pub fn size(self, size: &str) -> Self {
        let size = sizes::vm_size(size).unwrap();
        self.model(|model| model.size = size)
    }

    pub fn nics<const N: usize>(self, nics: [NicModel; N]) -> Self {
        self.model(|model| model.network = own(nics))
    }

    pub fn network(self, network: Vec<NicModel>) -> Self {
        self.model(|model| model.network = own(network))
    }

    /// The only network interface, changed.
    pub fn nic(self, change: impl FnOnce(&mut NicModel)) -> Self {
        self.model(|model| {
            let mut network = model.network.to_vec();
            change(&mut network[0]);
            model.network = own(network);
        })
    }

    /// Every instance has a public address.
    pub fn public(self, public: PublicModel) -> Self {
        self.nic(|nic| nic.interface.configurations[0].public_ip_address = Some(public))
    }

    fn model(mut self, change: impl FnOnce(&mut Model)) -> Self {
        let mut model = (*self.ask.model).clone();
        change(&mut model);
        self.ask.model = model.into();
        self
    }
}

/// A network interface of instances, in subnet `web`, with one configuration.
pub fn a_nic_model(name: &str) -> NicModel {
    NicModel {
        name: name.into(),
        primary: Primary::Yes,
        delete_option: DeleteOption::Detach,
        interface: NetworkInterface {
            subnet: named("web"),
            ip_forwarding: Switch::Off,
            accelerated_networking: Switch::Off,
            dns_servers: Vec::new(),
            internal_dns_name_label: None,
            configurations: vec![a_configuration_model("ip", Primary::Yes)],
        },
    }
}

impl NicModel {
    /// In another subnet.
    pub fn in_subnet(mut self, subnet: &str) -> Self {
        self.interface.subnet = named(subnet);
        self
    }

    /// Not the primary one.
    pub fn secondary(mut self) -> Self {
        self.primary = Primary::No;
        self
    }
}

pub fn a_configuration_model(name: &str, primary: Primary) -> ConfigurationModel {
    ConfigurationModel {
        name: name.into(),
        primary,
        version: IpVersion::IPv4,
        assignment: Assignment::Dynamic,
        public_ip_address: None,
        public_delete_option: DeleteOption::Detach,
    }
}

/// A public address of instances.
pub fn a_public_model(sku: Sku) -> PublicModel {
    PublicModel { name: "pub".to_owned(), sku, idle_timeout_minutes: 4, domain_name_label: None, prefix: None }
}

impl PublicModel {
    /// With a domain name.
    pub fn label(mut self, label: &str) -> Self {
        self.domain_name_label = Some(label.to_owned());
        self
    }

    /// Taken from a public prefix.
    pub fn from(mut self, prefix: &str) -> Self {
        self.prefix = Some(named(prefix));
        self
    }
}

/// A network of an instance, with what may be left unsaid filled in.
pub fn own(nics: impl Into<Vec<NicModel>>) -> Arc<[NicModel]> {
    let mut network = nics.into();
    mark_primary(&mut network);
    network.into()
}

/// The object that shows an instance, as the set makes it.
pub fn an_instance(set: &str, id: u64) -> A<VirtualMachineScaleSetVM> {
    let ask = VirtualMachineScaleSetVM {
        set: named(set),
        id: Some(id),
        maker: Maker::ScaleSet,
        revision: None,
        power: None,
        network: None,
        restarted_at: None,
    };
    A::new(&format!("{set}-{id}"), ask)
}

impl A<VirtualMachineScaleSetVM> {
    pub fn made_by(mut self, maker: Maker) -> Self {
        self.ask.maker = maker;
        self
    }

    pub fn revision(mut self, revision: u64) -> Self {
        self.ask.revision = Some(DesiredRevision::Number(revision));
        self
    }

    pub fn power(mut self, power: DesiredPowerState) -> Self {
        self.ask.power = Some(power);
        self
    }

    pub fn network<const N: usize>(mut self, nics: [NicModel; N]) -> Self {
        self.ask.network = Some(own(nics));
        self
    }
}
