//! The projector's replay of a log on JetStream into Postgres, against writing the same rows by
//! hand.
//!
//! By hand: one connection with the projector's settings, the rows in memory already, as columns;
//! the same tables with the same indexes; one upsert of many rows for each table in a transaction,
//! with a checkpoint. Bar: at least 50 %.

use std::time::{Duration, Instant};

use anyhow::Context;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use theazo_log::EventLog;
use theazo_nats::{JetStreamLog, JetStreamOptions, Nats, NatsOptions};
use theazo_projections::{ChainKey, Options as ReadOptions, Projector, ReadModels};
use tokio_util::sync::CancellationToken;

use super::stores::Stores;
use super::{Options, median};
use crate::histories;
use crate::stats::verdict;

const BAR: f64 = 0.50;
/// Rows in one transaction of those that are written by hand.
const BATCH: usize = 4_096;
const PATIENCE: Duration = Duration::from_secs(600);

pub async fn run(options: &Options, commits: u64, rounds: usize) -> anyhow::Result<()> {
    println!(
        "Replay of {commits} commits from JetStream into Postgres, against the same rows by hand"
    );
    let stores = Stores::start(options)?;
    let log = open(&stores).await?;
    histories::fill(&log, commits).await?;
    log.close().await;
    let mut ratios = Vec::new();
    for round in 0..rounds {
        let database = new_database(&stores, &format!("round_{round}")).await?;
        let log = open(&stores).await?;
        let replay = replay(&log, &database).await?;
        log.close().await;
        let (rows, by_hand) = by_hand(&database).await?;
        let ratio = by_hand.as_secs_f64() / replay.as_secs_f64();
        println!(
            "  replay {:.0} commits/s, {:.0} rows/s; by hand {:.0} rows/s: {:.0} %",
            commits as f64 / replay.as_secs_f64(),
            rows as f64 / replay.as_secs_f64(),
            rows as f64 / by_hand.as_secs_f64(),
            ratio * 100.0,
        );
        ratios.push(ratio);
    }
    let ratio = median(ratios);
    println!("  median {:.0} %  {}", ratio * 100.0, verdict(ratio >= BAR));
    Ok(())
}

/// The log of the cluster, in this process.
async fn open(stores: &Stores) -> anyhow::Result<std::sync::Arc<JetStreamLog>> {
    let nats = Nats::connect(NatsOptions::new(stores.log())).await?;
    let options = JetStreamOptions { replicas: stores.replicas(), ..JetStreamOptions::default() };
    Ok(JetStreamLog::open(&nats, options).await?)
}

/// A database of the cluster's server; its URL.
async fn new_database(stores: &Stores, name: &str) -> anyhow::Result<String> {
    let mut admin = PgConnection::connect(&stores.database).await?;
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await?;
    admin.close().await?;
    let (server, _) = stores.database.rsplit_once('/').context("a database's URL has a path")?;
    Ok(format!("{server}/{name}"))
}

/// How long it takes until all read models hold all.
async fn replay(log: &std::sync::Arc<JetStreamLog>, database: &str) -> anyhow::Result<Duration> {
    let options = ReadOptions::new(ChainKey::new(vec![7; 32]));
    let reads = ReadModels::open_postgres(database, options).await?;
    let head = log.head().await?;
    let stop = CancellationToken::new();
    let start = Instant::now();
    let projector = Projector::start(log.clone(), reads.clone(), stop.clone());
    anyhow::ensure!(reads.wait_for(head, PATIENCE).await, "the projector does not catch up");
    let took = start.elapsed();
    stop.cancel();
    projector.await?;
    reads.close().await;
    Ok(took)
}

/// How many rows there are, and how long it takes to write them all again by hand.
async fn by_hand(database: &str) -> anyhow::Result<(usize, Duration)> {
    let settings = [
        ("search_path", "theazo_reads"),
        ("synchronous_commit", "off"),
        ("plan_cache_mode", "force_custom_plan"),
    ];
    let connect = database.parse::<PgConnectOptions>()?.options(settings);
    let mut connection = connect.disable_statement_logging().connect().await?;
    let names = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'theazo_reads' \
                 ORDER BY tablename";
    let mut tables = Vec::new();
    for name in sqlx::query_scalar::<_, String>(names).fetch_all(&mut connection).await? {
        let table = Table::load(&mut connection, name).await?;
        if table.rows > 0 {
            tables.push(table);
        }
    }
    for Table { name, .. } in &tables {
        let copy = format!("CREATE TABLE hand_{name} (LIKE {name} INCLUDING ALL)");
        sqlx::raw_sql(AssertSqlSafe(copy)).execute(&mut connection).await?;
    }
    let start = Instant::now();
    for table in &tables {
        table.write(&mut connection).await?;
    }
    let took = start.elapsed();
    connection.close().await?;
    Ok((tables.iter().map(|table| table.rows).sum(), took))
}

/// A table's rows, as columns.
struct Table {
    name: String,
    sql: String,
    columns: Vec<Column>,
    rows: usize,
}

enum Column {
    Numbers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
}

impl Table {
    async fn load(connection: &mut PgConnection, name: String) -> anyhow::Result<Self> {
        let columns = "SELECT column_name::text, data_type::text FROM information_schema.columns \
                       WHERE table_schema = 'theazo_reads' AND table_name = $1 \
                       ORDER BY ordinal_position";
        let columns: Vec<(String, String)> =
            sqlx::query_as(columns).bind(&name).fetch_all(&mut *connection).await?;
        let key = "SELECT string_agg(a.attname::text, ',') FROM pg_index i JOIN pg_attribute a \
                   ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) \
                   WHERE i.indisunique AND i.indrelid = to_regclass($1) GROUP BY i.indexrelid \
                   ORDER BY bool_or(i.indisprimary) DESC LIMIT 1";
        let key: Option<String> =
            sqlx::query_scalar(key).bind(&name).fetch_optional(&mut *connection).await?;
        let all = AssertSqlSafe(format!("SELECT * FROM {name}"));
        let rows = sqlx::query(all).fetch_all(&mut *connection).await?;
        let sql = upsert(&name, &columns, key.as_deref());
        let columns: Result<_, _> =
            columns.iter().enumerate().map(|(at, (_, kind))| Column::of(&rows, at, kind)).collect();
        Ok(Self { name, sql, columns: columns?, rows: rows.len() })
    }

    async fn write(&self, connection: &mut PgConnection) -> anyhow::Result<()> {
        for from in (0..self.rows).step_by(BATCH) {
            let batch = from..self.rows.min(from + BATCH);
            let mut upsert = sqlx::query(AssertSqlSafe(self.sql.clone()));
            for column in &self.columns {
                upsert = match column {
                    Column::Numbers(numbers) => upsert.bind(&numbers[batch.clone()]),
                    Column::Texts(texts) => upsert.bind(&texts[batch.clone()]),
                };
            }
            let mut tx = connection.begin().await?;
            upsert.execute(&mut *tx).await?;
            let checkpoint = "UPDATE projections SET position = position WHERE name = 'sessions'";
            sqlx::query(checkpoint).execute(&mut *tx).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

impl Column {
    fn of(rows: &[PgRow], at: usize, kind: &str) -> anyhow::Result<Self> {
        let small = |row: &PgRow| Ok(row.try_get::<Option<i16>, _>(at)?.map(i64::from));
        Ok(match kind {
            "text" => {
                Self::Texts(rows.iter().map(|row| row.try_get(at)).collect::<Result<_, _>>()?)
            }
            "smallint" => Self::Numbers(rows.iter().map(small).collect::<anyhow::Result<_>>()?),
            "bigint" => {
                Self::Numbers(rows.iter().map(|row| row.try_get(at)).collect::<Result<_, _>>()?)
            }
            other => anyhow::bail!("a read model has a column of the type {other}"),
        })
    }
}

/// An upsert of many rows; an insert where there is nothing to conflict with.
fn upsert(name: &str, columns: &[(String, String)], key: Option<&str>) -> String {
    let names: Vec<&str> = columns.iter().map(|(column, _)| column.as_str()).collect();
    let array = |(at, (_, kind)): (usize, &(String, String))| {
        let of = if kind == "text" { "text" } else { "bigint" };
        format!("${}::{of}[]", at + 1)
    };
    let arrays: Vec<_> = columns.iter().enumerate().map(array).collect();
    let insert = format!(
        "INSERT INTO hand_{name} ({}) SELECT * FROM unnest({})",
        names.join(","),
        arrays.join(","),
    );
    let Some(key) = key else { return insert };
    let sets: Vec<_> = names
        .iter()
        .filter(|column| !key.split(',').any(|part| part == **column))
        .map(|column| format!("{column}=excluded.{column}"))
        .collect();
    match sets.is_empty() {
        true => format!("{insert} ON CONFLICT ({key}) DO NOTHING"),
        false => format!("{insert} ON CONFLICT ({key}) DO UPDATE SET {}", sets.join(",")),
    }
}
