//! Whether one process is all there is, or many share a log and a database.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{bail, ensure};

use super::{Config, File, env};
use crate::cli::{Global, Role, ServeArgs};

const DEFAULT_HOST_LEASE: Duration = Duration::from_secs(30);
const ALL_ROLES: [Role; 4] = [Role::Api, Role::Worker, Role::Projector, Role::Scheduler];

/// Where a cluster keeps what it shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// `nats://…`, one or several with commas between.
    pub log: String,
    /// `postgres://…`
    pub db: String,
    /// `s3://…` or `file:///…`
    pub blobs: String,
    /// Copies of the log.
    pub log_replicas: usize,
    /// Whether the NATS servers sync every message, as far as the operator says.
    pub log_synced: bool,
}

/// What one process does in its deployment.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// `None`: embedded.
    pub shared: Option<Shared>,
    pub roles: BTreeSet<Role>,
    pub host_name: Option<String>,
    pub host_lease: Duration,
}

impl Deployment {
    pub(super) fn of(file: &File, global: &Global) -> anyhow::Result<Self> {
        let log = global.log.as_ref().or(file.log.as_ref());
        let db = global.db.as_ref().or(file.db.as_ref());
        let blobs = global.blobs.as_ref().or(file.blobs.as_ref());
        let roles = file.roles.clone().unwrap_or_else(|| ALL_ROLES.to_vec());
        Ok(Self {
            shared: shared(log, db, blobs)?,
            roles: roles.into_iter().collect(),
            host_name: file.host_name.clone(),
            host_lease: file.host_lease.map_or(DEFAULT_HOST_LEASE, Duration::from_secs),
        })
    }

    pub(super) fn serving(mut self, file: &File, args: &ServeArgs) -> anyhow::Result<Self> {
        if let Some(roles) = &args.roles {
            self.roles = roles.iter().copied().collect();
        }
        self.host_name = args.host_name.clone().or(self.host_name);
        self.host_lease = args.host_lease.map_or(self.host_lease, Duration::from_secs);
        if let Some(shared) = &mut self.shared {
            shared.log_replicas = replicas(file, args.log_replicas)?;
            shared.log_synced = args.log_synced || file.log_synced.unwrap_or(false);
        } else if ![Role::Api, Role::Worker, Role::Projector].iter().all(|r| self.has(*r)) {
            bail!(
                "with the embedded log one process does everything: leave --roles out, or name \
                 api,worker,projector; a cluster has --log nats://… and --db postgres://…"
            );
        }
        if let Some(name) = &self.host_name {
            ensure!(
                theazo_workers::is_host_name(name),
                "--host-name {name}: a name has at most 64 letters, digits, `_` and `-`"
            );
        }
        ensure!(
            self.host_lease >= Duration::from_secs(3),
            "--host-lease must be at least 3 seconds: a host says that it lives once a second"
        );
        Ok(self)
    }

    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

fn replicas(file: &File, chosen: Option<usize>) -> anyhow::Result<usize> {
    let replicas = chosen.or(file.log_replicas).unwrap_or(1);
    ensure!(
        matches!(replicas, 1 | 3 | 5),
        "--log-replicas must be 1, 3 or 5: a majority has to be left when one fails"
    );
    Ok(replicas)
}

fn shared(
    log: Option<&String>,
    db: Option<&String>,
    blobs: Option<&String>,
) -> anyhow::Result<Option<Shared>> {
    let nats = log.filter(|url| url.starts_with("nats://") || url.starts_with("tls://"));
    let postgres =
        db.filter(|url| url.starts_with("postgres://") || url.starts_with("postgresql://"));
    for (flag, url, remote) in [("--log", log, nats), ("--db", db, postgres)] {
        if let Some(url) = url
            && remote.is_none()
            && !url.starts_with("sqlite://")
        {
            let scheme = url.split("://").next().unwrap_or_default();
            bail!(
                "{flag} has the scheme `{scheme}`; it takes sqlite://PATH, or for a cluster \
                   --log nats://… with --db postgres://…"
            );
        }
    }
    let (Some(log), Some(db)) = (nats, postgres) else {
        ensure!(
            nats.is_none(),
            "--log nats://… makes a cluster, which needs --db postgres://… too"
        );
        ensure!(
            postgres.is_none(),
            "--db postgres://… makes a cluster, which needs --log nats://… too"
        );
        return Ok(None);
    };
    let Some(blobs) = blobs else {
        bail!(
            "a cluster needs --blobs: s3://BUCKET/PREFIX, or file:///PATH of a folder that all its \
             machines share"
        );
    };
    Ok(Some(Shared {
        log: log.clone(),
        db: db.clone(),
        blobs: blobs.clone(),
        log_replicas: 1,
        log_synced: false,
    }))
}

impl Config {
    /// Copies of a cluster's log.
    pub fn log_replicas(&self, chosen: Option<usize>) -> anyhow::Result<usize> {
        replicas(&self.file, chosen)
    }

    /// What processes share, when this is one of several.
    ///
    /// # Errors
    /// When several processes could not read what each other has sealed.
    pub fn cluster(&self) -> anyhow::Result<Option<&Shared>> {
        let Some(shared) = &self.deployment.shared else { return Ok(None) };
        ensure!(
            env("THEAZO_MASTER_KEY").is_some(),
            "a cluster needs THEAZO_MASTER_KEY, the same for all its processes: base64 of 32 \
             random bytes (`openssl rand -base64 32`)"
        );
        Ok(Some(shared))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(log: &str, db: &str, blobs: &str) -> String {
        let given = |url: &str| (!url.is_empty()).then(|| url.to_owned());
        let (log, db, blobs) = (given(log), given(db), given(blobs));
        match shared(log.as_ref(), db.as_ref(), blobs.as_ref()) {
            Ok(Some(_)) => "cluster".to_owned(),
            Ok(None) => "embedded".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn two_urls_make_a_cluster() {
        let (nats, postgres) = ("nats://localhost", "postgres://localhost/theazo");
        assert_eq!(told("", "", ""), "embedded");
        assert_eq!(told("sqlite:///a", "sqlite:///b", ""), "embedded");
        assert_eq!(told(nats, postgres, "s3://bucket"), "cluster");
        assert!(told(nats, "", "s3://bucket").contains("needs --db"));
        assert!(told("sqlite:///a", postgres, "").contains("needs --log"));
        assert!(told(nats, postgres, "").contains("needs --blobs"));
        // A password in a URL is nobody's business.
        let odd = told("redis://user:secret@host", "", "");
        assert!(odd.contains("--log has the scheme `redis`") && !odd.contains("secret"));
    }
}
