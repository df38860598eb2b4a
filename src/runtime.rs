//! The embedded engine: log, read models, vault and commands over one data folder.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use async_trait::async_trait;
use theazo_commands::{Blobs, Commander, MasterKey, Snapshots, Vault};
use theazo_domain::agent::Agent;
use theazo_domain::org::Org;
use theazo_domain::session::Session;
use theazo_domain::{Aggregate, Kind, StreamId};
use theazo_log::{EventLog, Position, SqliteLog, SqliteOptions};
use theazo_projections::{ChainKey, Options, Page, Projector, ReadModels};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::abort::AbortAfter;
use crate::config::Config;
use crate::folder::Folder;

/// How long a start waits for the read models to catch up before it says so.
const CATCH_UP_NOTICE: Duration = Duration::from_secs(2);

/// Rows read at once.
const PAGE: u32 = 100;

pub struct Runtime {
    pub folder: Folder,
    pub log: Arc<SqliteLog>,
    pub reads: ReadModels,
    pub commander: Arc<Commander>,
    pub master: MasterKey,
    projector: JoinHandle<()>,
    stop_projector: CancellationToken,
}

impl Runtime {
    /// Takes the data folder and opens what is in it; when this returns, the read models show all
    /// that the log has.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let folder = Folder::take(&config.data_dir)?;
        let master = match config.master_key() {
            Some(text) => MasterKey::parse(&text).context("THEAZO_MASTER_KEY")?,
            None => MasterKey::load_or_create(&folder.path.join("master.key"))?,
        };
        let log = SqliteLog::open(SqliteOptions::new(config.log_path())).await?;
        let options = Options::new(chain_key(&master));
        let reads = ReadModels::open(&config.reads_path(), options).await?;
        let vault = Vault::open(&folder.path.join("keys.sqlite"), &master).await?;
        let blobs = Blobs::in_folder(&folder.path.join("blobs"))?;
        let written: Arc<dyn EventLog> = match config.abort_after() {
            Some(commits) => Arc::new(AbortAfter::new(log.clone(), commits)),
            None => log.clone(),
        };
        let commander = Arc::new(Commander::new(written, vault, blobs));
        commander.use_snapshots(Arc::new(RowSnapshots(reads.clone())));
        let stop_projector = CancellationToken::new();
        let projector = Projector::start(log.clone(), reads.clone(), stop_projector.clone());
        let runtime = Self { folder, log, reads, commander, master, projector, stop_projector };
        runtime.catch_up().await?;
        Ok(runtime)
    }

    /// What signs the checkpoints of the orgs' hash chains.
    pub fn chain_key(&self) -> ChainKey {
        chain_key(&self.master)
    }

    /// What the orgs' webhook secrets are derived from.
    pub fn webhook_key(&self) -> [u8; 32] {
        self.master.derive("sign webhooks")
    }

    async fn catch_up(&self) -> anyhow::Result<()> {
        let head = self.log.head().await?;
        while !self.reads.wait_for(head, CATCH_UP_NOTICE).await {
            if self.projector.is_finished() {
                bail!("the projector stopped; the log above says why");
            }
            let at = self.reads.position();
            eprintln!("the read models are catching up with the log: {at} of {head}");
        }
        Ok(())
    }

    /// Waits until the read models show what was committed at `position`.
    pub async fn shown(&self, position: Position) -> anyhow::Result<()> {
        if !self.reads.wait_for(position, Duration::from_secs(30)).await {
            bail!("the read models do not catch up with the log; is the disk full?");
        }
        Ok(())
    }

    pub async fn first_org(&self) -> anyhow::Result<Option<Org>> {
        Ok(self.orgs().await?.into_iter().min_by_key(|org| org.created_at))
    }

    /// Every org there is: for the operator's command line alone.
    pub async fn orgs(&self) -> anyhow::Result<Vec<Org>> {
        let (mut orgs, mut page) = (Vec::new(), Page::first(PAGE));
        loop {
            let rows = self.reads.orgs(page).await?;
            page.before = rows.last().map(|row| row.seq);
            let full = rows.len() == PAGE as usize;
            orgs.extend(rows.into_iter().map(|row| row.value));
            if !full {
                return Ok(orgs);
            }
        }
    }

    /// Stops in order: the projector, then what it wrote to, then the log.
    pub async fn close(self) -> anyhow::Result<()> {
        self.stop_projector.cancel();
        self.projector.await.context("the projector broke off")?;
        self.reads.close().await;
        self.log.close().await;
        Ok(())
    }
}

fn chain_key(master: &MasterKey) -> ChainKey {
    ChainKey::new(master.derive("sign checkpoints").to_vec())
}

/// Aggregates start from the read models' rows: a row is a state and its revision. Only streams
/// that grow long are worth it.
struct RowSnapshots(ReadModels);

#[async_trait]
impl Snapshots for RowSnapshots {
    async fn latest(&self, stream: &StreamId) -> Option<(String, Position)> {
        match stream.kind {
            Kind::Session => self.json::<Session>(stream).await,
            Kind::Agent => self.json::<Agent>(stream).await,
            _ => None,
        }
    }
}

impl RowSnapshots {
    async fn json<A: Aggregate>(&self, stream: &StreamId) -> Option<(String, Position)> {
        // A read model that cannot be read costs time, not truth: the log has the whole stream.
        let (state, revision) = self.0.snapshot_of::<A>(stream).await.ok().flatten()?;
        Some((serde_json::to_string(&state).ok()?, revision))
    }
}
