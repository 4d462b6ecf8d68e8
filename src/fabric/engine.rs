//! The engine: the state of the fabric, and the one way to change it: check, then commit.
//!
//! Deterministic and synchronous: the same calls give the same state. A call returns what it frees as wait keys, and the
//! other objects whose reports it changes as touched.

mod azure_names;
#[cfg(test)]
mod consistency;
mod deadlines;
mod general;
mod occupancy;
mod referrers;
mod reservations;
mod settings;
mod suffixes;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::common::Common;
use super::holder::Holder;
use super::id::{Kind, Name, ObjectId, Placement, Uid};
use super::ipam::{Pool, PoolId, Reservation};
use super::kind::{Ask, Tables};
use super::ledger::{Ledger, Owner};
use super::mac::Macs;
use super::quota::{Quota, Usage};
use super::ranges::Ranges;
use super::reference::{targets, targets_of};
use super::requested::RequestedAddresses;
use super::resource::{Change, Dropped, Pending, Programmed, Record, Resource};
use super::violation::{Code, Findings, Refusal, WaitKey};
use azure_names::AzureNames;
use deadlines::Deadlines;
use general::name_is_azures;
pub use occupancy::{Occupancy, SubnetOccupancy};
pub use referrers::{Names, Referrers};
pub use settings::{DynamicAddresses, Settings};
use suffixes::Suffixes;

/// A request to carry an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Request<K> {
    /// Which life of the object asks.
    pub uid: Uid,
    /// The generation of its spec.
    pub generation: i64,
    /// The location that its spec names.
    pub location: Option<Arc<str>>,
    /// Where it is if it does not say.
    pub default: Placement,
    /// What is judged of its spec whatever its kind.
    pub common: Common,
    /// What is asked.
    pub ask: K,
}

impl<K> Request<K> {
    pub(super) fn with<L>(self, ask: L) -> Request<L> {
        let Self { uid, generation, location, default, common, ask: _ } = self;
        Request { uid, generation, location, default, common, ask }
    }
}

/// The simulated cloud.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) settings: Settings,
    pub(super) now: Timestamp,
    tables: Tables,
    refused: BTreeMap<ObjectId, Code>,
    // Derived from the tables, for look-ups that must not scan.
    referrers: Referrers,
    azure_names: AzureNames,
    suffixes: Suffixes,
    pub(super) pools: BTreeMap<PoolId, Pool>,
    pub(super) addresses: BTreeMap<(Name, IpAddr), Holder>, // of subnets
    pub(super) ranges_of: BTreeMap<Name, Ranges>,           // of the subnets of a virtual network
    pub(super) pending: BTreeMap<ObjectId, Pending<Ask>>,   // refused so far, of kinds that say so
    pub(super) nics_of: BTreeMap<Name, BTreeMap<u64, Name>>, // a virtual machine, in order of attachment
    pub(super) associations: BTreeMap<Name, Holder>,        // of public addresses
    pub(super) labels: BTreeMap<(Arc<str>, String), ObjectId>, // location, label -> who has it
    pub(super) deadlines: Deadlines,
    pub(super) macs: Macs,
    pub(super) usage: Usage,
    pub(super) requested: RequestedAddresses,
    pub(super) ledger: Ledger,
    unreconciled: BTreeSet<Owner>, // instances whose reservations are to be compared with what their objects lack
    pub(super) restoring: bool,
    woken: BTreeSet<WaitKey>,
    touched: BTreeSet<ObjectId>,
    dirty: BTreeSet<(Name, u64)>, // scale set, id of an instance
}

impl Engine {
    /// An empty fabric.
    pub fn new(settings: Settings) -> Self {
        let public = Pool::new(settings.public_ip_pool.into(), Reservation::None);
        Self {
            settings,
            now: Timestamp::UNIX_EPOCH,
            tables: Tables::default(),
            refused: BTreeMap::new(),
            pools: BTreeMap::from([(PoolId::Public, public)]),
            addresses: BTreeMap::new(),
            referrers: Referrers::default(),
            azure_names: AzureNames::default(),
            suffixes: Suffixes::default(),
            ranges_of: BTreeMap::new(),
            pending: BTreeMap::new(),
            nics_of: BTreeMap::new(),
            associations: BTreeMap::new(),
            labels: BTreeMap::new(),
            deadlines: Deadlines::default(),
            macs: Macs::default(),
            usage: Usage::default(),
            requested: RequestedAddresses::default(),
            ledger: Ledger::default(),
            unreconciled: BTreeSet::new(),
            restoring: false,
            woken: BTreeSet::new(),
            touched: BTreeSet::new(),
            dirty: BTreeSet::new(),
        }
    }

    /// Everything that the fabric carries; two fabrics with equal tables give equal answers.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// What the operator of this fabric chose.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The fabric's clock.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The object of this name, if it is carried.
    pub fn get<K: Resource>(&self, name: &Name) -> Option<&Programmed<K>> {
        K::table(&self.tables).get(name)
    }

    /// Every object of a kind that is carried.
    pub fn all<K: Resource>(&self) -> impl Iterator<Item = (&Name, &Programmed<K>)> {
        K::table(&self.tables).iter()
    }

    pub(super) fn get_mut<K: Resource>(&mut self, name: &Name) -> Option<&mut Programmed<K>> {
        K::table_mut(&mut self.tables).get_mut(name)
    }

    /// The pool, if what it belongs to is carried.
    pub fn pool(&self, pool: &PoolId) -> Option<&Pool> {
        self.pools.get(pool)
    }

    /// True if something holds this public address.
    pub fn is_associated(&self, public: &Name) -> bool {
        self.associations.contains_key(public)
    }

    /// The number of MAC addresses in use.
    pub fn macs_in_use(&self) -> usize {
        self.macs.len()
    }

    /// Advances the clock to `now`, and does everything that was due by then.
    pub fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        while let Some(object) = self.deadlines.pop(self.now) {
            self.on_deadline(&object);
        }
        self.reconcile_reservations();
    }

    /// When the fabric next has something to do by itself.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    /// Until [`Engine::end_restore`] no Dynamic public address is released: what it serves may not be carried yet.
    pub fn begin_restore(&mut self) {
        self.restoring = true;
    }

    /// Everything is restored, or has been put again where its record was lost.
    pub fn end_restore(&mut self) {
        self.restoring = false;
        self.on_all_restored();
        self.reconcile_reservations();
    }

    /// The keys whose waiters are to be judged again, since the last call.
    pub fn take_woken(&mut self) -> BTreeSet<WaitKey> {
        std::mem::take(&mut self.woken)
    }

    /// The objects whose reports may have changed since the last call.
    pub fn take_touched(&mut self) -> BTreeSet<ObjectId> {
        std::mem::take(&mut self.touched)
    }

    /// The instances of scale sets that have come, gone, or are to have another model, since the last call.
    pub fn take_dirty(&mut self) -> BTreeSet<(Name, u64)> {
        std::mem::take(&mut self.dirty)
    }

    /// Marks an instance whose objects must be compared with what is wanted.
    pub(super) fn mark_dirty(&mut self, set: &Name, id: u64) {
        self.dirty.insert((set.clone(), id));
    }

    pub(super) fn wake(&mut self, key: WaitKey) {
        self.woken.insert(key);
    }

    /// Marks its report as changed, and wakes refusals that name its members.
    pub(super) fn touch_members(&mut self, kind: Kind, name: &Name) {
        self.touch(kind, name);
        self.wake(WaitKey::members(kind, name));
    }

    pub(super) fn touch(&mut self, kind: Kind, name: &Name) {
        let id = ObjectId::new(kind, name.clone());
        self.mark_unreconciled(&id);
        self.touched.insert(id.shown());
    }

    /// Judges a put by all the rules, so that all violations are reported at once.
    ///
    /// # Errors
    /// Every violation, if a rule is broken; nothing has changed then.
    pub fn check<K: Resource>(&self, name: &Name, mut request: Request<K>) -> Result<Change<K>, Refusal> {
        let programmed = self.get::<K>(name);
        let mut findings = Findings::default();
        name_is_azures(name, findings.under("ARM-10"));
        let placement = self.place(&request, programmed, findings.under("S-12"));
        self.judge_common(name, &request, programmed, &mut findings);
        request.ask.resolve(self, programmed);
        let references = request.ask.references();
        let case = super::resource::Case {
            engine: self,
            name,
            ask: &request.ask,
            references: &references,
            programmed,
            placement: &placement,
        };
        #[cfg(test)]
        super::reference::assert_are_judged::<K>(&references);
        for rule in K::RULES {
            (rule.check)(&case, findings.under(rule.id));
        }
        findings.verdict().map(|()| Change { request, placement, references })
    }

    /// Carries out what was found to keep to every rule.
    pub fn commit<K: Resource>(&mut self, name: &Name, change: Change<K>) {
        let Change { request: Request { uid, generation, common, ask, .. }, placement, references } = change;
        let before = K::table_mut(&mut self.tables).remove(name);
        self.count(before.as_ref().map(|old| old.ask.counts(&old.placement)), ask.counts(&placement));
        let news = before.as_ref().is_none_or(|old| old.ask != ask);
        let referred = before.as_ref().filter(|_| news).map(targets).unwrap_or_default();
        let (before, held) = before.map_or((None, K::Held::default()), |old| (Some(old.ask), old.held));
        let programmed = Programmed { uid, generation, placement, common, ask, held };
        let refers = if news { targets_of(references, &programmed) } else { Vec::new() };
        K::table_mut(&mut self.tables).insert(name.clone(), programmed);
        self.move_references::<K>(name, &referred, &refers);
        self.index_azure_name::<K>(name);
        self.index_suffixes(K::KIND, name, true);
        K::apply(self, name, before.as_ref());
        self.touch(K::KIND, name);
        if news {
            self.wake(WaitKey::object(K::KIND, name));
        }
    }

    pub(super) fn put_one<K: Resource>(&mut self, name: &Name, request: Request<K>) -> Result<(), Refusal> {
        self.reconcile_reservations(); // of what has just been restored
        let id = ObjectId::new(K::KIND, name.clone());
        let asked = K::REMEMBERS.then(|| request.ask.clone());
        match self.check(name, request) {
            Ok(change) => {
                self.refused.remove(&id);
                self.remember::<K>(name, None);
                self.commit(name, change);
                self.reconcile_reservations();
                Ok(())
            }
            Err(refusal) => {
                self.note_refused(&id, refusal.leading().code);
                self.remember(name, asked.map(Pending::Edit));
                Err(refusal)
            }
        }
    }

    /// What is asked of an object cannot even be read: nothing of what was asked before is pending.
    pub fn note_unreadable(&mut self, id: &ObjectId, code: Code) {
        self.note_refused(id, code);
        self.pending.remove(id);
    }

    fn remember<K: Resource>(&mut self, name: &Name, pending: Option<Pending<K>>) {
        if !K::REMEMBERS {
            return;
        }
        let id = ObjectId::new(K::KIND, name.clone());
        let pending = pending.filter(|_| self.get::<K>(name).is_some()).map(Pending::of_any);
        let before = match pending.clone() {
            Some(pending) => self.pending.insert(id.clone(), pending),
            None => self.pending.remove(&id),
        };
        if pending.is_some() && before != pending {
            self.wake(WaitKey::Object(id)); // others may be judged by it
        }
    }

    /// Why an object that is not carried was refused, if it was.
    pub(super) fn refused_with(&self, id: &ObjectId) -> Option<Code> {
        self.refused.get(id).copied()
    }

    /// Remembers why an object that is not carried was refused, for the refusals of those that refer to it (S-36).
    pub fn note_refused(&mut self, id: &ObjectId, code: Code) {
        if self.holder(id.kind, &id.name).is_none() && self.refused.insert(id.clone(), code) != Some(code) {
            self.wake(WaitKey::Object(id.clone()));
        }
    }

    pub(super) fn delete_one<K: Resource>(&mut self, name: &Name) -> Result<bool, Refusal> {
        self.reconcile_reservations();
        let id = ObjectId::new(K::KIND, name.clone());
        if self.get::<K>(name).is_none() {
            if self.refused.remove(&id).is_some() {
                self.wake(WaitKey::Object(id));
            }
            return Ok(false);
        }
        let mut findings = Findings::default();
        for rule in K::DELETION_RULES {
            (rule.check)(self, name, findings.under(rule.id));
        }
        if let Err(refusal) = findings.verdict() {
            self.remember::<K>(name, Some(Pending::Deletion));
            return Err(refusal);
        }
        self.remember::<K>(name, None);
        self.take_out::<K>(name);
        self.mark_unreconciled(&id);
        self.reconcile_reservations();
        self.wake(WaitKey::Object(id));
        Ok(true)
    }

    /// Carries a part of an instance as its scale set wants it; what the set asks for has been judged with the set.
    pub(super) fn commit_part<K: Resource>(&mut self, name: &Name, mut ask: K, placement: &Placement) {
        let uid = Uid::of_part(name);
        ask.resolve(self, self.get::<K>(name));
        let (default, common) = (placement.clone(), Common::default());
        let request = Request { uid, generation: 1, location: None, default, common, ask };
        let references = request.ask.references();
        self.commit(name, Change { request, placement: placement.clone(), references });
    }

    /// Deletes a part of an instance.
    pub(super) fn drop_part<K: Resource>(&mut self, name: &Name) {
        if self.take_out::<K>(name) {
            self.wake(WaitKey::object(K::KIND, name));
        }
    }

    /// Takes an object out of its table, with all that follows. True if it was there.
    fn take_out<K: Resource>(&mut self, name: &Name) -> bool {
        let Some(gone) = self.remove::<K>(name) else { return false };
        self.count(Some(gone.ask.counts(&gone.placement)), Vec::new());
        K::release(self, name, &gone);
        true
    }

    fn remove<K: Resource>(&mut self, name: &Name) -> Option<Programmed<K>> {
        let gone = K::table_mut(&mut self.tables).remove(name)?;
        self.move_references::<K>(name, &targets(&gone), &[]);
        self.forget_azure_name(name, &gone);
        self.index_suffixes(K::KIND, name, false);
        self.deadlines.clear(&ObjectId::new(K::KIND, name.clone()));
        Some(gone)
    }

    /// Removes an object without its deletion effects; its scale set has done them, or it never held anything.
    pub(super) fn forget<K: Resource>(&mut self, name: &Name) {
        if self.remove::<K>(name).is_some() {
            self.wake(WaitKey::object(K::KIND, name));
        }
    }

    /// Restores an object from its status; returns what had to be dropped.
    pub(super) fn restore_one<K: Resource>(&mut self, name: &Name, record: Record<K>) -> Dropped {
        if self.get::<K>(name).is_some() {
            return vec!["it is restored already".to_owned()];
        }
        let Record { uid, generation, placement, common, ask, view } = record;
        self.count(None, ask.counts(&placement));
        let programmed = Programmed { uid, generation, placement, common, ask, held: K::Held::default() };
        let refers = targets(&programmed);
        K::table_mut(&mut self.tables).insert(name.clone(), programmed);
        self.move_references::<K>(name, &[], &refers);
        self.index_azure_name::<K>(name);
        self.index_suffixes(K::KIND, name, true);
        K::restore_held(self, name, &view)
    }

    /// What an object counted towards before, and counts towards now.
    fn count(&mut self, before: Option<Vec<Quota>>, after: Vec<Quota>) {
        let before = before.unwrap_or_default();
        for quota in after.iter().filter(|quota| !before.contains(quota)) {
            self.usage.add(quota.clone(), 1);
        }
        for quota in before.into_iter().filter(|quota| !after.contains(quota)) {
            self.usage.give_back(quota.clone(), 1);
            self.wake(WaitKey::Quota(quota));
        }
    }

    /// How many addresses of a pool or items of a quota are taken; 0 for keys that are not counted.
    pub fn taken(&self, key: &WaitKey) -> u64 {
        match key {
            WaitKey::Capacity(pool) => self.pool(pool).map_or(0, Pool::allocated),
            WaitKey::Quota(quota) => self.usage.of(quota),
            WaitKey::Object(_)
            | WaitKey::Claim(_)
            | WaitKey::Members(_)
            | WaitKey::Power(_)
            | WaitKey::Address(..)
            | WaitKey::Label(..) => 0,
        }
    }

    /// True if there is something left of what this key stands for; those that wait to take it are woken one by one. None if
    /// it is not taken, or it has gone: then all are woken.
    pub fn is_left(&self, key: &WaitKey) -> Option<bool> {
        match key {
            WaitKey::Capacity(pool) => self.pool(pool).map(|pool| pool.available() > 0),
            WaitKey::Quota(quota) => Some(self.has_left(quota, 1)),
            WaitKey::Address(subnet, address) => {
                let is_held = self.addresses.contains_key(&(subnet.clone(), *address));
                self.holder(Kind::Subnet, subnet).map(|_| !is_held)
            }
            WaitKey::Label(location, label) => {
                Some(!self.labels.contains_key(&(location.as_str().into(), label.clone())))
            }
            WaitKey::Claim(object) => self.is_unclaimed(object),
            WaitKey::Object(_) | WaitKey::Members(_) | WaitKey::Power(_) => None,
        }
    }
}
