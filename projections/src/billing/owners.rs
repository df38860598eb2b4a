//! Whose each session is.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use theazo_domain::{Scope, SessionId};
use theazo_log::Position;

use crate::ProjectionError;
use crate::bulk::{Bulk, BySize};
use crate::dialect::{Dialect, Pool};
use crate::hot::HotRows;
use crate::tenants::Tenants;

/// Bytes of owners that are kept at hand.
const HOT_BYTES: usize = 8 << 20;
/// What one costs in memory, about.
const OWNER_BYTES: usize = 200;

type Key = (Scope, SessionId);

pub(super) struct Owners {
    known: HotRows<Key, Arc<str>>,
    insert: BySize,
    select: BySize,
    new: Vec<(Key, Arc<str>)>,
}

impl Owners {
    pub(super) fn new(dialect: Dialect, prefix: &str) -> Self {
        let table = format!("{prefix}billing_sessions");
        let tail = format!(
            ") SELECT t.tenant, t.id, t.user_id FROM wanted w \
             CROSS JOIN {table} t WHERE t.tenant = w.tenant AND t.id = w.id"
        );
        Self {
            known: HotRows::new(HOT_BYTES),
            insert: BySize::insert(dialect, &table, &["tenant", "id", "user_id"]),
            select: BySize::new(dialect, "WITH wanted(tenant, id) AS (".to_owned(), 2, tail),
            new: Vec::new(),
        }
    }

    /// Notes the owner of a session that begins with the commit at `position`.
    pub(super) fn meet(&mut self, session: Key, user: &str, position: Position) -> Arc<str> {
        let user: Arc<str> = user.into();
        self.known.put(Cow::Owned(session), user.clone(), OWNER_BYTES, position);
        self.new.push((session, user.clone()));
        user
    }

    /// The owner of a session that was met or loaded.
    pub(super) fn of(&mut self, session: Key) -> Option<Arc<str>> {
        self.known.get_mut(&session).cloned()
    }

    /// Reads those of `sessions` that are not at hand.
    pub(super) async fn load(
        &mut self,
        mut sessions: HashSet<Key>,
        tenants: &Tenants,
        pool: &Pool,
    ) -> Result<(), ProjectionError> {
        sessions.retain(|session| !self.known.contains(session));
        let mut select = self.select.rows(sessions.len());
        for (scope, id) in sessions {
            select.put(tenants.number(scope)?);
            select.put(id.to_string());
        }
        let bad = |_| ProjectionError::Database("a session's owner has a bad id".to_owned());
        for statement in select.filled()? {
            for row in pool.rows(statement).await? {
                let scope = tenants.scope(row.integer(0)?)?;
                let id = row.text(1)?.parse().map_err(bad)?;
                let user = row.text(2)?.into();
                self.known.put(Cow::Owned((scope, id)), user, OWNER_BYTES, Position::START);
            }
        }
        Ok(())
    }

    /// The rows of what was met since the last call.
    pub(super) fn rows(&mut self, tenants: &Tenants) -> Result<Bulk, ProjectionError> {
        let mut bulk = self.insert.rows(self.new.len());
        for ((scope, id), user) in self.new.drain(..) {
            bulk.put(tenants.number(scope)?);
            bulk.put(id.to_string());
            bulk.put(user);
        }
        Ok(bulk)
    }

    pub(super) fn committed(&mut self, position: Position) {
        self.known.committed(position);
    }
}
