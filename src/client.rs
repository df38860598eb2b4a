//! A client of a server's public API, for the command line.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Client, Method, Response};
use serde_json::Value;

use crate::cli::ServerArgs;
use crate::config::Config;
use crate::control::{self, Request};

/// Reconnects in a row that may fail.
const MAX_FAILURES: u32 = 10;
/// What a shell says of a command that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// A client of one server with one key.
pub struct Api {
    http: Client,
    base: String,
    key: String,
}

/// One Server-Sent Event.
#[derive(Debug, Default, Clone)]
pub struct SentEvent {
    pub name: String,
    pub data: Value,
}

/// Runs `work` with a client: with the caller's key, or with one that is made for it alone and
/// revoked at its end.
pub async fn with_api(
    config: &Config,
    args: &ServerArgs,
    name: &str,
    work: impl AsyncFnOnce(&Api) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let (key, own) = match &args.key {
        Some(key) => (key.clone(), None),
        None => {
            let (id, key) = make_key(config, name).await?;
            (key, Some(id))
        }
    };
    let base = args.url.trim_end_matches('/').to_owned();
    let api = Api { http: Client::new(), base, key };
    // Ctrl-C is how one stops watching; the key is revoked then too.
    let worked = tokio::select! {
        worked = work(&api) => worked,
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(INTERRUPTED)),
    };
    let Some(id) = own else { return worked };
    let revoked = control::ask(config, Request::RevokeKey { id: id.parse()? }).await;
    let code = worked?;
    revoked.context("the key that was made for this is not revoked; `theazo keys list` has it")?;
    Ok(code)
}

async fn make_key(config: &Config, name: &str) -> anyhow::Result<(String, String)> {
    let request = Request::CreateKey {
        name: name.to_owned(),
        mode: theazo_domain::Mode::Live,
        org: None,
        new_org: None,
        plan: theazo_domain::org::Plan::Free,
    };
    let lines = control::ask(config, request).await.context(
        "there is no key: set THEAZO_API_KEY, or run this where the server's data folder is",
    )?;
    let made: Value = serde_json::from_str(lines.first().context("the server made no key")?)?;
    Ok((text(&made, "id"), text(&made, "key")))
}

impl Api {
    async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
        last_event: Option<&str>,
    ) -> anyhow::Result<Response> {
        let mut request =
            self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key);
        if let Some((kind, body)) = body {
            request = request.header("content-type", kind).body(body);
        }
        if let Some(id) = last_event {
            request = request.header("last-event-id", id);
        }
        request.send().await.with_context(|| {
            format!("no server answers at {}; start one with `theazo serve`", self.base)
        })
    }

    /// The body of a successful answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> anyhow::Result<Vec<u8>> {
        let answer = self.answer(method, path, body, None).await?;
        let status = answer.status();
        let bytes = answer.bytes().await?.to_vec();
        if !status.is_success() {
            bail!("{path} answered {status}: {}", String::from_utf8_lossy(&bytes));
        }
        Ok(bytes)
    }

    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        match self.try_post(path, body).await? {
            (status, answer) if (200..300).contains(&status) => Ok(answer),
            (status, answer) => bail!("{path} answered {status}: {answer}"),
        }
    }

    /// The status and the body, also of a refusal.
    pub async fn try_post(&self, path: &str, body: Value) -> anyhow::Result<(u16, Value)> {
        let body = ("application/json", serde_json::to_vec(&body)?);
        let answer = self.answer(Method::POST, path, Some(body), None).await?;
        let status = answer.status().as_u16();
        Ok((status, serde_json::from_slice(&answer.bytes().await?)?))
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.send(Method::GET, path, None).await?)?)
    }

    /// Every event of the stream at `path`, each once, until `each` says that it has seen enough or
    /// the stream ends by itself. A connection that breaks is made again, from the last event on.
    pub async fn follow(
        &self,
        path: &str,
        mut each: impl FnMut(&SentEvent) -> bool,
    ) -> anyhow::Result<()> {
        let (mut last, mut failures) = (None::<String>, 0);
        loop {
            let before = last.clone();
            let followed = self.follow_once(path, &mut last, &mut each).await;
            if last != before {
                failures = 0;
            }
            match followed {
                Ok(()) => return Ok(()),
                Err(Broken::Refused(error)) => return Err(error),
                Err(Broken::Connection(error)) if failures >= MAX_FAILURES => return Err(error),
                Err(Broken::Connection(_)) => {
                    failures += 1;
                    tokio::time::sleep(Duration::from_millis(200) * failures).await;
                }
            }
        }
    }

    async fn follow_once(
        &self,
        path: &str,
        last: &mut Option<String>,
        each: &mut impl FnMut(&SentEvent) -> bool,
    ) -> Result<(), Broken> {
        let answer = self.answer(Method::GET, path, None, last.as_deref()).await;
        let mut answer = answer.map_err(Broken::Connection)?;
        if !answer.status().is_success() {
            let status = answer.status();
            let body = answer.text().await.unwrap_or_default();
            return Err(Broken::Refused(anyhow::anyhow!("{path} answered {status}: {body}")));
        }
        let (mut held, mut event) = (Vec::new(), SentEvent::default());
        while let Some(chunk) =
            answer.chunk().await.map_err(|error| Broken::Connection(error.into()))?
        {
            held.extend_from_slice(&chunk);
            while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = held.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                let line = line.trim_end_matches(['\r', '\n']);
                if line.is_empty() && !event.name.is_empty() {
                    let event = std::mem::take(&mut event);
                    // It says where to go on from, and that is known.
                    if event.name == "error" && event.data["resumable"] == true {
                        return Err(Broken::Connection(anyhow::anyhow!("{}", event.data)));
                    }
                    if each(&event) {
                        return Ok(());
                    }
                } else if let Some(id) = line.strip_prefix("id: ") {
                    *last = Some(id.to_owned());
                } else if let Some(name) = line.strip_prefix("event: ") {
                    name.clone_into(&mut event.name);
                } else if let Some(data) = line.strip_prefix("data: ") {
                    event.data = serde_json::from_str(data).unwrap_or(Value::Null);
                }
            }
        }
        Ok(())
    }
}

enum Broken {
    Connection(anyhow::Error),
    Refused(anyhow::Error),
}

/// A field as text; empty when it is not there.
pub fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
