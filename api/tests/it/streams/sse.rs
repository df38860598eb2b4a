//! A client of a stream, and what makes two readings of one comparable.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

use crate::support::{self, App, PATIENCE};

/// One stream, being read.
pub struct Sse {
    pub headers: HeaderMap,
    body: Body,
    unread: String,
}

/// What comes over it.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Event(Event),
    /// A comment, without its colon, or a `retry`.
    Other(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: Option<String>,
    pub name: String,
    pub data: Value,
}

impl Sse {
    /// With the first org's live key.
    pub async fn open(app: &App, path: &str) -> Self {
        Self::of(app.request("GET", path)).await
    }

    /// Goes on after the event with this id.
    pub async fn resume(app: &App, path: &str, id: &str) -> Self {
        Self::of(app.request("GET", path).header("last-event-id", id)).await
    }

    pub async fn of(call: support::Call) -> Self {
        let response = call.stream().await;
        let (parts, body) = response.into_parts();
        if parts.status != StatusCode::OK {
            let bytes = body.collect().await.unwrap().to_bytes();
            panic!("{}: {}", parts.status, String::from_utf8_lossy(&bytes));
        }
        Self { headers: parts.headers, body, unread: String::new() }
    }

    /// The next thing; `None` at the end.
    pub async fn item(&mut self) -> Option<Item> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let item = parse(block);
                self.unread = rest.to_owned();
                return Some(item);
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await;
            let Some(frame) = frame.expect("nothing comes") else {
                assert_eq!(self.unread, "", "the stream ends within an event");
                return None;
            };
            let data = frame.unwrap().into_data().unwrap();
            self.unread.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    /// The next event; `None` at the end.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Item::Event(event) = self.item().await? {
                return Some(event);
            }
        }
    }

    /// Events up to and with the first for which `is_last` holds.
    pub async fn until(&mut self, is_last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            let last = is_last(&event);
            events.push(event);
            if last {
                return events;
            }
        }
        panic!("the stream ended: {events:#?}");
    }

    /// Events up to and with the first of this name.
    pub async fn until_name(&mut self, name: &str) -> Vec<Event> {
        self.until(|event| event.name == name).await
    }

    /// Reads deltas until they have come to `text`.
    pub async fn until_text(&mut self, text: &str) -> Vec<Event> {
        let (mut events, mut heard) = (Vec::new(), String::new());
        while heard != text {
            assert!(text.starts_with(&heard), "{heard:?} is no beginning of {text:?}");
            let event = self.next().await.expect("the stream ended");
            heard.push_str(event.words().unwrap_or_default());
            events.push(event);
        }
        events
    }

    /// Everything until it ends by itself.
    pub async fn rest(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn parse(block: &str) -> Item {
    let (mut id, mut name, mut data) = (None, String::new(), None);
    for line in block.lines() {
        match line.split_once(": ") {
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("event", value)) => name = value.to_owned(),
            Some(("data", value)) => data = Some(serde_json::from_str(value).unwrap()),
            _ => {}
        }
    }
    match data {
        Some(data) => Item::Event(Event { id, name, data }),
        None => Item::Other(block.trim_start_matches(": ").to_owned()),
    }
}

impl Event {
    pub fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_else(|| panic!("no id: {self:?}"))
    }

    /// What a model says in it.
    pub fn words(&self) -> Option<&str> {
        match self.name.as_str() {
            "text" => self.data["delta"].as_str(),
            "thinking" => self.data["text"].as_str(),
            _ => None,
        }
    }
}

pub fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

/// All deltas, joined.
pub fn text(events: &[Event]) -> String {
    events.iter().filter_map(Event::words).collect()
}

/// A model call: its task and its step.
type Call = (String, u64);

/// What one has read, however it was cut into events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Essence {
    /// All but texts, in order.
    events: Vec<(String, Value)>,
    /// What each model call said, in both voices, unless it was discarded. Where among other
    /// events a piece of it is heard is a matter of who listens when.
    texts: BTreeMap<Call, Vec<(String, String)>>,
}

/// The same for everyone who has read the same.
#[track_caller]
pub fn essence(events: &[Event]) -> Essence {
    let mut essence = Essence::default();
    let mut newest = BTreeMap::new();
    let task = |event: &Event| event.data["taskId"].as_str().unwrap_or_default().to_owned();
    for event in events {
        let step = event.data["step"].as_u64().unwrap_or_default();
        let newest = newest.entry(task(event)).or_insert(0);
        if let ("text" | "thinking" | "tool_call", true) = (event.name.as_str(), step < *newest) {
            panic!("{event:?} comes after step {newest} has begun");
        }
        *newest = step.max(*newest);
        let Some(words) = event.words() else {
            essence.events.push((event.name.clone(), event.data.clone()));
            continue;
        };
        let said = essence.texts.entry((task(event), step)).or_default();
        match said.last_mut() {
            Some((voice, text)) if *voice == event.name => text.push_str(words),
            _ => said.push((event.name.clone(), words.to_owned())),
        }
    }
    for event in events {
        if let Some(step) = event.data["discardedStep"].as_u64() {
            essence.texts.remove(&(task(event), step));
        }
    }
    essence
}
