//! The same on both stores.

use futures::future::join_all;
use tempfile::TempDir;

use super::*;
use crate::test_postgres::TestDatabase;

/// A store that can be opened again, as by another process.
enum Place {
    Sqlite(TempDir),
    Postgres(Box<TestDatabase>),
}

impl Place {
    async fn both() -> [Self; 2] {
        let database = Box::new(TestDatabase::new().await);
        [Self::Sqlite(tempfile::tempdir().unwrap()), Self::Postgres(database)]
    }

    async fn open(&self) -> Arc<dyn IdempotencyStore> {
        match self {
            Self::Sqlite(folder) => {
                let path = folder.path().join("idempotency.sqlite");
                Arc::new(SqliteIdempotency::open(&path).await.unwrap())
            }
            Self::Postgres(database) => {
                Arc::new(PostgresIdempotency::open(database.pool().await).await.unwrap())
            }
        }
    }
}

fn answer(expires: i64) -> StoredAnswer {
    StoredAnswer {
        request: [3; 32],
        sealed: Sealed { key: "k".to_owned(), data: "d".to_owned() },
        expires: at(expires),
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[tokio::test]
async fn answers_are_kept_until_they_expire_also_over_a_restart() {
    for place in Place::both().await {
        let store = place.open().await;
        store.put([1; 32], answer(100)).await.unwrap();
        store.put([2; 32], answer(200)).await.unwrap();
        drop(store);

        let store = place.open().await;
        assert_eq!(store.get([1; 32], at(99)).await.unwrap(), Some(answer(100)));
        assert_eq!(store.get([1; 32], at(100)).await.unwrap(), None);
        assert_eq!(store.sweep(at(100)).await.unwrap(), 1);
        assert_eq!(store.get([1; 32], at(0)).await.unwrap(), None);
        assert_eq!(store.get([2; 32], at(100)).await.unwrap(), Some(answer(200)));
    }
}

#[tokio::test]
async fn the_last_of_two_answers_counts() {
    for place in Place::both().await {
        let store = place.open().await;
        // Both are in one batch: the first is still being written when they come.
        let (first, earlier, later) = (answer(10), answer(20), answer(30));
        let puts = [([9; 32], first), ([1; 32], earlier), ([1; 32], later)];
        let puts = puts.into_iter().map(|(key, answer)| store.put(key, answer));
        for put in join_all(puts).await {
            put.unwrap();
        }
        assert_eq!(store.get([1; 32], at(0)).await.unwrap(), Some(answer(30)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_write_the_same_keys_at_once() {
    for place in Place::both().await {
        let stores = [place.open().await, place.open().await];
        let puts = (0..2_000u16).map(|n| {
            // In one process upwards, in the other downwards.
            let key = if n % 2 == 0 { n / 2 } else { 999 - n / 2 };
            let mut name = [0; 32];
            name[..2].copy_from_slice(&key.to_be_bytes());
            let store = stores[usize::from(n % 2)].clone();
            async move { store.put(name, answer(100)).await }
        });
        for put in join_all(puts).await {
            put.unwrap();
        }
        assert_eq!(stores[0].sweep(at(100)).await.unwrap(), 1_000);
    }
}

#[tokio::test]
async fn a_restart_of_the_database_is_no_error() {
    let database = TestDatabase::new().await;
    let store = PostgresIdempotency::open(database.pool().await).await.unwrap();
    for n in 0..8 {
        database.cut_connections().await;
        store.put([n; 32], answer(100)).await.unwrap();
        database.cut_connections().await;
        assert_eq!(store.get([n; 32], at(0)).await.unwrap(), Some(answer(100)));
    }
}
