//! The parts of the instances of Uniform scale sets: objects of the fabric alone, which users know by the instance.
//!
//! They stand in the tables of their kinds under names that no Kubernetes object can have: `<set>_<id>`, as the real service
//! calls instances (VMSS-01), `<set>_<id>/<network interface>` and `<set>_<id>/<network interface>/<configuration>`.

use super::id::{Kind, Name, ObjectId};

/// A part of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The scale set.
    pub set: Name,
    /// The instance's id.
    pub id: u64,
    /// What it is of the instance.
    pub what: What<'a>,
}

/// What a part is of its instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// Its machine.
    VirtualMachine,
    /// The network interface of this name.
    NetworkInterface(&'a str),
    /// The public address of a configuration.
    PublicIPAddress {
        /// The network interface.
        nic: &'a str,
        /// The configuration.
        configuration: &'a str,
    },
}

impl<'a> Part<'a> {
    /// The part that is called so.
    pub fn of(name: &'a Name) -> Option<Self> {
        let mut steps = name.name.split('/');
        let (set, id) = steps.next()?.rsplit_once('_')?;
        let what = match (steps.next(), steps.next()) {
            (Some(nic), Some(configuration)) => What::PublicIPAddress { nic, configuration },
            (Some(nic), None) => What::NetworkInterface(nic),
            (None, _) => What::VirtualMachine,
        };
        Some(Self { set: Name::new(name.namespace.clone(), set), id: id.parse().ok()?, what })
    }

    /// What it is called.
    pub fn name(&self) -> Name {
        let Self { set, id, what } = self;
        let name = match what {
            What::VirtualMachine => format!("{}_{id}", set.name),
            // Letter case makes no difference (ARM-06).
            What::NetworkInterface(nic) => format!("{}_{id}/{nic}", set.name).to_ascii_lowercase(),
            What::PublicIPAddress { nic, configuration } => {
                format!("{}_{id}/{nic}/{configuration}", set.name).to_ascii_lowercase()
            }
        };
        Name::new(set.namespace.clone(), name)
    }

    /// The object that shows the instance.
    pub fn instance(&self) -> ObjectId {
        let name = format!("{}-{}", self.set.name, self.id);
        ObjectId::new(Kind::VirtualMachineScaleSetVM, Name::new(self.set.namespace.clone(), name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::testing::named;

    #[test]
    fn a_part_is_read_back_from_what_it_is_called() {
        let set = named("api");
        let public = What::PublicIPAddress { nic: "nic1", configuration: "ip1" };
        for what in [What::VirtualMachine, What::NetworkInterface("nic1"), public] {
            let part = Part { set: set.clone(), id: 7, what };
            let name = part.name();
            assert_eq!(Part::of(&name), Some(part));
        }
    }

    #[test]
    fn what_a_user_may_name_an_object_is_called_like_no_part() {
        for name in ["api-7", "api", "api.7", "api_x", "_"] {
            assert_eq!(Part::of(&named(name)), None, "{name}");
        }
    }
}
