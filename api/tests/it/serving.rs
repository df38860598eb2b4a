//! Over a real connection: keep-alive, slow clients, and the end.

use std::net::SocketAddr;
use std::time::Duration;

use theazo_api::serve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{App, PATIENCE};

struct Server {
    address: SocketAddr,
    shutdown: CancellationToken,
    served: JoinHandle<std::io::Result<()>>,
}

async fn start(app: &App) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let served = tokio::spawn(serve(listener, app.state.clone(), shutdown.clone()));
    Server { address, shutdown, served }
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

fn create(app: &App, body: &str) -> String {
    format!(
        "POST /v1/sessions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        app.live.secret,
        body.len(),
    )
}

/// What comes until the connection ends.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    String::from_utf8(bytes).unwrap()
}

/// One answer: what comes until a body's closing brace.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut part = [0; 4096];
    while !text.ends_with('}') {
        let n = tokio::time::timeout(PATIENCE, stream.read(&mut part)).await.unwrap().unwrap();
        assert!(n > 0, "the connection ended: {text}");
        text.push_str(std::str::from_utf8(&part[..n]).unwrap());
    }
    text
}

#[tokio::test]
async fn a_connection_carries_many_requests() {
    let app = App::new().await;
    let server = start(&app).await;
    let mut stream = connect(&server).await;
    for _ in 0..3 {
        stream.write_all(create(&app, r#"{"userId":"u"}"#).as_bytes()).await.unwrap();
        let answer = answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
        assert!(answer.contains("\r\nx-theazo-position: "), "{answer}");
    }
}

#[tokio::test]
async fn what_is_in_flight_ends_and_nothing_new_begins() {
    let app = App::new().await;
    let server = start(&app).await;
    let mut idle = connect(&server).await;
    let mut busy = connect(&server).await;
    let request = create(&app, r#"{"userId":"u"}"#);
    let (head, tail) = request.split_at(request.len() - 5);
    // The handler has the head and waits for the body.
    busy.write_all(head.as_bytes()).await.unwrap();
    idle.write_all(create(&app, r#"{"userId":"v"}"#).as_bytes()).await.unwrap();
    answer(&mut idle).await;

    server.shutdown.cancel();
    assert_eq!(rest(&mut idle).await, "", "an idle connection is closed");
    busy.write_all(tail.as_bytes()).await.unwrap();
    let last = rest(&mut busy).await;
    assert!(last.starts_with("HTTP/1.1 201 Created\r\n"), "{last}");
    assert!(last.contains("connection: close"), "{last}");
    // Not by the end of what a shutdown may take: nothing was left to wait for.
    let soon = PATIENCE / 3;
    tokio::time::timeout(soon, server.served).await.unwrap().unwrap().unwrap();
    assert!(app.state.is_draining());
    app.anonymous("GET", "/readyz").send().await.fails(503, "unavailable");
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let app = App::with(|config| config.drain_timeout = Duration::from_millis(100)).await;
    let server = start(&app).await;
    let mut busy = connect(&server).await;
    let request = create(&app, r#"{"userId":"u"}"#);
    busy.write_all(&request.as_bytes()[..request.len() - 5]).await.unwrap();
    answered_by_another(&app, &server).await;
    server.shutdown.cancel();
    tokio::time::timeout(PATIENCE, server.served).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_slow_client_is_not_waited_for_and_holds_up_nobody() {
    let app = App::with(|config| config.idle_timeout = Duration::from_millis(200)).await;
    let server = start(&app).await;
    let mut slow = connect(&server).await;
    slow.write_all(b"GET /v1/sessions HTTP/1.1\r\nhost: lo").await.unwrap();
    answered_by_another(&app, &server).await;
    let end = rest(&mut slow).await;
    assert!(end.is_empty() || end.starts_with("HTTP/1.1 408"), "{end}");
}

/// With room for one connection only, the next is served when the one before is given up.
#[tokio::test]
async fn a_long_poll_ends_when_its_client_goes_away() {
    let app = App::with(|config| config.max_connections = 1).await;
    let session = app.session("u").await;
    let path = format!("/v1/sessions/{session}/tasks");
    let body = serde_json::json!({ "agent": "coder", "input": "a" });
    let task = app.post(&path, body).await.text("id");
    let server = start(&app).await;
    let mut waiting = connect(&server).await;
    let wait = format!(
        "GET {path}/{task}/wait?timeout=10m HTTP/1.1\r\nhost: localhost\r\n\
         authorization: Bearer {}\r\n\r\n",
        app.live.secret,
    );
    waiting.write_all(wait.as_bytes()).await.unwrap();
    drop(waiting);
    tokio::time::timeout(PATIENCE, answered_by_another(&app, &server)).await.unwrap();
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let app = App::new().await;
    let server = start(&app).await;
    for text in ["GET /v1/sessions HTTP/7\r\n\r\n", "\x16\x03\x01 hello\r\n\r\n"] {
        let mut stream = connect(&server).await;
        stream.write_all(text.as_bytes()).await.unwrap();
        let end = rest(&mut stream).await;
        assert!(end.starts_with("HTTP/1.1 400"), "{end:?}");
    }
    answered_by_another(&app, &server).await;
}

async fn answered_by_another(app: &App, server: &Server) {
    let mut other = connect(server).await;
    other.write_all(create(app, r#"{"userId":"w"}"#).as_bytes()).await.unwrap();
    assert!(answer(&mut other).await.starts_with("HTTP/1.1 201"));
}
