//! A database for one test, in the server that `THEAZO_TEST_POSTGRES` names.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgPool};

/// Dropped with its value.
pub struct TestDatabase {
    server: PgConnectOptions,
    name: String,
}

impl TestDatabase {
    pub async fn new() -> Self {
        let server: PgConnectOptions = std::env::var("THEAZO_TEST_POSTGRES")
            .expect("THEAZO_TEST_POSTGRES is not set; scripts/test starts a Postgres and sets it")
            .parse()
            .unwrap();
        let name = format!("theazo_test_{:016x}", rand::Rng::random::<u64>(&mut rand::rng()));
        let mut connection = server.connect().await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(sqlx::raw_sql(create)).await.unwrap();
        Self { server, name }
    }

    /// Connections of another process.
    pub async fn pool(&self) -> PgPool {
        self.pool_at(self.server.get_port()).await
    }

    /// The same by another port: that of something between.
    pub async fn pool_at(&self, port: u16) -> PgPool {
        let options = self.server.clone().port(port).database(&self.name);
        let pool = PgPoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(10));
        pool.connect_with(options).await.unwrap()
    }

    /// Cuts every connection to the database, as a restart does.
    #[allow(dead_code, reason = "not every suite that has this file restarts it")]
    pub async fn cut_connections(&self) {
        let mut connection = self.server.connect().await.unwrap();
        sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
            .bind(&self.name)
            .execute(&mut connection)
            .await
            .unwrap();
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let server = self.server.clone();
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // The test's own runtime may be ending.
        let dropping = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = server.connect().await.unwrap();
                connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.unwrap();
            });
        });
        let dropped = dropping.join();
        assert!(dropped.is_ok() || std::thread::panicking(), "{} is left behind", self.name);
    }
}
