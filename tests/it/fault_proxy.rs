//! The fault proxy itself: each fault is what it says, and what the server has done is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use futures::StreamExt;
use theazo_tests::fault_proxy::{Fault, FaultProxy, IN_A_ROW};
use theazo_tests::{Chance, eventually};

const FRAMES: usize = 40;

/// A server that counts what it has done.
struct Counting {
    address: std::net::SocketAddr,
    done: Arc<AtomicUsize>,
}

/// A stream of so many frames, in pieces that are not frames.
fn frames() -> String {
    (0..FRAMES)
        .map(|n| format!("id: {n}\nevent: text\ndata: {{\"delta\":\"word {n}\"}}\n\n"))
        .collect()
}

impl Counting {
    async fn start() -> Self {
        let done = Arc::new(AtomicUsize::new(0));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counted = done.clone();
        let echo = move |body: String| async move {
            counted.fetch_add(1, Ordering::SeqCst);
            body
        };
        let stream = || async {
            let pieces: Vec<Bytes> =
                frames().as_bytes().chunks(97).map(Bytes::copy_from_slice).collect();
            let pieces = futures::stream::iter(pieces).map(Ok::<_, std::io::Error>);
            Response::builder()
                .header(CONTENT_TYPE, "text/event-stream")
                .body(Body::from_stream(pieces))
                .unwrap()
        };
        let nothing = || async { axum::http::StatusCode::NO_CONTENT.into_response() };
        let router = Router::new()
            .route("/echo", post(echo))
            .route("/stream", get(stream))
            .route("/nothing", get(nothing));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, done }
    }

    fn done(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap()
}

/// What an attempt came to: its status and body, or that there was no whole answer.
async fn attempt(http: &reqwest::Client, proxy: &FaultProxy, body: &str) -> Option<(u16, String)> {
    let request = http.post(format!("{}/echo", proxy.url())).body(body.to_owned());
    let answer = request.send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

/// Makes a request until it is answered. While nobody listens, not each attempt comes to the proxy.
async fn insists(http: &reqwest::Client, proxy: &FaultProxy, body: &str) {
    eventually(body, Duration::from_secs(30), || async {
        match attempt(http, proxy, body).await {
            Some((200, answer)) if answer == body => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

/// What came of a stream, and whether it ended as a stream does.
async fn heard(proxy: &FaultProxy) -> (String, bool, usize) {
    let Ok(mut answer) = http().get(format!("{}/stream", proxy.url())).send().await else {
        return (String::new(), false, 0);
    };
    let (mut text, mut pieces) = (Vec::new(), 0);
    loop {
        match answer.chunk().await {
            Ok(Some(bytes)) => {
                text.extend_from_slice(&bytes);
                pieces += 1;
            }
            Ok(None) => return (String::from_utf8(text).unwrap(), true, pieces),
            Err(_) => return (String::from_utf8(text).unwrap(), false, pieces),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_is_told_and_what_the_server_has_done() {
    let long = "x".repeat(3000);
    // For each fault: what the server has done of one attempt, and the status the client sees.
    for (fault, done, status) in [
        (Fault::Refused, 0, None),
        (Fault::Reset, 0, None),
        (Fault::TooMany, 0, Some(429)),
        (Fault::Internal, 0, Some(500)),
        (Fault::Unavailable, 0, Some(503)),
        (Fault::Page, 0, Some(502)),
        (Fault::AnswerDropped, 1, None),
        (Fault::AnswerCut, 1, None),
        (Fault::ChunksCut, 1, None),
        (Fault::Slow, 1, Some(200)),
    ] {
        let server = Counting::start().await;
        let proxy = FaultProxy::only(server.address, fault, Chance::of(1));
        let seen = attempt(&http(), &proxy, &long).await;
        assert_eq!(seen.as_ref().map(|(status, _)| *status), status, "{fault:?}");
        assert_eq!((server.done(), proxy.happened(fault)), (done, 1), "{fault:?}");
        if fault == Fault::Slow {
            assert_eq!(seen.unwrap().1, long);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_made_again_gets_through() {
    for fault in [Fault::Refused, Fault::AnswerDropped, Fault::TooMany] {
        let server = Counting::start().await;
        let proxy = FaultProxy::only(server.address, fault, Chance::of(2));
        let http = http();
        insists(&http, &proxy, "again").await;
        assert_eq!(proxy.happened(fault), IN_A_ROW as usize, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_break_where_they_should() {
    let server = Counting::start().await;
    let whole = frames();
    for seed in 0..8 {
        let proxy = FaultProxy::only(server.address, Fault::StreamCut, Chance::of(seed));
        let (text, ended, _) = heard(&proxy).await;
        assert!(!ended && text.len() < whole.len() && whole.starts_with(&text), "{seed}: {text}");
        let proxy = FaultProxy::only(server.address, Fault::StreamEnded, Chance::of(seed));
        let (text, ended, _) = heard(&proxy).await;
        assert!(ended && whole.starts_with(&text), "{seed}: {text}");
        assert!(!text.ends_with("\n\n") && text.len() < whole.len(), "{seed}: {text}");
        let proxy = FaultProxy::only(server.address, Fault::StreamInBytes, Chance::of(seed));
        let (text, ended, pieces) = heard(&proxy).await;
        assert!(ended && text == whole, "{seed}: {text}");
        assert!(pieces > FRAMES * 2, "{pieces} pieces of {}", whole.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_body_passes_and_is_cut() {
    let server = Counting::start().await;
    for fault in [Fault::AnswerCut, Fault::AnswerDropped, Fault::Slow] {
        let proxy = FaultProxy::only(server.address, fault, Chance::of(3));
        let answer = http().get(format!("{}/nothing", proxy.url())).send().await;
        assert_eq!(answer.is_ok_and(|answer| answer.status() == 204), fault == Fault::Slow);
    }
}

/// With all faults at once, whoever insists is answered, and everything has happened to somebody.
#[tokio::test(flavor = "multi_thread")]
async fn who_insists_is_answered() {
    let server = Counting::start().await;
    let proxy = FaultProxy::start(server.address, Chance::new("fault proxy"));
    let http = http();
    for n in 0..300 {
        let body = format!("request {n}");
        insists(&http, &proxy, &body).await;
        heard(&proxy).await;
    }
    assert!(server.done() >= 300);
    proxy.must_have_done_everything();
}
