//! All that is Postgres' own.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool};
use sqlx::{
    Arguments as _, AssertSqlSafe, ConnectOptions, Connection as _, Executor, Postgres, Transaction,
};

use super::{DbRow, Pool, Statement, Value};
use crate::leadership::lock_key;

/// Where the tables are: beside whatever else is in the database.
const SCHEMA: &str = "theazo_reads";
/// What [`notify`] tells on.
pub(crate) const CHANNEL: &str = "theazo_reads";
/// What a rebuild leads under while it is under way.
pub(crate) const REBUILD: &str = "rebuild";

/// How long a read may take.
const READ_MILLIS: u64 = 30_000;
/// How long the server has for an answer, before its connection is given up as cut off.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a read waits for a connection, which is for a database that starts anew.
const ACQUIRE: Duration = Duration::from_secs(5);
/// A connection that was idle for longer is tried before it is used: its server may have gone.
const TRIED_AFTER: Duration = Duration::from_secs(1);
const TRIED_FOR: Duration = Duration::from_secs(2);
/// A writer that is silent in the middle of a transaction for so long is frozen or cut off, and
/// loses it: all others wait for it.
const SILENT_MILLIS: u64 = 3_000;
/// The same for one that has other things to do in its transaction.
const BUSY_MILLIS: u64 = 15_000;

/// How to get at the database. Never shown: there may be a password in it.
#[derive(Clone)]
pub(crate) struct Server(Arc<PgConnectOptions>);

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server(…)")
    }
}

impl Server {
    pub(crate) fn new(url: &str) -> Result<Self, sqlx::Error> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(sqlx::Error::Configuration("it does not begin with postgres://".into()));
        }
        let options = PgConnectOptions::from_str(url)?.application_name("theazo");
        Ok(Self(Arc::new(options)))
    }

    /// A connection with these settings.
    pub(crate) fn session(&self, settings: &[(&str, String)]) -> PgConnectOptions {
        (*self.0).clone().options(settings.iter().cloned()).disable_statement_logging()
    }

    fn settings(&self, settings: &[(&str, String)]) -> PgConnectOptions {
        let place = ("search_path", SCHEMA.to_owned());
        // A plan that was made while a table was small is not kept when it has grown.
        let plans = ("plan_cache_mode", "force_custom_plan".to_owned());
        let all: Vec<_> = [place, plans].into_iter().chain(settings.iter().cloned()).collect();
        self.session(&all)
    }

    /// Fails when the server cannot be reached.
    pub(crate) async fn readers(&self, count: u32) -> Result<Pool, sqlx::Error> {
        let settings = [("statement_timeout", READ_MILLIS.to_string())];
        let pool = pool(count).connect_with(self.settings(&settings)).await?;
        Ok(Pool::Postgres(pool))
    }

    /// The one connection of this process that writes.
    pub(crate) fn writer(&self) -> Pool {
        let settings = [
            ("idle_in_transaction_session_timeout", SILENT_MILLIS.to_string()),
            // What a power cut takes back is written again from the log: the checkpoint goes too.
            ("synchronous_commit", "off".to_owned()),
        ];
        let pool = pool(1).acquire_timeout(PATIENCE);
        Pool::Postgres(pool.connect_lazy_with(self.settings(&settings)))
    }

    /// The one connection of this process that hears what is told.
    pub(crate) fn listener(&self) -> PgPool {
        pool(1).connect_lazy_with(self.settings(&[]))
    }
}

fn pool(count: u32) -> PoolOptions<Postgres> {
    PoolOptions::new()
        .max_connections(count.max(1))
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(|connection: &mut PgConnection, known| {
            Box::pin(async move {
                let tried = known.idle_for < TRIED_AFTER || {
                    let ping = tokio::time::timeout(TRIED_FOR, connection.ping());
                    matches!(ping.await, Ok(Ok(())))
                };
                Ok(tried)
            })
        })
}

/// Columns, not rows: the statement is the same and small for any number of rows.
pub(super) fn placeholders(columns: usize) -> String {
    let numbered: Vec<_> = (1..=columns).map(|n| format!("${n}")).collect();
    format!("SELECT * FROM unnest({})", numbered.join(","))
}

/// The one character that Postgres cannot hold. No column has it (what is in a `body` is escaped),
/// so a filter with it is to find nothing.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{2400}").into() } else { text.into() }
}

const fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Flag(flag) => Some(*flag as i64),
        Value::Text(_) | Value::Shared(_) | Value::Word(_) | Value::Null => None,
    }
}

fn arguments(statement: &Statement) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    let values = &statement.values;
    let added = match statement.columns {
        None => values.iter().try_for_each(|value| match integer(value) {
            Some(number) => arguments.add(number),
            None => arguments.add(value.text().map(storable)),
        }),
        Some(columns) => (0..columns).try_for_each(|column| {
            let cells = || values.iter().skip(column).step_by(columns);
            // A number is never absent.
            match cells().map(integer).collect::<Option<Vec<i64>>>() {
                Some(numbers) if !numbers.is_empty() => arguments.add(numbers),
                _ => arguments.add(cells().map(|v| v.text().map(storable)).collect::<Vec<_>>()),
            }
        }),
    };
    added.map_err(sqlx::Error::Encode)?;
    Ok(arguments)
}

/// Whether a table that was asked for is not there.
pub(crate) fn is_missing(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.as_deref() == Some("42P01")
}

async fn timely<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let late = || std::io::Error::new(std::io::ErrorKind::TimedOut, "Postgres does not answer");
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(late().into()))
}

pub(super) async fn rows<'e>(
    executor: impl Executor<'e, Database = Postgres>,
    statement: Statement,
) -> Result<Vec<DbRow>, sqlx::Error> {
    let arguments = arguments(&statement)?;
    let query = sqlx::query_with(AssertSqlSafe(statement.sql), arguments);
    let rows = timely(query.fetch_all(executor)).await?;
    Ok(rows.into_iter().map(DbRow::Postgres).collect())
}

pub(super) async fn execute<'e>(
    executor: impl Executor<'e, Database = Postgres>,
    statement: Statement,
) -> Result<u64, sqlx::Error> {
    let arguments = arguments(&statement)?;
    let query = sqlx::query_with(AssertSqlSafe(statement.sql), arguments);
    Ok(timely(query.execute(executor)).await?.rows_affected())
}

pub(super) async fn script<'e>(
    executor: impl Executor<'e, Database = Postgres>,
    sql: String,
) -> Result<(), sqlx::Error> {
    timely(sqlx::raw_sql(AssertSqlSafe(sql)).execute(executor)).await?;
    Ok(())
}

/// Begins a transaction that holds the one lock of all who write.
pub(super) async fn begin(writer: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let sql = format!("BEGIN; SELECT pg_advisory_xact_lock({})", lock_key("write"));
    timely(writer.begin_with(AssertSqlSafe(sql))).await
}

type Tx = Transaction<'static, Postgres>;

pub(super) async fn make_schema(tx: &mut Tx) -> Result<(), sqlx::Error> {
    script(&mut **tx, format!("CREATE SCHEMA IF NOT EXISTS {SCHEMA}")).await
}

pub(super) async fn tables(tx: &mut Tx) -> Result<Vec<DbRow>, sqlx::Error> {
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1";
    rows(&mut **tx, Statement::new(sql).bind(SCHEMA)).await
}

pub(super) async fn others_rebuild(tx: &mut Tx) -> Result<bool, sqlx::Error> {
    let sql = "SELECT CASE WHEN pg_try_advisory_xact_lock($1) THEN 0::bigint ELSE 1::bigint END";
    let rows = rows(&mut **tx, Statement::new(sql).bind(lock_key(REBUILD))).await?;
    let busy: Result<Vec<i64>, _> = rows.iter().map(|row| row.integer(0)).collect();
    Ok(busy? != [0])
}

pub(super) async fn take_time(tx: &mut Tx) -> Result<(), sqlx::Error> {
    let sql = format!("SET LOCAL idle_in_transaction_session_timeout = {BUSY_MILLIS}");
    script(&mut **tx, sql).await
}

pub(super) async fn make_durable(tx: &mut Tx) -> Result<(), sqlx::Error> {
    script(&mut **tx, "SET LOCAL synchronous_commit = on".to_owned()).await
}

pub(super) async fn notify(tx: &mut Tx, what: String) -> Result<(), sqlx::Error> {
    let sql = Statement::new("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(what);
    rows(&mut **tx, sql).await?;
    Ok(())
}
