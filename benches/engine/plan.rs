//! What a plan costs: of a network that nobody has yet, and of no change to one that is there.

use std::fmt::Write;
use std::time::Instant;

use jiff::Timestamp;
use vnet_operator::fabric::Settings;
use vnet_operator::plan::manifests::{self, File};
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

/// Reading, and planning.
pub fn plan() {
    let file = File { name: "net.yaml".into(), text: manifests() };
    let options = Options { settings: Settings::default(), prune: Prune::Nothing, now: Timestamp::UNIX_EPOCH };
    let round = |_| {
        let begin = Instant::now();
        let read = manifests::read(std::slice::from_ref(&file), "big").expect("it is good");
        let reading = begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        let plan = plan::plan(&read, State::default(), &options).expect("it comes to rest");
        assert_eq!((plan.summary.create, plan.summary.refused), (NICS + 2, 0));
        (reading, begin.elapsed().as_secs_f64())
    };
    let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(round).collect();
    let middle = |of: fn(&(f64, f64)) -> f64| median(rounds.iter().map(of).collect());
    print("a plan of 10,000 NICs, reading them", &format!("{:.2} s", middle(|round| round.0)), None);
    print("a plan of 10,000 NICs, judging them", &format!("{:.2} s", middle(|round| round.1)), Some("1.00"));
}
