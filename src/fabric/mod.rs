//! The fabric: the cloud's network control plane, simulated.
//!
//! One authority: constraints are decided here and nowhere else. Pure and synchronous: no Kubernetes, no I/O, no wall
//! clock, no randomness. A tour:
//!
//! * [`kind`] is the list of kinds; each has a file of its own, and a folder beside it where it is more than one idea: its
//!   rules, its effects, what is reported of it (`view`),
//! * [`id`] has names of objects and places, [`terms`] the words that several kinds share,
//! * [`resource`] is the contract that a kind fulfils, `reference` the rule that what an object names is there, and `in_use`
//!   the rule that what others name stays,
//! * [`engine`] judges requests and carries them out, [`order`] says what is to come before what,
//! * `violation` is what a refusal says, with the error codes of `code` and what may cure it in `cure`,
//! * [`catalogue`] has every numbered rule, and how it is enforced,
//! * [`ipam`] and [`mac`] allocate, `digest` derives numbers from names, and `ranges` finds subnets that overlap,
//! * [`part`] says what instances of Uniform scale sets consist of,
//! * [`holder`] is who holds an address; `private_addresses` gives those of subnets out,
//! * `ledger` keeps what is reserved for objects that scale sets are still to make,
//! * `requested` knows which Static addresses are asked for,
//! * [`quota`] counts what a subscription or a virtual network has,
//! * [`address_check`] answers whether an address is free, `dns_servers` has the rule of those that are listed,
//! * [`limits`] has every number, with its source, [`sizes`] the table of VM sizes,
//! * [`nearest`] finds the name that was meant.

pub mod address_check;
pub mod availability_set;
pub mod catalogue;
mod code;
pub mod common;
mod cure;
mod digest;
mod dns_servers;
pub mod engine;
pub mod holder;
pub mod id;
mod in_use;
pub mod ipam;
pub mod kind;
mod ledger;
pub mod limits;
pub mod mac;
pub mod nearest;
pub mod network_interface;
pub mod order;
pub mod part;
pub mod path;
mod private_addresses;
pub mod public_ip_address;
pub mod public_ip_prefix;
pub mod quota;
mod ranges;
mod reference;
mod requested;
mod reserved_words;
pub mod resource;
pub mod sizes;
pub mod subnet;
pub mod terms;
pub(crate) mod violation;
pub mod virtual_machine;
pub mod virtual_machine_scale_set;
pub mod virtual_machine_scale_set_vm;
pub mod virtual_network;
pub mod zones;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use availability_set::AvailabilitySet;
pub use engine::{Engine, Request, Settings};
pub use id::{Kind, Name, ObjectId, Placement, ShownRef, Uid};
pub(crate) use kind::for_each_kind;
pub use kind::{AnyRecord, Ask};
pub use network_interface::NetworkInterface;
pub use public_ip_address::PublicIPAddress;
pub use public_ip_prefix::PublicIPPrefix;
pub use reference::Reference;
pub use resource::{Advice, Programmed, Record, Resource};
pub use subnet::Subnet;
pub use violation::{Code, Constraint, Cure, Findings, Refusal, VIOLATIONS_PER_REFUSAL, Violation, WaitKey};
pub use virtual_machine::VirtualMachine;
pub use virtual_machine_scale_set::VirtualMachineScaleSet;
pub use virtual_machine_scale_set_vm::VirtualMachineScaleSetVM;
pub use virtual_network::VirtualNetwork;
