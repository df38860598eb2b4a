//! Where read models are kept: a file of SQLite, or a database of its own in a Postgres server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use theazo_projections::{Options, ReadModels};

pub use crate::database::TestDatabase;

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    Sqlite,
    Postgres,
}

/// Makes of `async fn name(on: Store)` a test on each database.
macro_rules! on_both {
    ($name:ident) => {
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                Box::pin(super::$name(crate::place::Store::Sqlite)).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                Box::pin(super::$name(crate::place::Store::Postgres)).await;
            }
        }
    };
}
pub(crate) use on_both;

/// Rows of tables, as text: the same on each database.
pub type Dump = BTreeMap<String, Vec<String>>;

#[derive(Clone)]
pub enum Place {
    File(PathBuf),
    Database(Arc<TestDatabase>),
}

impl Place {
    /// A new one; a file is `name` in `folder`.
    pub async fn new(store: Store, folder: &Path, name: &str) -> Self {
        match store {
            Store::Sqlite => Place::File(folder.join(name)),
            Store::Postgres => Place::Database(Arc::new(TestDatabase::new().await)),
        }
    }

    pub async fn open(&self, options: Options) -> ReadModels {
        match self {
            Place::File(path) => ReadModels::open(path, options).await.unwrap(),
            Place::Database(database) => {
                ReadModels::open_postgres(&database.url, options).await.unwrap()
            }
        }
    }

    /// Runs `sql` as somebody else would.
    pub async fn meddle(&self, sql: &str) {
        match self {
            Place::File(path) => {
                let mut connection = file(path).await;
                let sql = AssertSqlSafe(sql.to_owned());
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Place::Database(database) => {
                let mut connection = server(&database.url).await;
                let sql = AssertSqlSafe(sql.to_owned());
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// The first column of the rows that `sql` gives.
    pub async fn texts(&self, sql: String) -> Vec<String> {
        let sql = AssertSqlSafe(sql);
        match self {
            Place::File(path) => {
                let mut connection = file(path).await;
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
            Place::Database(database) => {
                let mut connection = server(&database.url).await;
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    /// Every row of every table but those that tell of the projector itself.
    pub async fn dump(&self) -> Dump {
        let tables = match self {
            Place::File(_) => "SELECT name FROM sqlite_master WHERE type = 'table'",
            Place::Database(_) => {
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'theazo_reads'"
            }
        };
        let mut dump = Dump::new();
        for table in self.texts(tables.to_owned()).await {
            if ["generations", "stopped"].contains(&table.as_str()) {
                continue;
            }
            let columns = match self {
                Place::File(_) => format!("SELECT name FROM pragma_table_info('{table}')"),
                Place::Database(_) => format!(
                    "SELECT column_name::text FROM information_schema.columns \
                     WHERE table_schema = 'theazo_reads' AND table_name = '{table}' \
                     ORDER BY ordinal_position"
                ),
            };
            let columns: Vec<_> = self.texts(columns).await;
            let shown = |column: &String| format!("coalesce(CAST({column} AS TEXT), 'NULL')");
            let shown: Vec<_> = columns.iter().map(shown).collect();
            let mut rows =
                self.texts(format!("SELECT {} FROM {table}", shown.join("||'|'||"))).await;
            rows.sort();
            dump.insert(table, rows);
        }
        dump
    }
}

async fn file(path: &Path) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap()
}

async fn server(url: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql("SET search_path = theazo_reads").execute(&mut connection).await.unwrap();
    connection
}
