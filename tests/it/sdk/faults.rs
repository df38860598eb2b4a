//! A thousand calls of each SDK through the fault proxy: each has one effect on the server, and each
//! stream is told once.
//!
//! `THEAZO_FAULTS_SEED` repeats what calls are made and what is broken; what is broken of which call
//! is also the machine's affair, for eight of them are under way at once. `THEAZO_FAULTS_SEEDS` is for
//! several seeds, from that one on.

use std::collections::BTreeMap;

use rand::Rng;
use serde_json::Value;
use theazo_tests::fault_proxy::FaultProxy;
use theazo_tests::{Chance, Client, Server, json};

use super::driver::{Driven, Kind, Line};
use super::language::Language;
use crate::streams::reader::{Event, Reader};
use crate::streams::story::Place;

const CALLS: usize = 1000;
/// Whose session is made when all calls are over.
const AFTER: &str = "after";

fn seeds() -> impl Iterator<Item = u32> {
    let given = |name| std::env::var(name).ok().map(|text: String| text.parse().unwrap());
    let first: u32 = given("THEAZO_FAULTS_SEED").unwrap_or_else(|| rand::rng().random());
    (0..given("THEAZO_FAULTS_SEEDS").unwrap_or(1)).map(move |n| first.wrapping_add(n))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_typescript_calls_each_have_one_effect() {
    each_has_one_effect(Language::TypeScript, "async").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_python_calls_each_have_one_effect() {
    each_has_one_effect(Language::Python, "sync").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_awaited_python_calls_each_have_one_effect() {
    each_has_one_effect(Language::Python, "async").await;
}

async fn each_has_one_effect(language: Language, mode: &str) {
    for seed in seeds() {
        eprintln!("faults: to repeat this run, set THEAZO_FAULTS_SEED={seed}");
        each_has_one_effect_of(seed, language, mode).await;
    }
}

async fn each_has_one_effect_of(seed: u32, language: Language, mode: &str) {
    let server = Server::start().await;
    let client = server.test();
    let proxy = FaultProxy::start(client.address(), Chance::of(seed.into()));
    let driven = Driven::by((language, mode), &proxy, &server.test_key, seed, CALLS).await;
    proxy.must_have_done_everything();
    // What is read from here on is at least as new as this, and so as all that came before it.
    client.session_with(json!({ "userId": AFTER })).await;
    let after = Effects { client, driven, seed };
    after.sessions().await;
    after.secrets().await;
    let session = after.main_session().await;
    after.tasks(&session).await;
    after.execs(&session).await;
    after.streams(&session).await;
}

/// What the calls have come to, as one sees it without the proxy.
struct Effects {
    client: Client,
    driven: Driven,
    seed: u32,
}

impl Effects {
    async fn events(&self, kind: &str, filter: &str) -> Vec<Value> {
        self.client.all(&format!("/v1/audit/events?type={kind}{filter}"), 100).await
    }

    /// The one that the driver makes first.
    async fn main_session(&self) -> String {
        let path = format!("/v1/sessions?userId=faults-{}", self.seed);
        let sessions = self.client.all(&path, 100).await;
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        sessions[0]["id"].as_str().unwrap().to_owned()
    }

    async fn sessions(&self) {
        let mut made: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for session in self.client.all("/v1/sessions", 100).await {
            made.entry(session["userId"].as_str().unwrap().to_owned()).or_default().push(session);
        }
        for line in self.driven.of(Kind::Session) {
            let user = format!("faults-{}-{}", self.seed, line.call);
            let sessions = made.remove(&user).unwrap_or_default();
            assert_eq!(sessions.len(), 1, "{line:?}: {sessions:?}");
            assert_eq!(sessions[0]["id"], line.id(), "{line:?}");
            assert_eq!(sessions[0]["metadata"]["call"], line.call.to_string(), "{line:?}");
        }
        let left: Vec<&str> = made.keys().map(String::as_str).collect();
        assert_eq!(left, [AFTER, &format!("faults-{}", self.seed)], "sessions of no call");
    }

    /// A secret that is set again has another version: each has the first one.
    async fn secrets(&self) {
        let mut set: BTreeMap<String, usize> = BTreeMap::new();
        for event in self.events("secret.set", "").await {
            *set.entry(event["data"]["name"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let put: BTreeMap<String, usize> =
            self.driven.of(Kind::Secret).map(|line| (line.id().to_owned(), 1)).collect();
        assert_eq!(put, set, "each secret is set once");
        assert_eq!(put.len(), self.driven.of(Kind::Secret).count());
    }

    /// The mock's answer has the input in it, so that a task says which call it is of.
    async fn tasks(&self, session: &str) {
        let mut made: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for task in self.client.all(&format!("/v1/sessions/{session}/tasks"), 100).await {
            let id = task["id"].as_str().unwrap();
            let path = format!("/v1/sessions/{session}/tasks/{id}/wait?timeout=60s");
            let task = self.client.get(path).await.expect(200);
            assert_eq!(task["status"], "completed", "{task}");
            made.entry(call_of(&task)).or_default().push(id.to_owned());
        }
        let submits = self.driven.of(Kind::Submit).chain(self.driven.of(Kind::Stream));
        let told: BTreeMap<usize, Vec<String>> =
            submits.map(|line| (line.call, vec![line.id().to_owned()])).collect();
        assert_eq!(told, made, "each task was submitted once");
        let submitted = self.events("task.submitted", &format!("&sessionId={session}")).await;
        assert_eq!(submitted.len(), told.len(), "no task is unseen in the list");
    }

    async fn execs(&self, session: &str) {
        let calls = self.driven.of(Kind::Exec).count();
        for kind in ["execution.requested", "execution.completed"] {
            let events = self.events(kind, &format!("&sessionId={session}")).await;
            assert_eq!(events.len(), calls, "{kind}");
        }
    }

    async fn streams(&self, session: &str) {
        for line in self.driven.of(Kind::Stream) {
            let path = format!("/v1/sessions/{session}/tasks/{}/stream?from=start", line.id());
            let mut reader = Reader::open(&self.client, &path, None).await.unwrap();
            let mut whole = Vec::new();
            while let Some(event) = reader.next().await.unwrap() {
                whole.push(event);
            }
            told_once(line, &whole);
        }
    }
}

/// The number of the call that a task is of, from `call-<n>` in its output.
fn call_of(task: &Value) -> usize {
    let output = task["output"].as_str().unwrap_or_default();
    let number = output.split("call-").nth(1).unwrap_or_default();
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no call is named: {task}"))
}

/// What every stream of the SDKs has; some have the rest too.
const TOLD: [&str; 5] = ["text", "tool_call", "tool_result", "progress", "done"];
/// What comes in pieces, which are others for a client that was away.
const PIECES: [&str; 2] = ["text", "thinking"];

/// Text is compared as a whole; every other event by its place.
fn told_once(line: &Line, whole: &[Event]) {
    assert_eq!(line.events.len(), line.types.len(), "{line:?}");
    let places: Vec<Place> = line.events.iter().map(|id| Place::of(id)).collect();
    assert!(places.is_sorted_by(|a, b| a < b), "each event once, in order: {line:?}");
    let told = line.types.iter().map(String::as_str).zip(line.events.iter().map(String::as_str));
    let wanted = whole
        .iter()
        .filter(|event| TOLD.contains(&event.name.as_str()) || line.types.contains(&event.name));
    let wanted = wanted.map(|event| (event.name.as_str(), event.id.as_deref().unwrap_or_default()));
    assert_eq!(whole_events(told), whole_events(wanted), "{line:?}");
    let said = whole.iter().filter(|event| event.name == "text");
    let said: String = said.map(|event| event.data["delta"].as_str().unwrap()).collect();
    assert_eq!(line.text.as_deref(), Some(said.as_str()), "{line:?}");
    assert_eq!(line.types.last().map(String::as_str), Some("done"), "{line:?}");
}

/// The events that do not come in pieces. The id of one in the middle of a model call says how much
/// of its text there was, which is the client's own affair.
fn whole_events<'a>(events: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    let whole = events.filter(|(name, _)| !PIECES.contains(name));
    whole.map(|(name, id)| (name, id.split('.').next().unwrap_or_default())).collect()
}
