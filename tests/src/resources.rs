//! What most tests begin with: a session, an agent that is ready, code in it.

use std::time::Duration;

use rand::Rng;
use serde_json::{Value, json};

use crate::{Client, eventually};

/// How long an agent may take to get where it is asked to go, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A key that fits the rules for keys of one's own.
pub fn random_key(mode: &str) -> String {
    let bytes: [u8; 16] = rand::rng().random();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("th_{mode}_{hex}")
}

impl Client {
    /// The id of a new session.
    pub async fn session(&self) -> String {
        self.session_with(json!({ "userId": "user_1" })).await
    }

    pub async fn session_with(&self, body: Value) -> String {
        let session = self.post("/v1/sessions", body).await.expect(201);
        session["id"].as_str().unwrap().to_owned()
    }

    /// The id of a new agent that is idle.
    pub async fn agent(&self, session: &str) -> String {
        self.agent_with(session, json!({})).await
    }

    pub async fn agent_with(&self, session: &str, body: Value) -> String {
        let agent = self.post(format!("/v1/sessions/{session}/agents"), body).await.expect(201);
        let id = agent["id"].as_str().unwrap().to_owned();
        self.agent_becomes(&id, "idle").await;
        id
    }

    /// Waits until the agent is in `state`.
    pub async fn agent_becomes(&self, agent: &str, state: &str) -> Value {
        eventually(&format!("{agent} is {state}"), PATIENCE, || async {
            let answer = self.get(format!("/v1/agents/{agent}")).await;
            if [404, 503].contains(&answer.status) {
                // The read models are behind: of several processes not each waits for them for
                // long, and for what the client has not made itself none does.
                return Err(answer.brief());
            }
            let agent = answer.expect(200);
            if agent["state"] == state { Ok(agent) } else { Err(agent.to_string()) }
        })
        .await
    }

    /// Runs code to its end.
    pub async fn exec(&self, agent: &str, lang: &str, code: &str) -> Value {
        let body = json!({ "lang": lang, "code": code });
        self.post(format!("/v1/agents/{agent}/exec"), body).await.expect(200)
    }

    /// What bash prints, of a script that succeeds.
    pub async fn bash(&self, agent: &str, code: &str) -> String {
        let done = self.exec(agent, "bash", code).await;
        assert_eq!(done["exitCode"], 0, "{code}: {done}");
        done["stdout"].as_str().unwrap().to_owned()
    }

    /// Every entry of a list, page by page.
    pub async fn all(&self, path: &str, limit: u32) -> Vec<Value> {
        let sep = if path.contains('?') { '&' } else { '?' };
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(format!("{path}{sep}limit={limit}{cursor}")).await.expect(200);
            rows.extend(page["data"].as_array().unwrap().iter().cloned());
            assert_eq!(page["hasMore"], page["nextCursor"].is_string(), "{page}");
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }
}
