//! The first org and its first keys.

use secrecy::ExposeSecret;
use theazo_commands::api_key::{NewKey, digest_of};
use theazo_commands::{IdSource, Origin};
use theazo_domain::org::{Org, Plan};
use theazo_domain::{Mode, OrgId, Scope};

use crate::cli::PlanName;
use crate::config::BootstrapKeys;
use crate::runtime::{Runtime, Turn};

/// The requests a minute of a key on one's own server: more than it can do, so no limit.
const OWN_SERVER_RPM: u32 = 10_000_000;

pub fn plan(name: PlanName) -> Plan {
    match name {
        PlanName::Free => Plan::Free,
        PlanName::Cloud => Plan::Cloud,
        PlanName::Team => Plan::Team,
        PlanName::Enterprise => Plan::Enterprise { requests_per_minute: OWN_SERVER_RPM },
    }
}

/// Keys that were made just now: to be shown once.
#[derive(Default)]
pub struct FirstKeys {
    pub live: Option<String>,
    pub test: Option<String>,
}

/// Makes the first org with a live and a test key when there is none, and sees to it that the keys
/// of the environment work.
pub async fn run(runtime: &Runtime, chosen: BootstrapKeys) -> anyhow::Result<FirstKeys> {
    // Of several that start at once each would find nothing, and make an org of its own.
    let _turn = match &runtime.shared {
        Some(shared) => Some(Turn::wait(&shared.stores).await?),
        None => None,
    };
    // In a cluster, what is not shown may be in the log: of a log that was moved here, say.
    if !is_there(runtime, &chosen).await? {
        runtime.catch_up().await?;
    }
    let (org, first) = match runtime.first_org().await? {
        Some(org) => (org, false),
        None => (new_org(runtime, "default", plan(PlanName::Enterprise)).await?, true),
    };
    let mut made = FirstKeys::default();
    for (mode, chosen, shown) in
        [(Mode::Live, chosen.live, &mut made.live), (Mode::Test, chosen.test, &mut made.test)]
    {
        let key = match &chosen {
            Some(secret) if runtime.reads.key_by_digest(&digest_of(secret)).await?.is_some() => {
                continue;
            }
            Some(secret) => NewKey::chosen(mode, secret)?,
            None if first => NewKey::random(mode),
            None => continue,
        };
        new_key(runtime, Scope { org: org.id, mode }, "first", &key).await?;
        if chosen.is_none() {
            *shown = Some(key.reveal().expose_secret().to_owned());
        }
    }
    Ok(made)
}

/// Whether there is an org, and the keys of the environment work.
async fn is_there(runtime: &Runtime, chosen: &BootstrapKeys) -> anyhow::Result<bool> {
    for secret in [&chosen.live, &chosen.test].into_iter().flatten() {
        if runtime.reads.key_by_digest(&digest_of(secret)).await?.is_none() {
            return Ok(false);
        }
    }
    Ok(runtime.first_org().await?.is_some())
}

pub async fn new_org(runtime: &Runtime, name: &str, plan: Plan) -> anyhow::Result<Org> {
    let org = OrgId::from_uuid(IdSource::new().uuid("org"));
    let origin = Origin::cli(Scope { org, mode: Mode::Live });
    let done = runtime.commander.create_org(&origin, name, plan).await?;
    runtime.shown(done.position).await?;
    Ok(Org::clone(&done.state))
}

pub async fn new_key(
    runtime: &Runtime,
    scope: Scope,
    name: &str,
    key: &NewKey,
) -> anyhow::Result<theazo_domain::api_key::ApiKey> {
    let done = runtime.commander.create_api_key(&Origin::cli(scope), name, key).await?;
    runtime.shown(done.position).await?;
    Ok(theazo_domain::api_key::ApiKey::clone(&done.state))
}
