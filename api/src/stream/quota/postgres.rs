use async_trait::async_trait;
use sqlx::{AssertSqlSafe, PgPool, Row};
use theazo_commands::stores::make_tables;

use super::{Count, StreamCounts};

/// A crash of the database empties them; every process publishes its counts again.
const PROCESSES: &str = "CREATE UNLOGGED TABLE IF NOT EXISTS theazo_stores.stream_processes (\
    process UUID PRIMARY KEY, seen TIMESTAMPTZ NOT NULL) WITH (fillfactor = 50)";
const STREAMS: &str = "CREATE UNLOGGED TABLE IF NOT EXISTS theazo_stores.open_streams (\
    key BYTEA NOT NULL, process UUID NOT NULL, open BIGINT NOT NULL, version BIGINT NOT NULL, \
    PRIMARY KEY (key, process)) WITH (fillfactor = 50)";

/// One statement: whether this process was known, and its counts.
const BEAT: &str = "\
WITH counts AS (
    INSERT INTO theazo_stores.open_streams AS row (key, process, open, version)
    SELECT count.key, $1::uuid, count.open, count.version
    FROM UNNEST($2::bytea[], $3::bigint[], $4::bigint[]) AS count (key, open, version)
    ORDER BY count.key
    ON CONFLICT (key, process) DO UPDATE SET open = excluded.open, version = excluded.version
    WHERE row.version <= excluded.version
)
INSERT INTO theazo_stores.stream_processes AS row (process, seen)
VALUES ($1::uuid, clock_timestamp())
ON CONFLICT (process) DO UPDATE SET seen = excluded.seen
RETURNING xmax <> 0 AS known";

const LEAVE: &str = "\
WITH left_behind AS (DELETE FROM theazo_stores.open_streams WHERE process = $1::uuid)
DELETE FROM theazo_stores.stream_processes WHERE process = $1::uuid";

/// A process that comes back after all finds that it is not known, and publishes all it has. Waits
/// for nobody: what is being written is not swept.
const SWEEP: &str = "\
WITH gone AS (
    DELETE FROM theazo_stores.stream_processes WHERE process IN (
        SELECT process FROM theazo_stores.stream_processes
        WHERE seen < clock_timestamp() - interval '1 minute' FOR UPDATE SKIP LOCKED
    ) RETURNING process
)
DELETE FROM theazo_stores.open_streams WHERE (key, process) IN (
    SELECT key, process FROM theazo_stores.open_streams
    WHERE open = 0 OR process IN (SELECT process FROM gone)
    FOR UPDATE SKIP LOCKED
)";

/// Counts in a database that processes share: a row for each key of each process that has streams.
pub(crate) struct PostgresStreams {
    pool: PgPool,
    /// Which process this is.
    process: String,
}

impl PostgresStreams {
    pub async fn open(pool: PgPool) -> Result<Self, sqlx::Error> {
        make_tables(&pool, &[PROCESSES, STREAMS]).await?;
        let process = sqlx::query_scalar("SELECT gen_random_uuid()::text").fetch_one(&pool).await?;
        Ok(Self { pool, process })
    }

    /// Three statements in one transaction and one round trip. Who counts a key's streams waits for
    /// whoever does so at this moment, so that no two see each other's places free.
    fn publication(&self, count: &Count) -> String {
        let Self { process, .. } = self;
        let key = hex::encode(count.key.as_uuid().as_bytes());
        let Count { open, version, .. } = count;
        format!(
            "SELECT pg_advisory_xact_lock(hashtextextended('theazo streams {key}', 0));
            INSERT INTO theazo_stores.open_streams AS row (key, process, open, version)
            VALUES ('\\x{key}', '{process}', {open}, {version})
            ON CONFLICT (key, process) DO UPDATE
            SET open = excluded.open, version = excluded.version
            WHERE row.version <= excluded.version;
            SELECT COALESCE(SUM(others.open), 0)::bigint AS open
            FROM theazo_stores.open_streams AS others
            JOIN theazo_stores.stream_processes AS alive USING (process)
            WHERE others.key = '\\x{key}' AND others.process <> '{process}'
            AND alive.seen > clock_timestamp() - interval '5 seconds'"
        )
    }
}

#[async_trait]
impl StreamCounts for PostgresStreams {
    async fn publish(&self, count: Count) -> Result<usize, sqlx::Error> {
        // Nothing in it but numbers and ids that are ours.
        let sql = AssertSqlSafe(self.publication(&count));
        let rows = sqlx::raw_sql(sql).fetch_all(&self.pool).await?;
        let others: i64 = rows.last().ok_or(sqlx::Error::RowNotFound)?.try_get("open")?;
        Ok(usize::try_from(others).unwrap_or(0))
    }

    async fn beat(&self, changed: &[Count]) -> Result<bool, sqlx::Error> {
        let keys: Vec<Vec<u8>> =
            changed.iter().map(|c| c.key.as_uuid().as_bytes().to_vec()).collect();
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let open: Vec<i64> = changed.iter().map(|c| number(c.open as u64)).collect();
        let versions: Vec<i64> = changed.iter().map(|c| number(c.version)).collect();
        let beat =
            sqlx::query_scalar(BEAT).bind(&self.process).bind(keys).bind(open).bind(versions);
        beat.fetch_one(&self.pool).await
    }

    async fn leave(&self) -> Result<(), sqlx::Error> {
        sqlx::query(LEAVE).bind(&self.process).execute(&self.pool).await.map(|_| ())
    }

    async fn sweep(&self) -> Result<(), sqlx::Error> {
        sqlx::query(SWEEP).execute(&self.pool).await.map(|_| ())
    }
}
