//! Asks SQLite how it would run a query.

use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

use super::schema;

/// Panics when `sql` walks through `commits` or one of its indexes instead of looking up.
pub(super) async fn searches(sql: &str) {
    let mut conn = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    schema::prepare(&mut conn).await.unwrap();
    let explained = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
        .fetch_all(&mut conn)
        .await
        .unwrap();
    assert!(!explained.is_empty());
    for step in explained {
        let step: String = step.try_get(3).unwrap();
        let walks = ["SCAN commits", "SCAN c", "SCAN o", "SCAN first", "SCAN last", "TEMP B-TREE"];
        assert!(!walks.iter().any(|walk| step.contains(walk)), "{step}\n{sql}");
    }
}
