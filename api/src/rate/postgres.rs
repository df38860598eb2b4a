use async_trait::async_trait;
use sqlx::{PgPool, Row};
use theazo_commands::stores::make_tables;

use super::window::{WINDOW, Window};
use super::{RateStore, Taken, Taking};

/// Nothing in it is worth a sync, and nothing is missed after a crash but a minute's counting. A
/// row is written over in place, for which its page has room.
const TABLE: &str = "CREATE UNLOGGED TABLE IF NOT EXISTS theazo_stores.rate_windows (\
    key BYTEA PRIMARY KEY, at BIGINT NOT NULL, current BIGINT NOT NULL, \
    previous BIGINT NOT NULL, granted BIGINT NOT NULL) WITH (fillfactor = 50)";

/// The window's arithmetic (`Window`), by the database's clock, which all processes share. A row's
/// `at` never goes back: processes wait for the row after they have looked at the clock.
const TAKE: &str = "\
INSERT INTO theazo_stores.rate_windows AS row (key, at, current, previous, granted)
SELECT $1, clock.at, $6 + LEAST($3, GREATEST($2 - $6, 0)), 0, LEAST($3, GREATEST($2 - $6, 0))
FROM (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at) AS clock
ON CONFLICT (key) DO UPDATE SET (at, current, previous, granted) = (
    SELECT taken.at, counted.current + room.granted, counted.previous, room.granted
    FROM (SELECT GREATEST(row.at, excluded.at) AS at) AS taken,
    LATERAL (SELECT taken.at / 60000 AS minute, 60000 - taken.at % 60000 AS left_of_it) AS time,
    LATERAL (SELECT
        CASE time.minute - row.at / 60000 WHEN 0 THEN row.current ELSE 0 END AS current,
        CASE time.minute - row.at / 60000
            WHEN 0 THEN row.previous WHEN 1 THEN row.current ELSE 0 END AS previous
    ) AS turned,
    LATERAL (SELECT
        GREATEST(turned.current - CASE time.minute - $5 WHEN 0 THEN $4 ELSE 0 END, 0) + $6
            AS current,
        GREATEST(turned.previous - CASE time.minute - $5 WHEN 1 THEN $4 ELSE 0 END, 0) AS previous
    ) AS counted,
    LATERAL (SELECT LEAST($3, GREATEST(0, $2 - counted.current
        - (counted.previous * time.left_of_it + 59999) / 60000)) AS granted) AS room
)
RETURNING at, current, previous, granted";

/// What another process sweeps or counts at the same time is left to it.
const SWEEP: &str = "DELETE FROM theazo_stores.rate_windows WHERE key IN (\
    SELECT key FROM theazo_stores.rate_windows \
    WHERE at < floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint - 120000 \
    FOR UPDATE SKIP LOCKED)";

/// Counters in a database that processes share: one row a key.
pub(crate) struct PostgresRates(PgPool);

impl PostgresRates {
    pub async fn open(pool: PgPool) -> Result<Self, sqlx::Error> {
        make_tables(&pool, &[TABLE]).await?;
        Ok(Self(pool))
    }
}

#[async_trait]
impl RateStore for PostgresRates {
    async fn take(&self, taking: Taking) -> Result<Taken, sqlx::Error> {
        let row = sqlx::query(TAKE)
            .bind(taking.key.as_uuid().as_bytes().as_slice())
            .bind(i64::from(taking.limit))
            .bind(i64::from(taking.want))
            .bind(i64::from(taking.back))
            .bind(i64::try_from(taking.back_minute).unwrap_or(0))
            .bind(i64::from(taking.owed))
            .fetch_one(&self.0)
            .await?;
        let number = |column: &str| row.try_get::<i64, _>(column);
        let at = u64::try_from(number("at")?).unwrap_or(0);
        let window = Window {
            minute: at / WINDOW,
            current: saturated(number("current")?),
            previous: saturated(number("previous")?),
        };
        Ok(Taken { granted: saturated(number("granted")?), window, at })
    }

    async fn sweep(&self) -> Result<(), sqlx::Error> {
        sqlx::query(SWEEP).execute(&self.0).await.map(|_| ())
    }
}

/// Counters are never negative, and as large as limits.
fn saturated(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}
