//! Everything, in the right order.

use std::path::Path;

use anyhow::{Context, ensure};
use theazo_commands::{Blobs, MasterKey};
use theazo_log::{EventLog, Position};
use theazo_nats::Import;
use theazo_projections::{Options, ReadModels};

use super::{Replies, log, master, say, stores, take};
use crate::config::{Config, Shared};
use crate::folder::Folder;
use crate::runtime::chain_key;
use crate::serve::identity;

pub async fn all(
    config: &Config,
    from: &Path,
    replicas: usize,
    to: &Replies,
) -> anyhow::Result<()> {
    let shared = config.deployment.shared.as_ref().context(
        "say where to move to: --log nats://…, --db postgres://…, and --blobs s3://… or file:///…",
    )?;
    let folder = take(&config.data_dir)?;
    let master = master(config, &folder.path)?;
    // Everything is looked at before anything is written.
    let keys = stores::source_vault(&folder.path, &master).await?;
    let blobs = stores::source_blobs(&folder.path.join("blobs"))?;
    let target_log = log::target(&shared.log, replicas).await.context("--log")?;
    let database = stores::database(&shared.db).await.context("--db")?;
    let target_blobs = Blobs::open(&shared.blobs).await.context("--blobs")?;
    let source = log::source(from, &target_log, to).await?;
    let import = Import::begin(&target_log, &*source.log).await?;
    refuse_other_reads(shared, &master, import.done()).await?;
    let target_keys = stores::target_vault(&database, &master).await?;

    stores::copy_keys(&keys, &target_keys, to).await?;
    stores::copy_blobs(&blobs, &target_blobs, to).await?;
    log::copy(&source, import, &target_log, to).await?;
    // Its agents are known to the log by this name, and nothing is billed for the time between.
    identity::host_name(&folder.path, Some(identity::SOLE))?;
    identity::was_alive(&folder.path, source.last)?;
    folder.set_moved(&shown(&shared.log))?;
    source.log.close().await;
    target_log.close().await;
    say(to, next(config, &folder, shared)).await
}

/// Read models of another log would take this one's commits for seen.
async fn refuse_other_reads(
    shared: &Shared,
    master: &MasterKey,
    done: Position,
) -> anyhow::Result<()> {
    let options = Options::new(chain_key(master));
    let reads = ReadModels::open_postgres(&shared.db, options).await.context("--db")?;
    let position = reads.position();
    reads.close().await;
    ensure!(
        position <= done,
        "the database (--db) has read models of another log, up to position {position}: give an \
         empty database"
    );
    Ok(())
}

/// `url` without the password or token that may be in it.
fn shown(url: &str) -> String {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let (user, host) = rest.rsplit_once('@')?;
        Some((scheme, user, host))
    });
    match parts {
        None => url.to_owned(),
        Some((scheme, user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{scheme}://{name}:…@{host}"),
            None if scheme.starts_with("postgres") => url.to_owned(),
            None => format!("{scheme}://…@{host}"),
        },
    }
}

fn next(config: &Config, folder: &Folder, shared: &Shared) -> String {
    let data = folder.path.display();
    let key = match config.master_key() {
        Some(_) => "  (THEAZO_MASTER_KEY is set already)".to_owned(),
        None => format!("  export THEAZO_MASTER_KEY=\"$(cat {data}/master.key)\""),
    };
    let (log, db, blobs) = (shown(&shared.log), shown(&shared.db), shown(&shared.blobs));
    format!(
        "\nEverything is moved. Start next, here and before any other process, so that the agents \
         find their files:\n\n{key}\n  theazo serve --data-dir {data} --host-name {name} \\\n    \
         --log '{log}' \\\n    --db '{db}' \\\n    --blobs '{blobs}'\n\n\
         Then as many others as you like, each with a data folder of its own and the same master \
         key.\nThe log, the keys and the blobs in {data} are a backup from now on; nothing writes \
         to them any more.",
        name = identity::SOLE,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_in_a_url_is_not_shown() {
        for (url, seen) in [
            ("nats://a:4222,nats://b:4222", "nats://a:4222,nats://b:4222"),
            ("nats://token@host:4222", "nats://…@host:4222"),
            ("nats://user:hidden@host:4222", "nats://user:…@host:4222"),
            ("postgres://theazo@host/db", "postgres://theazo@host/db"),
            ("postgres://theazo:hid@den@host/db", "postgres://theazo:…@host/db"),
            ("s3://bucket/prefix", "s3://bucket/prefix"),
        ] {
            assert_eq!(shown(url), seen);
        }
    }
}
