//! A host process for the tests to kill -9: it does what it is told on stdin, a JSON command per
//! line, and answers each with a line on stdout.

use std::collections::BTreeMap;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use theazo_domain::{AgentId, Mode, OrgId, Scope, SessionId, SnapshotId};
use theazo_providers::local::{LocalConfig, LocalProvider};
use theazo_providers::{
    Egress, ExecRequest, Labels, Lang, Limits, Provider, Result, SandboxId, SandboxSpec,
};
use uuid::Uuid;

/// Sandboxes and snapshots have numbers.
#[derive(Deserialize)]
enum Command {
    Create {
        sandbox: u64,
        snapshot: Option<u64>,
        disk_bytes: Option<u64>,
    },
    /// Answers the exit code, and what was printed.
    Exec {
        sandbox: u64,
        code: String,
    },
    Pause {
        sandbox: u64,
        snapshot: u64,
    },
    DeleteSnapshot {
        snapshot: u64,
    },
    Adopt {
        sandbox: u64,
    },
    /// Does it to many at once, and says `done N` of each.
    Many {
        what: What,
        from: u64,
        count: u64,
    },
    ShutDown,
}

#[derive(Clone, Copy, Deserialize)]
enum What {
    Create,
    Adopt,
    Destroy,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(data_dir), Some(spawner)) = (args.next(), args.next()) else {
        eprintln!("usage: theazo-sandbox-host DATA_DIR SPAWNER");
        return ExitCode::FAILURE;
    };
    let served = match LocalProvider::start(LocalConfig::new(data_dir, vec![spawner])).await {
        Ok(provider) => serve(provider).await,
        Err(error) => Err(io::Error::other(error)),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(provider: Arc<LocalProvider>) -> io::Result<()> {
    println!("up");
    let next = || tokio::task::spawn_blocking(|| io::stdin().lines().next());
    while let Some(line) = next().await? {
        match obey(&provider, serde_json::from_str(&line?)?).await {
            Ok(answer) => println!("{}", answer.replace('\n', " ").trim_end()),
            Err(error) => println!("error: {error}"),
        }
    }
    Ok(())
}

async fn obey(provider: &LocalProvider, command: Command) -> Result<String> {
    match command {
        Command::Create { sandbox, snapshot, disk_bytes } => {
            let mut spec = spec(sandbox);
            spec.snapshot = snapshot.map(snapshot_id);
            spec.limits.disk_bytes = disk_bytes.unwrap_or(spec.limits.disk_bytes);
            provider.create(spec).await?;
            Ok("created".into())
        }
        Command::Exec { sandbox, code } => {
            let output = provider.exec(&spec(sandbox).id, request(code)).await?;
            Ok(format!("{} {}", output.exit_code, String::from_utf8_lossy(&output.stdout)))
        }
        Command::Pause { sandbox, snapshot } => {
            provider.pause(&spec(sandbox).id, snapshot_id(snapshot)).await?;
            Ok("paused".into())
        }
        Command::DeleteSnapshot { snapshot } => {
            provider.delete_snapshot(snapshot_id(snapshot)).await?;
            Ok("deleted".into())
        }
        Command::Adopt { sandbox } => {
            provider.adopt(spec(sandbox)).await?;
            Ok("adopted".into())
        }
        Command::Many { what, from, count } => {
            let all = (from..from + count).map(|number| async move {
                match what {
                    What::Create => provider.create(spec(number)).await?,
                    What::Adopt => provider.adopt(spec(number)).await?,
                    What::Destroy => provider.destroy(&spec(number).id).await?,
                }
                println!("done {number}");
                Ok(())
            });
            futures::future::try_join_all(all).await?;
            Ok("done all".into())
        }
        Command::ShutDown => {
            provider.shut_down().await?;
            Ok("shut down".into())
        }
    }
}

fn snapshot_id(number: u64) -> SnapshotId {
    SnapshotId::from_uuid(Uuid::from_u128(number.into()))
}

/// As `tests/it/host.rs` has it.
fn spec(number: u64) -> SandboxSpec {
    let agent = AgentId::from_uuid(Uuid::from_u128(number.into()));
    let scope = Scope { org: OrgId::from_uuid(Uuid::from_u128(1)), mode: Mode::Live };
    let session = SessionId::from_uuid(Uuid::from_u128(1));
    SandboxSpec {
        id: SandboxId::of(agent),
        labels: Labels { scope, session, agent },
        limits: Limits::default(),
        egress: Egress::Public,
        snapshot: None,
        browser: false,
    }
}

fn request(code: String) -> ExecRequest {
    ExecRequest {
        lang: Lang::Bash,
        code,
        env: BTreeMap::new(),
        timeout: Duration::from_secs(60),
        output_limit: 64 << 10,
    }
}
