//! Over real connections: slow readers, and the end of the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use theazo_api::{AppParts, AppState, SqliteIdempotency, router, serve};
use theazo_log::live::{Live, Voice};
use theazo_projections::ChainKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::run::Run;
use super::sse::Sse;
use crate::support::{App, PATIENCE};

struct Server {
    address: SocketAddr,
    shutdown: CancellationToken,
    served: JoinHandle<std::io::Result<()>>,
}

/// With little room for what is not read.
async fn start(app: &App) -> Server {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(4_096).unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let listener = socket.listen(64).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let served = tokio::spawn(serve(listener, app.state.clone(), shutdown.clone()));
    Server { address, shutdown, served }
}

/// A server of its own on the same log, as another process would be.
async fn another_process(app: &App) -> Router {
    let idempotency = app.folder.path().join("idempotency-2.sqlite");
    let parts = AppParts {
        commander: app.commander.clone(),
        reads: app.state.reads.clone(),
        gateway: app.sandboxes.clone(),
        health: app.state.health.clone(),
        available: vec![],
        models: app.state.models.clone(),
        billers: app.state.billers.clone(),
        live: Live::new(),
        tools: vec![],
        cursor_key: [0; 32],
        webhook_key: [0; 32],
        chain_key: ChainKey::new(vec![0; 32]),
        idempotency: Arc::new(SqliteIdempotency::open(&idempotency).await.unwrap()),
        shared: None,
        warnings: vec![],
        config: app.state.config.clone(),
    };
    router(AppState::start(parts, CancellationToken::new()).unwrap())
}

async fn connect(app: &App, server: &Server, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let secret = &app.live.secret;
    let head =
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secret}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// What comes until there is `mark` in it.
async fn until(stream: &mut TcpStream, mark: &str) -> String {
    let mut text = String::new();
    let mut part = [0; 4_096];
    while !text.contains(mark) {
        let n = tokio::time::timeout(PATIENCE, stream.read(&mut part)).await.unwrap().unwrap();
        assert!(n > 0, "the connection ended: {text}");
        text.push_str(&String::from_utf8_lossy(&part[..n]));
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_takes_nothing_is_dropped_and_holds_up_nobody() {
    let app = App::with(|config| config.write_timeout = Duration::from_millis(300)).await;
    let server = start(&app).await;
    let mut run = Run::started(&app).await;
    let mut stuck = connect(&app, &server, &run.path()).await;
    until(&mut stuck, "\"running\"").await;
    let mut well = Sse::open(&app, &run.path()).await;
    let mut speech = run.call().await;
    let paragraph = "x".repeat(64 << 10);
    // More than all that lies between the two has room for.
    for _ in 0..200 {
        speech.say(Voice::Text, &paragraph);
        well.until(|event| event.name == "text").await;
        if app.state.open_streams() == 1 {
            break;
        }
    }
    let gone = async {
        while app.state.open_streams() != 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("the one that is stuck stays");
    run.heard(speech, &[]).await;
    run.completed("all of it").await;
    assert_eq!(well.rest().await.last().unwrap().name, "done");
    server.shutdown.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_ends_streams_at_once_and_they_go_on_elsewhere() {
    let app = App::new().await;
    let server = start(&app).await;
    let mut run = Run::started(&app).await;
    let mut open = connect(&app, &server, &run.path()).await;
    let mut speech = run.call().await;
    speech.say(Voice::Text, "one ");
    let text = until(&mut open, "one ").await;
    let id = text.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    let mut idle = connect(&app, &server, &run.agent_path()).await;
    until(&mut idle, "one ").await;

    server.shutdown.cancel();
    for stream in [&mut open, &mut idle] {
        let mut rest = String::new();
        tokio::time::timeout(PATIENCE, stream.read_to_string(&mut rest)).await.unwrap().unwrap();
        assert!(rest.contains("\"code\":\"unavailable\""), "{rest}");
        assert!(rest.contains("\"resumable\":true"), "{rest}");
        assert!(!rest.lines().any(|line| line.starts_with("id: ")), "{rest}");
    }
    tokio::time::timeout(PATIENCE / 3, server.served).await.unwrap().unwrap().unwrap();

    // Another server on the same log has no live text of it: its outcome tells.
    speech.say(Voice::Text, "two");
    run.heard(speech, &[]).await;
    run.completed("one two").await;
    let other = another_process(&app).await;
    let call = app.request("GET", &run.path()).header("last-event-id", &id);
    let rest = Sse::of(call.at(other)).await.rest().await;
    assert_eq!(rest[0].words(), Some("two"));
}
