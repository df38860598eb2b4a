//! A worker that does what the test says: it claims a task and reports steps of it.

use serde_json::{Value, json};
use theazo_commands::{Origin, TaskPart, now};
use theazo_domain::agent::{AgentCommand, Failure};
use theazo_domain::pricing::{ModelPrice, ModelUsage, PriceBasis, Rates, TokenUsage};
use theazo_domain::task::{Artifact, Ending, Entry, Purpose, Task, TaskCommand};
use theazo_domain::{AgentId, Payload, Pico, Scope, SessionId, StreamId, TaskId};
use theazo_models::{Finish, Segment, SegmentKind, ToolCall, TurnResult, Wire};

use crate::support::App;

/// One attempt at a task.
pub struct Worker<'a> {
    app: &'a App,
    scope: Scope,
    session: SessionId,
    agent: AgentId,
    pub task: TaskId,
    next: u32,
}

impl<'a> Worker<'a> {
    /// Claims the task of the first org's live half.
    pub async fn claim(app: &'a App, task: &str) -> Self {
        let (scope, task): (_, TaskId) = (app.live.scope, task.parse().unwrap());
        let stream = StreamId::task(scope, task);
        let state = app.commander.load::<Task>(&stream).await.unwrap().state.unwrap();
        let (session, agent) = (state.session_id, state.agent_id());
        let next = u32::try_from(state.steps.len()).unwrap();
        let worker = Self { app, scope, session, agent, task, next };
        let attempt = state.attempt + 1;
        assert_eq!(attempt, 1, "tests claim a task once");
        worker.command(&TaskCommand::Start { attempt, worker: "test".to_owned() }).await;
        worker
    }

    /// As [`Worker::claim`], with the agent's part of it.
    pub async fn claim_with_agent(app: &'a App, task: &str) -> Self {
        let task_id = task.parse().unwrap();
        let stream = StreamId::task(app.live.scope, task_id);
        let state = app.commander.load::<Task>(&stream).await.unwrap().state.unwrap();
        let begin = AgentCommand::StartRun { task_id };
        let origin = Origin::system(app.live.scope, "worker");
        app.commander.agent(&origin, state.agent_id(), &begin).await.unwrap();
        Self::claim(app, task).await
    }

    /// The agent is free again.
    pub async fn release_agent(&self) {
        let end = AgentCommand::EndRun {
            task_id: self.task,
            model_costs: theazo_domain::pricing::Costs::on(
                theazo_domain::Day::default(),
                Pico::ZERO,
            ),
        };
        let origin = Origin::system(self.scope, "worker");
        self.app.commander.agent(&origin, self.agent, &end).await.unwrap();
    }

    async fn command(&self, command: &TaskCommand) {
        let origin = Origin::system(self.scope, "worker");
        self.app.commander.task(&origin, self.task, command).await.unwrap();
    }

    pub async fn report(&self, entries: Vec<Entry>) {
        self.command(&TaskCommand::Report { attempt: 1, entries }).await;
    }

    async fn end(&self, ending: Ending) {
        self.command(&TaskCommand::End { attempt: 1, entries: vec![], ending }).await;
    }

    pub async fn seal(&self, part: TaskPart, text: &str) -> Payload {
        let owner = (self.scope, self.session);
        self.app.commander.seal_task(owner, self.task, part, text.as_bytes()).await.unwrap()
    }

    /// A model call that says `text`, asks for `tools`, and costs `cents`.
    pub async fn model_call(&mut self, text: &str, tools: &[(&str, Value)], cents: i64) {
        let step = self.take();
        let (vendor, model) = ("anthropic".to_owned(), "claude-sonnet".to_owned());
        let started = Entry::ModelCallStarted { purpose: Purpose::Turn, vendor, model };
        self.report(vec![started]).await;
        let turn = turn(step, text, tools);
        let turn = self.seal(TaskPart::Turn { step }, &serde_json::to_string(&turn).unwrap()).await;
        let usage = usage(self.task, step, cents);
        let finish = if tools.is_empty() { "end" } else { "tools" }.to_owned();
        self.report(vec![Entry::ModelCallCompleted { step, turn, finish, usage, duration_ms: 40 }])
            .await;
    }

    /// A tool call of the model call at step `of`; without an output it stays under way.
    pub async fn tool_call(&mut self, of: u32, tool: &str, input: Value, output: Option<&str>) {
        let step = self.take();
        let input = self.seal(TaskPart::ToolInput { step }, &input.to_string()).await;
        let (call_id, tool) = (format!("call_{step}"), tool.to_owned());
        let started = Entry::ToolCallStarted { of, call_id, tool, input, repeatable: true };
        self.report(vec![started]).await;
        let Some(output) = output else { return };
        let is_error = output.starts_with("error");
        let output = self.seal(TaskPart::ToolOutput { step }, output).await;
        let (whole, duration_ms) = (None, 7);
        self.report(vec![Entry::ToolCallCompleted { step, output, whole, is_error, duration_ms }])
            .await;
    }

    pub async fn progress(&self, thousandths: u16, message: &str) {
        let message = Some(self.seal(TaskPart::Message, message).await);
        self.report(vec![Entry::Progress { progress: Some(thousandths), message }]).await;
    }

    /// Completes with these artifacts; those with a content were kept.
    pub async fn complete(&self, output: &str, artifacts: &[(&str, Option<&str>)]) {
        let mut kept = Vec::new();
        for (index, (path, content)) in (0u32..).zip(artifacts) {
            let size = content.map_or(0, |content| content.len() as u64);
            let content = match content {
                Some(content) => Some(self.seal(TaskPart::Artifact { index }, content).await),
                None => None,
            };
            kept.push(Artifact { path: (*path).to_owned(), size, content });
        }
        let output = self.seal(TaskPart::Output, output).await;
        self.end(Ending::Completed { output, artifacts: kept }).await;
    }

    pub async fn fail(&self, code: &str, message: &str, output: Option<&str>) {
        let output = match output {
            Some(output) => Some(self.seal(TaskPart::Output, output).await),
            None => None,
        };
        let failure = Failure { code: code.to_owned(), message: message.to_owned() };
        self.end(Ending::Failed { failure, output, artifacts: vec![] }).await;
    }

    pub async fn cancelled(&self) {
        self.end(Ending::Cancelled { reason: "requested by the caller".to_owned() }).await;
    }

    fn take(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }
}

fn turn(step: u32, text: &str, tools: &[(&str, Value)]) -> TurnResult {
    let segment = |kind, text: &str| Segment { kind, text: text.to_owned() };
    let calls = (0..).zip(tools).map(|(i, (name, input)): (u32, _)| ToolCall {
        id: format!("call_{}", step + 1 + i),
        name: (*name).to_owned(),
        arguments: input.to_string(),
    });
    TurnResult {
        wire: Wire::Anthropic,
        leg: 0,
        model: "claude-sonnet-5-5".to_owned(),
        request_id: None,
        raw: serde_json::value::to_raw_value(&json!([])).unwrap(),
        segments: vec![
            segment(SegmentKind::Reasoning, "Let me see."),
            segment(SegmentKind::Text, text),
        ],
        tool_calls: calls.collect(),
        finish: if tools.is_empty() { Finish::End } else { Finish::Tools },
        explanation: None,
        usage: TokenUsage::default(),
        charged: None,
        first_delta_ms: 1,
        total_ms: 40,
    }
}

fn usage(task: TaskId, step: u32, cents: i64) -> ModelUsage {
    let id = "anthropic/claude-sonnet-5-5@2026-10-07".to_owned();
    ModelUsage {
        id: format!("model/{task}/{step}"),
        model: "claude-sonnet-5-5".to_owned(),
        at: now(),
        tokens: TokenUsage {
            input: 100,
            cache_read: 10,
            cache_write_short: 3,
            cache_write_long: 2,
            output: 20,
            reasoning: 5,
            estimated: false,
        },
        basis: PriceBasis::Table,
        price: Some(ModelPrice { id, rates: Rates::default(), long_prompt: None }),
        fee: None,
        cost: Pico::from_cents(cents),
        waived: Pico::ZERO,
    }
}
