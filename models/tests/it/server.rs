//! A vendor on the loopback address: each connection gets the next of the scripted answers, byte
//! by byte as it was written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use theazo_models::{
    CredentialSource, ModelError, ModelEvent, Models, ModelsConfig, PlatformKey, Prompt, Route,
    Secrets, Turn, TurnResult, Wire,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};

/// What happens on a connection once the request was read.
#[derive(Clone)]
pub enum Answer {
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// These bytes, then nothing until the client goes away.
    Hang(Vec<u8>),
}

pub struct Server {
    pub url: String,
    asked: Arc<AtomicUsize>,
    requests: Mutex<mpsc::UnboundedReceiver<String>>,
    gone: Mutex<mpsc::UnboundedReceiver<()>>,
}

impl Server {
    /// The last answer is given for ever.
    pub async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let (request, requests) = mpsc::unbounded_channel();
        let (leave, gone) = mpsc::unbounded_channel();
        let count = asked.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let n = count.fetch_add(1, Ordering::SeqCst);
                let answer = answers[n.min(answers.len() - 1)].clone();
                let (request, leave) = (request.clone(), leave.clone());
                tokio::spawn(async move { serve(socket, answer, &request, &leave).await });
            }
        });
        Self { url, asked, requests: Mutex::new(requests), gone: Mutex::new(gone) }
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The next request, head and body.
    pub async fn request(&self) -> String {
        within(self.requests.lock().await.recv()).await.unwrap()
    }

    /// Returns when a client has left a hanging answer.
    pub async fn client_gone(&self) {
        within(self.gone.lock().await.recv()).await.unwrap();
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("in time")
}

async fn serve(
    mut socket: TcpStream,
    answer: Answer,
    request: &mpsc::UnboundedSender<String>,
    gone: &mpsc::UnboundedSender<()>,
) {
    let mut read = Vec::new();
    let whole = loop {
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|l| l.strip_prefix("content-length: "));
            if length.is_some_and(|l| body.len() >= l.parse::<usize>().unwrap()) {
                break text.into_owned();
            }
        }
        if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let _ = request.send(whole);
    let (Answer::Bytes(bytes) | Answer::Hang(bytes)) = &answer;
    // In small pieces, so that nothing arrives as it was cut.
    for piece in bytes.chunks(97.max(bytes.len() / 400)) {
        if socket.write_all(piece).await.is_err() {
            break;
        }
    }
    if matches!(answer, Answer::Hang(_)) {
        let _ = socket.read(&mut [0]).await;
        let _ = gone.send(());
    }
}

/// An answer that is closed at its end.
pub fn answer(status: &str, headers: &str, body: &str) -> Answer {
    Answer::Bytes(head(status, headers, Some(body.len())).into_iter().chain(body.bytes()).collect())
}

pub fn head(status: &str, headers: &str, length: Option<usize>) -> Vec<u8> {
    let length = length.map(|l| format!("content-length: {l}\r\n")).unwrap_or_default();
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}{length}\r\n").into_bytes()
}

pub const SSE: &str = "content-type: text/event-stream\r\n";
pub const JSON: &str = "content-type: application/json\r\n";

const START: &str = "data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-x\",\"usage\":{\"input_tokens\":11,\"output_tokens\":1}}}\n\n";
const TEXT: &str = "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hel\"}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"lo\"}}\n\n";
const STOP: &str = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}}\n\ndata: {\"type\":\"message_stop\"}\n\n";

/// `hello`, in Anthropic's words.
pub fn hello() -> Answer {
    answer("200 OK", &format!("{SSE}request-id: req_1\r\n"), &format!("{START}{TEXT}{STOP}"))
}

/// The head of [`hello`] and so much of its body; no length, so that its end is no error of HTTP.
pub fn half_hello(with_text: bool) -> Vec<u8> {
    let mut bytes = head("200 OK", SSE, None);
    bytes.extend(START.bytes());
    if with_text {
        bytes.extend(TEXT.bytes());
    }
    bytes
}

pub const KEY: &str = "sk-ant-platform-0123456789";

pub fn config() -> ModelsConfig {
    ModelsConfig {
        anthropic: Some(PlatformKey { key: KEY.into(), base_url: None }),
        silence: Duration::from_secs(5),
        ..ModelsConfig::default()
    }
}

/// A route of the platform's key.
pub fn route(wire: Wire, url: &str) -> Route {
    Route {
        wire,
        vendor: "anthropic".to_owned(),
        base_url: url.to_owned(),
        credential: CredentialSource::Platform("anthropic".to_owned()),
        model: "claude-sonnet-5-5".to_owned(),
        max_tokens: 1_000,
        max_tokens_by_default: true,
        temperature: None,
        byoi: false,
        fallbacks: Vec::new(),
    }
}

pub fn prompt(text: &str) -> Prompt {
    Prompt {
        system: None,
        turns: vec![Arc::new(Turn::User { results: Vec::new(), text: Some(text.to_owned()) })],
        tools: Arc::new([]),
        max_tokens: 1_000,
        temperature: None,
        cache_key: None,
    }
}

/// The deltas of text, and how it ended.
pub async fn ask(models: &Models, route: &Route) -> (String, Result<TurnResult, ModelError>) {
    let mut stream = models.stream(route, &Secrets::default(), prompt("hi"));
    let mut text = String::new();
    while let Some(event) = within(stream.next()).await {
        match event {
            Ok(ModelEvent::Text(delta)) => text.push_str(&delta),
            Ok(ModelEvent::Reasoning(_)) => {}
            Ok(ModelEvent::Done(result)) => {
                assert!(within(stream.next()).await.is_none(), "nothing after the end");
                return (text, Ok(*result));
            }
            Err(error) => {
                assert!(within(stream.next()).await.is_none(), "nothing after an error");
                return (text, Err(error));
            }
        }
    }
    panic!("the stream ended without a word");
}
