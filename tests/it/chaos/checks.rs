//! What must hold when it is over, looked at from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use theazo_tests::model_server::ModelServer;
use theazo_tests::{APIS, CORES, Client, Cluster, Leftovers, Value, WORKERS, eventually, json};

use super::customers::{Hired, Told};
use super::insist::{Made, all, insist, look};
use super::ledger::Ledger;
use super::plan::LEASE;
use super::tasks::{Ended, MARKS, SAID, TURNS};
use crate::streams::story::Story;

/// What the model is told of a call that must not be made twice and may have been made.
const UNKNOWN: &str = "The server stopped while this was being done";
/// The sweeper comes twice a minute.
const SWEPT: Duration = Duration::from_secs(90);

/// A process that goes on after a panic has lost something all the same.
pub fn nobody_panicked(cluster: &mut Cluster) {
    for name in APIS.into_iter().chain(CORES).chain(WORKERS) {
        let log = cluster.log(name);
        let panicked = log.lines().find(|line| line.contains("panicked"));
        assert!(panicked.is_none(), "{name}: {panicked:?}");
    }
}

/// Each thing that was made is there, once, and its key is still known.
pub async fn what_was_acknowledged_is_there_once(made: &[&Made]) {
    let mut keys: BTreeMap<&str, usize> = BTreeMap::new();
    for one in made {
        one.must_be_known().await;
        *keys.entry(one.id.as_str()).or_default() += 1;
    }
    assert!(keys.values().all(|times| *times == 1), "two keys have made the same: {keys:?}");
}

/// The lists have exactly what was acknowledged.
pub async fn lists_are_exact(client: &Client, sessions: &[&Made], of: &[(&str, &[&Made])]) {
    let listed = ids(&all(client, "/v1/sessions").await);
    assert_eq!(listed, sorted(sessions), "the sessions");
    for session in sessions {
        for (what, made) in of {
            let path = format!("/v1/sessions/{}/{what}", session.id);
            let own: Vec<&Made> = made.iter().copied().filter(|made| made.path == path).collect();
            let listed = all(client, &path).await;
            // A task that makes an agent of its own has it listed too.
            let listed: Vec<Value> = match *what {
                "agents" => listed.into_iter().filter(|row| row["definition"].is_null()).collect(),
                _ => listed,
            };
            assert_eq!(ids(&listed), sorted(&own), "{path}");
        }
    }
}

fn ids(rows: &[Value]) -> Vec<String> {
    let mut ids: Vec<String> =
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    ids
}

fn sorted(made: &[&Made]) -> Vec<String> {
    let mut ids: Vec<String> = made.iter().map(|made| made.id.clone()).collect();
    ids.sort_unstable();
    ids
}

/// Whether the others may have given this host up.
fn may_be_lost(away: &BTreeMap<&'static str, Duration>, host: &str) -> bool {
    away.get(host).is_some_and(|longest| *longest + Duration::from_secs(3) > LEASE)
}

/// The worker that this failure names, which must have been away for so long.
fn must_name_a_lost_host(message: &str, away: &BTreeMap<&'static str, Duration>, who: &str) {
    let named = WORKERS.into_iter().find(|worker| message.contains(&format!("`{worker}`")));
    let named = named.unwrap_or_else(|| panic!("{who}: no host is named: {message}"));
    assert!(may_be_lost(away, named), "{who}: {named} was there: {message}; {away:?}");
}

/// Code ran once if it was said to have run, and never twice.
pub fn code_ran_once(told: &[Told], away: &BTreeMap<&'static str, Duration>) {
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for hired in told.iter().flat_map(|told| &told.agents) {
        let lines: Option<Vec<&str>> = hired.log.as_deref().map(|log| log.lines().collect());
        for ran in &hired.ran {
            let (marker, body) = (&ran.marker, &ran.body);
            if ran.status == 200 {
                assert_eq!(body["stdout"], format!("{marker}\n"), "{body}");
            } else {
                let error = &body["error"];
                *refused.entry(format!("{} {}", ran.status, error["message"])).or_default() += 1;
            }
            let Some(lines) = &lines else { continue };
            let times = lines.iter().filter(|line| *line == marker).count();
            let may_be = if ran.status == 200 { 1..=1 } else { 0..=1 };
            assert!(may_be.contains(&times), "{marker} ran {times} times: {ran:?}");
        }
    }
    eprintln!("code that was not answered with its outcome: {refused:#?}; away: {away:?}");
}

/// An agent is as it was left, or its host was lost.
pub async fn agents_are_there(
    client: &Client,
    told: &[Told],
    away: &BTreeMap<&'static str, Duration>,
) {
    for told in told {
        for hired in &told.agents {
            let agent = look(client, &format!("/v1/agents/{}", hired.made.id)).await;
            if agent["state"] == "failed" {
                let message = agent["error"]["message"].as_str().unwrap();
                must_name_a_lost_host(message, away, &hired.made.id);
            } else if !told.ended.contains(&hired.session) {
                assert_eq!(agent["state"], "idle", "{agent}");
            }
        }
    }
}

/// Each task has come to its end, and only a lost host is a reason to fail.
pub async fn tasks_ended_well(tasks: &[Ended], away: &BTreeMap<&'static str, Duration>) {
    let mut failed = 0;
    for task in tasks {
        let (view, name) = (&task.view, &task.name);
        if view["status"] == "completed" {
            assert_eq!(view["output"], SAID, "{name}: {view:#}");
            no_mark_is_there_twice(task).await;
            continue;
        }
        failed += 1;
        assert_eq!(view["status"], "failed", "{name}: {view:#}");
        assert_eq!(view["error"]["code"], "provider_error", "{name}: {view:#}");
        must_name_a_lost_host(view["error"]["message"].as_str().unwrap(), away, name);
    }
    eprintln!("{} tasks, of which {failed} lost their host", tasks.len());
}

/// What its code notes is there once; or not at all, where it is not known whether it ran.
async fn no_mark_is_there_twice(task: &Ended) {
    if task.made.client.is_test() {
        return;
    }
    let steps = task.steps().await;
    let notes = task.notes().await;
    for mark in MARKS {
        let times = notes.lines().filter(|line| *line == mark).count();
        let unknown = steps.iter().any(|step| {
            let of = step["input"]["code"].as_str().is_some_and(|code| code.contains(mark));
            of && step["output"].as_str().is_some_and(|output| output.starts_with(UNKNOWN))
        });
        let fine = times == 1 || unknown && times == 0;
        assert!(fine, "{}: {mark} ran {times} times: {steps:#?}", task.name);
    }
}

/// Of the calls that were answered to the last byte, only one whose answer the log says was lost was
/// made again.
pub async fn no_finished_call_was_repeated(models: &ModelServer, tasks: &[Ended]) {
    for task in tasks.iter().filter(|task| !task.made.client.is_test()) {
        let mut finished: BTreeMap<u64, usize> = BTreeMap::new();
        for call in models.calls_of(&task.name) {
            *finished.entry(call.call).or_default() += usize::from(call.finished);
        }
        let name = &task.name;
        assert!(finished.len() <= TURNS, "{name}: the model was asked other things");
        if task.view["status"] == "completed" {
            assert_eq!(finished.len(), TURNS, "{name}");
        }
        let repeated: usize = finished.values().map(|times| times.saturating_sub(1)).sum();
        let steps = task.steps().await;
        let lost = steps.iter().filter(|step| step["error"]["code"] == "restart").count();
        assert!(repeated <= lost, "{name}: {repeated} calls were repeated, {lost} were lost");
    }
}

/// Whoever came back again and again was told what one is told who asks now, and what the model said.
pub async fn streams_were_whole(tasks: &[Ended]) {
    for task in tasks {
        let mut whole = Story::default();
        let path = format!("{}/stream?from=start", task.path);
        let answer = insist(task.made.client.get(path)).await;
        let mut lines = crate::streams::reader::Lines::default();
        lines.add(&answer.body);
        while let Some(event) = lines.event() {
            whole.hear(event);
        }
        assert!(whole.is_over(), "{}: {:#?}", task.name, whole.told().last());
        task.story.must_be(&whole, &task.name);
        let last = whole.told().last().unwrap();
        let completed = task.view["status"] == "completed";
        assert_eq!(last.name, if completed { "done" } else { "error" }, "{}", task.name);
        if completed {
            let said = task.story.said();
            assert!(said.last().unwrap().ends_with(SAID), "{}: {said:?}", task.name);
        }
    }
}

/// Ends every session; then no agent is left, and nothing of their sandboxes.
pub async fn the_end_is_the_end(cluster: &Cluster, clients: &[Client]) {
    for client in clients {
        for session in all(client, "/v1/sessions").await {
            let id = session["id"].as_str().unwrap();
            insist(client.post(format!("/v1/sessions/{id}/end"), json!({}))).await.ok();
        }
        eventually("no session has an agent", SWEPT, || async {
            let sessions = all(client, "/v1/sessions").await;
            let holds = |session: &&Value| session["usage"]["activeAgents"] != 0;
            match sessions.iter().find(holds) {
                None => Ok(()),
                Some(session) => {
                    let path = format!("/v1/sessions/{}/agents", session["id"].as_str().unwrap());
                    Err(format!("{session:#} {:#?}", all(client, &path).await))
                }
            }
        })
        .await;
    }
    for worker in WORKERS {
        eventually(&format!("no folder is left of {worker}'s"), SWEPT, || async {
            let left = Leftovers::sandbox_folders(&cluster.data(worker));
            if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
        })
        .await;
    }
}

/// What sessions show is what the log says, to the cent.
pub async fn bills_are_the_log(ledger: &Ledger, client: &Client) {
    let bills = ledger.bills();
    for session in all(client, "/v1/sessions").await {
        let bill = bills.get(session["id"].as_str().unwrap());
        let (cents, millis) = bill.map_or((0, 0), |bill| (bill.cents(), bill.compute_millis));
        let usage = &session["usage"];
        assert_eq!(usage["cost"]["amount"].as_i64().map(i128::from), Some(cents), "{session:#}");
        let minutes = usage["computeMinutes"].as_f64().unwrap();
        let exact = millis as f64 / 60_000.0;
        assert!((minutes - exact).abs() <= 0.000_51, "{minutes} is not {exact}: {session:#}");
    }
    let verified = client.get("/v1/billing/verify").await.expect(200);
    assert_eq!(verified["ok"], true, "{verified:#}");
}

/// Tokens of tasks are those of their calls.
pub fn tokens_are_the_log(ledger: &Ledger, tasks: &[Ended]) {
    for task in tasks {
        let mut tokens = [0; 3];
        for event in ledger.events("task", &task.made.id) {
            let of = &event["data"]["usage"]["tokens"];
            for (sum, name) in tokens.iter_mut().zip(["input", "cacheRead", "output"]) {
                *sum += of[name].as_u64().unwrap_or(0);
            }
        }
        let shown = ["inputTokens", "cacheReadTokens", "outputTokens"];
        let shown = shown.map(|name| task.view["usage"][name].as_u64().unwrap());
        assert_eq!(shown, tokens, "{}: {:#}", task.name, task.view);
    }
}

/// All that lists show, for comparison.
pub async fn picture(client: &Client) -> BTreeMap<String, Vec<Value>> {
    let mut picture = BTreeMap::new();
    let sessions = all(client, "/v1/sessions").await;
    for session in &sessions {
        for of in ["agents", "tasks"] {
            let path = format!("/v1/sessions/{}/{of}", session["id"].as_str().unwrap());
            let rows = all(client, &path).await;
            picture.insert(path, rows);
        }
    }
    picture.insert("/v1/sessions".to_owned(), sessions);
    picture
}

/// Nobody has changed the record, and everything can be made from it again.
pub async fn the_log_is_the_truth(cluster: &Cluster, clients: &[Client]) {
    let mut before = Vec::new();
    for client in clients {
        before.push(picture(client).await);
    }
    cluster.cli_ok(["projections", "rebuild"]);
    for (client, before) in clients.iter().zip(before) {
        let after = picture(client).await;
        for (path, rows) in &before {
            assert_eq!(after.get(path), Some(rows), "{path} is another one after a rebuild");
        }
        assert_eq!(after.len(), before.len());
        let verified = look(client, "/v1/audit/verify").await;
        assert_eq!(verified["ok"], true, "{verified:#}");
    }
    let verified = cluster.cli_ok(["log", "verify"]);
    assert!(verified.contains("every hash is as it should be"), "{verified}");
}

/// The agents that were made, of all customers.
pub fn hired(told: &[Told]) -> impl Iterator<Item = &Hired> {
    told.iter().flat_map(|told| &told.agents)
}

/// A command that was acknowledged has one beginning in the log.
pub fn each_began_once(ledger: &Ledger, made: &[&Made], kind: &str, event: &str) {
    let different: BTreeSet<&str> = made.iter().map(|made| made.id.as_str()).collect();
    for id in different {
        let events = ledger.events(kind, id);
        let begins = events.iter().filter(|found| found["type"] == event).count();
        assert_eq!(begins, 1, "{id} has {begins} beginnings: {events:#?}");
    }
}
