//! One of each thing that routes are about, made anew for each request that may use it up.

use std::time::Duration;

use serde_json::{Value, json};
use theazo_tests::{Answer, Call, Client, eventually, random_key};

use crate::routes::{Body, Route};

#[derive(Clone)]
pub struct World {
    pub client: Client,
    pub session: String,
    pub agent: String,
    pub snapshot: String,
    pub key: String,
    pub secret: String,
    pub provider: String,
    pub task: String,
    pub definition: String,
    pub export: String,
}

/// What the mock is asked for a task that makes a file, and for one that never ends by itself.
const WRITES: &str =
    "@tool write_file {\"path\": \"/workspace/a.txt\", \"content\": \"a\"}\n@say written";
const LASTS: &str = "@slow 600000\n@say late";

impl World {
    /// With what `route` needs, in the state that it is for.
    pub async fn for_route(client: &Client, route: &Route) -> Self {
        let provider = if client.is_test() { "mock" } else { "local" };
        let mut world = Self {
            client: client.clone(),
            session: client.session_with(json!({ "userId": "user_1", "model": "mock" })).await,
            agent: String::new(),
            snapshot: String::new(),
            key: String::new(),
            secret: "API_KEY".to_owned(),
            provider: provider.to_owned(),
            task: String::new(),
            definition: String::new(),
            export: String::new(),
        };
        if route.path.contains("/agents/{") || route.path.contains("/snapshots/{") {
            world.agent = client.agent(&world.session).await;
        }
        if route.path.contains("/snapshots/{") {
            world.snapshot = world.pause().await;
            client.post(world.path("/v1/agents/{id}/resume"), json!({})).await.ok();
        }
        if route.path.ends_with("/resume") {
            world.snapshot = world.pause().await;
        }
        if route.path.contains("/api-keys/") {
            let key = client.post("/v1/api-keys", json!({ "name": "spare" })).await.ok();
            world.key = key["id"].as_str().unwrap().to_owned();
        }
        if route.path.contains("/secrets/") {
            let secret = json!({ "name": world.secret, "value": "s3cret" });
            client.post("/v1/secrets", secret).await.ok();
        }
        if route.path.contains("/providers/") {
            let provider = json!({ "provider": provider, "credentials": {} });
            client.post("/v1/providers", provider).await.ok();
        }
        if route.path.contains("/ports/") {
            let port = json!({ "port": 8080 });
            client.post(world.path("/v1/agents/{id}/ports"), port).await.ok();
        }
        if route.path.contains("/tasks/{") {
            world.task = world.submit(route).await;
        }
        if route.path.ends_with("/retry") {
            let body = json!({ "task": "hello" });
            let run = client.post(world.path("/v1/agents/{id}/run"), body).await.ok();
            world.ended(run["taskId"].as_str().unwrap()).await;
            client.agent_becomes(&world.agent, "idle").await;
        }
        if route.path.contains("/agent-definitions/{") {
            let body = json!({ "name": random_key("definition") });
            let made = client.post("/v1/agent-definitions", body).await.ok();
            world.definition = made["id"].as_str().unwrap().to_owned();
        }
        if route.path.contains("/exports") {
            world.export = world.push().await;
        }
        if route.path.ends_with("/files") && route.body != Body::Raw {
            client.put(world.path("/v1/agents/{id}/files?path=/workspace/a.txt"), "a").await.ok();
        }
        if route.path == "/v1/agents/{id}/stream" {
            // It ends when the agent has.
            client.post(world.path("/v1/agents/{id}/terminate"), json!({})).await.ok();
        }
        world
    }

    /// Ends what it has, so that the next world finds none of it.
    pub async fn end(&self) {
        let path = format!("/v1/sessions/{}", self.session);
        self.client.post(format!("{path}/end"), json!({})).await.ok();
        eventually("its agents have ended", Duration::from_secs(30), || async {
            let session = self.client.get(&path).await.expect(200);
            let active = &session["usage"]["activeAgents"];
            if *active == 0 { Ok(()) } else { Err(session.to_string()) }
        })
        .await;
    }

    /// A push of nothing to Stripe, which has ended, so that another one can be started.
    async fn push(&self) -> String {
        for name in ["STRIPE_API_KEY", "METRONOME_API_KEY"] {
            let key = json!({ "name": name, "value": "sk_test_1" });
            self.client.post("/v1/secrets", key).await.ok();
        }
        self.no_push_is_under_way().await;
        let body = json!({ "until": "2020-01-01" });
        let started = self.client.post("/v1/billing/exports/stripe", body).await.ok();
        self.no_push_is_under_way().await;
        started["exportId"].as_str().unwrap().to_owned()
    }

    async fn no_push_is_under_way(&self) {
        eventually("no push is under way", Duration::from_secs(30), || async {
            let listed = self.client.get("/v1/billing/exports").await.ok();
            let running =
                listed["data"].as_array().unwrap().iter().any(|push| push["status"] == "running");
            if running { Err(listed.to_string()) } else { Ok(()) }
        })
        .await;
    }

    async fn pause(&self) -> String {
        let paused = self.client.post(self.path("/v1/agents/{id}/pause"), json!({})).await.ok();
        self.client.agent_becomes(&self.agent, "paused").await;
        paused["snapshot"]["id"].as_str().unwrap().to_owned()
    }

    /// A task that is as `route` wants it.
    async fn submit(&self, route: &Route) -> String {
        let input = match route.path.rsplit('/').next() {
            Some("cancel") => LASTS,
            Some("artifacts") => WRITES,
            _ => "hello",
        };
        let body = json!({ "agent": "coder", "input": input });
        let task = self.client.post(self.path("/v1/sessions/{id}/tasks"), body).await.ok();
        let id = task["id"].as_str().unwrap().to_owned();
        if input == WRITES {
            self.ended(&id).await;
        }
        id
    }

    async fn ended(&self, task: &str) {
        let path = format!("/v1/sessions/{}/tasks/{task}/wait?timeout=1m", self.session);
        let task = self.client.get(path).await.expect(200);
        assert_eq!(task["status"], "completed", "{task}");
    }

    /// The path with this world's ids: what a parameter stands for is told by what is before it.
    pub fn path(&self, template: &str) -> String {
        let mut filled: Vec<String> = Vec::new();
        for part in template.split('/') {
            let before = filled.last().map(String::as_str).unwrap_or_default();
            let (name, rest) = part.split_once('}').unwrap_or((part, ""));
            let value = match (name.starts_with('{'), before) {
                (false, _) => part.to_owned(),
                (true, "sessions" | "session") => self.session.clone(),
                (true, "agents") => self.agent.clone(),
                (true, "snapshots") => self.snapshot.clone(),
                (true, "api-keys") => self.key.clone(),
                (true, "secrets") => self.secret.clone(),
                (true, "providers") => self.provider.clone(),
                (true, "tasks") => self.task.clone(),
                (true, "agent-definitions") => self.definition.clone(),
                (true, "models") => "mock".to_owned(),
                (true, "tools") => "write_file".to_owned(),
                (true, "ports") => "8080".to_owned(),
                (true, "exports") => self.export.clone(),
                (true, "by-user") => "user_2".to_owned(),
                (true, "audit") => "session".to_owned(),
                (true, other) => panic!("{template}: what is the parameter after {other}?"),
            };
            filled.push(if name.starts_with('{') { value + rest } else { value });
        }
        filled.join("/")
    }

    /// A request that must succeed.
    pub fn good(&self, route: &Route) -> Call {
        self.with_body(route, route.good_body(&self.client))
    }

    pub fn with_body(&self, route: &Route, body: Option<Value>) -> Call {
        let path = format!("{}{}", self.path(route.path), route.query);
        let call = self.client.call(route.method.clone(), path);
        match (route.body, body) {
            (Body::None, _) => call,
            (Body::Raw, _) => call.raw("content", "application/octet-stream"),
            (Body::Json(_), Some(body)) => call.json(body),
            (Body::Json(_), None) => call,
        }
    }

    /// As [`Self::good`], by someone else.
    pub async fn by(&self, other: &Client, route: &Route) -> Answer {
        Self { client: other.clone(), ..self.clone() }.good(route).await
    }
}
