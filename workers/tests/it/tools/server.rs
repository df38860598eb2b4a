//! An HTTP server on the loopback that answers as the test says and keeps what it was asked.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What came over one connection: the head as it was sent, and the body.
#[derive(Debug, Clone)]
pub struct Asked {
    pub head: String,
    pub body: Vec<u8>,
}

impl Asked {
    /// `GET /path`
    pub fn line(&self) -> &str {
        let line = self.head.lines().next().unwrap_or_default();
        line.rsplit_once(' ').map_or(line, |(what, _)| what)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        found.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// `answer` gives the whole answer, head and body; none at all leaves the client waiting.
    pub async fn start(answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (answer, seen) = (Arc::new(answer), asked.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), seen.clone()));
            }
        });
        Self { address, asked }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: Arc<impl Fn(&Asked) -> Vec<u8>>,
    asked: Arc<Mutex<Vec<Asked>>>,
) {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break String::from_utf8(bytes.drain(..end + 4).collect()).unwrap();
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let mut request = Asked { head, body: bytes };
    let length = request.header("content-length").map_or(0, |n| n.parse().unwrap());
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let said = answer(&request);
    asked.lock().push(request);
    if said.is_empty() {
        // Held open until the client has had enough.
        let _ = stream.read(&mut [0; 64]).await;
        return;
    }
    let tunnel = said.starts_with(b"HTTP/1.1 200 Connection");
    if stream.write_all(&said).await.is_ok() && tunnel {
        // What the client sends through the tunnel first.
        let mut first = vec![0; 3];
        if stream.read_exact(&mut first).await.is_ok() {
            asked.lock().push(Asked { head: String::new(), body: first });
        }
    }
}

/// An answer with a body.
pub fn answer(status: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("Connection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

pub fn json(status: &str, body: &str) -> Vec<u8> {
    answer(status, &[("Content-Type", "application/json")], body)
}
