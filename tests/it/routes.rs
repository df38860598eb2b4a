//! Every route there is, with a request that succeeds. A route that is in `/openapi.json` and not
//! here, or here and not there, fails `contract::the_table_is_the_document`.

use serde_json::Value;
use theazo_tests::{Client, Method};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Body {
    None,
    /// Bytes as they are.
    Raw,
    /// A JSON body, as text. `PROVIDER` stands for one that the key can use.
    Json(&'static str),
}

#[derive(Debug, Clone)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub query: &'static str,
    pub body: Body,
    /// Of a request that succeeds.
    pub status: u16,
    /// Answered without a key.
    pub open: bool,
}

impl Route {
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether an answer with this status is a success of this route.
    pub fn accepts(&self, status: u16) -> bool {
        // Get or create: it depends on what was there.
        status == self.status || (self.path.contains("by-user") && status == 200)
    }

    pub fn good_body(&self, client: &Client) -> Option<Value> {
        let provider = if client.is_test() { "mock" } else { "local" };
        match self.body {
            Body::Json(text) => {
                Some(serde_json::from_str(&text.replace("PROVIDER", provider)).unwrap())
            }
            _ => None,
        }
    }

    /// Whether it is about one thing of a tenant, named in its path by an id.
    pub fn has_id(&self) -> bool {
        let things = [
            "/sessions/{",
            "/agents/{",
            "/snapshots/{",
            "/api-keys/{",
            "/audit/{",
            "/agent-definitions/{",
            "/exports/{",
        ];
        things.iter().any(|thing| self.path.contains(thing)) && !self.path.contains("by-user")
    }

    pub fn is_list(&self) -> bool {
        let lists = [
            "/v1/sessions",
            "/v1/sessions/{id}/agents",
            "/v1/sessions/{id}/tasks",
            "/v1/sessions/{id}/tasks/{taskId}/steps",
            "/v1/sessions/{id}/tasks/{taskId}/deliveries",
            "/v1/sessions/{id}/deliveries",
            "/v1/agents/{id}/logs",
            "/v1/agent-definitions",
            "/v1/agent-definitions/{id}/versions",
            "/v1/providers",
            "/v1/snapshots",
            "/v1/secrets",
            "/v1/api-keys",
            "/v1/audit/events",
            "/v1/billing/exports",
            "/v1/billing/exports/{id}/records",
        ];
        self.method == Method::GET && lists.contains(&self.path)
    }
}

fn route(method: Method, path: &'static str, body: Body, status: u16) -> Route {
    Route { method, path, query: "", body, status, open: false }
}

fn get(path: &'static str) -> Route {
    route(Method::GET, path, Body::None, 200)
}

fn open(path: &'static str) -> Route {
    Route { open: true, ..get(path) }
}

fn post(path: &'static str, status: u16, body: &'static str) -> Route {
    let body = if body.is_empty() { Body::None } else { Body::Json(body) };
    route(Method::POST, path, body, status)
}

fn put(path: &'static str, body: &'static str) -> Route {
    route(Method::PUT, path, Body::Json(body), 200)
}

fn patch(path: &'static str, body: &'static str) -> Route {
    route(Method::PATCH, path, Body::Json(body), 200)
}

fn delete(path: &'static str) -> Route {
    route(Method::DELETE, path, Body::None, 200)
}

fn at(query: &'static str, route: Route) -> Route {
    Route { query, ..route }
}

const AGENT: &str = r#"{"browser":false,"instructions":"Be concise.","tools":["write_file"],
    "timeout":120,"metadata":{"a":1}}"#;
const SESSION: &str = r#"{"userId":"user_1","limits":{"maxAgents":3,
    "maxCost":{"amount":500,"currency":"usd","period":"day"}},"metadata":{"plan":"pro"}}"#;
const FILE: &str = "?path=/workspace/a.txt";
/// The mock answers these at once, for live keys too.
const TASK: &str = r#"{"agent":"coder","input":"hello","priority":"high","model":"mock"}"#;
const ONE_SHOT: &str = r#"{"agent":"coder","task":"hello","model":"mock"}"#;
const DEFINITION: &str = r#"{"name":"Research Assistant","instructions":"Be concise.",
    "tools":["web_search"],"compute":{"timeout":120},"metadata":{"a":1}}"#;

pub fn all() -> Vec<Route> {
    vec![
        open("/healthz"),
        open("/readyz"),
        open("/metrics"),
        post("/v1/sessions", 201, SESSION),
        get("/v1/sessions"),
        get("/v1/sessions/{id}"),
        patch("/v1/sessions/{id}", r#"{"metadata":{"plan":"free"}}"#),
        post("/v1/sessions/by-user/{userId}", 201, r#"{"metadata":{}}"#),
        post("/v1/sessions/{id}/end", 200, ""),
        post("/v1/sessions/{id}/agents", 201, AGENT),
        get("/v1/sessions/{id}/agents"),
        post("/v1/sessions/{id}/run", 200, ONE_SHOT),
        post("/v1/sessions/{id}/tasks", 201, TASK),
        get("/v1/sessions/{id}/tasks"),
        get("/v1/sessions/{id}/tasks/{taskId}"),
        at("?timeout=10ms", get("/v1/sessions/{id}/tasks/{taskId}/wait")),
        post("/v1/sessions/{id}/tasks/{taskId}/cancel", 200, ""),
        get("/v1/sessions/{id}/tasks/{taskId}/steps"),
        get("/v1/sessions/{id}/tasks/{taskId}/stream"),
        at(FILE, get("/v1/sessions/{id}/tasks/{taskId}/artifacts")),
        get("/v1/sessions/{id}/tasks/{taskId}/deliveries"),
        get("/v1/sessions/{id}/deliveries"),
        get("/v1/agents/{id}"),
        post("/v1/agents/{id}/run", 202, r#"{"task":"hello"}"#),
        post("/v1/agents/{id}/retry", 202, ""),
        get("/v1/agents/{id}/stream"),
        get("/v1/agents/{id}/logs"),
        post("/v1/agents/{id}/exec", 200, r#"{"lang":"bash","code":"echo hi"}"#),
        post("/v1/agents/{id}/pause", 200, ""),
        post("/v1/agents/{id}/resume", 200, ""),
        post("/v1/agents/{id}/terminate", 200, ""),
        at(FILE, get("/v1/agents/{id}/files")),
        at(FILE, route(Method::PUT, "/v1/agents/{id}/files", Body::Raw, 200)),
        at(FILE, delete("/v1/agents/{id}/files")),
        at("?path=/workspace", get("/v1/agents/{id}/files/list")),
        post("/v1/agents/{id}/ports", 201, r#"{"port":8080}"#),
        get("/v1/agents/{id}/ports"),
        delete("/v1/agents/{id}/ports/{port}"),
        get("/v1/snapshots"),
        delete("/v1/snapshots/{id}"),
        post("/v1/agent-definitions", 201, DEFINITION),
        get("/v1/agent-definitions"),
        get("/v1/agent-definitions/{id}"),
        put("/v1/agent-definitions/{id}", r#"{"timeout":60}"#),
        delete("/v1/agent-definitions/{id}"),
        get("/v1/agent-definitions/{id}/versions"),
        get("/v1/models"),
        put("/v1/models/{id}/price", r#"{"input":"2.5","output":"10"}"#),
        get("/v1/tools"),
        get("/v1/tools/{name}"),
        get("/v1/settings/webhook-secret"),
        get("/v1/settings"),
        patch("/v1/settings", r#"{"billingDay":2}"#),
        get("/v1/providers"),
        post("/v1/providers", 201, r#"{"provider":"PROVIDER","credentials":{"apiKey":"k"}}"#),
        delete("/v1/providers/{provider}"),
        post("/v1/providers/{provider}/check", 200, ""),
        post("/v1/secrets", 201, r#"{"name":"API_KEY","value":"s3cret"}"#),
        get("/v1/secrets"),
        delete("/v1/secrets/{name}"),
        post("/v1/api-keys", 201, r#"{"name":"backend"}"#),
        get("/v1/api-keys"),
        delete("/v1/api-keys/{id}"),
        post("/v1/api-keys/{id}/rotate", 200, ""),
        post("/v1/billing/exports/stripe", 202, r#"{"until":"2020-01-01","retryRejected":true}"#),
        post("/v1/billing/exports/metronome", 202, r#"{"until":"2020-01-01"}"#),
        get("/v1/billing/exports"),
        get("/v1/billing/exports/{id}"),
        get("/v1/billing/exports/{id}/records"),
        get("/v1/usage/summary"),
        get("/v1/billing/usage"),
        get("/v1/billing/usage/daily"),
        get("/v1/billing/usage/users"),
        get("/v1/billing/usage/models"),
        get("/v1/audit/events"),
        get("/v1/audit/{kind}/{id}"),
        at("?format=json", get("/v1/billing/export")),
        get("/v1/billing/verify"),
        get("/v1/audit/verify"),
    ]
}

/// Of the table, those that take JSON.
pub fn with_json() -> Vec<Route> {
    all().into_iter().filter(|route| matches!(route.body, Body::Json(_))).collect()
}
