//! What must be true when the torment is over.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use tokio::process::Command;

use crate::server::binary;

use super::client::Client;
use super::follow::follow;
use super::user::Told;

const SETTLED: Duration = Duration::from_secs(30);

/// Holds what all users were told against what is there.
pub async fn all(client: &Client, users: Vec<(Vec<Told>, Vec<String>)>) -> anyhow::Result<()> {
    let (mut broken, mut completed, mut cancelled, mut streams) = (Vec::new(), 0, 0, 0);
    for (tasks, agents) in users {
        for told in tasks {
            let path = told.path.clone();
            streams += usize::from(told.heard.is_some());
            match task(client, told).await {
                Ok(true) => completed += 1,
                Ok(false) => cancelled += 1,
                Err(wrong) => broken.push(format!("{path}: {wrong:#}")),
            }
        }
        for agent in agents {
            if let Err(wrong) = is_at_rest(client, &agent).await {
                broken.push(format!("{agent}: {wrong:#}"));
            }
        }
    }
    println!("  {completed} tasks completed, {cancelled} were cancelled, {streams} streams");
    if !broken.is_empty() {
        bail!("{} promises were broken:\n{}", broken.len(), broken.join("\n"));
    }
    Ok(())
}

/// Whether it was completed, not cancelled.
async fn task(client: &Client, told: Told) -> anyhow::Result<bool> {
    // An agent that is left paused by a kill in between holds its tasks: that is right.
    let task = client.get(&format!("{}/wait?timeout=2m", told.path)).await?.ok()?;
    let completed = match task["status"].as_str() {
        Some("completed") => true,
        Some("cancelled") if told.cancelled => false,
        _ => bail!("it is stuck, or failed: {task}"),
    };
    if completed && let Some(wrong) = told.script.wrong(&task) {
        bail!("{wrong}");
    }
    if let Some(heard) = told.heard {
        let heard = heard.await??;
        let path = format!("{}/stream?from=start", told.path);
        let whole = follow(client, &path, None).await?;
        ensure!(
            heard == whole,
            "a reader who dropped and resumed has heard\n{heard:?}\nand not\n{whole:?}"
        );
    }
    Ok(completed)
}

/// What the end of a task leaves for its agent is settled after the task has ended.
async fn is_at_rest(client: &Client, agent: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + SETTLED;
    loop {
        let agent = client.get(&format!("/v1/agents/{agent}")).await?.ok()?;
        let at_rest = matches!(agent["state"].as_str(), Some("idle" | "terminated"));
        if at_rest && agent["currentTaskId"].is_null() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "it is not at rest: {agent}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Every hash of the log.
pub async fn log(data_dir: &Path) -> anyhow::Result<()> {
    let verify = Command::new(binary()?)
        .args(["log", "verify", "--data-dir"])
        .arg(data_dir)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&verify.stdout);
    ensure!(verify.status.success(), "the log is not as it was written: {said}");
    println!("  log verify: {}", said.trim());
    Ok(())
}
