//! The parts of the instances of Uniform scale sets: objects of the fabric alone, which users know by the instance.
//!
//! They stand in the tables of their kinds under names that no Kubernetes object can have: `<set>_<id>`, as the real service
//! calls instances (VMSS-01), `<set>_<id>/<network interface>` and `<set>_<id>/<network interface>/<configuration>`.

use super::id::{Kind, Name, ObjectId, ObjectName};

/// Which instance an object of the fabric is a part of, and what it is called.
#[derive(Debug)]
pub struct Part {
    /// The scale set.
    pub set: Name,
    /// The instance's id.
    pub id: u64,
    pub(super) text: Box<str>,
}

/// What a part is of its instance.
#[derive(Clone, Copy, Debug)]
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

/// The name of a part of an instance.
pub fn name_of(set: &Name, id: u64, what: What<'_>) -> Name {
    let text = match what {
        What::VirtualMachine => format!("{}_{id}", set.name),
        // Letter case makes no difference (ARM-06).
        What::NetworkInterface(nic) => format!("{}_{id}/{nic}", set.name).to_ascii_lowercase(),
        What::PublicIPAddress { nic, configuration } => {
            format!("{}_{id}/{nic}/{configuration}", set.name).to_ascii_lowercase()
        }
    };
    let part = Part { set: set.clone(), id, text: text.into() };
    Name { namespace: set.namespace.clone(), name: ObjectName::of_part(part) }
}

impl Part {
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
    fn the_name_of_a_part_knows_its_instance() {
        let public = What::PublicIPAddress { nic: "Nic1", configuration: "ip1" };
        for (what, text) in [
            (What::VirtualMachine, "api_7"),
            (What::NetworkInterface("nic1"), "api_7/nic1"),
            (public, "api_7/nic1/ip1"),
        ] {
            let name = name_of(&named("api"), 7, what);
            assert_eq!(&*name.name, text);
            assert_eq!(
                name.part().map(Part::instance),
                Some(ObjectId::new(Kind::VirtualMachineScaleSetVM, named("api-7")))
            );
        }
    }

    #[test]
    fn no_name_that_users_give_is_that_of_a_part() {
        for name in ["api-7", "api_7", "api_7/nic1", "_"] {
            assert!(named(name).part().is_none(), "{name}");
        }
    }

    #[test]
    fn a_name_is_no_larger_for_knowing_whether_it_is_a_part() {
        assert_eq!(size_of::<ObjectName>(), size_of::<std::sync::Arc<str>>());
    }
}
