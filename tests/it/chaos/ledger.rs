//! The whole log, as the command line prints it, and the bill that follows from it.

use std::collections::{BTreeMap, BTreeSet};

use theazo_tests::{Cluster, Value};

/// Picodollars in a cent.
const CENT: i128 = 10_000_000_000;

pub struct Ledger {
    commits: Vec<Value>,
}

/// What a session used, as its events have it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Bill {
    pub pico: i128,
    pub compute_millis: u64,
}

impl Ledger {
    pub fn read(cluster: &Cluster) -> Self {
        let printed = cluster.cli_ok(["log", "read", "--limit", "10000000"]);
        let commits: Vec<Value> =
            printed.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let positions: Vec<u64> =
            commits.iter().map(|commit| commit["position"].as_u64().unwrap()).collect();
        assert!(positions.is_sorted_by(|a, b| a < b), "positions only grow");
        let ids: BTreeSet<&str> =
            commits.iter().map(|commit| commit["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), commits.len(), "a commit is there twice");
        Self { commits }
    }

    pub fn len(&self) -> usize {
        self.commits.len()
    }

    /// The events of the stream of a thing of this kind and id.
    pub fn events(&self, kind: &str, id: &str) -> Vec<&Value> {
        let end = format!(".{kind}.{id}");
        let own = |commit: &&Value| commit["stream"].as_str().unwrap().ends_with(&end);
        self.commits.iter().filter(own).flat_map(events).collect()
    }

    /// How many events of this type there are.
    pub fn count(&self, event: &str) -> usize {
        self.commits.iter().flat_map(events).filter(|found| found["type"] == event).count()
    }

    /// What each session used; each record counts once.
    pub fn bills(&self) -> BTreeMap<String, Bill> {
        let mut bills: BTreeMap<String, Bill> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for event in self.commits.iter().flat_map(events) {
            let data = &event["data"];
            let usage = &data["usage"];
            let Some(id) = usage["id"].as_str() else { continue };
            assert!(ids.insert(id), "{id} is billed twice");
            let session = data["sessionId"].as_str().unwrap_or_else(|| panic!("{event:#}"));
            let bill = bills.entry(session.to_owned()).or_default();
            bill.pico += usage["cost"].as_str().unwrap().parse::<i128>().unwrap();
            bill.compute_millis += usage["computeMillis"].as_u64().unwrap_or(0);
        }
        bills
    }
}

fn events(commit: &Value) -> impl Iterator<Item = &Value> {
    commit["events"].as_array().unwrap().iter()
}

impl Bill {
    /// Rounded half to even.
    pub fn cents(&self) -> i128 {
        let (whole, rest) = (self.pico.div_euclid(CENT), self.pico.rem_euclid(CENT));
        match (2 * rest).cmp(&CENT) {
            std::cmp::Ordering::Less => whole,
            std::cmp::Ordering::Greater => whole + 1,
            std::cmp::Ordering::Equal => whole + whole % 2,
        }
    }
}
