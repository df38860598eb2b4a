//! Sums by user: many users in a row, because who asks for the most expensive ones asks for all.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use theazo_domain::{Pico, Scope};
use theazo_log::Position;

use crate::ProjectionError;
use crate::bulk::{Bulk, BySize};
use crate::dialect::{Dialect, Pool};
use crate::hot::HotRows;
use crate::tenants::Tenants;

use super::spans::Span;

/// Bytes of rows that are kept at hand.
const HOT_BYTES: usize = 32 << 20;
/// What a row costs in memory, and what each user in it does, about.
const ROW_BYTES: usize = 200;
const USER_BYTES: usize = 200;

/// Sums of one user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct UserSums {
    /// Usage records.
    pub number: u64,
    pub cost: Pico,
    /// That began.
    pub sessions: u64,
    pub agents: u64,
}

impl UserSums {
    pub(super) fn add(&mut self, other: &Self) {
        self.number = self.number.saturating_add(other.number);
        self.cost += other.cost;
        self.sessions = self.sessions.saturating_add(other.sessions);
        self.agents = self.agents.saturating_add(other.agents);
    }
}

/// A row: one of 256 parts of a tenant's users, in one span of days. A user is always in the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Block {
    scope: Scope,
    span: Span,
    part: u8,
}

impl Block {
    pub(super) fn of(scope: Scope, span: Span, user: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(user.as_bytes()).into();
        Self { scope, span, part: digest[0] }
    }
}

/// The users of one block.
type Users = BTreeMap<Arc<str>, UserSums>;

/// The rows of users, with those at hand that were touched lately.
pub(super) struct UserBlocks {
    known: HotRows<Block, Users>,
    upsert: BySize,
    select: BySize,
}

impl UserBlocks {
    pub(super) fn new(dialect: Dialect, prefix: &str) -> Self {
        let table = format!("{prefix}billing_users");
        let key = ["tenant", "span", "place", "part"];
        let columns = [&key[..], &["body"]].concat();
        let head = format!("WITH wanted({}) AS (", key.join(","));
        let tail = format!(
            ") SELECT t.tenant, t.span, t.place, t.part, t.body FROM wanted w \
             CROSS JOIN {table} t WHERE t.tenant = w.tenant AND t.span = w.span \
             AND t.place = w.place AND t.part = w.part"
        );
        Self {
            known: HotRows::new(HOT_BYTES),
            upsert: BySize::upsert(dialect, &table, &columns, &key.join(","), |column| {
                column == "body"
            }),
            select: BySize::new(dialect, head, key.len(), tail),
        }
    }

    /// Adds to the rows of a batch up to `upto`, and gives them as they are then.
    pub(super) async fn add(
        &mut self,
        added: BTreeMap<Block, Users>,
        tenants: &Tenants,
        pool: &Pool,
        upto: Position,
    ) -> Result<Bulk, ProjectionError> {
        self.load(added.keys().copied(), tenants, pool).await?;
        let lost = || ProjectionError::Database("sums of users are lost".to_owned());
        let mut rows = self.upsert.rows(added.len());
        for (block, added) in added {
            let users = self.known.get_mut(&block).ok_or_else(lost)?;
            for (user, sums) in added {
                users.entry(user).or_default().add(&sums);
            }
            let (body, weight) = (written(users), ROW_BYTES + USER_BYTES * users.len());
            put_key(&block, tenants, &mut rows)?;
            rows.put(body);
            self.known.weigh(&block, weight, upto);
        }
        Ok(rows)
    }

    async fn load(
        &mut self,
        blocks: impl Iterator<Item = Block>,
        tenants: &Tenants,
        pool: &Pool,
    ) -> Result<(), ProjectionError> {
        let mut wanted: HashSet<Block> = blocks.filter(|b| !self.known.contains(b)).collect();
        let mut select = self.select.rows(wanted.len());
        for block in &wanted {
            put_key(block, tenants, &mut select)?;
        }
        let bad = |e: String| ProjectionError::Database(format!("sums of users: {e}"));
        let number = |n: i64| i32::try_from(n).map_err(|e| bad(e.to_string()));
        for statement in select.filled()? {
            for row in pool.rows(statement).await? {
                let span = Span { days: number(row.integer(1)?)?, place: number(row.integer(2)?)? };
                let part = u8::try_from(row.integer(3)?).map_err(|e| bad(e.to_string()))?;
                let block = Block { scope: tenants.scope(row.integer(0)?)?, span, part };
                let mut users = Users::new();
                for line in row.text(4)?.lines() {
                    let (user, sums) = read(line).map_err(bad)?;
                    users.insert(user.into(), sums);
                }
                wanted.remove(&block);
                let weight = ROW_BYTES + USER_BYTES * users.len();
                self.known.put(Cow::Owned(block), users, weight, Position::START);
            }
        }
        for block in wanted {
            self.known.put(Cow::Owned(block), Users::new(), ROW_BYTES, Position::START);
        }
        Ok(())
    }

    pub(super) fn committed(&mut self, position: Position) {
        self.known.committed(position);
    }
}

fn put_key(block: &Block, tenants: &Tenants, row: &mut Bulk) -> Result<(), ProjectionError> {
    row.put(tenants.number(block.scope)?);
    row.put(i64::from(block.span.days));
    row.put(i64::from(block.span.place));
    row.put(i64::from(block.part));
    Ok(())
}

/// A line for each user. The user's name is its end: it has no control characters.
fn written(users: &Users) -> String {
    let mut text = String::with_capacity(48 * users.len());
    for (user, UserSums { number, cost, sessions, agents }) in users {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{number} {} {sessions} {agents} {user}", cost.0);
    }
    text
}

/// What a line says.
pub(super) fn read(line: &str) -> Result<(&str, UserSums), String> {
    let bad = || format!("`{line}` cannot be read");
    let mut parts = line.splitn(5, ' ');
    let mut next = || parts.next().ok_or_else(bad);
    let number = next()?.parse().map_err(|_| bad())?;
    let cost = Pico(next()?.parse().map_err(|_| bad())?);
    let sessions = next()?.parse().map_err(|_| bad())?;
    let agents = next()?.parse().map_err(|_| bad())?;
    Ok((next()?, UserSums { number, cost, sessions, agents }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let sums =
            |n| UserSums { number: n, cost: Pico(-7 * i128::from(n)), sessions: 2, agents: 3 };
        let users: Users = [("a b  c", 1), ("", 2), ("ü|;", u64::MAX)]
            .map(|(user, n)| (Arc::from(user), sums(n)))
            .into();
        let text = written(&users);
        let back: Users =
            text.lines().map(|line| read(line).unwrap()).map(|(u, s)| (u.into(), s)).collect();
        assert_eq!(back, users);
        for line in ["", "1 2 3 4", "1 2 3 x u", "-1 2 3 4 u"] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
