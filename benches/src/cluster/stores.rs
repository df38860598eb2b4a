//! A NATS server (or three) and a Postgres of a measurement's own.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;

use super::Options;
use crate::server::Setup;

const PATIENCE: Duration = Duration::from_secs(60);
const POSTGRES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/postgres");
/// Any key is as good: 32 bytes.
const MASTER_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// What an acknowledged publish rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Durability {
    /// One server that syncs each message (`sync_interval: always`, nats-server 2.10 or newer): as
    /// in `nats/server.conf`
    Synced,
    /// Three servers that each keep a copy, all on this machine
    Replicated,
    /// One server that syncs every 2 minutes: loses acknowledged commits with the power
    Unsynced,
}

/// What the processes of a cluster share, until it is dropped.
pub struct Stores {
    nats: Vec<Child>,
    ports: Vec<u16>,
    postgres: PathBuf,
    pub database: String,
    durability: Durability,
    folder: TempDir,
}

impl Stores {
    pub fn start(options: &Options) -> anyhow::Result<Self> {
        // Postgres does not run as root, and its own user has to get at its folder.
        let everyone = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        let folder = tempfile::Builder::new().prefix("theazo-").permissions(everyone).tempdir()?;
        std::fs::create_dir(folder.path().join("blobs"))?;
        let postgres = folder.path().join("postgres");
        let database = start_postgres(&postgres)?;
        let servers = if options.durability == Durability::Replicated { 3 } else { 1 };
        let ports = free_ports(2 * servers)?;
        let durability = options.durability;
        let mut stores = Self { nats: Vec::new(), ports, postgres, database, durability, folder };
        for number in 0..servers {
            let server = stores.start_nats(&options.nats_server, number, servers)?;
            stores.nats.push(server);
        }
        for port in &stores.ports[..servers] {
            listening(*port)?;
        }
        Ok(stores)
    }

    fn start_nats(&self, program: &Path, number: usize, servers: usize) -> anyhow::Result<Child> {
        let home = self.folder.path().join(format!("nats-{number}"));
        std::fs::create_dir(&home)?;
        let config = home.join("server.conf");
        std::fs::write(&config, self.configuration(&home, number, servers))?;
        let said = std::fs::File::create(home.join("log"))?;
        let mut server = Command::new(program);
        server.arg("-c").arg(config).stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        server.spawn().with_context(|| format!("{} cannot be started", program.display()))
    }

    fn configuration(&self, home: &Path, number: usize, servers: usize) -> String {
        let port = self.ports[number];
        let sync = match self.durability {
            Durability::Synced => "sync_interval: always",
            Durability::Replicated | Durability::Unsynced => "",
        };
        let mut text = format!(
            "server_name: \"server-{number}\"\nlisten: \"127.0.0.1:{port}\"\nmax_payload: 8MB\n\
             jetstream {{ store_dir: \"{}\", max_file_store: 20GB\n{sync} }}\n",
            home.display()
        );
        if servers > 1 {
            let routes = &self.ports[servers..];
            let all: Vec<_> = routes.iter().map(|p| format!("\"nats://127.0.0.1:{p}\"")).collect();
            text += &format!(
                "cluster {{ name: bench, listen: \"127.0.0.1:{}\", routes: [{}] }}\n",
                routes[number],
                all.join(", ")
            );
        }
        text
    }

    /// The NATS servers' URL.
    pub fn log(&self) -> String {
        let servers = &self.ports[..self.nats.len()];
        let urls: Vec<_> = servers.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        urls.join(",")
    }

    pub fn replicas(&self) -> usize {
        self.nats.len()
    }

    /// How a process of this cluster is started.
    pub fn member(&self, roles: &str) -> Setup {
        let blobs = format!("file://{}", self.folder.path().join("blobs").display());
        let (log, replicas) = (self.log(), self.replicas().to_string());
        let flags = [
            ("--roles", roles),
            ("--log", &log),
            ("--db", &self.database),
            ("--blobs", &blobs),
            ("--log-replicas", &replicas),
        ];
        let mut args: Vec<String> =
            flags.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).into()]).collect();
        if self.durability == Durability::Synced {
            args.push("--log-synced".to_owned());
        }
        Setup { args, env: vec![("THEAZO_MASTER_KEY", MASTER_KEY.to_owned())] }
    }

    /// A data folder for a process of this cluster.
    pub fn home(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn nats_pids(&self) -> Vec<u32> {
        self.nats.iter().map(Child::id).collect()
    }

    pub fn postgres_pid(&self) -> anyhow::Result<u32> {
        let text = std::fs::read_to_string(self.postgres.join("data/postmaster.pid"))?;
        let first = text.lines().next().context("Postgres tells no process id")?;
        Ok(first.trim().parse()?)
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        for server in &mut self.nats {
            // What has ended by itself cannot be killed.
            let _ = server.kill();
            let _ = server.wait();
        }
        let stop = Command::new(POSTGRES).arg("stop").arg(&self.postgres).arg("immediate").status();
        if !stop.is_ok_and(|status| status.success()) {
            eprintln!("Postgres in {} still runs", self.postgres.display());
        }
    }
}

/// Its URL, with the settings of its package: it syncs.
fn start_postgres(folder: &Path) -> anyhow::Result<String> {
    let [port] = free_ports(1)?[..] else { bail!("one port was asked for") };
    let start =
        ["start", &folder.display().to_string(), &port.to_string(), "durable"].map(String::from);
    let started = Command::new(POSTGRES).args(start).stderr(Stdio::inherit()).output()?;
    ensure!(started.status.success(), "Postgres did not start");
    Ok(String::from_utf8(started.stdout)?.trim().to_owned())
}

fn listening(port: u16) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        ensure!(
            Instant::now() < deadline,
            "nats-server does not listen; `synced` needs 2.10 or newer (--nats-server PATH)"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn free_ports(count: usize) -> anyhow::Result<Vec<u16>> {
    let bound: Result<Vec<_>, _> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect();
    Ok(bound?.iter().map(|l| l.local_addr().map(|a| a.port())).collect::<Result<_, _>>()?)
}
