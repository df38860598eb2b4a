//! A worker that does what the test says.

use serde_json::{Value, json};
use theazo_commands::{Origin, TaskPart, TaskRequest, now, task as tasks};
use theazo_domain::agent::{AgentCommand, AgentState, Failure};
use theazo_domain::pricing::{ModelUsage, PriceBasis, TokenUsage};
use theazo_domain::task::{
    Ending, Entry, Priority, Purpose, RequeueReason, TaskAgent, TaskCommand,
};
use theazo_domain::{AgentId, Pico, Scope, SessionId, StreamId, TaskId};
use theazo_log::Position;
use theazo_log::live::{Speaker, Voice};

use crate::agents::{idle_agent, until};
use crate::support::App;

/// One task of one agent.
pub struct Run<'a> {
    app: &'a App,
    scope: Scope,
    pub session: SessionId,
    pub agent: AgentId,
    pub task: TaskId,
    attempt: u32,
    steps: u32,
}

/// A model call that is under way.
pub struct Speech {
    pub step: u32,
    /// What it has said.
    pub said: Vec<(Voice, String)>,
    speaker: Option<Speaker>,
}

impl Speech {
    pub fn say(&mut self, voice: Voice, text: &str) {
        if let Some(speaker) = &self.speaker {
            speaker.say(voice, text);
        }
        self.said.push((voice, text.to_owned()));
    }

    /// What only its outcome will tell.
    pub fn say_unheard(&mut self, text: &str) {
        self.speaker = None;
        self.said.push((Voice::Text, text.to_owned()));
    }

    /// Nobody can hear it any more, and its outcome is not in the log.
    pub fn fall_silent(&mut self) {
        self.speaker = None;
    }

    fn turn(&self) -> Value {
        let mut segments: Vec<Value> = Vec::new();
        for (voice, text) in &self.said {
            let kind = if *voice == Voice::Text { "text" } else { "reasoning" };
            match segments.last_mut() {
                Some(last) if last["kind"] == kind => {
                    last["text"] = format!("{}{text}", last["text"].as_str().unwrap()).into();
                }
                _ => segments.push(json!({ "kind": kind, "text": text })),
            }
        }
        json!({ "wire": "mock", "model": "m", "raw": [], "segments": segments, "toolCalls": [] })
    }
}

impl<'a> Run<'a> {
    /// A task that is queued for a new agent.
    pub async fn queued(app: &'a App) -> Self {
        let agent: AgentId = idle_agent(app).await.parse().unwrap();
        let answer = app.get(&format!("/v1/agents/{agent}")).await;
        let session = answer.text("sessionId").parse().unwrap();
        Self::another(app, session, agent).await
    }

    /// A task that is queued for this agent.
    pub async fn another(app: &'a App, session: SessionId, agent: AgentId) -> Self {
        let scope = app.live.scope;
        let origin = Origin::system(scope, "test");
        let task = tasks::new_id(&origin);
        let request = TaskRequest {
            task_id: task,
            session_id: session,
            agent: TaskAgent::Existing { agent_id: agent },
            priority: Priority::Normal,
            max_steps: 100,
            input: "\"do it\"".to_owned(),
            webhook: None,
            retry_of: None,
        };
        app.commander.submit_task(&origin, request).await.unwrap();
        Self { app, scope, session, agent, task, attempt: 0, steps: 0 }
    }

    /// A task whose first attempt has begun.
    pub async fn started(app: &'a App) -> Self {
        let mut run = Self::queued(app).await;
        run.start().await;
        run
    }

    pub fn path(&self) -> String {
        format!("/v1/sessions/{}/tasks/{}/stream", self.session, self.task)
    }

    pub fn agent_path(&self) -> String {
        format!("/v1/agents/{}/stream", self.agent)
    }

    fn origin(&self) -> Origin {
        Origin::system(self.scope, "worker")
    }

    pub async fn command(&self, command: TaskCommand) -> Position {
        let done = self.app.commander.task(&self.origin(), self.task, &command).await;
        done.unwrap().position
    }

    async fn of_agent(&self, command: AgentCommand) {
        let stream = StreamId::agent(self.scope, self.agent);
        // The other worker of the tests may be at it too.
        self.app.commander.load_fresh::<theazo_domain::agent::Agent>(&stream).await.unwrap();
        self.app.commander.agent(&self.origin(), self.agent, &command).await.unwrap();
    }

    /// A worker claims it, and the agent for it.
    pub async fn start(&mut self) {
        self.attempt += 1;
        let worker = format!("worker-{}", self.attempt);
        self.command(TaskCommand::Start { attempt: self.attempt, worker }).await;
        self.of_agent(AgentCommand::StartRun { task_id: self.task }).await;
    }

    /// Its worker dies, and another takes it up.
    pub async fn lose_worker(&mut self) {
        let (attempt, reason) = (self.attempt, RequeueReason::WorkerLost);
        self.command(TaskCommand::Requeue { attempt, reason }).await;
        self.start().await;
    }

    pub async fn report(&mut self, entries: Vec<Entry>) -> Position {
        let begins = |entry: &&Entry| {
            matches!(entry, Entry::ModelCallStarted { .. } | Entry::ToolCallStarted { .. })
        };
        self.steps += u32::try_from(entries.iter().filter(begins).count()).unwrap();
        self.command(TaskCommand::Report { attempt: self.attempt, entries }).await
    }

    pub async fn renew(&self) {
        self.command(TaskCommand::Renew { attempt: self.attempt }).await;
    }

    /// A model call begins.
    pub async fn call(&mut self) -> Speech {
        let step = self.steps;
        let (vendor, model) = ("anthropic".to_owned(), "m".to_owned());
        let intent = Entry::ModelCallStarted { purpose: Purpose::Turn, vendor, model };
        let at = self.report(vec![intent]).await;
        let stream = StreamId::task(self.scope, self.task);
        let speaker = Some(self.app.live_text.speak(&stream, at));
        Speech { step, said: Vec::new(), speaker }
    }

    /// It ends, and asks for these tools; their steps.
    pub async fn heard(&mut self, speech: Speech, tools: &[(&str, &str)]) -> Vec<u32> {
        let step = speech.step;
        let mut entries = vec![self.outcome(&speech).await];
        let first = self.steps;
        for (n, (tool, input)) in (0u32..).zip(tools) {
            let part = TaskPart::ToolInput { step: first + n };
            let call_id = format!("call_{step}_{n}");
            let (tool, input) = ((*tool).to_owned(), self.seal(part, input).await);
            entries.push(Entry::ToolCallStarted {
                of: step,
                call_id,
                tool,
                input,
                repeatable: true,
            });
        }
        self.report(entries).await;
        (first..self.steps).collect()
    }

    pub async fn outcome(&self, speech: &Speech) -> Entry {
        let step = speech.step;
        let usage = ModelUsage {
            id: format!("{}.{step}", self.task),
            model: "m".to_owned(),
            at: now(),
            tokens: TokenUsage::default(),
            basis: PriceBasis::Table,
            price: None,
            fee: None,
            cost: Pico::from_cents(2),
            waived: Pico::ZERO,
        };
        let turn = self.seal(TaskPart::Turn { step }, &speech.turn().to_string()).await;
        let finish = "end".to_owned();
        Entry::ModelCallCompleted { step, turn, finish, usage, duration_ms: 5 }
    }

    /// It breaks off.
    pub async fn broke(&mut self, speech: Speech) {
        let failure =
            Failure { code: "provider_error".to_owned(), message: "It broke.".to_owned() };
        let failed = Entry::ModelCallFailed { step: speech.step, failure, usage: None };
        drop(speech);
        self.report(vec![failed]).await;
    }

    pub async fn tool_done(&mut self, step: u32, output: &str) {
        let done = self.tool_outcome(step, output).await;
        self.report(vec![done]).await;
    }

    pub async fn tool_outcome(&self, step: u32, output: &str) -> Entry {
        let output = self.seal(TaskPart::ToolOutput { step }, output).await;
        Entry::ToolCallCompleted { step, output, whole: None, is_error: false, duration_ms: 3 }
    }

    pub async fn progress(&mut self, thousandths: u16, message: &str) {
        let entry = self.progress_entry(thousandths, message).await;
        self.report(vec![entry]).await;
    }

    pub async fn progress_entry(&self, thousandths: u16, message: &str) -> Entry {
        let message = Some(self.seal(TaskPart::Message, message).await);
        Entry::Progress { progress: Some(thousandths), message }
    }

    pub async fn completed(&self, output: &str) {
        let output = self.seal(TaskPart::Output, output).await;
        self.ended(Ending::Completed { output, artifacts: vec![] }).await;
    }

    pub async fn ended(&self, ending: Ending) {
        self.command(TaskCommand::End { attempt: self.attempt, entries: vec![], ending }).await;
        let model_cost = Pico::from_cents(2);
        self.of_agent(AgentCommand::EndRun {
            task_id: self.task,
            model_costs: theazo_domain::pricing::Costs::on(
                theazo_domain::Day::default(),
                model_cost,
            ),
        })
        .await;
    }

    pub async fn terminate_agent(&self) {
        let reason = "the test says so".to_owned();
        self.of_agent(AgentCommand::RequestTerminate { reason }).await;
        until(self.app, &self.app.live, &self.agent.to_string(), AgentState::Terminated).await;
    }

    async fn seal(&self, part: TaskPart, plain: &str) -> theazo_domain::Payload {
        let owner = (self.scope, self.session);
        self.app.commander.seal_task(owner, self.task, part, plain.as_bytes()).await.unwrap()
    }
}
