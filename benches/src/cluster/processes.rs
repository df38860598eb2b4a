//! The processes of one cluster.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::Options;
use super::meter::Meter;
use super::stores::Stores;
use crate::http::{self, Connection};
use crate::server::{LIVE_KEY, Server};
use crate::stats::Latencies;

const PATIENCE: Duration = Duration::from_secs(120);
const BODY: &[u8] = br#"{"userId":"user_123","limits":{"maxAgents":3},"metadata":{"plan":"pro"}}"#;

pub struct Processes {
    /// Projects, and gives out work.
    core: Option<Server>,
    pub apis: Vec<Server>,
    pub workers: Vec<Server>,
    started: usize,
    pub stores: Stores,
}

impl Processes {
    /// One that projects and gives out work, and as many of the others as asked for.
    pub async fn start(options: &Options, apis: usize, workers: usize) -> anyhow::Result<Self> {
        let stores = Stores::start(options)?;
        let (apis_wanted, workers_wanted) = (apis, workers);
        let (apis, workers) = (Vec::new(), Vec::new());
        let mut all = Self { core: None, apis, workers, started: 0, stores };
        all.project().await?;
        for _ in 0..apis_wanted {
            let api = all.member("api").await?;
            all.apis.push(api);
        }
        for _ in 0..workers_wanted {
            let worker = all.member("worker").await?;
            all.workers.push(worker);
        }
        Ok(all)
    }

    async fn member(&mut self, roles: &str) -> anyhow::Result<Server> {
        self.started += 1;
        let home = self.stores.home(&format!("{}-{roles}", self.started));
        Server::start_with(&home, &self.stores.member(roles)).await
    }

    /// Starts what projects, if it does not run.
    pub async fn project(&mut self) -> anyhow::Result<()> {
        if self.core.is_none() {
            self.core = Some(self.member("projector,scheduler").await?);
        }
        Ok(())
    }

    /// As if the projector were on another machine: nothing of it takes time here.
    pub async fn project_elsewhere(&mut self) -> anyhow::Result<()> {
        match self.core.take() {
            Some(core) => core.stop().await,
            None => Ok(()),
        }
    }

    pub fn meter(&self) -> anyhow::Result<Meter> {
        let pids = |servers: &[Server]| servers.iter().map(Server::pid).collect::<Result<_, _>>();
        Meter::start(vec![
            ("api", pids(&self.apis)?),
            ("workers", pids(&self.workers)?),
            ("projector and scheduler", pids(self.core.as_slice())?),
            ("NATS", self.stores.nats_pids()),
            ("Postgres", vec![self.stores.postgres_pid()?]),
            ("load generator", vec![std::process::id()]),
        ])
    }

    /// Creates sessions on `connections` connections, which go to the API processes in turn.
    pub async fn load(&self, connections: usize, time: Duration) -> anyhow::Result<http::Load> {
        let mut posts = Vec::new();
        for number in 0..connections {
            let api = &self.apis[number % self.apis.len()];
            posts.push(CreateSession(Connection::open(api.address, LIVE_KEY).await?));
        }
        Ok(http::drive(posts, time).await?.0)
    }

    /// Waits until the read models show everything.
    pub async fn caught_up(&self) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.apis[0].address, LIVE_KEY).await?;
        let position = CreateSession::once(&mut connection).await?.to_string();
        let deadline = Instant::now() + PATIENCE;
        let wanted = [("x-theazo-min-position", position.as_str())];
        loop {
            let path = "/v1/sessions?limit=1";
            let answer =
                connection.exchange(hyper::Method::GET, path, &wanted, Bytes::new()).await?;
            if answer.0.is_success() {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "the projector does not catch up");
            sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        for server in self.workers.drain(..).chain(self.apis.drain(..)).chain(self.core.take()) {
            server.stop().await?;
        }
        Ok(())
    }
}

/// A command that loads nothing and appends one commit.
pub struct CreateSession(Connection);

impl CreateSession {
    /// The commit's position.
    pub async fn once(connection: &mut Connection) -> anyhow::Result<u64> {
        connection.write("/v1/sessions", Bytes::from_static(BODY)).await
    }
}

impl http::Job for CreateSession {
    async fn once(&mut self) -> anyhow::Result<()> {
        Self::once(&mut self.0).await.map(|_| ())
    }
}

/// Several measurements of one thing: the median of their rates, and all their latencies.
pub struct Turns {
    pub per_second: f64,
    pub latencies: Latencies,
}

impl Turns {
    pub fn of(loads: Vec<http::Load>) -> Self {
        let per_second = super::median(loads.iter().map(|load| load.per_second).collect());
        let latencies = Latencies::joined(loads.into_iter().map(|load| load.latencies));
        Self { per_second, latencies }
    }
}
