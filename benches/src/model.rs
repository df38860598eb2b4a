//! A model server on loopback: Anthropic's Messages API, as far as a run needs it. It notes when a
//! call arrives, and says what it is told to.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What a call, with this body, is answered with: the events of a message.
type Answer = dyn Fn(&[u8]) -> BoxStream<'static, Bytes> + Send + Sync;

/// When calls arrived, in their order.
pub type Arrivals = mpsc::UnboundedReceiver<Instant>;

type Body = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

/// Serves until the process ends; each call is answered with the deltas of one text.
pub async fn serve(
    speech: impl Fn() -> BoxStream<'static, String> + Send + Sync + 'static,
) -> anyhow::Result<(SocketAddr, Arrivals)> {
    serve_answers(move |_| events(speech())).await
}

/// Serves until the process ends: a model that calls a tool which does nothing so many times, one
/// after the other, and then is done.
pub async fn serve_tool_calls(calls: usize) -> anyhow::Result<(SocketAddr, Arrivals)> {
    serve_answers(move |body| {
        let results = body.windows(TOOL_RESULT.len()).filter(|at| *at == TOOL_RESULT).count();
        if results < calls { stream::iter(tool_call(results)).boxed() } else { events(done()) }
    })
    .await
}

async fn serve_answers(
    answer: impl Fn(&[u8]) -> BoxStream<'static, Bytes> + Send + Sync + 'static,
) -> anyhow::Result<(SocketAddr, Arrivals)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (arrived, arrivals) = mpsc::unbounded_channel();
    let answer: Arc<Answer> = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, answer.clone(), arrived.clone()));
        }
    });
    Ok((address, arrivals))
}

const TOOL_RESULT: &[u8] = b"\"tool_result\"";

/// Says one word, at once.
pub fn done() -> BoxStream<'static, String> {
    stream::iter(["done".to_owned()]).boxed()
}

async fn connection(
    stream: TcpStream,
    answer: Arc<Answer>,
    arrived: mpsc::UnboundedSender<Instant>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        // Nobody may be interested any more.
        let _ = arrived.send(Instant::now());
        let answer = answer.clone();
        async move {
            // A vendor reads the whole prompt before it answers.
            let prompt = request.into_body().collect().await?.to_bytes();
            let events = answer(&prompt);
            let body: Body = StreamBody::new(events.map(|event| Ok(Frame::data(event))).boxed());
            let mut response = Response::new(body);
            let kind = HeaderValue::from_static("text/event-stream");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            Ok::<_, hyper::Error>(response)
        }
    });
    let _ = stream.set_nodelay(true);
    // A client that is killed breaks its connections: that is what some of these measure.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn message_start() -> Bytes {
    let message = json!({
        "id": "msg_bench", "type": "message", "role": "assistant", "model": "claude-bench",
        "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": { "input_tokens": 10, "output_tokens": 1 },
    });
    event(&json!({ "type": "message_start", "message": message }))
}

/// A message that is one call of a tool.
fn tool_call(number: usize) -> [Bytes; 6] {
    let input = json!({ "progress": 0.5 }).to_string();
    [
        message_start(),
        event(&json!({
            "type": "content_block_start", "index": 0,
            "content_block": {
                "type": "tool_use", "id": format!("toolu_{number}"), "name": "report_progress",
                "input": {},
            },
        })),
        event(&json!({
            "type": "content_block_delta", "index": 0,
            "delta": { "type": "input_json_delta", "partial_json": input },
        })),
        event(&json!({ "type": "content_block_stop", "index": 0 })),
        event(&json!({
            "type": "message_delta",
            "delta": { "stop_reason": "tool_use", "stop_sequence": null },
            "usage": { "output_tokens": 5 },
        })),
        event(&json!({ "type": "message_stop" })),
    ]
}

/// A whole message, as the API streams it.
fn events(deltas: BoxStream<'static, String>) -> BoxStream<'static, Bytes> {
    let before = [
        message_start(),
        event(&json!({
            "type": "content_block_start", "index": 0,
            "content_block": { "type": "text", "text": "" },
        })),
    ];
    let after = [
        event(&json!({ "type": "content_block_stop", "index": 0 })),
        event(&json!({
            "type": "message_delta",
            "delta": { "stop_reason": "end_turn", "stop_sequence": null },
            "usage": { "output_tokens": 5 },
        })),
        event(&json!({ "type": "message_stop" })),
    ];
    let delta = |text: String| {
        event(&json!({
            "type": "content_block_delta", "index": 0,
            "delta": { "type": "text_delta", "text": text },
        }))
    };
    stream::iter(before).chain(deltas.map(delta)).chain(stream::iter(after)).boxed()
}

fn event(data: &Value) -> Bytes {
    let name = data["type"].as_str().unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}
