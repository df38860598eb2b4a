//! One process after the other, for what is made once in a cluster.

use anyhow::Context;
use sqlx::{PgPool, Postgres, Transaction};

/// It is over when this is dropped, or its process is gone.
pub struct Turn {
    _lock: Transaction<'static, Postgres>,
}

impl Turn {
    /// Waits until no other process has it.
    pub async fn wait(stores: &PgPool) -> anyhow::Result<Self> {
        let begun = async {
            let mut lock = stores.begin().await?;
            // Whoever has it and stands still is not waited for forever: the start fails instead.
            sqlx::query("SET LOCAL lock_timeout = '60s'").execute(&mut *lock).await?;
            let wait = "SELECT pg_advisory_xact_lock(hashtextextended('theazo: start', 0))";
            sqlx::query(wait).execute(&mut *lock).await?;
            Ok::<_, sqlx::Error>(lock)
        };
        let begun = begun.await.context("the database (--db) does not say whose turn it is");
        Ok(Self { _lock: begun? })
    }
}
