//! What processes that serve one API together count together.

mod reach;

use std::sync::Arc;

use sqlx::PgPool;

use crate::rate::{PostgresRates, RateStore};
use crate::stream::{PostgresStreams, StreamCounts};

pub(crate) use reach::Reach;

/// Counters of requests and of open streams. Cheap to clone.
///
/// They hold while Postgres answers. When it does not within half a second, each process counts by
/// itself, says so in its log and in `theazo_shared_limits_down`, and asks again once a second: a
/// limit is then one of each process.
#[derive(Clone)]
pub struct Shared {
    pub(crate) rates: Arc<dyn RateStore>,
    pub(crate) streams: Arc<dyn StreamCounts>,
}

impl Shared {
    /// Makes their tables in the database of `pool`, unless they are there. Each value is a process
    /// of its own.
    pub async fn postgres(pool: PgPool) -> Result<Self, sqlx::Error> {
        let rates = PostgresRates::open(pool.clone()).await?;
        let streams = PostgresStreams::open(pool).await?;
        Ok(Self { rates: Arc::new(rates), streams: Arc::new(streams) })
    }
}
