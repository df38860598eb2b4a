//! `theazo migrate`: moves what an embedded server has in its folder to where a cluster has it.
//!
//! ```text
//!  keys.sqlite ──▶ Postgres    what opens the payloads
//!  blobs/      ──▶ S3          the payloads that are not in the log
//!  log.sqlite  ──▶ JetStream   last: a log that is there never names what is not
//! ```
//!
//! Everything is checked before anything is written, only read from where it was, and compared when
//! it has come. What was broken off can be run again. The read models are made from the log;
//! sandboxes stay in the folder, which becomes that of a worker host.

mod all;
mod log;
mod stores;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use theazo_commands::MasterKey;
use tokio::sync::{mpsc, watch};

use crate::cli::MigrateCommand;
use crate::config::Config;
use crate::control::{self, Replies, Reply};
use crate::folder::Folder;

pub async fn run(config: &Config, command: MigrateCommand) -> anyhow::Result<ExitCode> {
    let (to, mut replies) = mpsc::channel(64);
    let work = async move {
        if let Err(error) = migrate(config, command, &to).await {
            to.send(Reply::Failed(format!("{error:#}"))).await.ok();
        }
    };
    let ((), code) = tokio::join!(work, control::print(&mut replies));
    Ok(code)
}

async fn migrate(config: &Config, command: MigrateCommand, to: &Replies) -> anyhow::Result<()> {
    match command {
        MigrateCommand::All { from, replicas } => {
            let from = from.as_deref().map(sqlite_path).transpose()?;
            let from = from.unwrap_or_else(|| config.log_path());
            all::all(config, &from, config.log_replicas(replicas.log_replicas)?, to).await
        }
        // What was broken off goes on by itself: what is there is compared either way.
        MigrateCommand::Log { from, target, resume: _, replicas } => {
            let from = sqlite_path(&from)?;
            let replicas = config.log_replicas(replicas.log_replicas)?;
            log::log(&from, &target, replicas, to).await
        }
        MigrateCommand::Keys { from, target } => {
            let folder = take(&from)?;
            stores::keys(&folder.path, &master(config, &folder.path)?, &target, to).await
        }
        MigrateCommand::Blobs { from, target } => stores::blobs(&from, &target, to).await,
    }
}

fn sqlite_path(url: &str) -> anyhow::Result<std::path::PathBuf> {
    let path = url.strip_prefix("sqlite://");
    Ok(path.with_context(|| format!("--from {url}: it takes sqlite://PATH"))?.into())
}

/// Takes the data folder of an embedded server that does not run.
fn take(path: &Path) -> anyhow::Result<Folder> {
    ensure!(path.is_dir(), "there is no data folder {}", path.display());
    Folder::take(path).context("a server must not run on what is moved")
}

/// The master key that everything in the folder was made with.
fn master(config: &Config, folder: &Path) -> anyhow::Result<MasterKey> {
    if let Some(text) = config.master_key() {
        return MasterKey::parse(&text).context("THEAZO_MASTER_KEY");
    }
    let file = folder.join("master.key");
    ensure!(
        file.exists(),
        "there is no master key: {} is not there, and THEAZO_MASTER_KEY is not set",
        file.display()
    );
    Ok(MasterKey::load_or_create(&file)?)
}

/// Shows how far `work` has got, which says so over what it is given.
async fn watched<T>(
    to: &Replies,
    what: &str,
    total: u64,
    work: impl AsyncFnOnce(watch::Sender<u64>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (progress, mut seen) = watch::channel(0);
    let show = async {
        while seen.changed().await.is_ok() {
            let (what, done) = (what.to_owned(), *seen.borrow_and_update());
            to.send(Reply::Progress { what, done, total: total.max(done) }).await?;
        }
        anyhow::Ok(())
    };
    let (result, shown) = tokio::join!(work(progress), show);
    let result = result?;
    shown?;
    Ok(result)
}

async fn say(to: &Replies, line: impl Into<String>) -> anyhow::Result<()> {
    Ok(to.send(Reply::Line(line.into())).await?)
}
