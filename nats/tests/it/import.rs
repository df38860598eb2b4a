//! A log that was written elsewhere: copied as it is, or not at all.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use theazo_domain::{CommitId, StreamId};
use theazo_log::conformance::fixtures::*;
use theazo_log::{AppendError, EventLog, Filter, Hash, Position, SqliteLog, SqliteOptions, verify};
use theazo_nats::{Import, ImportError, JetStreamLog, JetStreamOptions};

use crate::proxy::{Cut, Proxy};
use crate::server::{Server, newer, packaged};
use crate::support::{OnServer, open};

/// Commits of a source: more than a window of what is on its way, and no whole number of pages.
const MANY: usize = 2_500;

/// A log of one process, in a folder of its own.
struct Source {
    log: Arc<SqliteLog>,
    folder: tempfile::TempDir,
    revisions: HashMap<u128, Position>,
    rng: Rng,
}

impl Source {
    async fn new(case: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(SqliteOptions::new(folder.path().join("log"))).await.unwrap();
        Self { log, folder, revisions: HashMap::new(), rng: Rng::seeded(case) }
    }

    /// With commits of five orgs in streams that take turns, some of them large.
    async fn with(case: &str, commits: usize) -> Self {
        let mut source = Self::new(case).await;
        source.grow(commits).await;
        source
    }

    async fn grow(&mut self, commits: usize) {
        let mut left = commits;
        while left > 0 {
            let mut appends = Vec::new();
            // Streams are chosen once each, so that they can be written at the same time.
            let first = self.rng.draw() as u128 % 40;
            for n in (first..first + 30).take(left) {
                let stream = session(scope(n % 5), n);
                let size = if self.rng.below(50) == 0 { 60_000 } else { 1 + self.rng.below(300) };
                let draft = draft(&stream, &"x".repeat(size));
                let at = self.revisions.get(&n).copied().unwrap_or_default();
                let log = Arc::clone(&self.log);
                appends.push(async move { (n, log.append(at, draft).await.unwrap()) });
            }
            left -= appends.len();
            for (n, appended) in futures::future::join_all(appends).await {
                self.revisions.insert(n, appended.commit.position);
            }
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("log")
    }
}

async fn import(log: &JetStreamLog, source: &dyn EventLog) -> Result<Position, ImportError> {
    Import::begin(log, source).await?.run(|_| ()).await
}

/// All that can be compared is the same in both.
async fn same(source: &dyn EventLog, log: &dyn EventLog) {
    let of = |log| async move { verify(log, &Filter::all(), |_| ()).await.unwrap() };
    let (wanted, found) = (of(source).await, of(log).await);
    assert_eq!((wanted.commits, &wanted.orgs), (found.commits, &found.orgs));
    assert!(stored(source).await == stored(log).await, "bodies or order differ");
}

async fn stored(log: &dyn EventLog) -> Vec<(CommitId, StreamId, String, Hash)> {
    let raw = log.read_raw(&Filter::all(), Position::START, usize::MAX).await.unwrap();
    raw.into_iter().map(|raw| (raw.id, raw.stream, raw.body, raw.hash)).collect()
}

async fn is_copied(subject: &OnServer) {
    let source = Source::with("is_copied", MANY).await;
    let log = subject.jetstream().await;
    let mut heard = Vec::new();
    let import = Import::begin(&log, &*source.log).await.unwrap();
    assert_eq!(import.done(), Position::START);
    let end = import.run(|position| heard.push(position)).await.unwrap();
    assert_eq!(end, Position(MANY as u64));
    assert!(heard.is_sorted() && heard.last() == Some(&end), "{:?}", heard.last());
    same(&*source.log, &*log).await;

    // It goes on as if it had been written here.
    let stream = session(scope(1), 11);
    let known = log.read_stream(&stream, Position::START).await.unwrap();
    let last = known.last().unwrap();
    let again = theazo_log::Draft { id: last.id, ..draft(&stream, "again") };
    let repeated = log.append(last.previous, again).await.unwrap();
    assert!(repeated.duplicate && repeated.commit == *last);
    let conflict = log.append(last.previous, draft(&stream, "late")).await;
    assert!(
        matches!(conflict, Err(AppendError::Conflict { actual }) if actual == last.position),
        "{conflict:?}"
    );
    let next = log.append(last.position, draft(&stream, "next")).await.unwrap();
    assert_eq!(next.commit.position, Position(end.0 + 1));
    let verified = verify(&*log, &Filter::all(), |_| ()).await.unwrap();
    assert_eq!(verified.commits, end.0 + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_copied_as_it_is() {
    is_copied(&OnServer::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_copied_to_a_newer_server() {
    is_copied(&OnServer::with(newer(), JetStreamOptions::default())).await;
}

async fn is_copied_to_three(program: String) {
    let source = Source::with("is_copied_to_three", MANY).await;
    let cluster = Server::cluster(program);
    let urls: Vec<_> = cluster.iter().map(Server::url).collect();
    let options = JetStreamOptions {
        replicas: 3,
        patience: std::time::Duration::from_secs(45),
        ..JetStreamOptions::default()
    };
    let log = open(&urls.join(","), options).await;
    import(&log, &*source.log).await.unwrap();
    same(&*source.log, &*log).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_copied_to_a_cluster() {
    is_copied_to_three(packaged()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_copied_to_a_newer_cluster() {
    is_copied_to_three(newer()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_broke_off_goes_on_where_it_was() {
    let mut source = Source::with("what_broke_off", 700).await;
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    import(&log, &*source.log).await.unwrap();
    source.grow(900).await;
    let again = Import::begin(&log, &*source.log).await.unwrap();
    assert_eq!(again.done(), Position(700));
    let mut first = None;
    again.run(|position| _ = first.get_or_insert(position)).await.unwrap();
    assert_eq!(first, Some(Position(701)), "what was there was not copied again");
    same(&*source.log, &*log).await;
    let whole = Import::begin(&log, &*source.log).await.unwrap();
    assert_eq!(whole.done(), Position(1_600));
    assert_eq!(whole.run(|_| panic!("there is nothing left")).await.unwrap(), Position(1_600));
}

/// Whoever is in the middle of it may be killed: this is another that begins when that was dropped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_dropped_in_the_middle_leaves_a_beginning() {
    let source = Source::with("dropped", MANY).await;
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    for stop in [1, 600, 601, 1_900] {
        let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
        let import = Import::begin(&log, &*source.log).await.unwrap();
        let run = import.run(move |position| told.send(position).unwrap_or_default());
        tokio::select! {
            end = run => assert!(end.unwrap() >= Position(stop)),
            () = async { while hears.recv().await.is_some_and(|at| at < Position(stop)) {} } => (),
        }
    }
    import(&log, &*source.log).await.unwrap();
    same(&*source.log, &*log).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_is_given_the_rest_when_it_is_back() {
    let source = Source::with("killed", MANY).await;
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let import = Import::begin(&log, &*source.log).await.unwrap();
    let run = import.run(move |position| told.send(position).unwrap_or_default());
    let killed = async {
        for kill in [200, 1_100, 2_000] {
            while hears.recv().await.unwrap() < Position(kill) {}
            subject.server.kill();
            subject.server.again();
        }
        while hears.recv().await.is_some() {}
    };
    let (end, ()) = tokio::join!(run, killed);
    end.unwrap();
    same(&*source.log, &*log).await;
}

/// Many go over the connection together: it is cut at every so-manieth piece of what it carries.
async fn survives_cuts(cut: Cut, commits: usize, every: u64) {
    let mut source = Source::with("cuts", commits).await;
    let server = Server::start(packaged());
    let proxy = Proxy::to(server.port(), cut, every).await;
    let log = open(&proxy.url(), JetStreamOptions::default()).await;
    import(&log, &*source.log).await.unwrap();
    // How many go together, and so how often it is cut, is up to the machine.
    while proxy.cuts() < 3 {
        source.grow(commits).await;
        import(&log, &*source.log).await.unwrap();
    }
    let seen = open(&server.url(), JetStreamOptions::default()).await;
    same(&*source.log, &*seen).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledgements_that_are_lost_are_settled() {
    survives_cuts(Cut::Acknowledgement, MANY, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_on_its_way_is_sent_again() {
    survives_cuts(Cut::Publish, 500, 12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_log_is_refused_and_left_as_it_is() {
    let source = Source::with("another_log", 300).await;
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    append(&*log, &session(scope(0), 1), "somebody's").await;
    let before = everything(&*log).await;
    let refused = import(&log, &*source.log).await;
    assert!(matches!(refused, Err(ImportError::Foreign(Position(1)))), "{refused:?}");
    assert_eq!(everything(&*log).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_in_use_already_is_refused() {
    let source = Source::with("in_use", 300).await;
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    import(&log, &*source.log).await.unwrap();
    append(&*log, &session(scope(0), 999), "after the move").await;
    let refused = import(&log, &*source.log).await;
    assert!(matches!(refused, Err(ImportError::Ahead(Position(301)))), "{refused:?}");
}

/// Who writes in between is not overtaken: the order would not be the source's any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_writes_meanwhile_ends_it() {
    let source = Source::with("meanwhile", MANY).await;
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    let import = Import::begin(&log, &*source.log).await.unwrap();
    append(&*log, &session(scope(0), 999), "in between").await;
    let ended = import.run(|_| ()).await;
    assert!(matches!(ended, Err(ImportError::Foreign(Position(1)))), "{ended:?}");
    assert_eq!(everything(&*log).await.len(), 1);
}

/// Positions are no part of what is hashed: where the source skips some, they are counted anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn places_are_counted_anew_where_the_source_skips_some() {
    let source = Source::with("gaps", 200).await;
    source.log.close().await;
    spread(&source.path()).await;
    let spread = SqliteLog::open(SqliteOptions::new(source.path())).await.unwrap();
    assert_eq!(spread.head().await.unwrap(), Position(2_000));
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    assert_eq!(import(&log, &*spread).await.unwrap(), Position(200));
    same(&*spread, &*log).await;
}

/// Makes every place of the file ten times what it is.
async fn spread(path: &Path) {
    use sqlx::Connection;

    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut file = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    for sql in [
        "UPDATE commits SET position = -10 * position, previous = 10 * previous, \
         origin = 10 * origin",
        "UPDATE commits SET position = -position",
    ] {
        sqlx::query(sql).execute(&mut file).await.unwrap();
    }
    file.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_the_server_does_not_take_is_named_before() {
    let source = Source::new("too_large").await;
    append(&*source.log, &session(scope(0), 1), &"x".repeat(9 << 20)).await;
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    let raw = source.log.read_raw(&Filter::all(), Position::START, 1).await.unwrap();
    let error = log.takes(&raw[0]).unwrap_err().to_string();
    assert!(error.contains("max_payload"), "{error}");
}
