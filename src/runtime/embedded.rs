//! One process over one data folder.

use std::sync::Arc;

use anyhow::Context;
use theazo_commands::{Blobs, MasterKey, Vault};
use theazo_log::bus::LocalBus;
use theazo_log::{SqliteLog, SqliteOptions};
use theazo_projections::{Options, ReadModels};

use super::{Opened, chain_key};
use crate::config::Config;
use crate::folder::Folder;

pub(super) async fn open(config: &Config) -> anyhow::Result<Opened> {
    let folder = Folder::take(&config.data_dir)?;
    folder.refuse_moved()?;
    let master = match config.master_key() {
        Some(text) => MasterKey::parse(&text).context("THEAZO_MASTER_KEY")?,
        None => MasterKey::load_or_create(&folder.path.join("master.key"))?,
    };
    let log = SqliteLog::open(SqliteOptions::new(config.log_path())).await?;
    let reads = ReadModels::open(&config.reads_path(), Options::new(chain_key(&master))).await?;
    let vault = Vault::open(&folder.path.join("keys.sqlite"), &master).await?;
    let blobs = Blobs::in_folder(&folder.path.join("blobs"))?;
    let bus = Arc::new(LocalBus::new());
    Ok(Opened { folder: Some(folder), log, bus, reads, vault, blobs, master, shared: None })
}
