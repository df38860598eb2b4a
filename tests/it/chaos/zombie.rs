//! Workers that were given up and come back: they change nothing any more.

use std::time::Duration;

use theazo_tests::model_server::{ModelServer, Reply, Script};
use theazo_tests::{Client, Cluster, Leftovers, Task, WORKERS, Way, eventually, json};

use super::insist::look;
use super::ledger::Ledger;
use super::plan::LEASE;

/// How long the others may take to give a worker up: its lease, and a busy machine.
const GIVEN_UP: Duration = Duration::from_secs(60);
const SWEPT: Duration = Duration::from_secs(60);
/// What the agent's code does after its worker was given up.
const TOO_LATE: &str = "touch begun; sleep 3; echo late > late";

/// A task whose tool runs on a worker.
struct Scene {
    cluster: Cluster,
    client: Client,
    task: Task,
    worker: &'static str,
}

impl Scene {
    async fn begin(models: &ModelServer) -> Self {
        let code = json!({ "lang": "bash", "code": TOO_LATE });
        let replies = [Reply::call("run_code", code), Reply::text("It is late.")];
        models.script(Script::by_turn(replies));
        let cluster = super::cluster(models).await;
        let client = cluster.live();
        let session = client.session().await;
        let agent = client.agent(&session).await;
        let worker = host_of(&cluster, &agent);
        let task = client.run(&session, &agent, "zombie-1").await;
        let begun = format!("/v1/agents/{agent}/files?path=/workspace/begun");
        eventually("the tool runs", Duration::from_secs(30), || async {
            let file = client.get(&begun).foreign().await;
            if file.status == 200 { Ok(()) } else { Err(file.brief()) }
        })
        .await;
        Self { cluster, client, task, worker }
    }

    /// The task has failed, and says which worker was lost.
    async fn is_given_up(&self) {
        let failed = eventually("the worker is given up", GIVEN_UP, || async {
            let task = look(&self.client, &self.task.path()).await;
            if task["status"] == "failed" { Ok(task) } else { Err(task.to_string()) }
        })
        .await;
        let message = failed["error"]["message"].as_str().unwrap();
        assert_eq!(failed["error"]["code"], "provider_error", "{failed:#}");
        assert!(message.contains(&format!("`{}`", self.worker)), "{message}");
        self.client.agent_becomes(&self.task.agent, "failed").await;
    }

    /// What the log has of the task and the agent.
    fn record(&self) -> Vec<String> {
        let ledger = Ledger::read(&self.cluster);
        let events = ledger.events("task", &self.task.id).into_iter();
        events.chain(ledger.events("agent", &self.task.agent)).map(ToString::to_string).collect()
    }

    /// It is back, and all that it does is to clean up.
    async fn changes_nothing(&self, models: &ModelServer) {
        let view = look(&self.client, &self.task.path()).await;
        let (record, calls) = (self.record(), models.calls_of("zombie-1").len());
        let other = self.client.session().await;
        eventually("no folder is left", SWEPT, || async {
            let left = Leftovers::sandbox_folders(&self.cluster.data(self.worker));
            if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
        })
        .await;
        // It is one of them again: both take agents, one after the other.
        let mut homes = Vec::new();
        for _ in WORKERS {
            let agent = self.client.agent(&other).await;
            assert_eq!(self.client.bash(&agent, "echo alive").await, "alive\n");
            homes.push(host_of(&self.cluster, &agent));
        }
        homes.sort_unstable();
        assert_eq!(homes, WORKERS);
        assert_eq!(look(&self.client, &self.task.path()).await, view);
        assert_eq!(self.record(), record);
        assert_eq!(models.calls_of("zombie-1").len(), calls);
        let end = format!("/v1/sessions/{}/end", self.task.session);
        self.client.post(end, json!({})).await.ok();
    }
}

/// The worker that the log says has this agent.
fn host_of(cluster: &Cluster, agent: &str) -> &'static str {
    let ledger = Ledger::read(cluster);
    let events = ledger.events("agent", agent);
    let host = events.iter().rev().find_map(|event| event["data"]["host"].as_str()).unwrap();
    WORKERS.into_iter().find(|worker| *worker == host).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stood_still_for_too_long_changes_nothing_any_more() {
    let models = ModelServer::start().await;
    let mut scene = Scene::begin(&models).await;
    let worker = scene.worker;
    scene.cluster.freeze(worker);
    scene.is_given_up().await;
    scene.cluster.thaw(worker);
    scene.changes_nothing(&models).await;
}

/// What it did meanwhile arrives after it was given up, all at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_cut_off_for_too_long_changes_nothing_any_more() {
    let models = ModelServer::start().await;
    let mut scene = Scene::begin(&models).await;
    let worker = scene.worker;
    scene.cluster.turn(worker, Way::Silent);
    scene.is_given_up().await;
    scene.cluster.turn(worker, Way::Open);
    scene.changes_nothing(&models).await;
}

/// A worker that is back before its lease is over has lost nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_back_in_time_goes_on() {
    let models = ModelServer::start().await;
    let mut scene = Scene::begin(&models).await;
    let worker = scene.worker;
    scene.cluster.freeze(worker);
    tokio::time::sleep(LEASE / 4).await;
    scene.cluster.thaw(worker);
    let ended = scene.task.completes().await;
    assert_eq!((&ended["output"], &ended["attempt"]), (&json!("It is late."), &json!(1)));
    models.assert_no_finished_call_was_repeated();
    assert_eq!(scene.client.bash(&scene.task.agent, "cat late").await, "late\n");
}
