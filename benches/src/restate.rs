//! Restate beside us: its server and a service of its Node SDK, as `npm` has them.
//!
//! The same machine, the same load generator, and a handler of as many durable steps (`ctx.run`) as
//! a run of ours has. Set up as its documentation has it for one node; every step of a handler is
//! in its journal before the next one begins, as it is in our log.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use hyper::Method;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::http::{Connection, Job};

const SERVER: &str = "node_modules/@restatedev/restate-server-linux-x64/bin/restate-server";
const FILES: [&str; 3] = ["package.json", "package-lock.json", "service.mjs"];
const PATIENCE: Duration = Duration::from_secs(30);

/// Both processes; dropped, they are killed.
pub struct Restate {
    pub ingress: SocketAddr,
    _server: Child,
    _service: Child,
    _data: TempDir,
}

impl Restate {
    pub async fn start() -> anyhow::Result<Self> {
        let home = install().await?;
        let [ingress, admin, node, fabric] = free_ports()?;
        let data = tempfile::tempdir()?;
        let service = Command::new("node")
            .current_dir(&home)
            .arg("service.mjs")
            .env("BENCH_PORT", node.port().to_string())
            .env("NODE_ENV", "production")
            .env("RESTATE_LOGGING", "ERROR")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("node cannot be started")?;
        let server = Command::new(home.join(SERVER))
            .args(["--node-name", "n1", "--base-dir"])
            .arg(data.path())
            .env("RESTATE_BIND_IP", "127.0.0.1")
            .env("RESTATE_BIND_PORT", fabric.port().to_string())
            .env("RESTATE_ADVERTISED_HOST", "127.0.0.1")
            .env("RESTATE_LISTEN_MODE", "tcp")
            .env("RESTATE_INGRESS__BIND_ADDRESS", ingress.to_string())
            .env("RESTATE_ADMIN__BIND_ADDRESS", admin.to_string())
            .env("RESTATE_DISABLE_TELEMETRY", "true")
            .env("RESTATE_LOG_FILTER", "off")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("Restate's server cannot be started")?;
        let restate = Self { ingress, _server: server, _service: service, _data: data };
        restate.register(admin, node).await?;
        Ok(restate)
    }

    /// Tells the server of the service, and waits until it can be called.
    async fn register(&self, admin: SocketAddr, node: SocketAddr) -> anyhow::Result<()> {
        let body = json!({ "uri": format!("http://{node}") });
        until("Restate knows its service", || async {
            Connection::open(admin, "").await?.post("/deployments", body.clone()).await
        })
        .await?;
        until("Restate answers", || async {
            Connection::open(self.ingress, "").await?.send(Method::POST, "/bench/ten", None).await
        })
        .await?;
        Ok(())
    }

    /// Calls of the handler with `steps` steps, of which there are 10 and 21.
    pub async fn calls(&self, steps: u32, in_flight: usize) -> anyhow::Result<Vec<HandlerCall>> {
        let path = if steps == 10 { "/bench/ten" } else { "/bench/twentyone" };
        let mut calls = Vec::new();
        for _ in 0..in_flight {
            let connection = Connection::open(self.ingress, "").await?;
            calls.push(HandlerCall { connection, path, answer: steps.to_string().into() });
        }
        Ok(calls)
    }
}

/// Calls a handler and waits for what it came to.
pub struct HandlerCall {
    connection: Connection,
    path: &'static str,
    answer: Bytes,
}

impl Job for HandlerCall {
    async fn once(&mut self) -> anyhow::Result<()> {
        let answer = self.connection.send(Method::POST, self.path, None).await?;
        ensure!(answer == self.answer, "{} answered {answer:?}", self.path);
        Ok(())
    }
}

/// What `package-lock.json` says, in a folder beside the binaries.
async fn install() -> anyhow::Result<PathBuf> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("restate");
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("this program is in no target folder")?;
    let home = target.join("bench-restate");
    std::fs::create_dir_all(&home)?;
    let same = |file: &str| {
        let (a, b) = (std::fs::read(from.join(file)).ok(), std::fs::read(home.join(file)).ok());
        a.is_some() && a == b
    };
    let installed = same("package-lock.json") && home.join(SERVER).exists();
    for file in FILES {
        std::fs::copy(from.join(file), home.join(file)).with_context(|| file.to_owned())?;
    }
    if !installed {
        println!("  installing Restate (npm ci)");
        let npm = Command::new("npm")
            .current_dir(&home)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"])
            .status()
            .await
            .context("npm cannot be started")?;
        ensure!(npm.success(), "npm ci failed in {}", home.display());
    }
    Ok(home)
}

fn free_ports<const N: usize>() -> anyhow::Result<[SocketAddr; N]> {
    // All are held until all are known, so that they differ.
    let held: Vec<TcpListener> =
        (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let ports: Vec<SocketAddr> =
        held.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
    ports.try_into().map_err(|_| anyhow::anyhow!("not as many ports as were asked for"))
}

async fn until<T, F>(what: &str, probe: impl Fn() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        match probe().await {
            Ok(done) => return Ok(done),
            Err(error) if Instant::now() > deadline => return Err(error.context(what.to_owned())),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
