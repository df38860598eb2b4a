//! Counting across processes: the lease over counters in memory, whose clock stands still, and the
//! counters in Postgres.

use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use parking_lot::Mutex;
use rand::{Rng, SeedableRng};
use sqlx::PgPool;
use tokio::time::Instant;

use super::*;
use crate::test_postgres::TestDatabase;

fn key(n: u128) -> ApiKeyId {
    ApiKeyId::from_uuid(uuid::Uuid::from_u128(n))
}

/// Counters of one key in memory, by tokio's clock.
struct Memory {
    began: Instant,
    window: Mutex<Window>,
    asked: AtomicU32,
    mood: Mutex<Mood>,
}

#[derive(Clone, Copy)]
enum Mood {
    Well,
    Refuses,
    Hangs,
}

impl Memory {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            window: Mutex::default(),
            asked: AtomicU32::new(0),
            mood: Mutex::new(Mood::Well),
        })
    }

    fn process(self: &Arc<Self>) -> Together {
        Together::new(self.clone(), Reach::new("rate"))
    }

    fn becomes(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }
}

#[async_trait]
impl RateStore for Memory {
    async fn take(&self, taking: Taking) -> Result<Taken, sqlx::Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mood = *self.mood.lock();
        match mood {
            // Others come while it is on its way.
            Mood::Well => tokio::task::yield_now().await,
            Mood::Refuses => return Err(sqlx::Error::PoolTimedOut),
            Mood::Hangs => std::future::pending().await,
        }
        let at = u64::try_from(self.began.elapsed().as_millis()).unwrap();
        let mut window = self.window.lock();
        let granted = count(&mut window, at, &taking);
        Ok(Taken { granted, window: *window, at })
    }

    async fn sweep(&self) -> Result<(), sqlx::Error> {
        Ok(())
    }
}

/// What a store does with its counters, and how many it grants.
fn count(window: &mut Window, at: u64, taking: &Taking) -> u32 {
    window.turn(at / WINDOW);
    match window.minute - taking.back_minute.min(window.minute) {
        0 => window.current = window.current.saturating_sub(taking.back),
        1 => window.previous = window.previous.saturating_sub(taking.back),
        _ => {}
    }
    window.current += taking.owed;
    let room = u64::from(taking.limit).saturating_sub(window.used(at % WINDOW));
    let granted = taking.want.min(u32::try_from(room).unwrap());
    window.current += granted;
    granted
}

async fn allowed(process: &Together, requests: u32, limit: u32) -> u32 {
    let mut allowed = 0;
    for _ in 0..requests {
        allowed += u32::from(process.take(key(1), limit).await.allowed);
    }
    allowed
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_said_and_reached_as_in_one_process() {
    let store = Memory::new();
    let process = store.process();
    for n in 1..=1_000 {
        let standing = process.take(key(1), 1_000).await;
        assert_eq!((standing.allowed, standing.remaining), (true, 1_000 - n), "{n}");
        assert_eq!((standing.limit, standing.reset), (1_000, 60));
    }
    let refused = process.take(key(1), 1_000).await;
    assert_eq!((refused.allowed, refused.remaining), (false, 0));
    // One two-hundredth at a time.
    assert_eq!(store.asked.load(Ordering::Relaxed), 201);
}

#[tokio::test(start_paused = true)]
async fn who_waits_as_told_gets_through_in_another_process() {
    let store = Memory::new();
    let (one, other) = (store.process(), store.process());
    for limit in [1, 2, 7, 60, 1_000] {
        tokio::time::advance(Duration::from_secs(301)).await;
        while one.take(key(1), limit).await.allowed {}
        for _ in 0..5 {
            let told = one.take(key(1), limit).await;
            if told.allowed {
                continue;
            }
            tokio::time::advance(Duration::from_secs(told.reset.into())).await;
            let then = other.take(key(1), limit).await;
            assert!(then.allowed, "limit {limit}: {told:?}, then {then:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_process_does_not_use_goes_back() {
    let store = Memory::new();
    let process = store.process();
    // A chunk is five hundred: without giving back, these would use up the limit three times.
    for _ in 0..25 {
        assert!(process.take(key(1), 100_000).await.allowed);
        tokio::time::advance(Duration::from_secs(2)).await;
    }
    let counted = store.window.lock().current;
    assert!((25..=525).contains(&counted), "{counted}");
}

#[tokio::test(start_paused = true)]
async fn a_lease_ends_with_its_minute() {
    let store = Memory::new();
    let process = store.process();
    tokio::time::advance(Duration::from_millis(WINDOW - 10)).await;
    assert!(process.take(key(1), 1_000).await.allowed);
    tokio::time::advance(Duration::from_millis(20)).await;
    assert!(process.take(key(1), 1_000).await.allowed);
    let window = *store.window.lock();
    // The other four of the first chunk were never made.
    assert_eq!((window.minute, window.current, window.previous), (1, 5, 1));
}

#[tokio::test(start_paused = true)]
async fn one_question_is_on_its_way_however_many_wait() {
    let store = Memory::new();
    let process = store.process();
    let standings = join_all((0..1_000).map(|_| process.take(key(1), 60))).await;
    assert_eq!(standings.iter().filter(|standing| standing.allowed).count(), 60);
    let asked = store.asked.load(Ordering::Relaxed);
    assert!(asked <= 3, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn without_the_store_a_process_counts_by_itself_and_nobody_waits() {
    let store = Memory::new();
    let (one, other) = (store.process(), store.process());
    assert_eq!(allowed(&one, 10, 60).await, 10);
    for mood in [Mood::Hangs, Mood::Refuses] {
        store.becomes(mood);
        let began = Instant::now();
        allowed(&one, 10, 60).await;
        allowed(&other, 10, 60).await;
        // The one request of each that found it out.
        assert!(began.elapsed() <= Duration::from_secs(1), "{:?}", began.elapsed());
    }
    assert!(crate::metrics::prometheus().render().contains("theazo_shared_limits_down"));
    // Of a limit of sixty, one has used thirty and the other twenty.
    assert_eq!(allowed(&one, 100, 60).await, 30);
    assert_eq!(allowed(&other, 100, 60).await, 40);

    store.becomes(Mood::Well);
    tokio::time::advance(Duration::from_secs(1)).await;
    // What both let through meanwhile is counted when they meet again.
    assert_eq!(allowed(&one, 1, 60).await, 0);
    assert_eq!(store.window.lock().current, 60);
    assert_eq!(allowed(&other, 1, 60).await, 0);
    assert_eq!(store.window.lock().current, 120);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_one_that_tries_again() {
    let store = Memory::new();
    let process = Arc::new(store.process());
    store.becomes(Mood::Hangs);
    process.take(key(1), 60).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    let trying = tokio::spawn({
        let process = process.clone();
        async move { process.take(key(1), 60).await }
    });
    while store.asked.load(Ordering::Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    assert_eq!(allowed(&process, 100, 60).await, 59);
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(!trying.await.unwrap().allowed);
}

async fn processes(database: &TestDatabase, count: usize) -> Vec<Together> {
    let process = async |_| {
        let store = PostgresRates::open(database.pool().await).await.unwrap();
        Together::new(Arc::new(store), Reach::patient("rate"))
    };
    join_all((0..count).map(process)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_are_one_within_a_tenth() {
    let database = TestDatabase::new().await;
    let processes = processes(&database, 2).await;
    for (n, limit) in [1, 60, 300, 100_000].into_iter().enumerate() {
        let key = key(n as u128);
        let requests = limit * 13 / 10 + 16;
        let callers = (0..16usize).map(async |caller| {
            let mut allowed = 0u32;
            for _ in 0..requests / 16 {
                let standing = processes[caller % 2].take(key, limit).await;
                assert!((1..=120).contains(&standing.reset), "{standing:?}");
                allowed += u32::from(standing.allowed);
            }
            allowed
        });
        let allowed: u32 = join_all(callers).await.into_iter().sum();
        let bounds = limit - limit / 10..=limit + limit / 10;
        assert!(bounds.contains(&allowed), "of {limit}: {allowed}");
    }
}

/// As if so much time had passed.
async fn pass(pool: &PgPool, millis: u64) {
    sqlx::query("UPDATE theazo_stores.rate_windows SET at = at - $1")
        .bind(i64::try_from(millis).unwrap())
        .execute(pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_counters_in_postgres_are_the_window() {
    let database = TestDatabase::new().await;
    let pool = database.pool().await;
    let stores = [
        PostgresRates::open(pool.clone()).await.unwrap(),
        PostgresRates::open(database.pool().await).await.unwrap(),
    ];
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut chance = rand::rngs::StdRng::seed_from_u64(seed);
    let (mut before, mut model): (Option<Taken>, Window) = (None, Window::default());
    for step in 0..400 {
        let passed = match chance.random_range(0..4) {
            0 => chance.random_range(0..3 * WINDOW),
            1 => WINDOW,
            _ => 0,
        };
        pass(&pool, passed).await;
        let minute = before.map_or(0, |taken| taken.window.minute);
        let taking = Taking {
            key: key(1),
            limit: 100,
            want: chance.random_range(1..40),
            back: before.map_or(0, |taken| chance.random_range(0..=taken.granted)),
            back_minute: minute,
            owed: if chance.random_bool(0.1) { chance.random_range(0..30) } else { 0 },
        };
        let taken = stores[step % 2].take(taking).await.unwrap();
        // The row went back instead of the clock forth: the model's minutes go back with it.
        model.minute = before.map_or(0, |taken| (taken.at - passed) / WINDOW);
        let granted = count(&mut model, taken.at, &taking);
        assert_eq!(taken.granted, granted, "step {step}: {taking:?}");
        let counters = (taken.window.current, taken.window.previous);
        assert_eq!(counters, (model.current, model.previous), "step {step}: {taking:?}");
        before = Some(taken);
    }
}

#[tokio::test]
async fn what_counts_no_more_is_swept() {
    let database = TestDatabase::new().await;
    let pool = database.pool().await;
    let store = PostgresRates::open(pool.clone()).await.unwrap();
    let taking = |n| Taking { key: key(n), limit: 9, want: 1, back: 0, back_minute: 0, owed: 0 };
    store.take(taking(1)).await.unwrap();
    pass(&pool, 2 * WINDOW + 1).await;
    store.take(taking(2)).await.unwrap();
    store.sweep().await.unwrap();
    let sql = "SELECT key FROM theazo_stores.rate_windows";
    let left: Vec<Vec<u8>> = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
    assert_eq!(left, [key(2).as_uuid().as_bytes()]);
}

#[tokio::test]
async fn a_database_that_went_away_is_found_again() {
    let database = TestDatabase::new().await;
    let process = processes(&database, 1).await.remove(0);
    for n in 0..60 {
        if n % 10 == 0 {
            database.cut_connections().await;
        }
        assert!(process.take(key(1), 60).await.allowed, "{n}");
    }
    assert!(!process.take(key(1), 60).await.allowed);
}
