//! A client of a stream, as a browser's `EventSource` is one, that checks what it is sent.

use std::time::Duration;

use serde_json::Value;
use theazo_tests::Client;

/// How long nothing may come, heartbeats included (15 s), before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub struct Event {
    pub id: Option<String>,
    pub name: String,
    pub data: Value,
}

/// One connection.
pub struct Reader {
    response: reqwest::Response,
    lines: Lines,
}

impl Reader {
    /// Connects; an error is of a server that is not there.
    pub async fn open(
        client: &Client,
        path: &str,
        after: Option<&str>,
    ) -> Result<Self, reqwest::Error> {
        let mut call = client.get(path);
        if let Some(id) = after {
            call = call.header("Last-Event-ID", id);
        }
        let response = call.open().await?;
        let kind = response.headers().get("content-type").cloned();
        assert_eq!(response.status(), 200, "{path} after {after:?}");
        assert_eq!(kind.unwrap(), "text/event-stream", "{path}");
        Ok(Self { response, lines: Lines::default() })
    }

    /// The next event; `None` when the stream has ended, an error when it broke off.
    pub async fn next(&mut self) -> Result<Option<Event>, reqwest::Error> {
        loop {
            if let Some(event) = self.lines.event() {
                return Ok(Some(event));
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            match chunk.unwrap_or_else(|_| panic!("nothing came for {PATIENCE:?}"))? {
                Some(bytes) => self.lines.add(&bytes),
                None => return Ok(None),
            }
        }
    }
}

/// Bytes of a stream, as far as they have come.
#[derive(Default)]
pub struct Lines {
    held: Vec<u8>,
    /// How many of them are known to have no end of an event.
    seen: usize,
}

impl Lines {
    pub fn add(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next whole event.
    pub fn event(&mut self) -> Option<Event> {
        loop {
            let Some(end) = self.held[self.seen..].windows(2).position(|pair| pair == b"\n\n")
            else {
                self.seen = self.held.len().saturating_sub(1);
                return None;
            };
            let block: Vec<u8> = self.held.drain(..self.seen + end + 2).collect();
            self.seen = 0;
            if let Some(event) = parse(std::str::from_utf8(&block).unwrap()) {
                return Some(event);
            }
        }
    }
}

/// An event, or `None` for a comment or a word about reconnecting.
fn parse(block: &str) -> Option<Event> {
    let (mut id, mut name, mut data) = (None, None, None);
    for line in block.lines().filter(|line| !line.is_empty()) {
        match line.split_once(": ") {
            Some(("", _)) => {}
            Some(("retry", millis)) => drop(millis.parse::<u64>().unwrap()),
            Some(("id", text)) => id = Some(text.to_owned()),
            Some(("event", text)) => name = Some(text.to_owned()),
            Some(("data", text)) => data = Some(serde_json::from_str(text).expect(text)),
            _ => panic!("not a line of an event stream: {line}"),
        }
    }
    assert_eq!(name.is_some(), data.is_some(), "half an event: {block}");
    Some(Event { id, name: name?, data: data? })
}
