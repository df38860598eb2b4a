//! The queries that read commits.

use std::sync::LazyLock;

use theazo_domain::{CommitId, StreamId};

use super::packed;
use super::reader::Select;
use super::rows::{COMMIT, RAW};
use super::scopes::Scopes;
use crate::{Filter, Kinds, Position};

const FROM: &str = "SELECT position, previous, previous_hash, hash, body FROM commits WHERE";
const STREAM: &str = "origin = (SELECT position FROM commits WHERE stream = ?1)";
/// Of several kinds: by position (hence the `+` before it), for by the index on kinds what matches
/// would have to be sorted, all of it.
const KINDS: &str = "(SELECT value FROM json_each(?4))";
const PAGE: &str = "ORDER BY position LIMIT ?3";

/// The text of a query, made once.
type Text = LazyLock<String>;

fn commits(condition: &str) -> String {
    packed::select(&COMMIT, &format!("{FROM} {condition}"))
}

static OF_STREAM: Text = Text::new(|| commits(&format!("{STREAM} AND position > ?2 {PAGE}")));
static OF_SCOPE: Text = Text::new(|| commits(&format!("scope = ?1 AND position > ?2 {PAGE}")));
static OF_SCOPE_AND_KINDS: Text =
    Text::new(|| commits(&format!("scope = ?1 AND position > ?2 AND +kind IN {KINDS} {PAGE}")));
static OF_KIND: Text = Text::new(|| commits(&format!("kind = ?1 AND position > ?2 {PAGE}")));
static OF_KINDS: Text =
    Text::new(|| commits(&format!("position > ?2 AND +kind IN {KINDS} {PAGE}")));
static ALL: Text = Text::new(|| commits("position > ?1 ORDER BY position LIMIT ?2"));
static BY_ID: Text = Text::new(|| commits(&format!("{STREAM} AND id = ?2")));
static AT: Text = Text::new(|| commits("position = ?1"));

/// At most `limit` commits after `after` that match; `None` when nothing can match.
pub(super) fn matching(
    filter: &Filter,
    scopes: &Scopes,
    after: Position,
    limit: usize,
) -> Option<Select> {
    let (after, limit) = (integer(after), integer_of(limit));
    let all = filter.kinds == Kinds::ALL;
    Some(match (&filter.stream, filter.scope, filter.kinds.single()) {
        (Some(stream), _, _) => {
            let name = filter.matches_stream(stream).then(|| stream.to_string())?;
            sqlx::query(OF_STREAM.as_str()).bind(name).bind(after).bind(limit)
        }
        (None, Some(scope), _) if all => {
            let scope = scopes.number(scope)?;
            sqlx::query(OF_SCOPE.as_str()).bind(scope).bind(after).bind(limit)
        }
        (None, Some(scope), _) => {
            let scope = scopes.number(scope)?;
            let query = sqlx::query(OF_SCOPE_AND_KINDS.as_str());
            query.bind(scope).bind(after).bind(limit).bind(json(filter.kinds))
        }
        (None, None, _) if all => sqlx::query(ALL.as_str()).bind(after).bind(limit),
        (None, None, Some(kind)) => {
            sqlx::query(OF_KIND.as_str()).bind(kind.as_str()).bind(after).bind(limit)
        }
        (None, None, None) => {
            let query = sqlx::query(OF_KINDS.as_str()).bind(None::<i64>);
            query.bind(after).bind(limit).bind(json(filter.kinds))
        }
    })
}

/// As [`KINDS`] has them.
fn json(kinds: Kinds) -> String {
    let names: Vec<_> = kinds.iter().map(|kind| format!("\"{kind}\"")).collect();
    format!("[{}]", names.join(","))
}

pub(super) fn by_id(stream: &StreamId, id: CommitId) -> Select {
    let query = sqlx::query(BY_ID.as_str());
    query.bind(stream.to_string()).bind(id.as_uuid().as_bytes().to_vec())
}

pub(super) fn at(position: Position) -> Select {
    sqlx::query(AT.as_str()).bind(integer(position))
}

/// Left joins: a row whose stream or scope is gone must show, not vanish.
const RAW_FROM: &str = "
    SELECT c.position, c.previous, c.previous_hash, c.hash, c.body, o.stream, c.id, s.org, s.mode,
        c.kind
    FROM commits c LEFT JOIN commits o ON o.position = c.origin
        LEFT JOIN scopes s ON s.number = c.scope
    WHERE c.position > ?2";

static RAW_OF_STREAM: Text = Text::new(|| raw(&format!("AND c.{STREAM}")));
static RAW_OF_SCOPE: Text =
    Text::new(|| raw(&format!("AND c.scope = ?1 AND (?4 IS NULL OR c.kind IN {KINDS})")));
static RAW_ALL: Text = Text::new(|| raw(&format!("AND (?4 IS NULL OR c.kind IN {KINDS})")));

fn raw(condition: &str) -> String {
    packed::select(&RAW, &format!("{RAW_FROM} {condition} ORDER BY c.position LIMIT ?3"))
}

/// As [`matching`], with what verification needs besides.
pub(super) fn matching_raw(
    filter: &Filter,
    scopes: &Scopes,
    after: Position,
    limit: usize,
) -> Option<Select> {
    let kinds = (filter.kinds != Kinds::ALL).then(|| json(filter.kinds));
    let query = match (&filter.stream, filter.scope) {
        (Some(stream), _) => {
            let name = filter.matches_stream(stream).then(|| stream.to_string())?;
            sqlx::query(RAW_OF_STREAM.as_str()).bind(name)
        }
        (None, Some(scope)) => sqlx::query(RAW_OF_SCOPE.as_str()).bind(scopes.number(scope)?),
        (None, None) => sqlx::query(RAW_ALL.as_str()).bind(None::<i64>),
    };
    Some(query.bind(integer(after)).bind(integer_of(limit)).bind(kinds))
}

/// A position as SQLite holds it; what is past its integers is past every commit too.
fn integer(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

fn integer_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::explain::searches;

    #[tokio::test]
    async fn every_query_goes_by_an_index() {
        let queries =
            [&OF_STREAM, &OF_SCOPE, &OF_SCOPE_AND_KINDS, &OF_KIND, &OF_KINDS, &ALL, &BY_ID, &AT];
        for query in queries.into_iter().chain([&RAW_OF_STREAM, &RAW_OF_SCOPE, &RAW_ALL]) {
            searches(query).await;
        }
    }
}
