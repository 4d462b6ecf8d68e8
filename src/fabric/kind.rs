//! The list of kinds, and what is made from it. A new kind is a file here, a file in `api`, and a line in this list; where
//! kinds are distinguished by name, the compiler then says that one is missing.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::engine::{Engine, Request};
use super::id::{Name, ObjectId, Placement, Uid};
use super::reference::Reference;
use super::resource::{Dropped, Record, Refusing, Resource, Table};
use super::violation::{Refusal, WaitKey};

/// Calls the macro `$apply` with every kind and the name of its module, in the order in which they refer to each
/// other: what is referred to comes first.
macro_rules! for_each_kind {
    ($apply:ident) => {
        $apply! {
            VirtualNetwork virtual_network,
            Subnet subnet,
            PublicIPPrefix public_ip_prefix,
            PublicIPAddress public_ip_address,
            NetworkInterface network_interface,
            AvailabilitySet availability_set,
            VirtualMachine virtual_machine,
            VirtualMachineScaleSet virtual_machine_scale_set,
            VirtualMachineScaleSetVM virtual_machine_scale_set_vm,
        }
    };
}
pub(crate) use for_each_kind;

macro_rules! define_kinds {
    ($($kind:ident $module:ident,)*) => {
        /// Every kind by its name, for what is made from the list.
        pub mod every {
            $(pub use crate::fabric::$module::$kind;)*
        }
        use every::*;

        /// The kinds of objects, in the order in which they refer to each other.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = concat!("See [`", stringify!($kind), "`](crate::fabric::", stringify!($kind), ").")] $kind,)*
        }

        impl Kind {
            /// Every kind, what is referred to first.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind,)*];

            /// Whether objects of the kind take addresses or names that others may want.
            pub fn allocates(self) -> bool {
                match self {
                    $(Kind::$kind => $kind::ALLOCATES,)*
                }
            }

            /// Whether an object takes the place of an earlier one of its name that is still carried (S-89).
            pub fn takes_over(self) -> bool {
                match self {
                    $(Kind::$kind => $kind::TAKES_OVER,)*
                }
            }

            /// Whether the report of an object, or what waits for its members, follows from who refers to it.
            pub(super) fn follows_referrers(self) -> bool {
                match self {
                    $(Kind::$kind => $kind::FOLLOWS_REFERRERS,)*
                }
            }

            /// A status that changes only because others come and go is written at most once in so many seconds.
            pub fn hot_status_seconds(self) -> i64 {
                match self {
                    $(Kind::$kind => $kind::HOT_STATUS_SECONDS,)*
                }
            }

            /// The status fields that follow others' comings and goings; a change of these alone is not urgent.
            pub fn hot_fields(self) -> &'static [&'static str] {
                match self {
                    $(Kind::$kind => $kind::HOT_FIELDS,)*
                }
            }

            /// Its type in Azure: `Microsoft.Network/virtualNetworks`, or that and `/subnets` of what is a part of another.
            pub fn arm_type(self) -> &'static str {
                match self {
                    $(Kind::$kind => $kind::ARM_TYPE,)*
                }
            }

            /// The kinds that it consists of, whose rules it keeps to as well.
            #[cfg(test)]
            pub(super) fn consists_of(self) -> &'static [Kind] {
                match self {
                    $(Kind::$kind => $kind::CONSISTS_OF,)*
                }
            }

            /// The kind that is called so in a manifest.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
            }

            /// The kind's name in a manifest.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$kind => stringify!($kind),)*
                }
            }
        }

        /// What the fabric carries, a table a kind.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Tables {
            $(pub(super) $module: Table<$kind>,)*
        }

        $(impl super::resource::Tabled for $kind {
            const KIND: Kind = Kind::$kind;

            fn table(tables: &Tables) -> &Table<Self> {
                &tables.$module
            }

            fn table_mut(tables: &mut Tables) -> &mut Table<Self> {
                &mut tables.$module
            }
        })*

        /// What is asked for an object of any kind.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)]
        pub enum Ask {
            $($kind($kind),)*
        }

        /// What a status says of an object of any kind, read back at start.
        #[derive(Clone, Debug)]
        #[allow(missing_docs)]
        pub enum AnyRecord {
            $($kind(Record<$kind>),)*
        }

        $(impl From<$kind> for Ask {
            fn from(ask: $kind) -> Self {
                Ask::$kind(ask)
            }
        }

        impl From<Record<$kind>> for AnyRecord {
            fn from(record: Record<$kind>) -> Self {
                AnyRecord::$kind(record)
            }
        })*

        impl AnyRecord {
            /// What it refers to.
            pub fn references(&self) -> Vec<Reference> {
                match self {
                    $(AnyRecord::$kind(record) => record.ask.references(),)*
                }
            }

            /// What has to be restored before the object of this name, if it is to be restored at all.
            pub fn restored_after(&self, name: &Name) -> Vec<ObjectId> {
                match self {
                    $(AnyRecord::$kind(record) => {
                        let references = record.ask.references().into_iter().map(|reference| reference.to);
                        references.chain($kind::restored_after(name, record)).collect()
                    })*
                }
            }
        }

        impl Ask {
            /// What it refers to.
            pub fn references(&self) -> Vec<Reference> {
                match self {
                    $(Ask::$kind(ask) => ask.references(),)*
                }
            }

            /// Whether it asks for particular addresses.
            pub fn requests_specific_address(&self) -> bool {
                match self {
                    $(Ask::$kind(ask) => ask.requests_specific_address(),)*
                }
            }

            /// The particular addresses that it asks for, each with the pool that it is of (S-88).
            pub fn requested_addresses(&self) -> Vec<(super::ipam::PoolId, std::net::IpAddr)> {
                match self {
                    $(Ask::$kind(ask) => ask.requested_addresses(),)*
                }
            }
        }

        impl Engine {
            /// Asks the fabric to carry this object as asked: all of it, or nothing.
            ///
            /// # Errors
            /// Every violation, if a rule is broken; what was accepted before stays programmed.
            pub fn put(&mut self, name: &Name, request: Request<Ask>) -> Result<(), Refusal> {
                match request.ask {
                    $(Ask::$kind(ref ask) => {
                        let ask = ask.clone();
                        self.put_one(name, request.with(ask))
                    })*
                }
            }

            /// Asks the fabric to delete an object. True if it was carried.
            ///
            /// # Errors
            /// Every violation, if a deletion rule is broken; the object stays.
            pub fn delete(&mut self, kind: Kind, name: &Name) -> Result<bool, Refusal> {
                match kind {
                    $(Kind::$kind => self.delete_one::<$kind>(name),)*
                }
            }

            /// What the object that the fabric carries under this name refers to; its generation and identity.
            pub fn carried(&self, kind: Kind, name: &Name) -> Option<(&Uid, i64, Vec<Reference>)> {
                match kind {
                    $(Kind::$kind => {
                        let carried = self.get::<$kind>(name)?;
                        Some((&carried.uid, carried.generation, carried.ask.references()))
                    })*
                }
            }

            /// Where an object is, if it is carried.
            pub fn placement(&self, object: &ObjectId) -> Option<&Placement> {
                match object.kind {
                    $(Kind::$kind => self.get::<$kind>(&object.name).map(|programmed| &programmed.placement),)*
                }
            }

            /// Does what was due of an object by now.
            pub(super) fn on_deadline(&mut self, object: &ObjectId) {
                match object.kind {
                    $(Kind::$kind => $kind::on_deadline(self, &object.name),)*
                }
            }

            /// Does what had to wait until everything is restored.
            pub(super) fn on_all_restored(&mut self) {
                $($kind::on_all_restored(self);)*
            }

            /// Whether nothing holds an object, of which there is one holder at a time. None if there is no such thing.
            pub fn is_unclaimed(&self, object: &ObjectId) -> Option<bool> {
                match object.kind {
                    $(Kind::$kind => {
                        let carried = self.get::<$kind>(&object.name)?;
                        $kind::is_unclaimed(self, &object.name, carried)
                    })*
                }
            }

            /// The name in Azure of an object that is carried.
            pub(super) fn name_in_azure(&self, object: &ObjectId) -> Option<Arc<str>> {
                match object.kind {
                    $(Kind::$kind => self.get::<$kind>(&object.name).map(|programmed| programmed.name_in_azure(&object.name)),)*
                }
            }

            /// Who refers to what, computed from the tables.
            #[cfg(test)]
            pub(super) fn found_referrers(&self) -> super::engine::Referrers {
                let mut all = super::engine::Referrers::default();
                $(for (name, programmed) in self.all::<$kind>() {
                    for to in super::reference::targets(programmed) {
                        all.insert(&to, Kind::$kind, name);
                    }
                })*
                all
            }

            /// What an object that is carried is put again for (see [`Resource::retry_keys`]).
            pub fn retry_keys_of(&self, kind: Kind, name: &Name) -> BTreeSet<WaitKey> {
                match kind {
                    $(Kind::$kind => {
                        self.get::<$kind>(name).map(|carried| $kind::retry_keys(self, name, carried)).unwrap_or_default()
                    })*
                }
            }

            /// The identity of the object that the fabric carries under this name.
            pub fn holder(&self, kind: Kind, name: &Name) -> Option<&Uid> {
                match kind {
                    $(Kind::$kind => self.get::<$kind>(name).map(|programmed| &programmed.uid),)*
                }
            }

            /// Restores an object from its status. What contradicts an object that was restored before is dropped.
            ///
            /// Returns a sentence for each thing that was dropped; nothing makes it fail.
            pub fn restore(&mut self, name: &Name, record: AnyRecord) -> Dropped {
                match record {
                    $(AnyRecord::$kind(record) => self.restore_one(name, record),)*
                }
            }

            /// Every name that the fabric carries, of one kind.
            pub fn names(&self, kind: Kind) -> Vec<Name> {
                match kind {
                    $(Kind::$kind => self.all::<$kind>().map(|(name, _)| name.clone()).collect(),)*
                }
            }
        }

        /// Every rule that refuses, of every kind, in the order in which they are checked.
        pub fn refusing_rules() -> Vec<Refusing> {
            let mut all = Vec::new();
            $(
                all.extend($kind::RULES.iter().map(|rule| rule.about(Kind::$kind, false)));
                all.extend($kind::DELETION_RULES.iter().map(|rule| rule.about(Kind::$kind, true)));
            )*
            all
        }
    };
}
for_each_kind!(define_kinds);

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
