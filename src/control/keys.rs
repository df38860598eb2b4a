use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use theazo_commands::Origin;
use theazo_commands::api_key::NewKey;
use theazo_domain::org::{Org, Plan};
use theazo_domain::{ApiKeyId, Mode, Scope};
use theazo_projections::Page;

use super::{Replies, Reply};
use crate::bootstrap;
use crate::runtime::Runtime;

pub async fn create(
    runtime: &Runtime,
    to: &Replies,
    name: &str,
    mode: Mode,
    org: Option<String>,
    new_org: Option<String>,
    plan: Plan,
) -> anyhow::Result<()> {
    let org = match new_org {
        Some(name) => bootstrap::new_org(runtime, &name, plan).await?,
        None => find_org(runtime, org).await?,
    };
    let key = NewKey::random(mode);
    let made = bootstrap::new_key(runtime, Scope { org: org.id, mode }, name, &key).await?;
    let line = serde_json::json!({
        "id": made.id, "org": org.id, "mode": mode, "name": made.name,
        "key": key.reveal().expose_secret(),
    });
    to.send(Reply::Line(line.to_string())).await?;
    Ok(())
}

pub async fn list(runtime: &Runtime, to: &Replies, org: Option<String>) -> anyhow::Result<()> {
    let org = find_org(runtime, org).await?;
    for mode in [Mode::Live, Mode::Test] {
        let scope = Scope { org: org.id, mode };
        let mut page = Page { before: None, limit: 100 };
        loop {
            let rows = runtime.reads.api_keys(scope, page).await?;
            for row in &rows {
                let key = &row.value;
                let line = serde_json::json!({
                    "id": key.id, "mode": mode, "name": key.name, "hint": key.digest.hint,
                    "createdAt": key.created_at, "revokedAt": key.revoked_at,
                });
                to.send(Reply::Line(line.to_string())).await?;
            }
            match rows.last() {
                Some(last) if rows.len() == 100 => page.before = Some(last.seq),
                _ => break,
            }
        }
    }
    Ok(())
}

pub async fn revoke(runtime: &Runtime, to: &Replies, id: ApiKeyId) -> anyhow::Result<()> {
    for org in runtime.orgs().await? {
        for mode in [Mode::Live, Mode::Test] {
            let scope = Scope { org: org.id, mode };
            if runtime.reads.api_key(scope, id).await?.is_none() {
                continue;
            }
            let done = runtime.commander.revoke_api_key(&Origin::cli(scope), id).await?;
            runtime.shown(done.position).await?;
            let line = serde_json::json!({ "id": id, "revokedAt": done.state.revoked_at });
            to.send(Reply::Line(line.to_string())).await?;
            return Ok(());
        }
    }
    bail!("there is no key {id}; `theazo keys list` has them")
}

/// By id or by name; the first one when nothing is said.
pub(super) async fn find_org(runtime: &Runtime, org: Option<String>) -> anyhow::Result<Org> {
    let Some(wanted) = org else {
        return runtime.first_org().await?.context("there is no org yet; start `theazo serve`");
    };
    let orgs = runtime.orgs().await?;
    orgs.into_iter()
        .find(|org| org.name == wanted || org.id.to_string() == wanted)
        .with_context(|| format!("there is no org `{wanted}`"))
}
