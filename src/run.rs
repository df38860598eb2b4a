//! `theazo run` and `theazo stream`: a task, and what happens in it, live in a terminal.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use serde_json::{Value, json};

use crate::cli::{RunArgs, StreamArgs};
use crate::client::{Api, SentEvent, text, with_api};
use crate::config::Config;

/// Characters of a tool's input or output that are shown.
const SHOWN: usize = 160;

pub async fn run(config: &Config, args: &RunArgs) -> anyhow::Result<ExitCode> {
    with_api(config, &args.server, "run", async |api| {
        let path = format!("/v1/sessions/by-user/{}", args.user);
        let session = text(&api.post(&path, json!({})).await?, "id");
        let mut body = json!({ "agent": args.agent, "input": args.task });
        if let Some(model) = &args.model {
            body["model"] = json!(model);
        }
        let task = api.post(&format!("/v1/sessions/{session}/tasks"), body).await?;
        let task = text(&task, "id");
        eprintln!("{task} (theazo stream {task})\n");
        follow(api, &format!("/v1/sessions/{session}/tasks/{task}/stream")).await
    })
    .await
}

pub async fn stream(config: &Config, args: &StreamArgs) -> anyhow::Result<ExitCode> {
    let id = &args.id;
    with_api(config, &args.server, "stream", async |api| {
        let path = match id.split_once('_') {
            Some(("agt", _)) => format!("/v1/agents/{id}/stream"),
            Some(("task", _)) => {
                let task = api.get(&format!("/v1/audit/task/{id}")).await?;
                let session = text(&task["state"], "sessionId");
                format!("/v1/sessions/{session}/tasks/{id}/stream")
            }
            _ => bail!("`{id}` is neither an agent (agt_…) nor a task (task_…)"),
        };
        follow(api, &path).await
    })
    .await
}

/// Shows a stream until its end. The exit code says whether it ended well.
pub async fn follow(api: &Api, path: &str) -> anyhow::Result<ExitCode> {
    let mut screen = Screen::default();
    api.follow(path, |event| {
        screen.show(event);
        false
    })
    .await?;
    screen.end_line();
    Ok(if screen.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[derive(Default)]
struct Screen {
    /// Whether the cursor is in the middle of a line.
    within_line: bool,
    failed: bool,
}

impl Screen {
    fn show(&mut self, event: &SentEvent) {
        let data = &event.data;
        match event.name.as_str() {
            "text" => self.print(&text(data, "delta")),
            "thinking" => self.print(&text(data, "text")),
            "tool_call" => {
                self.line(&format!("→ {} {}", text(data, "tool"), short(&data["input"])));
            }
            "tool_result" => {
                let mark = if data["isError"] == true { "✗" } else { "←" };
                self.line(&format!("{mark} {} {}", text(data, "tool"), short(&data["output"])));
            }
            "progress" => {
                let percent = data["progress"].as_f64().unwrap_or(0.0) * 100.0;
                self.line(&format!("… {percent:.0} % {}", text(data, "message")));
            }
            "status" => {
                let (status, reason) = (text(data, "status"), text(data, "reason"));
                self.failed |= status == "cancelled";
                self.line(format!("· {status} {reason}").trim_end());
            }
            "error" => {
                self.failed = true;
                self.line(&format!("✗ {}: {}", text(data, "code"), text(data, "message")));
            }
            "done" => self.done(&data["result"]),
            // `output` repeats what was streamed.
            _ => {}
        }
    }

    fn done(&mut self, result: &Value) {
        let seconds = result["duration"].as_f64().unwrap_or(0.0) / 1_000.0;
        let cost = result["cost"]["amount"].as_i64().unwrap_or(0);
        self.line(&format!("✓ done in {seconds:.1} s for {cost} cents"));
        for artifact in result["artifacts"].as_array().into_iter().flatten() {
            self.line(&format!("  {}", artifact.as_str().unwrap_or_default()));
        }
    }

    fn print(&mut self, words: &str) {
        print!("{words}");
        // A terminal that is gone is noticed by the next line.
        let _ = std::io::stdout().flush();
        if let Some(last) = words.chars().last() {
            self.within_line = last != '\n';
        }
    }

    fn line(&mut self, line: &str) {
        self.end_line();
        println!("{line}");
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.within_line) {
            println!();
        }
    }
}

/// A value on one line.
fn short(value: &Value) -> String {
    let whole = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let line: String = whole.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
