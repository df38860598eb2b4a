//! A reader of a task's stream that lets go of it and comes back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use http_body_util::BodyExt;
use hyper::StatusCode;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::Value;

use super::client::Client;

const PATIENCE: Duration = Duration::from_secs(300);
const AGAIN: Duration = Duration::from_millis(50);

/// One event: its name and its data.
type Event = (String, Value);

/// What came of a connection.
enum Cut {
    /// The task's last event was there.
    Over,
    /// It goes on after the last id.
    Resume,
}

/// Reads the stream at `path` to its end. Drops it every few events, where there is `chance`.
pub async fn follow(
    client: &Client,
    path: &str,
    mut chance: Option<StdRng>,
) -> anyhow::Result<Heard> {
    let (mut events, mut last_id) = (Vec::new(), None);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let most = chance.as_mut().map_or(usize::MAX, |chance| chance.random_range(1..30));
        match read(client, path, &mut events, &mut last_id, most).await {
            Ok(Cut::Over) => return Ok(Heard::of(events)),
            Ok(Cut::Resume) => {}
            // The server was killed.
            Err(error) if Instant::now() > deadline => return Err(error.context(path.to_owned())),
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
        ensure!(Instant::now() < deadline, "{path} does not end");
    }
}

async fn read(
    client: &Client,
    path: &str,
    events: &mut Vec<Event>,
    last_id: &mut Option<String>,
    most: usize,
) -> anyhow::Result<Cut> {
    let mut connection = client.connect().await?;
    let headers: Vec<(&str, &str)> =
        last_id.as_deref().map(|id| ("last-event-id", id)).into_iter().collect();
    let (status, mut body) = connection.stream(path, &headers).await?;
    if status == StatusCode::NO_CONTENT {
        return Ok(Cut::Over);
    }
    ensure!(status == StatusCode::OK, "a stream answered {status}");
    let (mut held, mut read) = (String::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        held.push_str(std::str::from_utf8(&data).context("an event is no text")?);
        while let Some((block, rest)) = held.split_once("\n\n") {
            let (id, event) = parse(block)?;
            held = rest.to_owned();
            let Some((name, data)) = event else { continue };
            if name == "error" && data["resumable"] == true {
                return Ok(Cut::Resume);
            }
            let over = name == "done" || name == "error";
            *last_id = Some(id.context("an event has no id")?);
            events.push((name, data));
            read += 1;
            if over {
                return Ok(Cut::Over);
            }
            if read == most {
                return Ok(Cut::Resume);
            }
        }
    }
    Ok(Cut::Resume)
}

/// The id and the event of a block, where it is more than a comment.
fn parse(block: &str) -> anyhow::Result<(Option<String>, Option<Event>)> {
    let (mut id, mut name, mut data) = (None, None, None);
    for line in block.lines() {
        match line.split_once(": ") {
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("event", value)) => name = Some(value.to_owned()),
            Some(("data", value)) => data = Some(serde_json::from_str(value)?),
            _ => {}
        }
    }
    Ok((id, name.zip(data)))
}

/// What any reader has heard in the end, however its text was cut and whatever came in between,
/// and without what was declared void.
#[derive(Debug, Default, PartialEq)]
pub struct Heard {
    /// All but text.
    events: Vec<Event>,
    /// What each model call said and thought.
    said: BTreeMap<(u64, String), String>,
}

impl Heard {
    fn of(events: Vec<Event>) -> Self {
        let mut heard = Self::default();
        for (name, data) in events {
            let field = match name.as_str() {
                "text" => "delta",
                "thinking" => "text",
                _ => {
                    heard.events.push((name, data));
                    continue;
                }
            };
            let step = data["step"].as_u64().unwrap_or(u64::MAX);
            let said = heard.said.entry((step, name)).or_default();
            said.push_str(data[field].as_str().unwrap_or_default());
        }
        let void: Vec<u64> =
            heard.events.iter().filter_map(|(_, data)| data["discardedStep"].as_u64()).collect();
        heard.said.retain(|(step, _), _| !void.contains(step));
        heard
    }
}
