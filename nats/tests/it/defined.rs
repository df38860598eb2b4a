//! The stream's definition, the server's configuration, and what is refused.

use async_nats::jetstream::stream::{Config, StorageType};
use futures::StreamExt;
use theazo_log::conformance::fixtures::*;
use theazo_log::{AppendError, EventLog, Filter, Hash, LogError, Position};
use theazo_nats::{JetStreamLog, JetStreamOptions, NatsError, NatsOptions};

use crate::server::{Server, newer, packaged};
use crate::support::{OnServer, connect};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_defined_otherwise_is_refused_by_name() {
    let server = Server::start(packaged());
    let client = async_nats::connect(server.url()).await.unwrap();
    let config = Config {
        name: "THEAZO_LOG".to_owned(),
        subjects: vec!["theazo.log.>".to_owned()],
        storage: StorageType::Memory,
        max_messages: 10,
        ..Config::default()
    };
    async_nats::jetstream::new(client).create_stream(config).await.unwrap();
    let nats = connect(&server.url()).await;
    let refused = JetStreamLog::open(&nats, JetStreamOptions::default()).await.err().unwrap();
    let NatsError::Definition { stream, differences } = &refused else { panic!("{refused}") };
    assert_eq!(stream, "THEAZO_LOG");
    let told = refused.to_string();
    for name in ["subjects", "storage is Memory", "max_msgs is 10", "discard", "deny_delete"] {
        assert!(told.contains(name), "{name}: {told}");
    }
    assert!(differences.len() > 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_logs_share_a_server() {
    let subject = OnServer::new();
    let nats = connect(&subject.server.url()).await;
    let other = JetStreamOptions {
        stream: "OTHER".to_owned(),
        prefix: "other.log".to_owned(),
        ..JetStreamOptions::default()
    };
    let one = JetStreamLog::open(&nats, JetStreamOptions::default()).await.unwrap();
    let two = JetStreamLog::open(&nats, other).await.unwrap();
    let first = append(&*one, &session(scope(0), 1), "one").await;
    assert!(everything(&*two).await.is_empty());
    assert_eq!(append(&*two, &session(scope(0), 1), "two").await.position, first.position);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_too_large_is_refused_whole() {
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    let stream = session(scope(0), 1);
    let large = draft(&stream, &"x".repeat(9 << 20));
    match log.append(Position::START, large).await {
        Err(AppendError::Log(LogError::Unavailable(reason))) => {
            assert!(reason.contains("max_payload"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert!(everything(&*log).await.is_empty());
    append(&*log, &stream, "small").await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let options = NatsOptions {
        patience: std::time::Duration::from_millis(100),
        ..NatsOptions::new(format!("nats://127.0.0.1:{}", crate::server::free_port()))
    };
    let error = theazo_nats::Nats::connect(options).await.err().unwrap().to_string();
    assert!(error.contains("127.0.0.1:"), "{error}");
}

/// A message on a stream's subject that is no commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_commit_stops_who_must_read_it_and_nobody_else() {
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    let (bad, good) = (session(scope(0), 1), session(scope(0), 2));
    let mut all = log.subscribe(Filter::all(), Position::START);
    let mut of_good = log.subscribe(Filter::stream(good.clone()), Position::START);
    let first = append(&*log, &good, "one").await;
    assert_eq!(take(&mut all, 1).await, vec![first.clone()]);
    assert_eq!(take(&mut of_good, 1).await, vec![first.clone()]);
    let client = async_nats::connect(subject.server.url()).await.unwrap();
    let context = async_nats::jetstream::new(client);
    let sent = context.publish(format!("theazo.log.{bad}"), "not ours".into()).await.unwrap();
    sent.await.unwrap();
    let second = append(&*log, &good, "two").await;

    assert_eq!(take(&mut of_good, 1).await, vec![second]);
    let next = all.next().await.unwrap();
    assert!(matches!(next, Err(LogError::Corrupt { position: Position(2), .. })), "{next:?}");
    let read = log.read_stream(&bad, Position::START).await;
    assert!(matches!(read, Err(LogError::Corrupt { .. })), "{read:?}");
}

/// A commit, by its subject and header, that a newer version has written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_decoded_stops_who_wants_it_and_nobody_else() {
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    let (bad, good) = (session(scope(0), 1), session(scope(0), 2));
    let mut all = log.subscribe(Filter::all(), Position::START);
    let mut of_good = log.subscribe(Filter::stream(good.clone()), Position::START);
    let mut passing = log.watch(Filter::all(), None, Position::START);
    let first = append(&*log, &good, "one").await;
    assert_eq!(take(&mut all, 1).await, vec![first.clone()]);
    assert_eq!(take(&mut of_good, 1).await, vec![first]);
    let client = async_nats::connect(subject.server.url()).await.unwrap();
    let zero = Hash::default();
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Theazo-Commit", format!("{} 0 {zero} {zero}", fresh_id()));
    let context = async_nats::jetstream::new(client);
    let subject_of_bad = format!("theazo.log.{bad}");
    let sent = context.publish_with_headers(subject_of_bad, headers, "{}".into()).await.unwrap();
    sent.await.unwrap();
    let second = append(&*log, &good, "two").await;

    assert_eq!(take(&mut of_good, 1).await, vec![second]);
    let next = all.next().await.unwrap();
    assert!(matches!(next, Err(LogError::Corrupt { position: Position(2), .. })), "{next:?}");
    let read = log.read(&Filter::all(), Position::START, 9).await;
    assert!(matches!(read, Err(LogError::Corrupt { position: Position(2), .. })), "{read:?}");
    for (position, stream) in [(1, &good), (2, &bad), (3, &good)] {
        let passing = passing.next().await.unwrap().unwrap();
        assert_eq!((passing.position(), passing.stream()), (Position(position), stream));
        assert_eq!(passing.commit().is_ok(), position != 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn durability_is_told() {
    let subject = OnServer::new();
    assert_eq!(subject.jetstream().await.durability().warnings.len(), 1);
    let synced = JetStreamOptions { assume_synced: true, ..JetStreamOptions::default() };
    let nats = connect(&subject.server.url()).await;
    let log = JetStreamLog::open(&nats, synced).await.unwrap();
    assert_eq!(log.durability().warnings, Vec::<String>::new());
}

fn accepts(program: &str, config: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.conf");
    std::fs::write(&path, config).unwrap();
    let tested = std::process::Command::new(program).arg("-t").arg("-c").arg(&path).output();
    let tested = tested.unwrap();
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stderr));
}

#[test]
fn servers_accept_our_configuration() {
    let config = include_str!("../../server.conf");
    accepts(&newer(), config);
    // As the file itself says, 2.9 has one setting less.
    accepts(&packaged(), &config.replace("\n  sync_interval: always\n", "\n"));
    // What is commented out is right too.
    accepts(
        &newer(),
        &config
            .replace("\n# cluster {", "\ncluster {")
            .replace("\n#   name: \"theazo\"\n#   listen", "\n  name: \"theazo\"\n  listen")
            .replace("\n#   routes", "\n  routes")
            .replace("6222\"]\n# }", "6222\"]\n}"),
    );
}
