//! One process of several, over NATS and Postgres.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use sqlx::postgres::PgPoolOptions;
use theazo_commands::{Blobs, MasterKey, Vault};
use theazo_nats::{JetStreamLog, JetStreamOptions, Nats, NatsBus, NatsOptions};
use theazo_projections::{Options, ReadModels};

use super::{Opened, Shared, Turn, chain_key};
use crate::config::{self, Config};
use crate::folder::Folder;

/// Connections to the small stores.
const CONNECTIONS: u32 = 8;
/// How long a query waits for a connection while the database is away.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn open(
    config: &Config,
    shared: &config::Shared,
    folder: Option<Folder>,
) -> anyhow::Result<Opened> {
    let master = config.master_key().ok_or_else(|| anyhow!("THEAZO_MASTER_KEY is not set"))?;
    let master = MasterKey::parse(&master).context("THEAZO_MASTER_KEY")?;
    let stores = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .connect_lazy(&shared.db)
        .map_err(|_| anyhow!("--db is not the address of a Postgres database"))?;
    let nats = Nats::connect(NatsOptions::new(&shared.log)).await.context("the log (--log)")?;
    let options = JetStreamOptions {
        replicas: shared.log_replicas,
        assume_synced: shared.log_synced,
        ..JetStreamOptions::default()
    };
    // nats-server 2.9 makes two streams of one name when it is asked twice at once: half of those
    // who follow the log would then follow the one that nobody writes to.
    let turn = Turn::wait(&stores).await?;
    let log = JetStreamLog::open(&nats, options).await.context("the log (--log)")?;
    drop(turn);
    let options = Options::new(chain_key(&master));
    let reads =
        ReadModels::open_postgres(&shared.db, options).await.context("the read models (--db)")?;
    let vault = Vault::open_postgres(stores.clone(), &master).await?;
    let blobs = Blobs::open(&shared.blobs).await.context("--blobs")?;
    let durability = log.durability().clone();
    Ok(Opened {
        folder,
        bus: Arc::new(NatsBus::new(&nats)),
        log,
        reads,
        vault,
        blobs,
        master,
        shared: Some(Shared { stores, db: shared.db.clone(), durability }),
    })
}
