//! What must hold of a fabric at any moment, recomputed from its tables.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Deadlines, Engine};
use crate::fabric::holder::Holder;
use crate::fabric::id::{Kind, Name, ObjectId, Uid};
use crate::fabric::ipam::PoolId;
use crate::fabric::ledger::{Ledger, Owner};
use crate::fabric::network_interface::NetworkInterface;
use crate::fabric::public_ip_address::PublicIPAddress;
use crate::fabric::public_ip_prefix::PublicIPPrefix;
use crate::fabric::quota::{Quota, Usage};
use crate::fabric::ranges::Ranges;
use crate::fabric::resource::Resource;
use crate::fabric::subnet::Subnet;
use crate::fabric::terms::IpVersion;
use crate::fabric::terms::Primary;
use crate::fabric::virtual_machine::{PowerState, VirtualMachine};
use crate::fabric::virtual_machine_scale_set::{
    InstanceName, OrchestrationMode, VirtualMachineScaleSet, pending_objects,
};
use crate::fabric::virtual_machine_scale_set_vm::VirtualMachineScaleSetVM;
use crate::fabric::virtual_network::VirtualNetwork;

impl Engine {
    /// Panics if an index disagrees with the tables, or if something is held twice.
    pub(crate) fn assert_consistent(&self) {
        self.assert_subnets();
        self.assert_addresses();
        self.assert_attachments();
        assert_eq!(self.referrers, self.found_referrers(), "who refers to what is what a walk finds");
        self.assert_public_addresses();
        self.assert_usage();
        self.assert_instances();
        self.assert_reservations();
        let mut deadlines = Deadlines::default();
        for (name, vm) in self.all::<VirtualMachine>() {
            let this = ObjectId::new(Kind::VirtualMachine, name.clone());
            vm.held.starts_at.into_iter().for_each(|due| deadlines.set(&this, due));
        }
        for (name, set) in self.all::<VirtualMachineScaleSet>() {
            let this = ObjectId::new(Kind::VirtualMachineScaleSet, name.clone());
            set.held.paused_until.into_iter().for_each(|due| deadlines.set(&this, due));
        }
        assert_eq!(self.deadlines, deadlines, "the deadlines are those of starts and pauses");
        for (name, vm) in self.all::<VirtualMachine>() {
            assert_eq!(vm.held.starts_at.is_some(), vm.held.power == PowerState::Starting, "{name}");
        }
    }

    /// Panics if anything is left of what was deleted.
    pub(crate) fn assert_empty(&self) {
        let held: u64 = self.pools.values().map(|pool| pool.allocated()).sum();
        assert_eq!((held, self.pools.len()), (0, 1), "only the public pool is left, and nothing of it is held");
        assert!(self.macs.is_empty() && self.labels.is_empty() && self.deadlines.is_empty());
        assert!(self.referrers.is_empty() && self.azure_names.is_empty() && self.suffixes.is_empty());
        assert_eq!(self.ledger, Ledger::default());
    }

    /// What is reserved is what a walk through all sets finds lacking: of each object the same pools, and of each quota the
    /// sum. An address may be missing where a pool had none left.
    fn assert_reservations(&self) {
        if !self.unreconciled.is_empty() {
            return; // until the next put, by when everything is restored
        }
        let mut naive = Ledger::default();
        let mut totals: BTreeMap<Quota, u64> = BTreeMap::new();
        for (name, set) in self.all::<VirtualMachineScaleSet>() {
            for id in set.pending() {
                let owner = Owner::instance(name, id);
                let objects = pending_objects(self, name, id);
                let quotas = objects.iter().flat_map(|(_, lacking)| &lacking.quotas);
                quotas.for_each(|(quota, count)| *totals.entry(quota.clone()).or_default() += count);
                for slot in naive.set(&owner, objects).1 {
                    if let Some(address) = self.ledger.address_of(&slot.0, &slot.1, &slot.2) {
                        naive.assign(&slot, address);
                    }
                }
            }
        }
        assert_eq!(self.ledger, naive, "what is reserved is what is lacking");
        assert!(totals.iter().all(|(quota, total)| self.ledger.total(quota) == *total), "{totals:?}");
        for (id, pool) in &self.pools {
            let reserved: Vec<_> = self.ledger.addresses_in(id).collect();
            assert!(reserved.iter().all(|(address, _)| pool.holds(*address)), "{reserved:?} are marked in {id:?}");
        }
    }

    /// How many addresses of a pool are reserved.
    fn reserved(&self, pool: &PoolId) -> u64 {
        self.ledger.addresses_in(pool).count() as u64
    }

    /// An instance of a Uniform set has exactly the parts that its network names, and no part is of no instance.
    fn assert_instances(&self) {
        let (mut vms, mut nics, mut publics, mut objects) = (0, 0, 0, 0);
        for (name, set) in self.all::<VirtualMachineScaleSet>() {
            let uniform = set.ask.mode == OrchestrationMode::Uniform;
            for (id, instance) in set.held.instances.iter().filter(|(_, instance)| uniform && instance.revision > 0) {
                let this = InstanceName { set: name, id: *id };
                let network = set.network(instance);
                let vm = self.get::<VirtualMachine>(&this.vm()).expect("an instance has a virtual machine");
                let listed: Vec<_> = vm.ask.network_interfaces.iter().map(|nic| nic.name.clone()).collect();
                assert_eq!(listed, network.iter().map(|nic| this.nic(&nic.name)).collect::<Vec<_>>(), "{name} {id}");
                assert!(listed.iter().all(|nic| self.get::<NetworkInterface>(nic).is_some()), "{name} {id}");
                let public = this.public_asks(&network);
                assert!(public.iter().all(|(public, _)| self.get::<PublicIPAddress>(public).is_some()), "{name} {id}");
                (vms, nics, publics) = (vms + 1, nics + listed.len(), publics + public.len());
                objects += usize::from(self.get::<VirtualMachineScaleSetVM>(&this.object()).is_some());
            }
            assert!(set.held.instances.keys().all(|id| *id < set.held.next_instance_id), "{name}");
            assert!(set.held.models.contains_key(&set.held.revision), "{name}");
        }
        let is_part = |name: &Name, uid: &Uid| *uid == Uid::of_part(name);
        assert_eq!(self.all::<VirtualMachine>().filter(|(name, part)| is_part(name, &part.uid)).count(), vms);
        assert_eq!(self.all::<NetworkInterface>().filter(|(name, part)| is_part(name, &part.uid)).count(), nics);
        assert_eq!(self.all::<PublicIPAddress>().filter(|(name, part)| is_part(name, &part.uid)).count(), publics);
        assert_eq!(self.all::<VirtualMachineScaleSetVM>().count(), objects);
    }

    fn assert_usage(&self) {
        let mut usage = Usage::default();
        let networks = self.all::<VirtualNetwork>().flat_map(|(_, network)| network.ask.counts(&network.placement));
        let nics = self.all::<NetworkInterface>().flat_map(|(_, nic)| nic.ask.counts(&nic.placement));
        let public = self.all::<PublicIPAddress>().flat_map(|(_, public)| public.ask.counts(&public.placement));
        let private = self.addresses.keys().map(|(subnet, _)| {
            Quota::PrivateAddresses(self.get::<Subnet>(subnet).expect("it holds addresses").ask.virtual_network.clone())
        });
        networks.chain(nics).chain(public).chain(private).for_each(|quota| usage.add(quota, 1));
        assert_eq!(self.usage, usage, "the quotas count what there is");
    }

    fn assert_subnets(&self) {
        let mut ranges_of: BTreeMap<Name, Ranges> = BTreeMap::new();
        let mut pools = BTreeSet::from([PoolId::Public]);
        for (name, subnet) in self.all::<Subnet>() {
            let ranges = ranges_of.entry(subnet.ask.virtual_network.clone()).or_default();
            subnet.ask.prefixes().for_each(|range| ranges.insert(range, name));
            pools.insert(PoolId::of_subnet(name, IpVersion::IPv4));
            pools.extend(subnet.ask.ipv6.map(|_| PoolId::of_subnet(name, IpVersion::IPv6)));
        }
        let prefixes = self.all::<PublicIPPrefix>().filter(|(_, prefix)| prefix.held.prefix.is_some());
        pools.extend(prefixes.map(|(name, _)| PoolId::Prefix(name.clone())));
        assert_eq!(self.ranges_of, ranges_of);
        assert_eq!(self.pools.keys().cloned().collect::<BTreeSet<_>>(), pools);
    }

    fn assert_addresses(&self) {
        let mut addresses = BTreeMap::new();
        let mut allocated: BTreeMap<PoolId, u64> = BTreeMap::new();
        for (nic, programmed) in self.all::<NetworkInterface>() {
            let subnet = &programmed.ask.subnet;
            for (configuration, address) in &programmed.held.addresses {
                let asked = programmed.ask.configurations.iter().find(|asked| asked.name == *configuration);
                let asked = asked.unwrap_or_else(|| panic!("{nic} holds {address} for {configuration}, which is gone"));
                assert_eq!(asked.version, IpVersion::of(address), "{configuration} of {nic}");
                let pool = PoolId::of_subnet(subnet, asked.version);
                assert!(self.pools[&pool].holds(*address), "{address} of {nic} is marked in its pool");
                *allocated.entry(pool).or_default() += 1;
                let before = addresses.insert((subnet.clone(), *address), Holder::configuration(nic, configuration));
                assert_eq!(before, None, "{address} of {subnet} is held twice");
            }
        }
        assert_eq!(self.addresses, addresses);
        let private = |id: &PoolId| matches!(id, PoolId::SubnetIPv4(_) | PoolId::SubnetIPv6(_));
        for (id, pool) in self.pools.iter().filter(|(id, _)| private(id)) {
            let allocated = allocated.get(id).copied().unwrap_or(0) + self.reserved(id);
            assert_eq!(pool.allocated(), allocated, "nothing leaks from {id:?}");
        }
    }

    fn assert_attachments(&self) {
        let mut nics_of: BTreeMap<Name, BTreeMap<u64, Name>> = BTreeMap::new();
        let mut macs = BTreeSet::new();
        for (nic, programmed) in self.all::<NetworkInterface>() {
            if let Some(attached) = &programmed.held.attached {
                let twice = nics_of.entry(attached.vm.clone()).or_default().insert(attached.seq, nic.clone());
                assert_eq!(twice, None, "attachments of {} are counted up", attached.vm);
                let vm = self.get::<VirtualMachine>(&attached.vm).expect("a NIC is attached to a VM that is carried");
                assert!(vm.ask.network_interfaces.iter().any(|listed| listed.name == *nic), "{nic} is listed");
            }
            if let Some(mac) = programmed.held.mac {
                assert!(macs.insert(mac), "{mac} is held twice");
            }
        }
        assert_eq!(self.nics_of, nics_of);
        assert_eq!(self.macs.len(), macs.len(), "no MAC address leaks");
    }

    fn assert_public_addresses(&self) {
        let mut held = BTreeSet::new();
        let mut allocated: BTreeMap<PoolId, u64> = BTreeMap::new();
        let mut labels = BTreeMap::new();
        for (_, prefix) in self.all::<PublicIPPrefix>() {
            let block = prefix.held.prefix.map_or(0, |block| 1 << (32 - block.prefix_len()));
            *allocated.entry(PoolId::Public).or_default() += block;
        }
        for (name, public) in self.all::<PublicIPAddress>() {
            if let Some(address) = public.held.address {
                assert!(held.insert(address), "{address} is held twice");
                assert!(self.pools[&public.ask.pool()].holds(address), "{address} of {name} is marked in its pool");
                *allocated.entry(public.ask.pool()).or_default() += 1;
            }
            if let Some(label) = &public.ask.domain_name_label {
                let key = (public.placement.location.clone(), label.clone());
                labels.entry(key).or_insert(BTreeSet::new()).insert(ObjectId::new(Kind::PublicIPAddress, name.clone()));
            }
        }
        for (name, set) in self.all::<VirtualMachineScaleSet>() {
            for label in &set.held.labels {
                let key = (set.placement.location.clone(), label.clone());
                let id = ObjectId::new(Kind::VirtualMachineScaleSet, name.clone());
                labels.entry(key).or_insert(BTreeSet::new()).insert(id);
            }
        }
        for (id, pool) in self.pools.iter().filter(|(id, _)| matches!(id, PoolId::Public | PoolId::Prefix(_))) {
            assert_eq!(
                pool.allocated(),
                allocated.get(id).copied().unwrap_or(0) + self.reserved(id),
                "no public address leaks from {id:?}"
            );
        }
        for (label, holder) in &self.labels {
            assert!(labels.get(label).is_some_and(|all| all.contains(holder)), "{label:?} is the label of {holder}");
        }
        let mut claims: BTreeMap<Name, Vec<Holder>> = BTreeMap::new();
        for (nic, programmed) in self.all::<NetworkInterface>() {
            for configuration in &programmed.ask.configurations {
                if let Some(public) = &configuration.public_ip_address {
                    claims.entry(public.clone()).or_default().push(Holder::configuration(nic, &configuration.name));
                }
            }
        }
        for (public, holder) in &self.associations {
            assert!(claims.get(public).is_some_and(|all| all.contains(holder)), "{holder:?} refers to {public}");
        }
    }

    /// Panics unless the rules that the fabric keeps at any moment hold; records that contradict each other may break
    /// them until the objects are put again.
    pub(in crate::fabric) fn assert_legal(&self) {
        let claims = self.all::<NetworkInterface>().flat_map(|(_, nic)| nic.ask.public_ip_addresses()).count();
        assert_eq!(self.associations.len(), claims, "a public address serves one configuration");
        let labels = self.all::<PublicIPAddress>().filter(|(_, public)| public.ask.domain_name_label.is_some()).count();
        let of_sets: usize = self.all::<VirtualMachineScaleSet>().map(|(_, set)| set.held.labels.len()).sum();
        assert_eq!(self.labels.len(), labels + of_sets, "a label is one public address's, or one scale set's");
        for (name, nic) in self.all::<NetworkInterface>() {
            assert_eq!(nic.ask.configurations.iter().filter(|c| c.primary == Primary::Yes).count(), 1, "{name}");
            let has_ipv6 = self.pools.contains_key(&PoolId::of_subnet(&nic.ask.subnet, IpVersion::IPv6));
            for configuration in &nic.ask.configurations {
                let served = configuration.version == IpVersion::IPv4 || has_ipv6;
                assert_eq!(nic.held.addresses.contains_key(&configuration.name), served, "{name}");
            }
        }
        for (name, network) in self.all::<VirtualNetwork>() {
            let outside = self.all::<Subnet>().filter(|(_, subnet)| subnet.ask.virtual_network == *name);
            let outside: BTreeSet<IpNet> = outside.flat_map(|(_, subnet)| subnet.ask.prefixes()).collect();
            let outside: Vec<IpNet> = outside.into_iter().filter(|range| !network.ask.contains(range)).collect();
            assert!(outside.iter().all(|range| network.held.retains(range)), "{outside:?} are of no prefix of {name}");
            let is_used = |prefix: &IpNet| outside.iter().any(|range| prefix.contains(range));
            assert!(network.held.retained.iter().all(is_used), "{name} keeps what nothing lies in");
        }
        for (name, subnet) in self.all::<Subnet>() {
            let capacity = Subnet::observe(self, name, subnet).capacity.unwrap();
            let held = self.addresses.keys().filter(|(of, address)| of == name && address.is_ipv4()).count();
            let held = held + self.reserved(&PoolId::SubnetIPv4(name.clone())) as usize;
            let total = 1i64 << (32 - subnet.ask.ipv4.prefix_len());
            let told = (capacity.total, capacity.reserved, capacity.allocated, capacity.available);
            assert_eq!(told, (total, 5, held as i64, total - 5 - held as i64), "the capacity of {name}");
        }
        let blocks: Vec<_> = self.all::<PublicIPPrefix>().filter_map(|(_, prefix)| prefix.held.prefix).collect();
        for (name, public) in self.all::<PublicIPAddress>() {
            let of = public.ask.public_ip_prefix.as_ref().map(|of| self.get::<PublicIPPrefix>(of).unwrap().held.prefix);
            let inside = |address: IpAddr| blocks.iter().copied().find(|block| IpNet::V4(*block).contains(&address));
            if let Some(address) = public.held.address {
                assert_eq!(inside(address), of.flatten(), "{address} of {name} is of its prefix, or of none");
            }
        }
        for (name, vm) in self.all::<VirtualMachine>() {
            let listed: BTreeSet<_> = vm.ask.network_interfaces.iter().map(|nic| nic.name.clone()).collect();
            assert_eq!(self.attached_to(name).into_iter().collect::<BTreeSet<_>>(), listed, "{name} has what it lists");
            let nics = listed.iter().map(|nic| self.get::<NetworkInterface>(nic).unwrap());
            let primaries = nics.clone().filter(|nic| nic.held.attached.as_ref().unwrap().primary).count();
            assert_eq!(primaries, 1, "one NIC of {name} is primary");
            let networks: BTreeSet<_> =
                nics.map(|nic| self.get::<Subnet>(&nic.ask.subnet).unwrap().ask.virtual_network.clone()).collect();
            assert_eq!(networks.len(), 1, "the NICs of {name} are in one virtual network");
            assert!(listed.len() <= vm.ask.size.max_nics, "{name}");
            let set = vm.ask.availability_set.as_ref().map(|set| ObjectId::new(Kind::AvailabilitySet, set.clone()));
            let beside = set.iter().flat_map(|set| self.referrers(set, Kind::VirtualMachine).iter());
            let beside = beside.flat_map(|vm| self.attached_to(vm));
            let nics: Vec<_> = listed.into_iter().chain(beside).collect();
            let publics =
                nics.iter().flat_map(|nic| self.get::<NetworkInterface>(nic).unwrap().ask.public_ip_addresses());
            let skus = publics.map(|public| self.get::<PublicIPAddress>(public).unwrap().ask.sku.to_string());
            assert!(skus.collect::<BTreeSet<_>>().len() <= 1, "SKUs do not mix on {name} and beside it");
        }
    }
}
