//! A run that is being stopped when the server dies, after whichever commit: it is stopped all the
//! same, and nothing of it is left.

use std::time::Duration;

use serde_json::json;
use theazo_tests::model_server::{Gate, ModelServer, Reply, Script};
use theazo_tests::{Server, Setup, Task, eventually};

/// More commits than any of these scenarios takes.
const MAX_COMMITS: u64 = 40;
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stop {
    Cancel,
    Pause,
    Terminate,
}

/// A run whose model is held until the gate opens.
struct Scene {
    name: String,
    session: String,
    agent: String,
    gate: Gate,
}

impl Scene {
    async fn new(server: &Server, models: &ModelServer, stop: Stop, n: u64) -> Self {
        let client = server.live();
        let session = client.session().await;
        let agent = client.agent(&session).await;
        let (name, gate) = (format!("{stop:?}-{n}"), Gate::new());
        let code = json!({ "lang": "bash", "code": "echo ran >> ran; cat ran" });
        let replies = [Reply::call("run_code", code).gated(&gate), Reply::text("Done.")];
        models.script_for(&name, Script::by_turn(replies));
        Self { name, session, agent, gate }
    }

    /// Submits the run, once however often it is called.
    async fn submit(&self, server: &Server) -> Option<Task> {
        let body = json!({ "agentId": self.agent, "input": self.name });
        let client = server.live();
        let answer = client.submission(&self.session, body).once(&self.name).send().await.ok()?;
        Some(client.task_of(&self.session, &answer))
    }

    async fn ask(&self, server: &Server, task: &Task, stop: Stop) -> Option<u16> {
        let agent = |verb: &str| format!("/v1/agents/{}/{verb}", self.agent);
        let call = match stop {
            Stop::Cancel => task.cancel(),
            Stop::Pause => server.live().post(agent("pause"), json!({})),
            Stop::Terminate => server.live().post(agent("terminate"), json!({})),
        };
        call.send().await.ok().map(|answer| answer.status)
    }

    /// Runs and stops it on a server that dies over it; false when it did not.
    async fn play(&self, server: &mut Server, stop: Stop) -> bool {
        let Some(task) = self.submit(server).await else { return server.has_died_within(PATIENCE) };
        tokio::select! {
            () = self.gate.arrived() => {}
            () = death(server) => return server.has_died_within(PATIENCE),
        }
        let status = tokio::select! {
            status = self.ask(server, &task, stop) => status,
            // Of several processes the one that would answer may live.
            () = death(server) => None,
        };
        let Some(status) = status else { return server.has_died_within(PATIENCE) };
        assert_eq!(status, 200, "{}", self.name);
        // What comes of it may go on after the answer.
        server.has_died_within(Duration::from_millis(500))
    }

    async fn becomes(&self, server: &Server, state: &str) {
        server.live().agent_becomes(&self.agent, state).await;
    }

    /// What was asked for is done on the next server, however far it had come.
    async fn check(&self, server: &Server, stop: Stop) {
        let task = self.submit(server).await.unwrap();
        if stop == Stop::Cancel {
            // In the queue it would be cancelled there, and its agent left alone.
            task.until("it has been begun", |task| (task["status"] != "queued").then_some(()))
                .await;
        }
        let asked = self.ask(server, &task, stop).await.unwrap();
        assert!(asked == 200 || asked == 409, "{}: {asked}", self.name);
        if stop != Stop::Pause {
            task.ends("cancelled").await;
            self.becomes(server, "terminated").await;
            let session = format!("/v1/sessions/{}", self.session);
            eventually("its place is free", PATIENCE, || async {
                let session = server.live().get(&session).await.expect(200);
                let active = &session["usage"]["activeAgents"];
                if *active == 0 { Ok(()) } else { Err(session.to_string()) }
            })
            .await;
            let open = task.steps().await.into_iter().find(|step| step["finishedAt"].is_null());
            assert!(open.is_none(), "{}: {open:?}", self.name);
            self.gate.open();
            return;
        }
        self.becomes(server, "paused").await;
        assert!(task.tools().await.is_empty(), "{}: it ran while it was paused", self.name);
        self.gate.open();
        let resume = format!("/v1/agents/{}/resume", self.agent);
        server.live().post(resume, json!({})).await.ok();
        assert_eq!(task.completes().await["output"], "Done.");
        let tools = task.tools().await;
        assert_eq!(tools.len(), 1, "{}: {tools:#?}", self.name);
        let output = tools[0]["output"].as_str().unwrap();
        assert_eq!(output.matches("ran").count(), 1, "{}: {output}", self.name);
        self.becomes(server, "idle").await;
        let end = format!("/v1/sessions/{}/end", self.session);
        server.live().post(end, json!({})).await.ok();
        self.becomes(server, "terminated").await;
    }
}

/// Waits until the server has killed itself.
async fn death(server: &Server) {
    while !server.is_dying() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn at_every_event(stop: Stop) {
    let models = ModelServer::start().await;
    let mut server = Setup::default().models(&models).start().await;
    let mut crashes = 0;
    for n in 1..=MAX_COMMITS {
        let scene = Scene::new(&server, &models, stop, n).await;
        server.stop().await;
        server.set_env("THEAZO_ABORT_AFTER_COMMITS", Some(&n.to_string()));
        // It may die over what it finds at its start.
        let started = server.try_start_again().await;
        let died = !started || scene.play(&mut server, stop).await;
        if !died {
            server.kill9();
        }
        crashes += u64::from(died);
        server.set_env("THEAZO_ABORT_AFTER_COMMITS", None);
        server.start_again().await;
        scene.check(&server, stop).await;
        if !died {
            break;
        }
    }
    eprintln!("{stop:?}: {crashes} crashes");
    assert!((5..MAX_COMMITS).contains(&crashes), "{crashes}");
    let verified = server.cli_ok(["log", "verify"]);
    assert!(verified.contains("every hash is as it should be"), "{verified}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_survives_a_crash_at_every_event() {
    at_every_event(Stop::Cancel).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_survives_a_crash_at_every_event() {
    at_every_event(Stop::Pause).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_termination_survives_a_crash_at_every_event() {
    at_every_event(Stop::Terminate).await;
}
