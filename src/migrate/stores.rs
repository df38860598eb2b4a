//! Keys and blobs: what is not in the log, and must not be lost.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use theazo_commands::{Blobs, MasterKey, Vault};

use super::{Replies, say, watched};

/// How long a query waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// `theazo migrate keys`.
pub async fn keys(
    folder: &Path,
    master: &MasterKey,
    to_url: &str,
    to: &Replies,
) -> anyhow::Result<()> {
    let source = source_vault(folder, master).await?;
    let target = target_vault(&database(to_url).await.context("--to")?, master).await?;
    copy_keys(&source, &target, to).await
}

/// `theazo migrate blobs`.
pub async fn blobs(from: &Path, to_url: &str, to: &Replies) -> anyhow::Result<()> {
    let source = source_blobs(from)?;
    let target = Blobs::open(to_url).await.context("--to")?;
    copy_blobs(&source, &target, to).await
}

pub async fn source_vault(folder: &Path, master: &MasterKey) -> anyhow::Result<Vault> {
    let file = folder.join("keys.sqlite");
    ensure!(file.is_file(), "there are no keys at {}", file.display());
    let opened = Vault::open(&file, master).await;
    opened.with_context(|| format!("the keys in {} cannot be moved", folder.display()))
}

/// The database of a cluster; an error does not tell its password.
pub async fn database(url: &str) -> anyhow::Result<PgPool> {
    let options = PgConnectOptions::from_str(url).ok().filter(|_| url.starts_with("postgres"));
    let options = options.ok_or_else(|| anyhow!("keys are moved to Postgres: postgres://…"))?;
    // A pool would not say why there is no connection.
    let once = PgConnection::connect_with(&options).await;
    once.context("the database cannot be reached")?.close().await?;
    Ok(PgPoolOptions::new().acquire_timeout(PATIENCE).connect_with(options).await?)
}

pub async fn target_vault(database: &PgPool, master: &MasterKey) -> anyhow::Result<Vault> {
    let opened = Vault::open_postgres(database.clone(), master).await;
    opened.context("the keys cannot be moved to the database")
}

pub async fn copy_keys(source: &Vault, target: &Vault, to: &Replies) -> anyhow::Result<()> {
    let total = source.keys().await?;
    let copied = watched(to, "keys", total, async |progress| {
        let told = move |done| _ = progress.send_replace(done);
        Ok(source.copy_keys(target, told).await?)
    })
    .await?;
    say(to, format!("keys: {copied}, each opens with the master key")).await
}

pub fn source_blobs(folder: &Path) -> anyhow::Result<Blobs> {
    ensure!(folder.is_dir(), "there is no folder of blobs at {}", folder.display());
    Ok(Blobs::in_folder(folder)?)
}

pub async fn copy_blobs(source: &Blobs, target: &Blobs, to: &Replies) -> anyhow::Result<()> {
    let (total, _) = source.total().await?;
    let copied = watched(to, "blobs", total, async |progress| {
        let told = move |done| _ = progress.send_replace(done);
        Ok(source.copy_all(target, told).await?)
    })
    .await
    .context("the blobs cannot be moved")?;
    let (blobs, bytes, there) = (copied.blobs, copied.bytes, copied.there);
    say(to, format!("blobs: {blobs}, {bytes} bytes; {there} were there already")).await
}
