//! The model server itself: the vendors' own clients understand it, and it catches bad manners.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use theazo_tests::json;
use theazo_tests::model_server::{
    Allow, Gate, ModelServer, Quirk, Reply, Script, StopReason, Usage, Wire,
};

mod gates;
mod manners;
mod official;
mod quirks;

/// What the model says in a round of two calls with two tools, on each wire.
fn round() -> Script {
    Script::by_turn([
        Reply::text("Let me look.")
            .thinking("They want two things: \"a\" — and b.")
            .tool_call_raw("read_file", r#"{"path":"b/ä.txt","n":[1,2]}"#)
            .tool_call("list_files", json!({}))
            .chunked(3)
            .usage(Usage { reasoning: 7, ..Usage::new(11, 5, 3, 20) }),
        Reply::text("Here it is: 🦀 done.").chunked(4).usage(Usage::new(40, 0, 0, 6)),
    ])
}

/// A plain client, and the requests that are right on each wire.
struct Caller {
    http: reqwest::Client,
    url: String,
}

impl Caller {
    fn of(server: &ModelServer) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60));
        Self { http: http.build().unwrap(), url: server.url() }
    }

    fn path(wire: Wire) -> &'static str {
        match wire {
            Wire::Anthropic => "/v1/messages",
            Wire::Chat => "/v1/chat/completions",
            Wire::Responses => "/v1/responses",
        }
    }

    fn body(wire: Wire, text: &str, stream: bool) -> Value {
        let messages = json!([{ "role": "user", "content": text }]);
        match wire {
            Wire::Anthropic => json!({
                "model": "m", "max_tokens": 100, "messages": messages, "stream": stream,
            }),
            Wire::Chat if stream => json!({
                "model": "m", "messages": messages, "stream": true,
                "stream_options": { "include_usage": true },
            }),
            Wire::Chat => json!({ "model": "m", "messages": messages }),
            Wire::Responses => json!({
                "model": "m", "input": messages, "stream": stream, "store": false,
                "include": ["reasoning.encrypted_content"],
            }),
        }
    }

    fn request(&self, wire: Wire, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}{}", self.url, Self::path(wire)));
        let request = request.header("content-type", "application/json").body(body);
        match wire {
            Wire::Anthropic => {
                request.header("x-api-key", "sk").header("anthropic-version", "2023-06-01")
            }
            Wire::Chat | Wire::Responses => request.bearer_auth("sk"),
        }
    }

    async fn send(&self, wire: Wire, body: &Value) -> reqwest::Response {
        self.request(wire, body.to_string()).send().await.unwrap()
    }

    /// The whole answer; an error when it was cut.
    async fn ask(&self, wire: Wire, text: &str, stream: bool) -> reqwest::Result<String> {
        self.send(wire, &Self::body(wire, text, stream)).await.text().await
    }
}

const WIRES: [Wire; 3] = [Wire::Anthropic, Wire::Chat, Wire::Responses];

/// The folder that the test command has put the vendors' clients into.
fn clients() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().nth(3).unwrap();
    let folder = target.join("model-server-clients");
    let there = folder.join("node_modules/openai").exists();
    assert!(there, "{} lacks the vendors' clients: run `scripts/test`", folder.display());
    folder
}

/// What the vendors' clients understood in a scenario of `tests/model_server/clients.mjs`.
fn official(server: &ModelServer, scenario: &str) -> Value {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("model_server/clients.mjs");
    let output = Command::new("node")
        .arg(script)
        .arg(clients())
        .arg(scenario)
        .env("ANTHROPIC_BASE_URL", server.url())
        .env("OPENAI_BASE_URL", server.openai_url())
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let wrong = server.take_violations();
    assert!(output.status.success() && wrong.is_empty(), "{scenario}: {wrong:#?}\n{err}\n{out}");
    serde_json::from_str(&out).unwrap()
}
