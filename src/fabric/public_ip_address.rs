//! Public IP addresses: resources of their own that an IP configuration may refer to (PIP-01 to PIP-23).
//!
//! The rules are in `rules`, what they find in `findings` and `sku_mix`, what an address serves is in `associations`;
//! allocation and domain names are here.

mod associations;
mod findings;
mod rules;
mod sku_mix;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::collections::btree_map::Entry;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::Engine;
use super::holder::Holder;
use super::id::{Kind, Name, ObjectId, Placement, ShownRef};
use super::ipam::PoolId;
use super::network_interface::NetworkInterface;
use super::public_ip_prefix::PublicIPPrefix;
use super::quota::Quota;
use super::reference::Reference;
use super::resource::{DeletionRule, Programmed, Resource, Rule};
use super::terms::{AllocationMethod, IpVersion};
use super::violation::WaitKey;
use super::virtual_machine::{PowerState, VirtualMachine};
use super::zones::Zones;
pub(super) use associations::{associate, dissociate, restore_association};
pub(super) use rules::{dynamic_shortfall, label_is_in_use, label_is_reserved, public_pool_has_room};
pub(super) use sku_mix::{FoundBy, SkuMix};

/// The generation of the public address service (PIP-01).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum Sku {
    #[default]
    Basic,
    Standard,
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Sku {
    /// How its addresses are allocated by default: a Standard one is always Static (PIP-02).
    pub fn default_method(self) -> AllocationMethod {
        match self {
            Sku::Basic => AllocationMethod::Dynamic,
            Sku::Standard => AllocationMethod::Static,
        }
    }
}

/// What is asked of a public address.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicIPAddress {
    /// Its SKU.
    pub sku: Sku,
    /// Allocated at creation (Static), or while its VM is allocated (Dynamic).
    pub method: AllocationMethod,
    /// Its IP version.
    pub version: IpVersion,
    /// How long an idle flow is kept, in minutes.
    pub idle_timeout_minutes: i32,
    /// The first label of its domain name.
    pub domain_name_label: Option<String>,
    /// The public prefix that the address is taken from.
    pub public_ip_prefix: Option<Name>,
    /// Which address of the prefix it is to be (PIP-26).
    pub requested_address: Option<IpAddr>,
    /// The availability zones that it is in (PIP-27).
    pub zones: Zones,
}

/// What the fabric holds of a public address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldPublicIPAddress {
    /// The address, while it has one (PIP-04, PIP-05).
    pub address: Option<IpAddr>,
}

/// What the fabric reports of a public address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicIPAddressView {
    /// The allocated IP address. A Dynamic one is present only while it is associated with a virtual machine that is
    /// not deallocated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 45))]
    pub ip_address: Option<IpAddr>,
    /// The DNS name of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_settings: Option<PublicDnsView>,
    /// The IP configuration with which the address is associated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_configuration: Option<Association>,
}

/// The domain name of a public address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublicDnsView {
    /// The fully qualified DNS name: label, location and the platform's domain.
    pub fqdn: String,
}

/// An IP configuration of a network interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    /// The network interface of the IP configuration.
    pub network_interface: ShownRef,
    /// The name of the IP configuration.
    pub name: String,
}

impl Association {
    /// The holder of the public address of this name, as that shows it.
    fn of(holder: &Holder, public: &Name) -> Self {
        match holder {
            Holder::IpConfiguration { nic, name } => {
                Self { network_interface: ShownRef::of(nic, public), name: name.to_string() }
            }
        }
    }
}

impl Resource for PublicIPAddress {
    type Held = HeldPublicIPAddress;
    type View = PublicIPAddressView;

    const ARM_TYPE: &'static str = "Microsoft.Network/publicIPAddresses";
    const RULES: &'static [Rule<Self>] = rules::RULES;
    const DELETION_RULES: &'static [DeletionRule] = rules::DELETION_RULES;

    fn zones(&self) -> Option<&Zones> {
        Some(&self.zones)
    }

    fn requests_specific_address(&self) -> bool {
        self.requested_address.is_some()
    }

    fn requested_addresses(&self) -> Vec<(PoolId, IpAddr)> {
        self.public_ip_prefix.clone().map(PoolId::Prefix).zip(self.requested_address).into_iter().collect()
    }

    fn references(&self) -> Vec<Reference> {
        let prefix = self.public_ip_prefix.iter();
        prefix.map(|prefix| Reference::new(Kind::PublicIPPrefix, prefix, "spec.publicIPPrefix", "PIP-16")).collect()
    }

    fn counts(&self, placement: &Placement) -> Vec<Quota> {
        match (self.sku, self.version, self.method) {
            (Sku::Standard, ..) => vec![Quota::StandardPublicIPAddresses(placement.clone())],
            (Sku::Basic, IpVersion::IPv6, _) => Vec::new(),
            (Sku::Basic, IpVersion::IPv4, AllocationMethod::Dynamic) => {
                vec![Quota::BasicPublicIPAddresses(placement.clone())]
            }
            (Sku::Basic, IpVersion::IPv4, AllocationMethod::Static) => vec![
                Quota::BasicPublicIPAddresses(placement.clone()),
                Quota::StaticPublicIPAddresses(placement.clone()),
            ],
        }
    }

    /// One that names no zones has those of its prefix (PIP-27), and keeps them while that is not carried.
    fn resolve(&mut self, engine: &Engine, programmed: Option<&Programmed<Self>>) {
        let Some(prefix) =
            self.public_ip_prefix.as_ref().filter(|_| self.zones.is_empty() && self.sku == Sku::Standard)
        else {
            return;
        };
        let same =
            programmed.map(|programmed| &programmed.ask).filter(|ask| ask.public_ip_prefix == self.public_ip_prefix);
        let of_prefix = || engine.get::<PublicIPPrefix>(prefix).map(|prefix| &prefix.ask.zones);
        if let Some(zones) = same.map(|ask| &ask.zones).or_else(of_prefix) {
            self.zones.clone_from(zones);
        }
    }

    fn apply(engine: &mut Engine, name: &Name, before: Option<&Self>) {
        move_label(engine, name, before);
        reconcile_address(engine, name);
        let label = |ask: Option<&Self>| ask.and_then(|ask| ask.domain_name_label.clone());
        if label(before) != label(engine.get::<Self>(name).map(|programmed| &programmed.ask)) {
            touch_holder(engine, name);
        }
    }

    fn release(engine: &mut Engine, name: &Name, gone: &Programmed<Self>) {
        if let Some(address) = gone.held.address {
            release_address(engine, &gone.ask.pool(), address);
        }
        if let Some(label) = &gone.ask.domain_name_label {
            release_label(engine, name, &gone.placement.location, label);
        }
        engine.wake(WaitKey::claim(Kind::PublicIPAddress, name));
    }

    fn restore_held(engine: &mut Engine, name: &Name, view: &PublicIPAddressView) -> Vec<String> {
        let mut dropped = Vec::new();
        let key = engine
            .get::<Self>(name)
            .and_then(|p| p.ask.domain_name_label.clone().map(|label| (p.placement.location.clone(), label)));
        match key.map(|key| engine.labels.entry(key)) {
            Some(Entry::Occupied(taken)) => dropped.push(format!("domain name label {} is another's", taken.key().1)),
            Some(Entry::Vacant(free)) => drop(free.insert(ObjectId::new(Kind::PublicIPAddress, name.clone()))),
            None => {}
        }
        let pool = engine.get::<Self>(name).map_or(PoolId::Public, |programmed| programmed.ask.pool());
        if let Some(address) = view.ip_address {
            let is_held = engine.get::<Self>(name).is_some_and(|public| public.ask.version == IpVersion::IPv4);
            let free = is_held && engine.pools.get_mut(&pool).is_some_and(|pool| pool.reserve(address));
            match engine.get_mut::<Self>(name) {
                Some(programmed) if free => programmed.held.address = Some(address),
                _ => dropped.push(format!("address {address} is another's, or of no pool")),
            }
        }
        dropped
    }

    fn is_unclaimed(engine: &Engine, name: &Name, _: &Programmed<Self>) -> Option<bool> {
        Some(!engine.is_associated(name))
    }

    /// Dynamic ones that serve nothing are released.
    fn on_all_restored(engine: &mut Engine) {
        for name in engine.names(Kind::PublicIPAddress) {
            reconcile_address(engine, &name);
        }
    }

    fn observe(engine: &Engine, name: &Name, programmed: &Programmed<Self>) -> PublicIPAddressView {
        let holder = engine.associations.get(name);
        PublicIPAddressView {
            ip_address: programmed.held.address,
            dns_settings: fqdn(programmed).map(|fqdn| PublicDnsView { fqdn }),
            ip_configuration: holder.map(|holder| Association::of(holder, name)),
        }
    }
}

impl PublicIPAddress {
    /// The pool that its address is taken from.
    pub fn pool(&self) -> PoolId {
        self.public_ip_prefix.clone().map_or(PoolId::Public, PoolId::Prefix)
    }

    /// The fabric models public IPv4 addresses; an IPv6 one is never allocated here, since only load balancers carry it.
    fn is_allocated_at_creation(&self) -> bool {
        self.method == AllocationMethod::Static && self.version == IpVersion::IPv4
    }
}

/// The platform's domain of public addresses (PIP-14).
const DOMAIN: &str = "cloudapp.azure.com";

impl Engine {
    /// Withdraws the addresses that were allocated as objects were restored, and that are none of these: they are the operator's to
    /// allocate.
    pub fn withdraw_public_addresses_except(&mut self, shown: &BTreeSet<IpAddr>) {
        for name in self.names(Kind::PublicIPAddress) {
            let held = self.get_mut::<PublicIPAddress>(&name).map(|programmed| &mut programmed.held.address);
            if let Some(address) = held.filter(|held| held.is_some_and(|address| !shown.contains(&address))) {
                *address = None;
            }
        }
    }
}

/// The DNS name of a public address.
pub fn fqdn(programmed: &Programmed<PublicIPAddress>) -> Option<String> {
    let label = programmed.ask.domain_name_label.as_ref()?;
    Some(format!("{label}.{}.{DOMAIN}", programmed.placement.location))
}

/// The virtual machine that a public address serves, by way of the NIC that holds it.
fn served<'a>(engine: &'a Engine, name: &Name) -> Option<&'a Programmed<VirtualMachine>> {
    let nic = engine.associations.get(name)?.network_interface()?;
    let attached = engine.get::<NetworkInterface>(nic)?.held.attached.as_ref()?;
    engine.get::<VirtualMachine>(&attached.vm)
}

/// Brings the address in line with what is asked and what it is associated with (PIP-04 to PIP-07).
pub(super) fn reconcile_address(engine: &mut Engine, name: &Name) {
    let Some(programmed) = engine.get::<PublicIPAddress>(name) else { return };
    let power = served(engine, name).map(|vm| vm.held.power);
    let (address, pool) = (programmed.held.address, programmed.ask.pool());
    let requested = programmed.ask.requested_address;
    let wanted = match (programmed.ask.method, power) {
        _ if programmed.ask.version == IpVersion::IPv6 => false,
        (AllocationMethod::Static, _)
        // Taken when the start begins, so that what a put was found to have room for is there when it ends.
        | (AllocationMethod::Dynamic, Some(PowerState::Running | PowerState::Starting)) => true,
        (AllocationMethod::Dynamic, Some(PowerState::Stopped)) => address.is_some(),
        (AllocationMethod::Dynamic, _) if engine.restoring => address.is_some(),
        (AllocationMethod::Dynamic, Some(PowerState::Deallocated) | None) => false,
    };
    let reconciled = match (wanted, address) {
        (true, None) => {
            let this = ObjectId::new(Kind::PublicIPAddress, name.clone());
            let reserved =
                engine.ledger.address_of(&this, "", &pool).filter(|own| engine.take_reserved(&this, &pool, *own));
            reserved.or_else(|| {
                let pool = engine.pools.get_mut(&pool)?;
                let free = requested.or_else(|| pool.lowest_free(1, &[]).first().copied());
                free.filter(|free| pool.reserve(*free))
            })
        }
        (false, Some(address)) => {
            release_address(engine, &pool, address);
            None
        }
        (true, Some(_)) | (false, None) => address,
    };
    if reconciled != address {
        if let Some(programmed) = engine.get_mut::<PublicIPAddress>(name) {
            programmed.held.address = reconciled;
        }
        engine.touch(Kind::PublicIPAddress, name);
        touch_holder(engine, name);
    }
}

fn release_address(engine: &mut Engine, pool: &PoolId, address: IpAddr) {
    if engine.pools.get_mut(pool).is_some_and(|pool| pool.release(address)) {
        engine.wake(WaitKey::Capacity(pool.clone()));
    }
}

fn touch_holder(engine: &mut Engine, name: &Name) {
    if let Some(holder) = engine.associations.get(name).map(Holder::object) {
        engine.touch(holder.kind, &holder.name);
    }
}

fn move_label(engine: &mut Engine, name: &Name, before: Option<&PublicIPAddress>) {
    let Some(programmed) = engine.get::<PublicIPAddress>(name) else { return };
    let location: Arc<str> = programmed.placement.location.clone();
    let new = programmed.ask.domain_name_label.clone();
    let old = before.and_then(|before| before.domain_name_label.clone());
    if let Some(old) = old.filter(|old| new.as_ref() != Some(old)) {
        release_label(engine, name, &location, &old);
    }
    if let Some(new) = new {
        engine.labels.insert((location, new), ObjectId::new(Kind::PublicIPAddress, name.clone()));
    }
}

/// What was restored may name a label that is another's.
fn release_label(engine: &mut Engine, name: &Name, location: &Arc<str>, label: &str) {
    let key = (location.clone(), label.to_owned());
    if engine.labels.get(&key) == Some(&ObjectId::new(Kind::PublicIPAddress, name.clone())) {
        engine.labels.remove(&key);
        engine.wake(WaitKey::Label(location.to_string(), label.to_owned()));
    }
}
