//! Runs and `kill -9`: whichever commit was the last, the run goes on from there, and comes to what
//! it would have come to. No finished model call is made again, no finished tool call is made
//! again, nothing is billed twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use theazo_tests::model_server::{ModelServer, Reply, Script, Usage};
use theazo_tests::{Chance, Client, Server, Setup, Task, eventually};

/// Servers that are tormented at the same time.
const LANES: usize = 2;
/// How long a run may take from one start to its end or to the server's.
const PATIENCE: Duration = Duration::from_secs(60);
/// Kills from outside.
const ROUNDS: u64 = 8;
/// What the model is told of a call that must not be made twice and may have been made.
const UNKNOWN: &str = "The server stopped while this was being done";

const NOTES: &str = "/workspace/notes/a.txt";
const RUNS: &str = "/workspace/runs.log";

/// 6 model calls and 8 tool calls: what the model says depends on nothing but how often it has
/// spoken.
fn script() -> Script {
    let append = |what: &str| {
        let code = format!("echo {what} >> {RUNS}; echo appended {what}");
        json!({ "lang": "bash", "code": code })
    };
    let edit = json!({ "path": "notes/a.txt", "old_text": "beta", "new_text": "zeta" });
    Script::by_turn([
        Reply::text("I write and run.")
            .tool_call("write_file", json!({ "path": "notes/a.txt", "content": "alpha\nbeta\n" }))
            .tool_call("run_code", append("one")),
        Reply::text("I look.")
            .thinking("Three things at once.")
            .tool_call("read_file", json!({ "path": "notes/a.txt" }))
            .tool_call("list_files", json!({ "path": "notes" }))
            .tool_call("report_progress", json!({ "progress": 0.5, "message": "half" })),
        Reply::call("run_code", append("two")).usage(Usage::new(300, 0, 50, 40)),
        Reply::call("edit_file", edit).usage(Usage::new(20, 350, 0, 33)),
        Reply::call("declare_artifact", json!({ "path": NOTES })),
        Reply::text("All is done.").thinking("At last.").usage(Usage::new(7, 400, 0, 11)),
    ])
}

/// What a run came to.
#[derive(Debug, PartialEq)]
struct Outcome {
    transcript: Vec<Value>,
    output: Value,
    progress: Value,
    message: Value,
    usage: Value,
    /// The cost of each model call, in picodollars, as the log has it.
    costs: Vec<Value>,
    files: BTreeMap<String, String>,
}

impl Outcome {
    async fn of(server: &Server, task: &Task) -> Self {
        let view = task.completes().await;
        Self {
            transcript: task.transcript().await,
            output: view["output"].clone(),
            progress: view["progress"].clone(),
            message: view["message"].clone(),
            usage: view["usage"].clone(),
            costs: usage_records(server, task),
            files: task.files().await,
        }
    }

    /// Fails unless it is what the undisturbed run came to, but for calls that must not be made
    /// twice and of which it is not known whether they were made.
    fn must_be(&self, undisturbed: &Outcome, what: &str) {
        let plain = |o: &Outcome| (o.output.clone(), o.progress.clone(), o.message.clone());
        assert_eq!(plain(self), plain(undisturbed), "{what}");
        assert_eq!((&self.usage, &self.costs), (&undisturbed.usage, &undisturbed.costs), "{what}");
        let (got, wanted) = (&self.transcript, &undisturbed.transcript);
        assert_eq!(got.len(), wanted.len(), "{what}: {got:#?}");
        let mut unknown = Vec::new();
        for (got, wanted) in got.iter().zip(wanted) {
            if is_unknown(got) {
                let unsafe_tool = got["tool"] == "run_code" || got["tool"] == "edit_file";
                assert!(unsafe_tool && got["isError"] == true, "{what}: {got:#}");
                assert_eq!((&got["tool"], &got["input"]), (&wanted["tool"], &wanted["input"]));
                unknown.push(got);
            } else {
                assert_eq!(got, wanted, "{what}");
            }
        }
        self.files_must_be(undisturbed, &unknown, what);
    }

    fn files_must_be(&self, undisturbed: &Outcome, unknown: &[&Value], what: &str) {
        assert_eq!(
            self.files.keys().collect::<Vec<_>>(),
            undisturbed.files.keys().collect::<Vec<_>>(),
            "{what}"
        );
        let edit_unknown = unknown.iter().any(|step| step["tool"] == "edit_file");
        let notes = &self.files[NOTES];
        let as_before = edit_unknown && notes == "alpha\nbeta\n";
        assert!(as_before || *notes == undisturbed.files[NOTES], "{what}: {notes}");
        let lines: Vec<&str> = self.files[RUNS].lines().collect();
        for marker in ["one", "two"] {
            let times = lines.iter().filter(|line| **line == marker).count();
            let maybe = unknown.iter().any(|step| {
                step["input"]["code"].as_str().is_some_and(|code| code.contains(marker))
            });
            assert!(times == 1 || maybe && times == 0, "{what}: {marker} ran {times} times");
        }
    }
}

fn is_unknown(step: &Value) -> bool {
    step["output"].as_str().is_some_and(|output| output.starts_with(UNKNOWN))
}

/// The events of a stream, as the command line prints them.
fn events(server: &Server, stream: &str) -> Vec<Value> {
    let printed = server.cli_ok(["log", "read", "--limit", "100000", "--stream", stream]);
    let commits = printed.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    commits.flat_map(|commit| commit["events"].as_array().unwrap().clone()).collect()
}

/// The name of a stream of the key's org.
fn stream(server: &Server, kind: &str, id: &str) -> String {
    let printed = server.cli_ok(["log", "read", "--limit", "1000000"]);
    let commits = printed.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let mut streams = commits.map(|commit| commit["stream"].as_str().unwrap().to_owned());
    streams.find(|stream| stream.ends_with(&format!(".{kind}.{id}"))).expect(id)
}

/// The cost of each model call that was billed; each has a record of its own.
fn usage_records(server: &Server, task: &Task) -> Vec<Value> {
    let events = events(server, &stream(server, "task", &task.id));
    let records: Vec<&Value> =
        events.iter().map(|event| &event["data"]["usage"]).filter(|u| u.is_object()).collect();
    let ids: BTreeSet<&str> = records.iter().map(|usage| usage["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), records.len(), "a usage record is there twice: {records:#?}");
    records.iter().map(|usage| usage["cost"].clone()).collect()
}

/// How many commits the log has.
fn head(server: &Server) -> u64 {
    let stats: Value = serde_json::from_str(&server.cli_ok(["log", "stats"])).unwrap();
    stats["head"].as_u64().unwrap()
}

/// Waits until its agent is gone and its session has room again: nothing more is done about it.
async fn settled(task: &Task) {
    task.client.agent_becomes(&task.agent, "completed").await;
    eventually("the session has room", PATIENCE, || async {
        let session = task.client.get(format!("/v1/sessions/{}", task.session)).await.expect(200);
        let active = &session["usage"]["activeAgents"];
        if *active == 0 { Ok(()) } else { Err(session.to_string()) }
    })
    .await;
}

/// Submits the scenario named `name`, however often that takes: it is submitted once.
async fn submit(client: &Client, session: &str, name: &str) -> Option<Task> {
    let body = json!({ "agent": "coder", "input": format!("{name}: do it") });
    let answer = client.submission(session, body).once(name).send().await.ok()?;
    Some(client.task_of(session, &answer))
}

/// Fails when a call was made again although its outcome is in the log: of the calls that were
/// answered to the last byte, only one that the log says was lost may be there again.
async fn no_finished_call_was_repeated(models: &ModelServer, task: &Task, name: &str) {
    let mut finished: BTreeMap<u64, usize> = BTreeMap::new();
    for call in models.calls_of(name) {
        *finished.entry(call.call).or_default() += usize::from(call.finished);
    }
    assert_eq!(finished.len(), 6, "{name}: the model was asked other things");
    let repeated: usize = finished.values().map(|times| times.saturating_sub(1)).sum();
    let steps = task.steps().await;
    let lost = steps.iter().filter(|step| step["error"]["code"] == "restart").count();
    assert!(repeated <= lost, "{name}: {repeated} calls were repeated, {lost} were lost");
}

/// A server, and what the undisturbed run came to in how many commits.
struct Lane {
    server: Server,
    models: ModelServer,
    undisturbed: Outcome,
    commits: u64,
}

impl Lane {
    async fn new() -> Self {
        let models = ModelServer::start().await;
        models.script(script());
        let server = Setup::default().models(&models).start().await;
        let client = server.live();
        let session = client.session().await;
        let before = head(&server);
        let task = submit(&client, &session, "undisturbed").await.unwrap();
        let undisturbed = Outcome::of(&server, &task).await;
        settled(&task).await;
        let commits = head(&server) - before;
        assert_eq!(undisturbed.files[RUNS].lines().count(), 2);
        assert_eq!(undisturbed.files[NOTES], "alpha\nzeta\n");
        assert_eq!(undisturbed.transcript.len(), 6 + 8, "{:#?}", undisturbed.transcript);
        models.assert_no_finished_call_was_repeated();
        Self { server, models, undisturbed, commits }
    }

    /// Runs the scenario on a server that kills itself right after the `n`th commit.
    async fn crash_after(&mut self, n: u64) {
        let name = format!("crash-{n}");
        let session = self.server.live().session().await;
        self.server.stop().await;
        self.server.set_env("THEAZO_ABORT_AFTER_COMMITS", Some(&n.to_string()));
        self.server.start_again().await;
        let submitted = submit(&self.server.live(), &session, &name).await;
        self.until_dead_or_done(submitted.as_ref()).await;
        self.server.set_env("THEAZO_ABORT_AFTER_COMMITS", None);
        self.server.start_again().await;
        // The same key: the answer that was never heard.
        let task = submit(&self.server.live(), &session, &name).await.unwrap();
        assert!(submitted.is_none_or(|before| before.id == task.id), "{name}");
        self.check(&task, &name).await;
    }

    /// Runs take their commits in a slightly different order each time: the last ones may not
    /// be there any more.
    async fn until_dead_or_done(&mut self, task: Option<&Task>) {
        let deadline = std::time::Instant::now() + PATIENCE;
        while !self.server.has_died() {
            assert!(std::time::Instant::now() < deadline, "it did not kill itself");
            if let Some(task) = task
                && let Ok(answer) =
                    task.client.get(format!("/v1/agents/{}", task.agent)).send().await
                && answer.status == 200
                && answer.json()["state"] == "completed"
            {
                if !self.server.has_died_within(Duration::from_millis(500)) {
                    self.server.kill9();
                }
                return;
            }
        }
    }

    async fn check(&mut self, task: &Task, name: &str) {
        let outcome = Outcome::of(&self.server, task).await;
        outcome.must_be(&self.undisturbed, name);
        settled(task).await;
        no_finished_call_was_repeated(&self.models, task, name).await;
        let agent = events(&self.server, &stream(&self.server, "agent", &task.agent));
        let failed = agent.iter().any(|event| event["type"] == "agent.failed");
        assert!(!failed, "{name}: the agent did not survive: {agent:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_at_every_event() {
    let lanes = (0..LANES as u64).map(|lane| {
        tokio::spawn(async move {
            let mut this = Lane::new().await;
            let points: Vec<u64> =
                (1..=this.commits).filter(|n| n % LANES as u64 == lane).collect();
            for n in &points {
                this.crash_after(*n).await;
            }
            let verified = this.server.cli_ok(["log", "verify"]);
            assert!(verified.contains("every hash is as it should be"), "{verified}");
            this.server.stop().await;
            (this.commits, points.len())
        })
    });
    for lane in futures::future::join_all(lanes).await {
        let (commits, points) = lane.unwrap();
        eprintln!("{commits} commits, {points} crashes");
    }
}

/// From outside, at any time: also where no commit has just been made.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_survives_kills_at_random_times() {
    let mut chance = Chance::new("run crash");
    let mut lane = Lane::new().await;
    for round in 0..ROUNDS {
        let name = format!("round-{round}");
        let session = lane.server.live().session().await;
        let mut task = submit(&lane.server.live(), &session, &name).await.unwrap();
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(chance.below(250))).await;
            lane.server.kill9();
            lane.server.start_again().await;
            task = submit(&lane.server.live(), &session, &name).await.unwrap();
        }
        lane.check(&task, &name).await;
    }
    let verified = lane.server.cli_ok(["log", "verify"]);
    assert!(verified.contains("every hash is as it should be"), "{verified}");
}
