//! `theazo demo`: the main job against a running server, through the public API alone.

use std::process::ExitCode;

use anyhow::{Context, bail};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::cli::DemoArgs;
use crate::config::Config;
use crate::control::{self, Request};

const PYTHON: &str = "\
import platform, sys
print(f'Python {platform.python_version()} says 2 + 2 =', 2 + 2)
open('/workspace/from-python.txt', 'w').write('written by Python\\n')";

const TYPESCRIPT: &str = "\
enum Colour { Red, Green }
interface Greeting { text: string }
const greeting: Greeting = { text: `TypeScript counts ${Object.keys(Colour).length / 2} colours` };
console.log(greeting.text);";

const BASH: &str = "echo \"Bash runs as $(id -un) and sees: $(ls /workspace | tr '\\n' ' ')\"";

/// A client of one server with one key.
struct Api {
    http: Client,
    base: String,
    key: String,
}

impl Api {
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        json: bool,
    ) -> anyhow::Result<Vec<u8>> {
        let mut request =
            self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key);
        if let Some(body) = body {
            let kind = if json { "application/json" } else { "application/octet-stream" };
            request = request.header("content-type", kind).body(body);
        }
        let answer = request.send().await.with_context(|| {
            format!("no server answers at {}; start one with `theazo serve`", self.base)
        })?;
        let status = answer.status();
        let bytes = answer.bytes().await?.to_vec();
        if !status.is_success() {
            bail!("{path} answered {status}: {}", String::from_utf8_lossy(&bytes));
        }
        Ok(bytes)
    }

    async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        let body = serde_json::to_vec(&body)?;
        let answer = self.send(Method::POST, path, Some(body), true).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.send(Method::GET, path, None, false).await?)?)
    }
}

pub async fn run(config: &Config, args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let (key, own) = match &args.key {
        Some(key) => (key.clone(), None),
        None => {
            let (id, key) = make_key(config).await?;
            (key, Some(id))
        }
    };
    let base = args.url.trim_end_matches('/').to_owned();
    let ran = main_job(&Api { http: Client::new(), base, key }).await;
    if let Some(id) = own {
        control::ask(config, Request::RevokeKey { id: id.parse()? }).await?;
    }
    ran.map(|()| ExitCode::SUCCESS)
}

/// A live key for this demo alone; it is revoked at the end.
async fn make_key(config: &Config) -> anyhow::Result<(String, String)> {
    let request = Request::CreateKey {
        name: "demo".to_owned(),
        mode: theazo_domain::Mode::Live,
        org: None,
        new_org: None,
        plan: theazo_domain::org::Plan::Free,
    };
    let lines = control::ask(config, request).await.context(
        "the demo has no key: set THEAZO_API_KEY, or run it where the server's data folder is",
    )?;
    let made: Value = serde_json::from_str(lines.first().context("the server made no key")?)?;
    Ok((text(&made, "id"), text(&made, "key")))
}

async fn main_job(api: &Api) -> anyhow::Result<()> {
    println!("1. A session for one of your users, with limits");
    let limits = json!({
        "maxCost": { "amount": 500, "currency": "usd", "period": "day" }, "maxAgents": 3,
    });
    let body = json!({ "userId": "user_123", "limits": limits });
    let session = api.post("/v1/sessions", body).await?;
    let session_id = text(&session, "id");
    println!("   {session_id}\n\n2. An agent in it: its own sandbox");
    let agent = api.post(&format!("/v1/sessions/{session_id}/agents"), json!({})).await?;
    let agent_id = text(&agent, "id");
    println!("   {agent_id} on {}\n\n3. Code in three languages", agent["compute"]["provider"]);
    for (lang, code) in [("python", PYTHON), ("typescript", TYPESCRIPT), ("bash", BASH)] {
        let body = json!({ "lang": lang, "code": code });
        let result = api.post(&format!("/v1/agents/{agent_id}/exec"), body).await?;
        let (out, err) = (text(&result, "stdout"), text(&result, "stderr"));
        println!("   {:>10} {:>4} ms  {}", lang, result["durationMs"], out.trim_end());
        if result["exitCode"] != 0 {
            bail!("{lang} ended with {}: {err}", result["exitCode"]);
        }
    }
    files(api, &agent_id).await?;
    println!("\n5. The end: the agent is terminated, its compute is priced");
    api.post(&format!("/v1/agents/{agent_id}/terminate"), json!({})).await?;
    history(api, &session_id).await?;
    cost(api, &session_id, &agent_id).await
}

async fn files(api: &Api, agent_id: &str) -> anyhow::Result<()> {
    println!("\n4. A file in, a file out");
    let path = |path: &str| format!("/v1/agents/{agent_id}/files?path={path}");
    let hello = b"hello from outside\n".to_vec();
    api.send(Method::PUT, &path("/workspace/hello.txt"), Some(hello), false).await?;
    let written = api.send(Method::GET, &path("/workspace/from-python.txt"), None, false).await?;
    println!("   /workspace/from-python.txt: {}", String::from_utf8_lossy(&written).trim_end());
    let list = api.get(&format!("/v1/agents/{agent_id}/files/list?path=/workspace")).await?;
    for entry in list["data"].as_array().into_iter().flatten() {
        println!("   {:>6} bytes  {}", entry["size"], text(entry, "name"));
    }
    Ok(())
}

async fn history(api: &Api, session_id: &str) -> anyhow::Result<()> {
    println!("\n6. What happened, event by event, from the log");
    let events = api.get(&format!("/v1/audit/events?sessionId={session_id}&limit=100")).await?;
    let newest_first = events["data"].as_array().cloned().unwrap_or_default();
    for event in newest_first.iter().rev() {
        let (time, kind) = (text(event, "time"), text(event, "type"));
        println!("   {:>5}  {}  {kind}", event["position"], &time[11.min(time.len())..]);
    }
    Ok(())
}

async fn cost(api: &Api, session_id: &str, agent_id: &str) -> anyhow::Result<()> {
    let agent = api.get(&format!("/v1/agents/{agent_id}")).await?;
    let session = api.get(&format!("/v1/sessions/{session_id}")).await?;
    let records = api.get(&format!("/v1/audit/agent/{agent_id}")).await?;
    println!("\n7. The bill");
    println!("   compute  {} ms", records["state"]["computeMillis"]);
    println!("   exactly  {} picodollars", text(&records["state"], "cost"));
    println!("   agent    {} cents ({})", agent["cost"]["amount"], text(&agent, "state"));
    println!("   session  {} cents", session["usage"]["cost"]["amount"]);
    Ok(())
}

fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
