//! What stops a run: a cancellation, its time, a pause, the end of its agent or of the server, at
//! every step.

use std::time::Duration;

use serde_json::{Value, json};
use theazo_tests::model_server::{Gate, Reply, Script, Usage};
use theazo_tests::{Client, Runs, Task, eventually, process_is};

const PATIENCE: Duration = Duration::from_secs(30);

/// Where a run is held.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Point {
    /// While the model is asked for the nth time.
    Model(usize),
    /// In the tool call after that.
    Tool(usize),
}

const POINTS: [Point; 5] =
    [Point::Model(0), Point::Tool(0), Point::Model(1), Point::Tool(1), Point::Model(2)];

/// Two tool calls and an end; held at one point for ever. Each answer costs some cents.
struct Held {
    point: Point,
    gate: Gate,
    /// An argument of the process that a held tool runs.
    mark: String,
}

impl Held {
    fn new(point: Point, name: &str) -> Self {
        // A number that nobody else sleeps for.
        let of = name.bytes().fold(17u64, |sum, byte| sum * 31 % 999_983 + u64::from(byte));
        Self { point, gate: Gate::new(), mark: format!("9{of}.{}", std::process::id()) }
    }

    fn script(&self) -> Script {
        let reply = |n: usize| {
            let reply = match n {
                2 => Reply::text("Done."),
                _ if self.point == Point::Tool(n) => {
                    let code = format!("sleep {}", self.mark);
                    Reply::call("run_code", json!({ "lang": "bash", "code": code }))
                }
                _ => Reply::call("run_code", json!({ "lang": "bash", "code": "echo quick" })),
            };
            let reply = reply.usage(Usage::new(400_000, 0, 0, 10));
            if self.point == Point::Model(n) { reply.gated(&self.gate) } else { reply }
        };
        Script::by_turn((0..3).map(reply))
    }

    /// Waits until the run is where it is held.
    async fn arrived(&self) {
        match self.point {
            Point::Model(_) => self.gate.arrived().await,
            Point::Tool(_) => process_is(true, &self.mark).await,
        }
    }

    /// How many answers of the model came to their end.
    fn answers(&self) -> usize {
        match self.point {
            Point::Model(n) => n,
            Point::Tool(n) => n + 1,
        }
    }

    /// Nothing of it runs, and what it had used is paid for.
    async fn is_over(&self, task: &Task) {
        process_is(false, &self.mark).await;
        let ended = task.view().await;
        let cents = ended["cost"]["amount"].as_u64().unwrap();
        assert_eq!(cents > 0, self.answers() > 0 || cents > 0, "{ended:#}");
        let steps = task.steps().await;
        let open = steps.iter().filter(|step| step["finishedAt"].is_null()).count();
        assert_eq!(open, 0, "{:?}: {steps:#?}", self.point);
        let whole =
            steps.iter().filter(|step| step["usage"].is_object() && step["error"].is_null());
        assert_eq!(whole.count(), self.answers(), "{:?}: {steps:#?}", self.point);
        self.gate.open();
    }
}

/// A run that is held at a point, by an agent that was there before.
async fn held(runs: &Runs, point: Point, name: &str) -> (Held, Task) {
    let held = Held::new(point, name);
    let agent = runs.client.agent(&runs.session).await;
    let task = runs.run(&agent, name, held.script()).await;
    held.arrived().await;
    (held, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_at_every_step() {
    let runs = Runs::start().await;
    for (n, point) in POINTS.into_iter().enumerate() {
        let (held, task) = held(&runs, point, &format!("cancel-{n}")).await;
        let cancelled = task.cancel().await.ok();
        assert_eq!(cancelled["status"], "cancelled", "{point:?}: {cancelled}");
        runs.client.agent_becomes(&task.agent, "terminated").await;
        held.is_over(&task).await;
        if held.answers() > 0 {
            assert!(cancelled["cost"]["amount"].as_u64().unwrap() > 0, "{point:?}: {cancelled}");
        }
        task.cancel().await.refused("conflict");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_has_its_time_at_every_step() {
    let runs = Runs::start().await;
    let all = POINTS.into_iter().enumerate().map(async |(n, point)| {
        let name = format!("time-{n}");
        let held = Held::new(point, &name);
        runs.models.script_for(&name, held.script());
        let body = json!({ "agent": "coder", "input": name, "timeout": 2 });
        let task = runs.client.submit(&runs.session, body).await;
        held.arrived().await;
        let why = task.fails("timeout").await;
        assert!(why.contains("2 s") && why.contains("timeout"), "{why}");
        held.is_over(&task).await;
        runs.client.agent_becomes(&task.agent, "failed").await;
    });
    futures::future::join_all(all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_its_agent_ends_a_run() {
    let runs = Runs::start().await;
    for (n, point) in [Point::Model(1), Point::Tool(1)].into_iter().enumerate() {
        let (held, task) = held(&runs, point, &format!("terminate-{n}")).await;
        runs.client.post(format!("/v1/agents/{}/terminate", task.agent), json!({})).await.ok();
        task.ends("cancelled").await;
        held.is_over(&task).await;
    }
    let mut all = Vec::new();
    for (n, point) in [Point::Model(1), Point::Tool(1)].into_iter().enumerate() {
        all.push(held(&runs, point, &format!("session-{n}")).await);
    }
    let waiting = runs.client.run(&runs.session, &all[0].1.agent, "session-0 again").await;
    runs.client.post(format!("/v1/sessions/{}/end", runs.session), json!({})).await.ok();
    for (held, task) in &all {
        task.ends("cancelled").await;
        held.is_over(task).await;
        runs.client.agent_becomes(&task.agent, "terminated").await;
    }
    waiting.ends("cancelled").await;
}

fn bash(code: &str) -> Value {
    json!({ "lang": "bash", "code": code })
}

async fn file_is_there(client: &Client, agent: &str, name: &str) {
    let path = format!("/v1/agents/{agent}/files?path=/workspace/{name}");
    eventually(&format!("{name} is there"), PATIENCE, || async {
        let file = client.get(&path).foreign().await;
        if file.status == 200 { Ok(()) } else { Err(file.brief()) }
    })
    .await;
}

/// The tool call that is under way comes to its end, then nothing happens until it is resumed.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_lets_a_tool_end() {
    let runs = Runs::start().await;
    let agent = runs.client.agent(&runs.session).await;
    let work = "echo ran >> ran; touch begun; sleep 1; echo went";
    let script = Script::by_turn([
        Reply::call("run_code", bash(work)),
        Reply::call("run_code", bash("cat ran")),
        Reply::text("Done."),
    ]);
    let task = runs.run(&agent, "pause-tool-1", script).await;
    file_is_there(&runs.client, &agent, "begun").await;
    runs.client.post(format!("/v1/agents/{agent}/pause"), json!({})).await.ok();
    runs.client.agent_becomes(&agent, "paused").await;
    let tools = task.tools().await;
    assert_eq!(tools.len(), 1, "{tools:#?}");
    assert!(tools[0]["output"].as_str().unwrap().contains("went"), "{tools:#?}");
    assert_eq!(task.view().await["status"], "running");
    let asked = runs.models.calls_of("pause-tool-1").len();
    assert!(asked <= 2, "{asked}");

    runs.client.post(format!("/v1/agents/{agent}/resume"), json!({})).await.ok();
    assert_eq!(task.completes().await["output"], "Done.");
    let tools = task.tools().await;
    assert_eq!(tools.len(), 2);
    assert!(tools[1]["output"].as_str().unwrap().contains("ran"), "{tools:#?}");
    assert_eq!(tools[1]["output"].as_str().unwrap().matches("ran").count(), 1, "it ran once");
    runs.models.assert_no_finished_call_was_repeated();
}

/// The answer that the model is giving is heard to its end; what it wants waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_comes_while_the_model_speaks() {
    let runs = Runs::start().await;
    let agent = runs.client.agent(&runs.session).await;
    let gate = Gate::new();
    let script = Script::by_turn([
        Reply::text("I will.").tool_call("run_code", bash("echo ran >> ran; cat ran")).gated(&gate),
        Reply::text("Done."),
    ]);
    let task = runs.run(&agent, "pause-model-1", script).await;
    gate.arrived().await;
    runs.client.post(format!("/v1/agents/{agent}/pause"), json!({})).await.ok();
    runs.client.agent_becomes(&agent, "paused").await;
    gate.open();
    eventually("the answer is there", PATIENCE, || async {
        let steps = task.steps().await;
        let heard = steps.len() == 1 && steps[0]["text"] == "I will.";
        if heard { Ok(()) } else { Err(format!("{steps:#?}")) }
    })
    .await;
    assert_eq!(task.view().await["status"], "running");
    runs.client.post(format!("/v1/agents/{agent}/resume"), json!({})).await.ok();
    assert_eq!(task.completes().await["output"], "Done.");
    let tools = task.tools().await;
    assert_eq!(tools.len(), 1, "{tools:#?}");
    assert_eq!(tools[0]["output"].as_str().unwrap().matches("ran").count(), 1, "{tools:#?}");
    runs.models.assert_no_finished_call_was_repeated();
}

/// Pauses and resumes while it works: whatever they hit, nothing is lost or done twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_survives_many_pauses() {
    const TURNS: usize = 12;
    let runs = Runs::start().await;
    let agent = runs.client.agent(&runs.session).await;
    let script = Script::brain(|request| match request.answers() {
        n @ 0..TURNS => Reply::call("run_code", bash(&format!("echo {n} >> ran; sleep 0.03"))),
        _ => Reply::text("Done."),
    });
    let task = runs.run(&agent, "pauses-1", script).await;
    let mut pauses = 0;
    while ["queued", "running"].contains(&task.view().await["status"].as_str().unwrap()) {
        let paused = runs.client.post(format!("/v1/agents/{agent}/pause"), json!({})).await;
        if paused.status == 409 {
            continue;
        }
        paused.ok();
        pauses += 1;
        runs.client.agent_becomes(&agent, "paused").await;
        runs.client.post(format!("/v1/agents/{agent}/resume"), json!({})).await.ok();
        let before = task.steps().await.len();
        let moved = async |task: &Task| {
            let over = task.view().await["status"] == "completed";
            over || task.steps().await.len() > before
        };
        eventually("it went on", PATIENCE, async || {
            if moved(&task).await { Ok(()) } else { Err("it stands") }
        })
        .await;
    }
    eprintln!("{pauses} pauses");
    task.completes().await;
    runs.client.agent_becomes(&agent, "idle").await;
    let ran = runs.client.bash(&agent, "cat ran").await;
    let wanted: String = (0..TURNS).map(|n| format!("{n}\n")).collect();
    assert_eq!(ran, wanted);
    runs.models.assert_no_finished_call_was_repeated();
}

/// SIGTERM: what is under way ends, or is broken off; the next start goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_by_itself() {
    let mut runs = Runs::start().await;
    let agent = runs.client.agent(&runs.session).await;
    let gate = Gate::new();
    let script = Script::by_turn([
        Reply::call("run_code", bash("echo ran >> ran; touch begun; sleep 1; echo went")),
        Reply::call("run_code", bash("cat ran")),
        Reply::text("Done."),
    ]);
    let in_tool = runs.run(&agent, "restart-tool-1", script).await;
    let script = Script::by_turn([Reply::text("Said at last.").gated(&gate)]);
    let in_model = runs.code("restart-model-1", script).await;
    file_is_there(&runs.client, &agent, "begun").await;
    gate.arrived().await;
    runs.server.stop().await;
    runs.server.start_again().await;
    gate.open();
    assert_eq!(in_tool.completes().await["output"], "Done.");
    let tools = in_tool.tools().await;
    assert!(tools[0]["output"].as_str().unwrap().contains("went"), "it ended first: {tools:#?}");
    assert_eq!(tools[1]["output"].as_str().unwrap().matches("ran").count(), 1, "{tools:#?}");
    assert_eq!(in_model.completes().await["output"], "Said at last.");
    runs.models.assert_no_finished_call_was_repeated();
}
