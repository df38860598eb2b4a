//! One of each thing that routes are about, made anew for each request that may use it up.

use std::time::Duration;

use serde_json::{Value, json};
use theazo_tests::{Answer, Call, Client, eventually};

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
}

impl World {
    /// With what `route` needs, in the state that it is for.
    pub async fn for_route(client: &Client, route: &Route) -> Self {
        let provider = if client.is_test() { "mock" } else { "local" };
        let mut world = Self {
            client: client.clone(),
            session: client.session().await,
            agent: String::new(),
            snapshot: String::new(),
            key: String::new(),
            secret: "API_KEY".to_owned(),
            provider: provider.to_owned(),
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
        if route.path.ends_with("/files") && route.body != Body::Raw {
            client.put(world.path("/v1/agents/{id}/files?path=/workspace/a.txt"), "a").await.ok();
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

    async fn pause(&self) -> String {
        let paused = self.client.post(self.path("/v1/agents/{id}/pause"), json!({})).await.ok();
        self.client.agent_becomes(&self.agent, "paused").await;
        paused["snapshot"]["id"].as_str().unwrap().to_owned()
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
                (true, "ports") => "8080".to_owned(),
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
