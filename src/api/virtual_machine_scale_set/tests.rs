//! What cannot be said of a scale set, though the form of its spec is right.

use serde_json::{Value, json};

use super::*;
use crate::fabric::Code;

fn told(policy: Value, label: &str) -> Vec<(&'static str, Code, String)> {
    let public = json!({"name": "pub", "dnsSettings": {"domainNameLabel": label}});
    let spec = json!({
        "sku": {"name": "Standard_D2s_v3"},
        "upgradePolicy": {"mode": "Rolling", "rollingUpgradePolicy": policy},
        "virtualMachineProfile": {"networkProfile": {"networkInterfaceConfigurations": [{
            "name": "nic",
            "subnet": {"name": "web"},
            "ipConfigurations": [{"name": "ip", "publicIPAddressConfiguration": public}],
        }]}},
    });
    let spec: VirtualMachineScaleSetSpec = serde_json::from_value(spec).unwrap();
    let answer = VirtualMachineScaleSet::translate(&About::named(Name::new("prod", "api")), &spec);
    answer.err().unwrap_or_default().into_iter().map(|found| (found.rule, found.code, found.path)).collect()
}

#[test]
fn the_wide_columns_show_how_instances_are_upgraded_and_the_fields_their_defaults() {
    use kube::CustomResourceExt;

    let definition = serde_json::to_value(VirtualMachineScaleSetObject::crd()).unwrap();
    let version = &definition["spec"]["versions"][0];
    let wide = version["additionalPrinterColumns"].as_array().unwrap().iter().filter(|column| column["priority"] == 1);
    let wide: Vec<_> = wide.map(|column| (&column["name"], &column["jsonPath"])).collect();
    assert_eq!(wide, [(&json!("Upgrade"), &json!(".spec.upgradePolicy.mode"))]);
    let policy = "/schema/openAPIV3Schema/properties/spec/properties/upgradePolicy/properties/rollingUpgradePolicy";
    for (field, field_schema) in version.pointer(policy).unwrap()["properties"].as_object().unwrap() {
        let default = field_schema["default"].to_string().replace('"', "");
        let told = field_schema["description"].as_str().unwrap().replace('\n', " ");
        assert!(told.ends_with(&format!(" Defaults to {default}.")), "{field}: {told}");
    }
}

const POLICY: &str = "spec.upgradePolicy.rollingUpgradePolicy";

#[test]
fn percentages_and_durations_are_read() {
    let policy =
        json!({"maxBatchInstancePercent": 100, "maxUnhealthyInstancePercent": 0, "pauseTimeBetweenBatches": "PT1M30S"});
    assert_eq!(told(policy, "mylabel"), []);
}

#[test]
fn what_is_no_percentage_is_refused() {
    let policy = json!({"maxBatchInstancePercent": 101, "maxUnhealthyInstancePercent": -1});
    let refused = |field: &str| ("VMSS-28", Code::InvalidParameter, format!("{POLICY}.{field}"));
    let expected = [refused("maxBatchInstancePercent"), refused("maxUnhealthyInstancePercent")];
    assert_eq!(told(policy, "mylabel"), expected);
}

#[test]
fn what_is_no_duration_is_refused() {
    for text in ["30", "-PT1S", "", "PT1000000000S", "PT999999999H"] {
        let expected = [("VMSS-28", Code::InvalidParameter, format!("{POLICY}.pauseTimeBetweenBatches"))];
        assert_eq!(told(json!({"pauseTimeBetweenBatches": text}), "mylabel"), expected, "{text:?}");
    }
}

#[test]
fn what_is_no_domain_name_label_is_refused() {
    let path = "spec.virtualMachineProfile.networkProfile.networkInterfaceConfigurations[0].ipConfigurations[0].publicIPAddressConfiguration.dnsSettings.domainNameLabel";
    assert_eq!(told(json!({}), "My_Label"), [("PIP-15", Code::InvalidDomainNameLabel, path.to_owned())]);
}
