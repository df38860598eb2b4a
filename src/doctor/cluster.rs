//! What a cluster needs of others: its NATS servers, its database, its blob store.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use theazo_commands::{Blobs, MasterKey};
use theazo_nats::{JetStreamLog, JetStreamOptions, Nats, NatsOptions};

use super::Check;
use crate::config::{Config, Shared};

/// How long one of them may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn checks(config: &Config, shared: &Shared) -> Vec<Check> {
    let mut checks = vec![master_key(config)];
    checks.push(check("log", "see --log, and nats/server.conf", log(shared)).await);
    checks.push(check("database", "see --db; Postgres 15 or newer", database(&shared.db)).await);
    checks.push(check("blobs", "see --blobs", blobs(&shared.blobs)).await);
    checks
}

async fn check(name: &str, mend: &str, look: impl Future<Output = Result<Found, String>>) -> Check {
    let looked = tokio::time::timeout(PATIENCE, look).await;
    let found = looked.unwrap_or_else(|_| Err("it does not answer within 10 s".to_owned()));
    let (ok, detail, mend) = match found {
        Ok(Found { detail, warning: None }) => (Some(true), detail, String::new()),
        // Good to know, and no reason not to start.
        Ok(Found { detail, warning: Some(warning) }) => (None, detail, warning),
        Err(detail) => (Some(false), detail, mend.to_owned()),
    };
    Check { name: name.to_owned(), ok, detail, mend }
}

struct Found {
    detail: String,
    warning: Option<String>,
}

fn master_key(config: &Config) -> Check {
    let (ok, detail) = match config.master_key().as_deref().map(MasterKey::parse) {
        Some(Ok(_)) => (true, "THEAZO_MASTER_KEY is set".to_owned()),
        Some(Err(error)) => (false, error.to_string()),
        None => (false, "THEAZO_MASTER_KEY is not set".to_owned()),
    };
    let mend = "the same for all processes: base64 of 32 random bytes (`openssl rand -base64 32`)";
    Check { name: "master key".to_owned(), ok: Some(ok), detail, mend: mend.to_owned() }
}

async fn log(shared: &Shared) -> Result<Found, String> {
    let nats = Nats::connect(NatsOptions::new(&shared.log)).await.map_err(|e| e.to_string())?;
    let options = JetStreamOptions {
        replicas: shared.log_replicas,
        assume_synced: shared.log_synced,
        ..JetStreamOptions::default()
    };
    let log = JetStreamLog::open(&nats, options).await.map_err(|e| e.to_string())?;
    let durability = log.durability().clone();
    let copies = match durability.replicas {
        1 => "one copy".to_owned(),
        copies => format!("{copies} copies"),
    };
    theazo_log::EventLog::close(&*log).await;
    let detail = format!("nats-server {}, {copies}", nats.server_version());
    Ok(Found { detail, warning: durability.warnings.first().cloned() })
}

async fn database(url: &str) -> Result<Found, String> {
    // The error of a wrong address may quote it, with its password.
    let told = |error: sqlx::Error| match error {
        sqlx::Error::Configuration(_) => "this is not the address of a database".to_owned(),
        error => error.to_string(),
    };
    let mut connection = PgConnection::connect(url).await.map_err(told)?;
    let version: String =
        sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await.map_err(told)?;
    connection.close().await.map_err(told)?;
    let major: u32 = version.split(['.', ' ']).next().and_then(|v| v.parse().ok()).unwrap_or(0);
    if major < 15 {
        return Err(format!("Postgres {version} is too old"));
    }
    Ok(Found { detail: format!("Postgres {version}"), warning: None })
}

async fn blobs(url: &str) -> Result<Found, String> {
    Blobs::open(url).await.map_err(|e| e.to_string())?;
    Ok(Found { detail: "it can be written and read".to_owned(), warning: None })
}
