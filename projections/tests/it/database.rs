//! A database of its own for each test. The crate's own tests have this file too.

use rand::Rng as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

/// A database that is dropped at the end.
pub struct TestDatabase {
    pub url: String,
    server: String,
    name: String,
}

impl TestDatabase {
    /// In the server that the test command started.
    pub async fn new() -> Self {
        let server = std::env::var("THEAZO_TEST_POSTGRES").expect(
            "THEAZO_TEST_POSTGRES is not set: `scripts/test` starts a Postgres for the tests, and \
             `scripts/postgres start DIR PORT fast` starts one by hand and prints its URL",
        );
        Self::on(server).await
    }

    pub async fn on(server: String) -> Self {
        let name = format!("test_{}", Uuid::from_u128(rand::rng().random()).simple());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        let sql = format!("CREATE DATABASE {name}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
        Self { url, server, name }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A runtime of its own: the test's may be in the middle of a panic.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                // When the server is gone, so is the database.
                if let Ok(mut connection) = PgConnection::connect(&server).await {
                    let sql = format!("DROP DATABASE {name} WITH (FORCE)");
                    let _ = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
                }
            });
        });
        let _ = dropping.join();
    }
}
