//! The contract that every kind fulfils: what is asked, what is held, its rules, and its effects.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;

use super::common::Common;
use super::engine::{Engine, Request};
use super::id::{Kind, Name, ObjectId, Placement, Uid};
use super::in_use::Use;
use super::ipam::PoolId;
use super::kind::{Ask, Tables};
use super::quota::Quota;
use super::reference::Reference;
use super::violation::{Code, Findings, WaitKey};
use super::zones::Zones;

/// A kind of object of the fabric. The type itself is what is asked for, parsed and typed.
pub trait Resource: Tabled + Clone + Debug + PartialEq + 'static {
    /// What only the fabric knows of such an object, and what must survive a restart.
    type Held: Clone + Debug + PartialEq + Default;
    /// What the fabric reports of it; the held facts can be read back from it.
    type View: Clone + Debug + PartialEq;

    /// What a put must keep to, in the order in which violations are shown.
    const RULES: &'static [Rule<Self>];
    /// What a deletion must keep to.
    const DELETION_RULES: &'static [DeletionRule];
    /// Whether its objects take addresses or names that others may want.
    const ALLOCATES: bool = true;

    /// Whether an object takes the place of an earlier one of its name that is still carried (S-89).
    const TAKES_OVER: bool = true;

    /// A status that changes only because others come and go is written at most once in this time.
    const HOT_STATUS_SECONDS: i64 = 1;
    /// The fields of its report that follow others' comings and goings; a change of these alone is not urgent.
    const HOT_FIELDS: &'static [&'static str] = &[];

    /// Its type in Azure: `Microsoft.Network/virtualNetworks`, or that and `/subnets` of what is a part of another resource.
    const ARM_TYPE: &'static str;

    /// The kinds that it consists of, whose rules it keeps to as well (VMSS-30, VMSS-19).
    const CONSISTS_OF: &'static [Kind] = &[];

    /// The resource that it is a part of in Azure, within which its name is unique; none means the resource group.
    fn parent(&self) -> Option<ObjectId> {
        None
    }

    /// Its name in Azure, if its spec gives none.
    fn own_name(&self, name: &Name) -> Arc<str> {
        (&name.name).into()
    }

    /// Where the object is, if that follows from its parent.
    fn inherited_placement(&self, _engine: &Engine) -> Option<Placement> {
        None
    }

    /// The availability zones that it is in, if its kind has them (PIP-27).
    fn zones(&self) -> Option<&Zones> {
        None
    }

    /// Whether it asks for particular addresses; at the first sync such go before those that take any (S-10).
    fn requests_specific_address(&self) -> bool {
        false
    }

    /// The particular addresses that it asks for, each with the pool that it is of (S-88).
    fn requested_addresses(&self) -> Vec<(PoolId, IpAddr)> {
        Vec::new()
    }

    /// What it refers to, each with the field and the rule that it exists.
    fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    /// What an object refers to by what it holds, beside what is asked of it. Whoever changes that does so by
    /// `Engine::change_held`.
    fn held_references(_programmed: &Programmed<Self>) -> Vec<ObjectId> {
        Vec::new()
    }

    /// Who uses its objects, so that they cannot be deleted.
    const USES: &'static [Use] = &[];

    /// Whether the report of an object, or what waits for its members, follows from who refers to it.
    const FOLLOWS_REFERRERS: bool = true;

    /// The quotas that this object counts towards.
    fn counts(&self, _placement: &Placement) -> Vec<Quota> {
        Vec::new()
    }

    /// Fills in what the request leaves open and what the programmed state decides.
    fn resolve(&mut self, _engine: &Engine, _programmed: Option<&Programmed<Self>>) {}

    /// The effects of an accepted put. The object stands in its table as asked, with what it held before; this brings
    /// what it holds, and what hangs on it, in line. Doing it twice changes nothing more.
    fn apply(engine: &mut Engine, name: &Name, before: Option<&Self>);

    /// The effects of a deletion; the object is out of its table.
    fn release(engine: &mut Engine, name: &Name, gone: &Programmed<Self>);

    /// Restores what a status says, unless another object holds it; the object stands in its table, holding nothing.
    /// Returns what had to be dropped.
    fn restore_held(engine: &mut Engine, name: &Name, view: &Self::View) -> Vec<String>;

    /// Whether the engine remembers the edit or deletion of an object that is carried while it is refused: others are judged by
    /// it.
    const REMEMBERS: bool = false;

    /// What was due of the object by now; see `Engine::deadlines`.
    fn on_deadline(_: &mut Engine, _: &Name) {}

    /// Everything is restored: what had to wait for that.
    fn on_all_restored(_: &mut Engine) {}

    /// Whether nothing holds the object, of which there is one holder at a time. None if there is no such thing.
    fn is_unclaimed(_: &Engine, _: &Name, _: &Programmed<Self>) -> Option<bool> {
        None
    }

    /// What has to be restored before such an object, beside what it refers to.
    fn restored_after(_name: &Name, _record: &Record<Self>) -> Vec<ObjectId> {
        Vec::new()
    }

    /// What the fabric reports of the object.
    fn observe(engine: &Engine, name: &Name, programmed: &Programmed<Self>) -> Self::View;

    /// What is on its way: a word for it and a sentence. The object is not Ready until then.
    fn progress(_engine: &Engine, _name: &Name, _programmed: &Programmed<Self>) -> Option<(&'static str, String)> {
        None
    }

    /// The keys for which an object that is carried as asked is put again, since it has something left to do.
    fn retry_keys(_engine: &Engine, _name: &Name, _programmed: &Programmed<Self>) -> BTreeSet<WaitKey> {
        BTreeSet::new()
    }

    /// Conditions of the network that are no refusal: type, reason and message of each that is true.
    fn advice(_engine: &Engine, _name: &Name, _programmed: &Programmed<Self>) -> Vec<Advice> {
        Vec::new()
    }
}

/// Where the objects of a kind stand; made for every kind from the list of kinds.
pub trait Tabled: Sized + Into<Ask> {
    /// The kind.
    const KIND: Kind;
    /// Its table.
    fn table(tables: &Tables) -> &Table<Self>
    where
        Self: Resource;
    /// Its table, to change.
    fn table_mut(tables: &mut Tables) -> &mut Table<Self>
    where
        Self: Resource;
}

/// What is asked of an object that the fabric carries otherwise, since it was refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Pending<K> {
    /// Another state.
    Edit(K),
    /// Its deletion.
    Deletion,
}

impl<K: Into<Ask>> Pending<K> {
    /// The same of an object of any kind.
    pub(super) fn of_any(self) -> Pending<Ask> {
        match self {
            Pending::Edit(ask) => Pending::Edit(ask.into()),
            Pending::Deletion => Pending::Deletion,
        }
    }
}

/// The objects of one kind that the fabric carries.
pub type Table<K> = BTreeMap<Name, Programmed<K>>;

/// An object as the fabric carries it.
#[derive(Clone, Debug, PartialEq)]
pub struct Programmed<K: Resource> {
    /// Which life of the object.
    pub uid: Uid,
    /// The generation of its spec that is carried.
    pub generation: i64,
    /// Where it is; fixed from the first put (S-12).
    pub placement: Placement,
    /// What later rules would refuse of the spec that was accepted (S-93).
    pub common: Common,
    /// What was asked, with what was left open filled in.
    pub ask: K,
    /// What the fabric added.
    pub held: K::Held,
}

/// An object as its status records it.
#[derive(Clone, Debug)]
pub struct Record<K: Resource> {
    /// Which life of the object.
    pub uid: Uid,
    /// The generation that was carried.
    pub generation: i64,
    /// Where it was.
    pub placement: Placement,
    /// What later rules would refuse of the spec that had been accepted (S-93).
    pub common: Common,
    /// What had been accepted.
    pub ask: K,
    /// What was reported.
    pub view: K::View,
}

/// What could not be restored of an object, a sentence each.
pub type Dropped = Vec<String>;

/// A condition that reports something about the network beside the four that every object has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The condition's type.
    pub condition: &'static str,
    /// Its reason.
    pub reason: &'static str,
    /// Its message.
    pub message: String,
}

/// A constraint, and what finds that it is broken.
pub struct RuleOf<Check> {
    /// Its id in the rule catalogue.
    pub id: &'static str,
    /// What it looks at.
    pub scope: Scope,
    /// The rule in one sentence.
    pub says: &'static str,
    /// The codes that it refuses with.
    pub codes: &'static [Code],
    /// Who can cure what breaks it.
    pub cure: Cures,
    /// How the API server refuses it, too.
    pub at_apply: Option<AtApply>,
    /// What to do, in short.
    pub remedy: &'static str,
    /// The article or other source.
    pub source: &'static str,
    /// Finds what breaks it.
    pub check: Check,
}

/// How the API server refuses at `kubectl apply` what one object alone shows; the fabric holds the same rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtApply {
    /// By the schema of the definition.
    Schema,
    /// By a validation rule of it.
    Cel,
}

/// A constraint on a put.
pub type Rule<K> = RuleOf<fn(&Case<'_, K>, &mut Findings)>;
/// A constraint on a deletion.
pub type DeletionRule = RuleOf<fn(&Engine, &Name, &mut Findings)>;

/// What is the same of rules on puts and on deletions, of every kind.
#[derive(Clone, Copy, Debug)]
pub struct Refusing {
    /// The kind.
    pub kind: Kind,
    /// Whether it is a deletion that it refuses.
    pub deletion: bool,
    /// Its id in the rule catalogue.
    pub id: &'static str,
    /// What it looks at.
    pub scope: Scope,
    /// The rule in one sentence.
    pub says: &'static str,
    /// The codes that it refuses with.
    pub codes: &'static [Code],
    /// Who can cure what breaks it.
    pub cure: Cures,
    /// How the API server refuses it, too.
    pub at_apply: Option<AtApply>,
    /// What to do, in short.
    pub remedy: &'static str,
    /// The article or other source.
    pub source: &'static str,
}

/// How much a rule looks at. What an object consists of keeps to the rules that look at less than the state before it is made:
/// the model of a scale set to those of network interfaces and public addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The spec alone.
    Spec,
    /// The spec, and what it refers to.
    References,
    /// What the object was before as well, and who holds what.
    State,
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Scope::Spec => "spec",
            Scope::References => "references",
            Scope::State => "state",
        })
    }
}

/// Who can cure what breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cures {
    /// Only an edit of the object.
    Stalls,
    /// Something else, too.
    Waits,
    /// It depends.
    Either,
}

impl std::fmt::Display for Cures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Cures::Stalls => "stalls",
            Cures::Waits => "waits",
            Cures::Either => "waits or stalls",
        })
    }
}

impl std::fmt::Display for AtApply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            AtApply::Schema => "schema",
            AtApply::Cel => "CEL",
        })
    }
}

impl<Check> RuleOf<Check> {
    /// All but the check.
    pub fn about(&self, kind: Kind, deletion: bool) -> Refusing {
        let Self { id, scope, says, codes, cure, at_apply, remedy, source, check: _ } = *self;
        Refusing { kind, deletion, id, scope, says, codes, cure, at_apply, remedy, source }
    }
}

/// The path that violations of a deletion show (S-09).
pub const DELETION_PATH: &str = "metadata.deletionTimestamp";

/// A put that is being judged.
pub struct Case<'a, K: Resource> {
    /// The fabric as it is.
    pub engine: &'a Engine,
    /// The object's name.
    pub name: &'a Name,
    /// What is asked, with what was left open filled in.
    pub ask: &'a K,
    /// What that refers to.
    pub references: &'a [Reference],
    /// What is carried so far.
    pub programmed: Option<&'a Programmed<K>>,
    /// Where the object is.
    pub placement: &'a Placement,
}

impl<K: Resource> Case<'_, K> {
    /// What was asked the last time it was accepted.
    pub fn before(&self) -> Option<&K> {
        self.programmed.map(|programmed| &programmed.ask)
    }
}

/// A put that has been found to keep to every rule; only [`Engine::check`] makes one.
#[derive(Debug)]
pub struct Change<K> {
    pub(super) request: Request<K>,
    pub(super) placement: Placement,
    pub(super) references: Vec<Reference>,
}
