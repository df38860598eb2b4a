use futures::future::join_all;
use sqlx::PgPool;
use tokio::time::Instant;

use super::*;
use crate::test_postgres::TestDatabase;

const PATIENCE: Duration = Duration::from_secs(20);

fn key(n: u128) -> ApiKeyId {
    ApiKeyId::from_uuid(uuid::Uuid::from_u128(n))
}

/// A process that serves streams; dropped, it is as if killed.
struct Process {
    quota: Quota,
    stop: CancellationToken,
    beating: tokio::task::JoinHandle<()>,
}

impl Process {
    async fn start(pool: PgPool) -> Self {
        let counts = Arc::new(PostgresStreams::open(pool).await.unwrap());
        let reach = Reach::patient("streams");
        counts.beat(&[]).await.unwrap();
        let quota = Quota::with(Some((counts, reach)));
        let stop = CancellationToken::new();
        let beating = tokio::spawn(quota.clone().beat(stop.clone()));
        Self { quota, stop, beating }
    }

    /// A place as soon as there is one.
    async fn eventually(&self, limit: usize) -> Place {
        let began = Instant::now();
        loop {
            if let Some(place) = self.quota.take(key(1), limit).await {
                return place;
            }
            assert!(began.elapsed() < PATIENCE, "there is no place");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.beating.abort();
    }
}

#[tokio::test]
async fn each_key_has_its_own_places() {
    let quota = Quota::new(None);
    let first = quota.take(key(1), 2).await.unwrap();
    let second = quota.take(key(1), 2).await.unwrap();
    assert!(quota.take(key(1), 2).await.is_none());
    assert!(quota.take(key(2), 2).await.is_some());
    drop(first);
    let third = quota.take(key(1), 2).await.unwrap();
    drop((second, third));
    assert!(quota.0.open.lock().keys.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_open_at_once_never_pass_the_limit() {
    let database = TestDatabase::new().await;
    let starts = (0..3).map(async |_| Process::start(database.pool().await).await);
    let processes = join_all(starts).await;
    let opens = (0..300).map(|n| {
        let quota = processes[n % 3].quota.clone();
        tokio::spawn(async move { quota.take(key(1), 60).await })
    });
    let places = join_all(opens).await.into_iter().filter_map(Result::unwrap);
    let places: Vec<Place> = places.collect();
    assert_eq!(places.len(), 60);
    let open: usize = processes.iter().map(|process| process.quota.count()).sum();
    assert_eq!(open, places.len());
}

#[tokio::test]
async fn a_place_that_is_left_is_free_everywhere() {
    let database = TestDatabase::new().await;
    let one = Process::start(database.pool().await).await;
    let other = Process::start(database.pool().await).await;
    let place = one.quota.take(key(1), 1).await.unwrap();
    assert!(other.quota.take(key(1), 1).await.is_none());
    assert!(other.quota.take(key(2), 1).await.is_some());
    drop(place);
    drop(other.eventually(1).await);
    one.eventually(1).await;
}

#[tokio::test]
async fn the_streams_of_a_process_that_died_count_no_more_after_five_seconds() {
    let database = TestDatabase::new().await;
    let pool = database.pool().await;
    let dead = Process::start(database.pool().await).await;
    let alive = Process::start(database.pool().await).await;
    let _place = dead.quota.take(key(1), 1).await.unwrap();
    dead.beating.abort();
    let age = async |seconds: f64| {
        sqlx::query("UPDATE theazo_stores.stream_processes SET seen = seen - $1 * interval '1 s'")
            .bind(seconds)
            .execute(&pool)
            .await
            .unwrap();
    };
    assert!(alive.quota.take(key(1), 1).await.is_none());
    age(5.0).await;
    let place = alive.quota.take(key(1), 1).await;
    assert!(place.is_some());
    // Long after, nothing is left of it; who is alive has been seen again meanwhile.
    age(60.0).await;
    let (counts, reach) = alive.quota.0.together.as_ref().unwrap();
    alive.quota.tell(counts, reach).await;
    counts.sweep().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM theazo_stores.stream_processes")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn a_process_that_stops_takes_its_streams_with_it_at_once() {
    let database = TestDatabase::new().await;
    let mut one = Process::start(database.pool().await).await;
    let other = Process::start(database.pool().await).await;
    let _place = one.quota.take(key(1), 1).await.unwrap();
    one.stop.cancel();
    (&mut one.beating).await.unwrap();
    assert!(other.quota.take(key(1), 1).await.is_some());
}

#[tokio::test]
async fn counts_that_the_database_lost_come_back() {
    let database = TestDatabase::new().await;
    let pool = database.pool().await;
    let one = Process::start(database.pool().await).await;
    let other = Process::start(database.pool().await).await;
    let _place = one.quota.take(key(1), 1).await.unwrap();
    for table in ["open_streams", "stream_processes"] {
        let sql = sqlx::AssertSqlSafe(format!("DELETE FROM theazo_stores.{table}"));
        sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    }
    let began = Instant::now();
    while let Some(place) = other.quota.take(key(1), 1).await {
        drop(place);
        assert!(began.elapsed() < PATIENCE, "the other process's stream is not counted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn without_the_database_each_process_counts_its_own() {
    let database = TestDatabase::new().await;
    let pool = database.pool().await;
    let one = Process::start(pool.clone()).await;
    let other = Process::start(database.pool().await).await;
    let _place = one.quota.take(key(1), 2).await.unwrap();
    let _place = other.quota.take(key(1), 2).await.unwrap();
    assert!(one.quota.take(key(1), 2).await.is_none());
    pool.close().await;
    let _second = one.quota.take(key(1), 2).await.unwrap();
    assert!(one.quota.take(key(1), 2).await.is_none());
}
