//! Manifests of Azure Resource Manager's shape, and of Azure Service Operator: what their kinds and fields are here.

use serde_json::Value;

use crate::api::form;
use crate::api::{GROUP, VERSION};
use crate::fabric::Kind::{
    self, NetworkInterface, PublicIPAddress, PublicIPPrefix, Subnet, VirtualMachine, VirtualMachineScaleSet,
    VirtualNetwork,
};

/// In ARM's shape, what holds the fields of a resource or of a part of it.
const WRAPPER: &str = "properties";
/// What refers to another resource: by its ARM id, or as Azure Service Operator does.
const REFERENCES: [&str; 3] = ["id", "reference", "armId"];
/// Parts of an object in which users choose the names of fields, and what they do not write.
const FREE: [&str; 4] = ["metadata", "spec.tags", "tags", "status"];

/// Which kinds a row is about.
#[derive(Clone, Copy, Debug)]
enum Of {
    /// All.
    Every,
    /// Those that have what stands for the field.
    Having,
    /// This one.
    Only(Kind),
}
use Of::{Every, Having, Only};

/// What stands here for a field.
#[derive(Clone, Copy, Debug)]
enum Here {
    /// This field, and what else there is to know.
    Field(&'static str, &'static str),
    /// Something else than a field.
    Otherwise(&'static str),
}
use Here::{Field, Otherwise};

/// Fields, without `properties` and the places of list items; at the top of an object, or below `spec`.
const FIELDS: &[(Of, &str, Here)] = &[
    (Every, "name", Field("metadata.name", "")),
    (Every, "type", Field("kind", "")),
    (Every, "dependsOn", Otherwise("Remove it: objects may be applied in any order")),
    (Having, "location", Field("spec.location", "")),
    (Having, "tags", Field("spec.tags", "")),
    (Having, "sku", Field("spec.sku", "")),
    (Having, "zones", Field("spec.zones", "")),
    (Every, "spec.operatorSpec", Otherwise("Remove it: it configures Azure Service Operator")),
    (Every, "spec.resourceGroup", Field("metadata.namespace", "a namespace stands for a resource group")),
    (Every, "spec.resourceGroupName", Field("metadata.namespace", "a namespace stands for a resource group")),
    (Only(Subnet), "spec.owner", Field("spec.virtualNetwork", "")),
    (Every, "spec.owner", Field("metadata.namespace", "a namespace stands for a resource group")),
    (Only(Subnet), "spec.addressPrefix", Field("spec.addressPrefixes", "a list")),
    (
        Only(VirtualNetwork),
        "spec.subnets",
        Otherwise("Write each as an object of kind Subnet, with spec.virtualNetwork"),
    ),
    (Only(VirtualNetwork), "spec.addressPrefixes", Field("spec.addressSpace.addressPrefixes", "")),
    (Only(VirtualNetwork), "spec.dnsServers", Field("spec.dhcpOptions.dnsServers", "")),
    (Only(NetworkInterface), "spec.ipConfigurations[].subnet", Field("spec.subnet", "one for all IP configurations")),
    (
        Only(NetworkInterface),
        "spec.virtualMachine",
        Otherwise("Name the interface in spec.networkProfile.networkInterfaces of the VirtualMachine"),
    ),
    (
        Only(PublicIPAddress),
        "spec.ipConfiguration",
        Otherwise("Name the address in spec.ipConfigurations[].publicIPAddress of the NetworkInterface"),
    ),
    (Only(PublicIPPrefix), "spec.ipPrefix", Otherwise("Remove it: the fabric allocates the prefix")),
    (Only(VirtualMachine), "spec.vmSize", Field("spec.hardwareProfile.vmSize", "")),
    (
        Only(VirtualMachine),
        "spec.networkProfile.networkInterfaceConfigurations",
        Otherwise(
            "Write each as an object of kind NetworkInterface, and name it in spec.networkProfile.networkInterfaces",
        ),
    ),
    (Only(VirtualMachine), "spec.storageProfile", Field("spec.osProfile.osType", "disks and images are not modelled")),
    (Only(VirtualMachine), "spec.osProfile.linuxConfiguration", Field("spec.osProfile.osType", "write Linux")),
    (Only(VirtualMachine), "spec.osProfile.windowsConfiguration", Field("spec.osProfile.osType", "write Windows")),
    (Only(VirtualMachineScaleSet), "spec.sku.capacity", Field("spec.replicas", "")),
    (Only(VirtualMachineScaleSet), "spec.capacity", Field("spec.replicas", "")),
    (
        Only(VirtualMachineScaleSet),
        "spec.virtualMachineProfile.networkProfile.networkInterfaceConfigurations[].ipConfigurations[].subnet",
        Field(
            "spec.virtualMachineProfile.networkProfile.networkInterfaceConfigurations[].subnet",
            "one for all IP configurations",
        ),
    ),
    (
        Only(VirtualMachineScaleSet),
        "spec.virtualMachineProfile.storageProfile",
        Field("spec.virtualMachineProfile.osProfile.osType", "disks and images are not modelled"),
    ),
    (
        Only(VirtualMachineScaleSet),
        "spec.virtualMachineProfile.osProfile.linuxConfiguration",
        Field("spec.virtualMachineProfile.osProfile.osType", "write Linux"),
    ),
    (
        Only(VirtualMachineScaleSet),
        "spec.virtualMachineProfile.osProfile.windowsConfiguration",
        Field("spec.virtualMachineProfile.osProfile.osType", "write Windows"),
    ),
];

/// The kind of Azure Service Operator for which a Namespace stands.
const RESOURCE_GROUP: (&str, &str) = ("resources.azure.com", "ResourceGroup");

/// What is here for an object of Azure Service Operator: its kind, and the fields that are others, with their paths. None for
/// objects of other groups, and for kinds that there are not.
pub fn of_service_operator(group: &str, kind: &str, object: &Value) -> Option<(String, Vec<(String, String)>)> {
    if (group, kind) == RESOURCE_GROUP {
        return Some(("Namespace".to_owned(), Vec::new()));
    }
    let own = Kind::ALL.iter().copied().find(|own| in_service_operator(*own) == (group.to_owned(), kind.to_owned()))?;
    Some((format!("{own} of {GROUP}/{VERSION}"), found(own, object)))
}

/// The group and kind of Azure Service Operator for a kind: of a part, the kind begins with the type of what it is a part of.
fn in_service_operator(kind: Kind) -> (String, String) {
    let (provider, types) = kind.arm_type().split_once('/').unwrap_or_default();
    let provider = provider.strip_prefix("Microsoft.").unwrap_or(provider).to_lowercase();
    let parent = types.rsplit_once('/').map(|(parent, _)| parent).unwrap_or_default();
    let mut rest = parent.chars();
    let parent: String = rest.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(rest).collect();
    (format!("{provider}.azure.com"), format!("{parent}{kind}"))
}

/// The kind here of one of ARM's types, such as `Microsoft.Network/virtualNetworks`.
pub fn of_arm(resource_type: &str) -> Option<Kind> {
    Kind::ALL.iter().copied().find(|kind| kind.arm_type().eq_ignore_ascii_case(resource_type))
}

/// Every field of an object that has another place here, with its path, and what to write instead.
pub fn found(kind: Kind, object: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(kind, object, &At::default(), &mut found);
    found
}

/// Where a value stands.
#[derive(Clone, Debug, Default)]
struct At {
    /// In the manifest.
    path: String,
    /// Here, if its fields are the same.
    place: String,
    /// As the table writes it.
    known: String,
}

impl At {
    fn field(&self, name: &str) -> Self {
        let joined = |path: &str| if path.is_empty() { name.to_owned() } else { format!("{path}{}", form::step(name)) };
        Self { path: joined(&self.path), place: joined(&self.place), known: joined(&self.known) }
    }

    fn item(&self, n: usize) -> Self {
        let Self { path, place, known } = self;
        Self { path: format!("{path}[{n}]"), place: format!("{place}[{n}]"), known: format!("{known}[]") }
    }

    /// Inside of what wraps the fields of a resource, or of a part of it.
    fn unwrapped(&self) -> Self {
        let (path, at_top) = (self.field(WRAPPER).path, self.known.is_empty());
        let here = |path: &str| if at_top { "spec".to_owned() } else { path.to_owned() };
        Self { path, place: here(&self.place), known: here(&self.known) }
    }
}

fn walk(kind: Kind, value: &Value, at: &At, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == WRAPPER {
                    let inside = at.unwrapped();
                    let instead = format!("Write what it holds into {}, without {WRAPPER}.", inside.place);
                    out.push((inside.path.clone(), instead));
                    walk(kind, value, &inside, out);
                    continue;
                }
                let field = at.field(name);
                if REFERENCES.contains(&name.as_str()) && !["", "spec"].contains(&at.known.as_str()) {
                    out.push((field.path, by_name(&at.place, value)));
                } else if let Some(here) = here(kind, &field.known) {
                    out.push((field.path, here));
                } else if !FREE.contains(&field.known.as_str()) {
                    walk(kind, value, &field, out);
                }
            }
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| walk(kind, item, &at.item(n), out)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What to write for a reference to another resource.
fn by_name(place: &str, reference: &Value) -> String {
    let id = |value: &Value| Some(value.as_str()?.rsplit('/').next()?.to_owned());
    let named = |field: &str| reference.get(field).and_then(id);
    let name = id(reference).or_else(|| named("name")).or_else(|| named("armId"));
    match name.filter(|name| !name.is_empty()) {
        Some(name) => format!("An object is referred to by its name: write {place}.name: {name}."),
        None => format!("An object is referred to by its name: write {place}.name."),
    }
}

impl Of {
    fn has(self, kind: Kind, here: &Here) -> bool {
        match (self, here) {
            (Every, _) => true,
            (Only(one), _) => one == kind,
            (Having, Field(field, _)) => field.strip_prefix("spec.").is_some_and(|field| form::has_field(kind, field)),
            (Having, Otherwise(_)) => false,
        }
    }
}

fn here(kind: Kind, known: &str) -> Option<String> {
    let (.., here) = FIELDS.iter().find(|(of, path, here)| *path == known && of.has(kind, here))?;
    Some(match here {
        Field(field, "") => format!("Write {field} instead."),
        Field(field, more) => format!("Write {field} instead ({more})."),
        Otherwise(what) => format!("{what}."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::crd;

    /// True if the schema of the kind has this field.
    fn has(kind: Kind, path: &str) -> bool {
        if ["metadata.name", "metadata.namespace", "kind"].contains(&path) {
            return true;
        }
        let schema = crd::schemas().find(|(known, _)| *known == kind).unwrap().1;
        let found = path.split('.').try_fold(&schema, |schema, step| {
            let (name, is_list) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
            let field = schema.get("properties")?.get(name)?;
            if is_list { field.get("items") } else { Some(field) }
        });
        found.is_some()
    }

    #[test]
    fn no_kind_has_a_field_of_the_table_and_every_one_has_what_stands_for_it() {
        for (of, from, here) in FIELDS {
            let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| of.has(*kind, here)).collect();
            assert!(!kinds.is_empty(), "{from} is of no kind");
            for kind in kinds {
                assert!(!has(kind, from), "{kind} has {from}");
                if let Field(to, _) = here {
                    assert!(has(kind, to), "{kind} has no {to}");
                }
            }
        }
    }

    #[test]
    fn tags_labels_and_annotations_may_have_any_name() {
        let named = serde_json::json!({"properties": "x", "id": "/a/b", "reference": "y"});
        let object = serde_json::json!({"metadata": {"labels": named, "annotations": named}, "spec": {"tags": named}});
        assert_eq!(found(Kind::AvailabilitySet, &object), []);
    }
}
