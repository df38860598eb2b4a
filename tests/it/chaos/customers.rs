//! Customers at work while things break: sessions, agents, code in them. What they were told is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use theazo_tests::{Answer, Chance, Client, Value, json};

use super::insist::{Made, all, insist, look};

/// How long an agent may take to be there, or to be given up.
const SETTLED: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(100);
/// Between two things that a customer does.
const THINKS: u64 = 200;
/// A customer of the mock, and one with sandboxes.
pub const LOG: &str = "/workspace/log";

/// A piece of code that was sent.
#[derive(Debug)]
pub struct Ran {
    /// What it prints, and appends to the agent's log where there is a real sandbox.
    pub marker: String,
    /// Status and body of the final answer.
    pub status: u16,
    pub body: Value,
}

#[derive(Debug)]
pub struct Hired {
    pub made: Made,
    pub session: String,
    pub ran: Vec<Ran>,
    /// What its log was at the end, where it could still be read.
    pub log: Option<String>,
}

/// What one customer was told.
#[derive(Debug, Default)]
pub struct Told {
    pub sessions: Vec<Made>,
    pub agents: Vec<Hired>,
    pub ended: Vec<String>,
}

/// Works until `stop`, and finishes what it has begun.
pub async fn work(name: String, client: Client, mut chance: Chance, stop: Arc<AtomicBool>) -> Told {
    let mut told = Told::default();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let key = format!("{name}/{n}");
        let body = json!({ "userId": key, "metadata": { "n": n } });
        let made = Made::new(&client, ("/v1/sessions".to_owned(), body), &key, "id").await;
        let session = made.unwrap_or_else(|answer| panic!("{key}: {}", answer.brief()));
        let id = session.id.clone();
        told.sessions.push(session);
        for a in 0..=chance.below(2) {
            told.agents.push(hire(&client, &id, &format!("{key}/{a}"), &mut chance).await);
        }
        if chance.below(2) == 0 {
            insist(client.post(format!("/v1/sessions/{id}/end"), json!({}))).await.ok();
            told.ended.push(id);
        }
    }
    told
}

/// An agent, and some code in it.
async fn hire(client: &Client, session: &str, key: &str, chance: &mut Chance) -> Hired {
    let path = format!("/v1/sessions/{session}/agents");
    let made = Made::new(client, (path, json!({})), key, "id").await;
    let made = made.unwrap_or_else(|answer| panic!("{key}: {}", answer.brief()));
    let mut hired = Hired { made, session: session.to_owned(), ran: Vec::new(), log: None };
    let agent = hired.made.id.clone();
    if !is_there(client, &agent).await {
        return hired;
    }
    for n in 0..1 + chance.below(5) {
        tokio::time::sleep(Duration::from_millis(chance.below(THINKS))).await;
        let marker = format!("{key}/{n}");
        let answer = run(client, &agent, &marker).await;
        let body = answer.json();
        let (status, over) = (answer.status, answer.status != 200);
        hired.ran.push(Ran { marker, status, body });
        if over {
            break;
        }
    }
    hired.log = read_log(client, &agent, key).await;
    hired
}

/// Runs code that can be counted, once.
async fn run(client: &Client, agent: &str, marker: &str) -> Answer {
    // The mock reads, and does not run: it knows no files in code.
    let code = match client.is_test() {
        true => format!("echo {marker}"),
        false => format!("echo {marker} >> {LOG}; echo {marker}"),
    };
    let body = json!({ "lang": "bash", "code": code });
    let path = format!("/v1/agents/{agent}/exec");
    insist(client.post(path, body).once(&format!("run {marker}"))).await
}

/// All that was appended; none where the agent is not there any more.
async fn read_log(client: &Client, agent: &str, key: &str) -> Option<String> {
    if client.is_test() {
        return None;
    }
    let body = json!({ "lang": "bash", "code": format!("cat {LOG}; true") });
    let path = format!("/v1/agents/{agent}/exec");
    let answer = insist(client.post(path, body).once(&format!("log {key}"))).await;
    let read = (answer.status == 200).then(|| answer.json());
    read.map(|done| done["stdout"].as_str().unwrap().to_owned())
}

/// Waits until the agent can work; false when it has failed instead.
async fn is_there(client: &Client, agent: &str) -> bool {
    let deadline = Instant::now() + SETTLED;
    loop {
        let found = look(client, &format!("/v1/agents/{agent}")).await;
        match found["state"].as_str().unwrap() {
            "idle" => return true,
            "failed" => return false,
            _ => assert!(Instant::now() < deadline, "not there within {SETTLED:?}: {found}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks at lists all the time: each shows what there is, once.
pub async fn browse(client: Client, stop: Arc<AtomicBool>) -> usize {
    let mut pages = 0;
    while !stop.load(Ordering::Relaxed) {
        let sessions = all(&client, "/v1/sessions").await;
        must_be_different(&sessions);
        for session in sessions.iter().take(3) {
            let id = session["id"].as_str().unwrap();
            for of in ["agents", "tasks"] {
                must_be_different(&all(&client, &format!("/v1/sessions/{id}/{of}")).await);
                pages += 1;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    pages
}

fn must_be_different(rows: &[Value]) {
    let mut ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "a list shows something twice: {rows:#?}");
}
