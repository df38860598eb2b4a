//! `theazo demo`: the main job against a running server, through the public API alone.

use std::process::ExitCode;

use anyhow::bail;
use reqwest::Method;
use serde_json::json;

use crate::cli::DemoArgs;
use crate::client::{Api, text, with_api};
use crate::config::Config;
use crate::run::follow;

const PYTHON: &str = "\
import platform, sys
print(f'Python {platform.python_version()} says 2 + 2 =', 2 + 2)
open('/workspace/from-python.txt', 'w').write('written by Python\\n')";

const TYPESCRIPT: &str = "\
enum Colour { Red, Green }
interface Greeting { text: string }
const greeting: Greeting = { text: `TypeScript counts ${Object.keys(Colour).length / 2} colours` };
console.log(greeting.text);";

const TASK: &str = "Write a Python program to /workspace/primes.py that prints the first ten \
                    primes, run it, and tell me what it printed in one sentence.";

/// The mock model does as it is told, line by line.
const MOCK_TASK: &str = concat!(
    "@say I will write a program and run it.\n",
    r#"@tool write_file {"path": "primes.py", "content": "#,
    r#""print([n for n in range(2, 30) if all(n % d for d in range(2, n))])\n"}"#,
    "\n@then\n",
    r#"@tool run_code {"lang": "python", "#,
    r#""code": "exec(open('/workspace/primes.py').read())"}"#,
    "\n@then\n@say The program printed the first ten primes.",
);

const BASH: &str = "echo \"Bash runs as $(id -un) and sees: $(ls /workspace | tr '\\n' ' ')\"";

pub async fn run(config: &Config, args: &DemoArgs) -> anyhow::Result<ExitCode> {
    with_api(config, &args.server, "demo", async |api| {
        main_job(api).await?;
        Ok(ExitCode::SUCCESS)
    })
    .await
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
    thinking(api, &session_id).await?;
    println!("\n6. The end: the agent is terminated, its compute is priced");
    api.post(&format!("/v1/agents/{agent_id}/terminate"), json!({})).await?;
    history(api, &session_id).await?;
    cost(api, &session_id, &agent_id).await
}

async fn files(api: &Api, agent_id: &str) -> anyhow::Result<()> {
    println!("\n4. A file in, a file out");
    let path = |path: &str| format!("/v1/agents/{agent_id}/files?path={path}");
    let hello = ("application/octet-stream", b"hello from outside\n".to_vec());
    api.send(Method::PUT, &path("/workspace/hello.txt"), Some(hello)).await?;
    let written = api.send(Method::GET, &path("/workspace/from-python.txt"), None).await?;
    println!("   /workspace/from-python.txt: {}", String::from_utf8_lossy(&written).trim_end());
    let list = api.get(&format!("/v1/agents/{agent_id}/files/list?path=/workspace")).await?;
    for entry in list["data"].as_array().into_iter().flatten() {
        println!("   {:>6} bytes  {}", entry["size"], text(entry, "name"));
    }
    Ok(())
}

/// A task on the platform's model, or on the mock when there is none.
async fn thinking(api: &Api, session_id: &str) -> anyhow::Result<()> {
    let path = format!("/v1/sessions/{session_id}/tasks");
    let asked = json!({ "agent": "coder", "input": TASK });
    let (status, answer) = api.try_post(&path, asked).await?;
    let field = text(&answer["error"]["details"]["fields"][0], "path");
    let no_model = status == 422 && field.starts_with("model");
    let (task, model) = if no_model {
        let asked = json!({ "agent": "coder", "input": MOCK_TASK, "model": "mock" });
        (api.post(&path, asked).await?, "the mock model, for the server has no model's key")
    } else if status == 201 {
        (answer, "the server's own model")
    } else {
        bail!("{path} answered {status}: {answer}");
    };
    println!("\n5. A task for an agent that thinks, live (on {model})");
    follow(api, &format!("{path}/{}/stream", text(&task, "id"))).await?;
    Ok(())
}

async fn history(api: &Api, session_id: &str) -> anyhow::Result<()> {
    println!("\n7. What happened, event by event, from the log");
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
    println!("\n8. The bill");
    println!("   compute  {} ms", records["state"]["computeMillis"]);
    println!("   exactly  {} picodollars", text(&records["state"], "cost"));
    println!("   agent    {} cents ({})", agent["cost"]["amount"], text(&agent, "state"));
    println!("   session  {} cents", session["usage"]["cost"]["amount"]);
    Ok(())
}
