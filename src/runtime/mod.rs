//! The engine of a process: log, read models, vault, blobs and commands; over one data folder, or
//! over what a cluster shares.

mod cluster;
mod embedded;
mod snapshots;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::PgPool;
use theazo_billing::push::Billers;
use theazo_commands::{Blobs, Commander, MasterKey, Vault};
use theazo_domain::org::Org;
use theazo_log::bus::Bus;
use theazo_log::live::Live;
use theazo_log::{EventLog, Position};
use theazo_nats::Durability;
use theazo_projections::{ChainKey, Page, Projector, ReadModels};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::abort::AbortAfter;
use crate::cli::Role;
use crate::config::Config;
use crate::folder::Folder;

use snapshots::RowSnapshots;

pub use turn::Turn;

/// How long a start waits for the read models to catch up before it says so.
const CATCH_UP_NOTICE: Duration = Duration::from_secs(2);
/// How long a process waits for another one to make the read models.
const MADE_WITHIN: Duration = Duration::from_secs(60);
/// Rows read at once.
const PAGE: u32 = 100;

pub struct Runtime {
    /// What a serving process keeps for itself; all of it when it is embedded.
    folder: Option<Folder>,
    pub log: Arc<dyn EventLog>,
    pub bus: Arc<dyn Bus>,
    pub reads: ReadModels,
    pub commander: Arc<Commander>,
    pub master: MasterKey,
    /// Who usage is pushed to.
    pub billers: Arc<Billers>,
    /// What only a cluster has.
    pub shared: Option<Shared>,
    projector: Option<JoinHandle<()>>,
    /// Cancelled at the end, when nothing reads or writes any more.
    ending: CancellationToken,
}

/// What the processes of a cluster share besides the log and the read models.
pub struct Shared {
    /// Keys, idempotent answers, rates.
    pub stores: PgPool,
    /// Of the read models, and of who leads.
    pub db: String,
    pub durability: Durability,
}

/// What the two ways to run open, each its own.
struct Opened {
    folder: Option<Folder>,
    log: Arc<dyn EventLog>,
    bus: Arc<dyn Bus>,
    reads: ReadModels,
    vault: Vault,
    blobs: Blobs,
    master: MasterKey,
    shared: Option<Shared>,
}

impl Runtime {
    /// For `theazo serve`: takes the data folder.
    pub async fn open_to_serve(config: &Config) -> anyhow::Result<Self> {
        let opened = match config.cluster()? {
            None => embedded::open(config).await?,
            Some(shared) => {
                let folder = Folder::take(&config.data_dir)?;
                cluster::open(config, shared, Some(folder)).await?
            }
        };
        let projects = opened.shared.is_none() || config.deployment.has(Role::Projector);
        Self::start(opened, config, projects).await
    }

    /// For one command. Of a cluster it needs nothing on this machine, and leaves the projecting to
    /// the servers.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let opened = match config.cluster()? {
            None => embedded::open(config).await?,
            Some(shared) => cluster::open(config, shared, None).await?,
        };
        let projects = opened.shared.is_none();
        Self::start(opened, config, projects).await
    }

    /// When this returns, an embedded server's read models show all that the log has.
    async fn start(opened: Opened, config: &Config, projects: bool) -> anyhow::Result<Self> {
        let Opened { folder, log, bus, reads, vault, blobs, master, shared } = opened;
        let written: Arc<dyn EventLog> = match config.abort_after() {
            Some(commits) => Arc::new(AbortAfter::new(log.clone(), commits)),
            None => log.clone(),
        };
        let billers = Arc::new(config.billers()?);
        let commander = Arc::new(Commander::new(written, vault, blobs));
        commander.use_snapshots(Arc::new(RowSnapshots(reads.clone())));
        let ending = CancellationToken::new();
        let projector =
            projects.then(|| Projector::start(log.clone(), reads.clone(), ending.clone()));
        let runtime =
            Self { folder, log, bus, reads, commander, master, billers, shared, projector, ending };
        match runtime.is_embedded() {
            true => runtime.catch_up().await?,
            false => {
                runtime.stay_fresh().await?;
                runtime.reads.made(MADE_WITHIN).await?;
            }
        }
        Ok(runtime)
    }

    /// Whether this process is all there is.
    pub fn is_embedded(&self) -> bool {
        self.shared.is_none()
    }

    /// The data folder of a serving process.
    pub fn folder(&self) -> anyhow::Result<&Folder> {
        self.folder.as_ref().context("this command has no data folder")
    }

    /// What models are saying right now, wherever they are asked.
    pub fn live(&self, stop: &CancellationToken) -> Live {
        match self.is_embedded() {
            true => Live::new(),
            false => Live::over(self.bus.clone(), stop.clone()),
        }
    }

    /// Where it keeps less than it promises.
    pub fn warnings(&self) -> Vec<String> {
        self.shared.as_ref().map_or_else(Vec::new, |shared| shared.durability.warnings.clone())
    }

    /// What signs the checkpoints of the orgs' hash chains.
    pub fn chain_key(&self) -> ChainKey {
        chain_key(&self.master)
    }

    /// What the orgs' webhook secrets are derived from.
    pub fn webhook_key(&self) -> [u8; 32] {
        self.master.derive("sign webhooks")
    }

    /// Hears, until the end, of what other processes commit.
    async fn stay_fresh(&self) -> anyhow::Result<()> {
        let (commander, stop) = (self.commander.clone(), self.ending.clone());
        let head = self.log.head().await?;
        tokio::spawn(async move { commander.keep_fresh(head, stop).await });
        Ok(())
    }

    /// Waits until the read models show all that the log has now.
    pub async fn catch_up(&self) -> anyhow::Result<()> {
        let head = self.log.head().await?;
        while !self.reads.wait_for(head, CATCH_UP_NOTICE).await {
            if self.projector.as_ref().is_some_and(JoinHandle::is_finished) {
                bail!("the projector stopped; the log above says why");
            }
            let at = self.reads.position();
            let who = match self.is_embedded() {
                true => "",
                false => " (a process with the role `projector` does that)",
            };
            eprintln!("the read models are catching up with the log: {at} of {head}{who}");
        }
        Ok(())
    }

    /// Waits until the read models show what was committed at `position`.
    pub async fn shown(&self, position: Position) -> anyhow::Result<()> {
        if self.reads.wait_for(position, Duration::from_secs(30)).await {
            return Ok(());
        }
        match self.is_embedded() {
            true => bail!("the read models do not catch up with the log; is the disk full?"),
            false => bail!(
                "the read models do not catch up with the log; does a process with the role \
                 `projector` run?"
            ),
        }
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
        self.ending.cancel();
        if let Some(projector) = self.projector {
            projector.await.context("the projector broke off")?;
        }
        self.reads.close().await;
        self.log.close().await;
        Ok(())
    }
}

pub fn chain_key(master: &MasterKey) -> ChainKey {
    ChainKey::new(master.derive("sign checkpoints").to_vec())
}
