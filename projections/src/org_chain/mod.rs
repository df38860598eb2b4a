//! The rolling hash of each org and mode: every commit of it, in log order, with signed
//! checkpoints.
//!
//! The streams' own chains do not tell when a whole stream is gone or two streams' commits were
//! exchanged: the order across streams is known only afterwards, and is fixed here. A checkpoint is
//! signed with a key that the log does not hold, so that who can write the files cannot rewrite
//! the past unseen.

mod query;
mod sign;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use theazo_domain::Scope;
use theazo_log::{Commit, Hash, OrgChain, Position};

use crate::bulk::{Bulk, BySize};
use crate::dialect::{DbRow, Dialect, Pool};
use crate::hot::HotRows;
use crate::projection::Projection;
use crate::tenants::Tenants;
use crate::{Options, ProjectionError};

pub use query::ChainHead;
pub use sign::{ChainCheckpoint, ChainKey};

const HOT_BYTES: usize = 4 << 20;
/// What one org's head costs in memory, about.
const HEAD_BYTES: usize = 200;

#[derive(Debug, Clone, Copy, Default)]
struct Head {
    position: Position,
    chain: OrgChain,
}

pub(crate) struct ChainProjection {
    heads: HotRows<Scope, Head>,
    upsert_heads: BySize,
    insert_checkpoints: BySize,
    select: BySize,
    key: ChainKey,
    interval: u64,
}

impl ChainProjection {
    pub(crate) fn new(dialect: Dialect, prefix: &str, options: &Options) -> Self {
        let heads = format!("{prefix}org_chain_heads");
        let tail = format!(
            ") SELECT t.tenant, t.position, t.length, t.hash FROM wanted w \
             CROSS JOIN {heads} t WHERE t.tenant = w.tenant"
        );
        let columns = ["tenant", "position", "length", "hash", "signature"];
        Self {
            heads: HotRows::new(HOT_BYTES),
            upsert_heads: BySize::upsert(dialect, &heads, &columns[..4], "tenant", |column| {
                column != "tenant"
            }),
            insert_checkpoints: BySize::insert(dialect, &format!("{prefix}org_chain"), &columns),
            select: BySize::new(dialect, "WITH wanted(tenant) AS (".to_owned(), 1, tail),
            key: options.chain_key.clone(),
            interval: options.chain_interval.max(1),
        }
    }

    async fn load(
        &mut self,
        scopes: &BTreeSet<Scope>,
        tenants: &Tenants,
        pool: &Pool,
    ) -> Result<(), ProjectionError> {
        let wanted: Vec<_> = scopes.iter().filter(|scope| !self.heads.contains(scope)).collect();
        let mut select = self.select.rows(wanted.len());
        for scope in &wanted {
            select.put(tenants.number(**scope)?);
        }
        let mut found = HashSet::new();
        for statement in select.filled()? {
            for row in pool.rows(statement).await? {
                let (scope, head) = read_head(&row, tenants)?;
                found.insert(scope);
                self.heads.put(Cow::Owned(scope), head, HEAD_BYTES, Position::START);
            }
        }
        for scope in wanted.into_iter().filter(|scope| !found.contains(scope)) {
            self.heads.put(Cow::Borrowed(scope), Head::default(), HEAD_BYTES, Position::START);
        }
        Ok(())
    }
}

fn read_head(row: &DbRow, tenants: &Tenants) -> Result<(Scope, Head), ProjectionError> {
    let bad = |what: &str| ProjectionError::Database(format!("an org's chain has a bad {what}"));
    let number = |i: usize, what: &str| -> Result<u64, ProjectionError> {
        u64::try_from(row.integer(i)?).map_err(|_| bad(what))
    };
    let scope = tenants.scope(row.integer(0)?)?;
    let hash: Hash = row.text(3)?.parse().map_err(|_| bad("hash"))?;
    let chain = OrgChain::from_checkpoint(hash, number(2, "length")?);
    Ok((scope, Head { position: Position(number(1, "position")?), chain }))
}

#[async_trait]
impl Projection for ChainProjection {
    async fn fold(
        &mut self,
        batch: &[Arc<Commit>],
        tenants: &Tenants,
        committed: &Pool,
    ) -> Result<Vec<Bulk>, ProjectionError> {
        let Some(last) = batch.last() else { return Ok(vec![]) };
        let scopes: BTreeSet<Scope> = batch.iter().map(|commit| commit.stream.scope).collect();
        self.load(&scopes, tenants, committed).await?;
        let lost = || ProjectionError::Database("an org's chain is lost".to_owned());
        let mut checkpoints = Vec::new();
        for commit in batch {
            let scope = commit.stream.scope;
            let head = self.heads.get_mut(&scope).ok_or_else(lost)?;
            head.position = commit.position;
            head.chain.fold(commit.hash);
            if head.chain.commits % self.interval == 0 {
                checkpoints.push((scope, self.key.checkpoint(scope, head.position, head.chain)));
            }
        }
        let mut heads = self.upsert_heads.rows(scopes.len());
        for scope in &scopes {
            let head = *self.heads.get_mut(scope).ok_or_else(lost)?;
            heads.put(tenants.number(*scope)?);
            heads.put_u64(head.position.0);
            heads.put_u64(head.chain.commits);
            heads.put(head.chain.hash.to_string());
            self.heads.weigh(scope, HEAD_BYTES, last.position);
        }
        let mut signed = self.insert_checkpoints.rows(checkpoints.len());
        for (scope, checkpoint) in checkpoints {
            signed.put(tenants.number(scope)?);
            signed.put_u64(checkpoint.position.0);
            signed.put_u64(checkpoint.length);
            signed.put(checkpoint.hash.to_string());
            signed.put(checkpoint.signature);
        }
        Ok(vec![heads, signed])
    }

    fn committed(&mut self, position: Position) {
        self.heads.committed(position);
    }
}
