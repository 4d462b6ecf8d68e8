//! What cannot be said of a scale set, though the form of its spec is right.

use serde_json::{Value, json};

use super::*;

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
