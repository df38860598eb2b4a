//! What the small stores of a cluster have in common: a schema in Postgres, beside the read models.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};

/// Serialises the starts of many processes. Any number that nobody else locks.
const LOCK: i64 = 0x7468_6561_7a6f_5354;
/// How long a start waits for the others'.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '30s'";
/// Waits before a statement is repeated whose connection was lost: a restart takes seconds.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// Makes the tables of a store in the schema `theazo_stores`, unless they are there. Any number of
/// processes may do so at once.
pub async fn make_tables(pool: &PgPool, tables: &[&'static str]) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let connection: &mut PgConnection = &mut transaction;
    sqlx::raw_sql(LOCK_TIMEOUT).execute(&mut *connection).await?;
    // `IF NOT EXISTS` alone fails for one of two that make the same thing at the same time.
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *connection).await?;
    let schema: bool = sqlx::query_scalar("SELECT to_regnamespace('theazo_stores') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    // Who may not make it can still use one that was made for them.
    if !schema {
        sqlx::raw_sql("CREATE SCHEMA theazo_stores").execute(&mut *connection).await?;
    }
    for table in tables {
        sqlx::raw_sql(*table).execute(&mut *connection).await?;
    }
    transaction.commit().await
}

/// Does something that may be done twice, again when its connection was lost, so that a restart of
/// the database is a pause and not an error.
pub async fn through_restarts<T, F>(statement: impl Fn() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    for pause in PAUSES {
        match statement().await {
            Err(error) if is_lost(&error) => {
                tracing::warn!(%error, "the connection to Postgres was lost; trying again");
                tokio::time::sleep(pause).await;
            }
            settled => return settled,
        }
    }
    statement().await
}

/// Whether the connection went away, or the server is going or coming.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            // Of the class 57: an administrator's shutdown, a crash, a start under way.
            error.code().is_some_and(|code| matches!(&*code, "57P01" | "57P02" | "57P03"))
        }
        _ => false,
    }
}
