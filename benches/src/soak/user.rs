//! A user who does whatever users do, for as long as it lasts.

use std::time::Duration;

use anyhow::{Context, ensure};
use hyper::StatusCode;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::follow::{Heard, follow};
use super::script::Script;

const AGENTS: usize = 2;

/// One user of AgentCo.
pub struct User {
    name: String,
    client: Client,
    chance: StdRng,
    session: String,
    agents: Vec<String>,
    requests: u64,
    tasks: Vec<Told>,
}

/// A task that was acknowledged.
pub struct Told {
    /// Of the task, below the API's origin.
    pub path: String,
    pub script: Script,
    /// The agent that it was given to, if it has none of its own.
    agent: Option<String>,
    /// Its cancellation was asked for, or another one's of its agent.
    pub cancelled: bool,
    /// What a reader of its stream heard.
    pub heard: Option<JoinHandle<anyhow::Result<Heard>>>,
}

impl User {
    pub fn new(number: usize, client: Client, chance: StdRng) -> Self {
        let name = format!("user {number}");
        let (session, agents, tasks) = (String::new(), Vec::new(), Vec::new());
        Self { name, client, chance, session, agents, requests: 0, tasks }
    }

    /// Does one thing after the other until `stop`; answers what must be true then.
    pub async fn torment(
        mut self,
        stop: CancellationToken,
    ) -> anyhow::Result<(Vec<Told>, Vec<String>)> {
        self.arrive().await.with_context(|| self.name.clone())?;
        while !stop.is_cancelled() {
            self.something().await.with_context(|| self.name.clone())?;
        }
        Ok((self.tasks, self.agents))
    }

    async fn arrive(&mut self) -> anyhow::Result<()> {
        let session = self.post("/v1/sessions", &json!({ "userId": self.name })).await?.ok()?;
        self.session = id_of(&session, "id")?;
        for _ in 0..AGENTS {
            let agent = self.new_agent().await?;
            self.agents.push(agent);
        }
        Ok(())
    }

    async fn something(&mut self) -> anyhow::Result<()> {
        let agent = self.agents[self.chance.random_range(0..AGENTS)].clone();
        let own = self.chance.random_bool(0.4);
        let at = self.submit((!own).then_some(agent.as_str())).await?;
        if self.chance.random_bool(0.5) {
            self.listen(at);
        }
        match self.chance.random_range(0..10) {
            0..2 => {
                self.rest(300).await;
                self.cancel(at).await?;
            }
            2..4 if !own => {
                self.rest(200).await;
                self.pause(&agent).await?;
            }
            // Leaves it to itself.
            4..6 => self.rest(100).await,
            _ => {
                let wait = format!("{}/wait?timeout=20s", self.tasks[at].path);
                self.client.get(&wait).await?.ok()?;
            }
        }
        Ok(())
    }

    /// Where the task is among the user's.
    async fn submit(&mut self, agent: Option<&str>) -> anyhow::Result<usize> {
        let script = Script::random(&mut self.chance);
        let priority = ["high", "normal", "low"][self.chance.random_range(0..3)];
        let text = &script.text;
        let (path, body) = match agent {
            Some(agent) => {
                (format!("/v1/agents/{agent}/run"), json!({ "task": text, "priority": priority }))
            }
            None => (
                format!("/v1/sessions/{}/tasks", self.session),
                json!({ "agent": "coder", "input": text, "priority": priority }),
            ),
        };
        let submitted = self.post(&path, &body).await?.ok()?;
        let id = id_of(&submitted, "taskId")?;
        let path = format!("/v1/sessions/{}/tasks/{id}", self.session);
        let agent = agent.map(str::to_owned);
        self.tasks.push(Told { path, script, agent, cancelled: false, heard: None });
        Ok(self.tasks.len() - 1)
    }

    fn listen(&mut self, at: usize) {
        let (client, path) = (self.client.clone(), format!("{}/stream", self.tasks[at].path));
        let chance = StdRng::seed_from_u64(self.chance.random());
        let reading = async move { follow(&client, &path, Some(chance)).await };
        self.tasks[at].heard = Some(tokio::spawn(reading));
    }

    /// An agent whose running task is cancelled is terminated, and what waits for it is cancelled
    /// too; so another one takes its place.
    async fn cancel(&mut self, at: usize) -> anyhow::Result<()> {
        let path = format!("{}/cancel", self.tasks[at].path);
        self.tasks[at].cancelled = true;
        let answer = self.post(&path, &json!({})).await?;
        let fine = answer.status.is_success() || answer.status == StatusCode::CONFLICT;
        ensure!(fine, "a cancellation answered {}: {}", answer.status, answer.body);
        let Some(agent) = self.tasks[at].agent.clone() else { return Ok(()) };
        for told in self.tasks.iter_mut().filter(|told| told.agent.as_ref() == Some(&agent)) {
            told.cancelled = true;
        }
        let new = self.new_agent().await?;
        self.agents.iter_mut().filter(|old| **old == agent).for_each(|old| old.clone_from(&new));
        Ok(())
    }

    async fn new_agent(&mut self) -> anyhow::Result<String> {
        let path = format!("/v1/sessions/{}/agents", self.session);
        let agent = self.post(&path, &json!({})).await?.ok()?;
        id_of(&agent, "id")
    }

    async fn pause(&mut self, agent: &str) -> anyhow::Result<()> {
        self.post(&format!("/v1/agents/{agent}/pause"), &json!({})).await?.ok()?;
        self.rest(200).await;
        self.post(&format!("/v1/agents/{agent}/resume"), &json!({})).await?.ok()?;
        Ok(())
    }

    async fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<super::client::Answer> {
        self.requests += 1;
        let key = format!("{} {}", self.name, self.requests);
        self.client.post(&key, path, body).await
    }

    /// For as many milliseconds at most.
    async fn rest(&mut self, most: u64) {
        let millis = self.chance.random_range(0..most);
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

fn id_of(value: &Value, name: &str) -> anyhow::Result<String> {
    let id = value[name].as_str().with_context(|| format!("no {name} in {value}"))?;
    Ok(id.to_owned())
}
