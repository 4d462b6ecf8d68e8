//! What a plan costs: of a network that nobody has yet, and of no change to one that is there.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Instant;

use jiff::Timestamp;
use vnet_operator::fabric::Settings;
use vnet_operator::operator::Namespace;
use vnet_operator::plan::cluster::Cluster;
use vnet_operator::plan::manifests::{self, File, Manifest};
use vnet_operator::plan::state::State;
use vnet_operator::plan::{self, Options, Prune};

use crate::support::{median, print};

const NICS: usize = 10_000;
const ROUNDS: usize = 3;

/// 10,000 NICs in one subnet.
fn manifests() -> String {
    let object = |kind: &str, name: &str, spec: &str| {
        format!("apiVersion: vnet.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n")
    };
    let mut text = object("VirtualNetwork", "hub", "{addressSpace: {addressPrefixes: [10.0.0.0/8]}}")
        + &object("Subnet", "web", "{virtualNetwork: {name: hub}, addressPrefixes: [10.1.0.0/16]}");
    for n in 0..NICS {
        let nic = object(
            "NetworkInterface",
            &format!("nic-{n}"),
            "{subnet: {name: web}, ipConfigurations: [{name: ipconfig1}]}",
        );
        write!(text, "{nic}").expect("a String takes all");
    }
    text
}

/// Reading, planning, and what of that is the core's and the engine's.
pub fn plan() {
    let file = File { name: "net.yaml".into(), text: manifests() };
    let options =
        Options { settings: Settings::default(), prune: Prune::Nothing, server_side: None, now: Timestamp::UNIX_EPOCH };
    let rounds: Vec<[f64; 3]> = (0..ROUNDS).map(|_| round(&file, &options)).collect();
    let middle = |n: usize| median(rounds.iter().map(|round| round[n]).collect());
    print("a plan of 10,000 NICs, reading them", &format!("{:.2} s", middle(0)), None);
    print("a plan of 10,000 NICs, all the rest", &format!("{:.2} s", middle(1)), None);
    print("a plan of 10,000 NICs, core and engine of it", &format!("{:.2} s", middle(2)), Some("1.00"));
}

fn round(file: &File, options: &Options) -> [f64; 3] {
    let begin = Instant::now();
    let read = manifests::read(std::slice::from_ref(file), "big").expect("it is good");
    let reading = begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    let plan = plan::plan(&read, State::default(), options).expect("it comes to rest");
    assert_eq!((plan.summary.create, plan.summary.refused), (NICS + 2, 0));
    let planning = begin.elapsed().as_secs_f64();
    let namespaces = BTreeMap::from([("big".into(), Namespace::default())]);
    let start = Cluster::start(options.settings.clone(), State::default(), &namespaces, options.now);
    let mut cluster = start.expect("it comes to rest");
    let object = |manifest: &Manifest| serde_json::from_value(manifest.object.clone()).expect("it is good");
    cluster.edit(|server, now| {
        let create = |manifest: &Manifest| server.create(&manifest.id, object(manifest), now);
        read.objects.values().filter_map(create).collect()
    });
    let begin = Instant::now();
    cluster.come_to_rest().expect("it does");
    [reading, planning, begin.elapsed().as_secs_f64()]
}
