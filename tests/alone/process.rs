//! The operator as a process: without rights, and asked to end.

use serde_json::{Value, json};
use tempfile::TempDir;
use vnet_operator::fabric::Kind;

use crate::support::cluster::{Cluster, alone, poll};
use crate::support::operator::{Operator, ended_well};

/// Enough that every watch was refused several times.
const SOME_TRIES: usize = 4 * Kind::ALL.len();

/// How many requests the API server has refused to those who lack the right.
fn refused_requests(cluster: &Cluster) -> usize {
    let metrics = cluster.kubectl(&["get", "--raw", "/metrics"], "").out;
    let count = |line: &str| {
        let (result, count) = line.strip_prefix("authorization_attempts_total{result=\"")?.split_once("\"} ")?;
        if result == "allowed" { None } else { count.parse::<usize>().ok() }
    };
    metrics.lines().filter_map(count).sum()
}

#[test]
fn an_operator_without_rights_says_once_for_each_kind_which_it_lacks_and_when_it_has_it() {
    let cluster = alone();
    cluster.stop_operator();
    let folder = TempDir::new().unwrap();
    let (kubeconfig, log) = (folder.path().join("kubeconfig"), folder.path().join("log"));
    let text = std::fs::read_to_string(cluster.kubeconfig()).unwrap();
    let mut nobody: Value = serde_saphyr::from_str(&text).unwrap();
    nobody["users"][0]["user"]["as"] = json!("nobody");
    std::fs::write(&kubeconfig, nobody.to_string()).unwrap();
    let lease = ["role", "lease", "--verb=get,create,patch", "--resource=leases.coordination.k8s.io"];
    for grant in [&lease[..], &["rolebinding", "lease", "--role=lease", "--user=nobody"]] {
        let granted = cluster.kubectl(&[&["create", "-n", "vnet-system"], grant].concat(), "");
        assert!(granted.ok, "{}", granted.err);
    }
    let before = refused_requests(&cluster);
    let operator = Operator::spawn(&kubeconfig, &[], std::fs::File::create(&log).unwrap()).unwrap();
    let enough = before + SOME_TRIES;
    poll("it was refused several times", || (refused_requests(&cluster) >= enough).then_some(())).unwrap();
    let told = std::fs::read_to_string(&log).unwrap();
    let of_nics: Vec<&str> = told.lines().filter(|line| line.contains("networkinterfaces")).collect();
    let [of_nics] = of_nics[..] else { panic!("{told}") };
    assert!(of_nics.contains("cannot list resource \"networkinterfaces\" in API group \"vnet.dev\""), "{told}");
    assert!(of_nics.contains("`kubectl auth can-i list networkinterfaces.vnet.dev -A`"), "{told}");
    assert!(!told.contains("Status {"), "{told}");
    assert!(told.lines().count() <= Kind::ALL.len() + 7, "{told}");
    let grant = ["create", "clusterrolebinding", "nobody", "--clusterrole=cluster-admin", "--user=nobody"];
    assert!(cluster.kubectl(&grant, "").ok);
    let ready = poll("the operator is ready", || operator.get("/readyz").filter(|answer| answer.contains(" 200 ")));
    operator.end("-TERM");
    assert!(cluster.kubectl(&["delete", "clusterrolebinding", "nobody"], "").ok);
    assert!(cluster.kubectl(&["delete", "-n", "vnet-system", "role/lease", "rolebinding/lease"], "").ok);
    let told = std::fs::read_to_string(&log).unwrap();
    ready.unwrap_or_else(|error| panic!("{error}\n{told}"));
    assert!(told.lines().any(|line| line.contains("watch recovered") && line.contains("networkinterfaces")), "{told}");
}

#[test]
fn a_request_to_end_is_followed_with_success() {
    let cluster = alone();
    let status = cluster.stop_operator();
    assert!(ended_well(status), "{status}\n{}", cluster.log());
}
