//! What tests of runs begin with: a server whose models are scripted, tasks, what became of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::model_server::{ModelServer, Script};
use crate::{Answer, Call, Client, Server, Setup, eventually};

/// How long a task of a test may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The platform's keys at the vendors: never to be seen in an answer or a log.
pub const ANTHROPIC_KEY: &str = "sk-ant-platform-5f2e9c";
pub const OPENAI_KEY: &str = "sk-platform-7c1d4b";

impl Setup {
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// With accounts of the platform at both vendors, in whose place is `models`.
    pub fn models(self, models: &ModelServer) -> Self {
        self.env("ANTHROPIC_BASE_URL", &models.url())
            .env("ANTHROPIC_API_KEY", ANTHROPIC_KEY)
            .env("OPENAI_BASE_URL", &models.openai_url())
            .env("OPENAI_API_KEY", OPENAI_KEY)
    }
}

/// A task that was submitted.
#[derive(Debug, Clone)]
pub struct Task {
    pub client: Client,
    pub session: String,
    pub id: String,
    pub agent: String,
}

impl Client {
    /// Submits a task to a session; `body` as the API takes it.
    pub fn submission(&self, session: &str, body: Value) -> Call {
        self.post(format!("/v1/sessions/{session}/tasks"), body)
    }

    pub async fn submit(&self, session: &str, body: Value) -> Task {
        let answer = self.submission(session, body).await;
        self.task_of(session, &answer)
    }

    /// A task for an agent that is made for it: a `coder`.
    pub async fn code(&self, session: &str, input: &str) -> Task {
        self.submit(session, json!({ "agent": "coder", "input": input })).await
    }

    /// A task for an agent that is there.
    pub async fn run(&self, session: &str, agent: &str, input: &str) -> Task {
        let answer = self.post(format!("/v1/agents/{agent}/run"), json!({ "task": input })).await;
        self.task_of(session, &answer)
    }

    /// The task that an answer of a submission names.
    #[track_caller]
    pub fn task_of(&self, session: &str, answer: &Answer) -> Task {
        let task = answer.ok();
        Task {
            client: self.clone(),
            session: session.to_owned(),
            id: task["taskId"].as_str().unwrap().to_owned(),
            agent: task["agentId"].as_str().unwrap().to_owned(),
        }
    }
}

impl Task {
    pub fn path(&self) -> String {
        format!("/v1/sessions/{}/tasks/{}", self.session, self.id)
    }

    pub async fn view(&self) -> Value {
        self.client.get(self.path()).await.expect(200)
    }

    /// Waits until it is as `probe` wants it; `Err` is what it sees instead.
    pub async fn until<T>(&self, what: &str, probe: impl Fn(&Value) -> Option<T>) -> T {
        eventually(&format!("{}: {what}", self.id), PATIENCE, || async {
            let answer = self.client.get(self.path()).await;
            if answer.status == 503 {
                // The read models are behind.
                return Err(answer.brief());
            }
            let task = answer.expect(200);
            probe(&task).ok_or_else(|| task.to_string())
        })
        .await
    }

    /// Waits for its end, whichever it is.
    pub async fn ended(&self) -> Value {
        self.until("it has ended", |task| {
            let over = ["completed", "failed", "cancelled"].contains(&task["status"].as_str()?);
            over.then(|| task.clone())
        })
        .await
    }

    /// Waits for its end, which must be this one.
    pub async fn ends(&self, status: &str) -> Value {
        let task = self.ended().await;
        assert_eq!(task["status"], status, "{task:#}");
        task
    }

    pub async fn completes(&self) -> Value {
        self.ends("completed").await
    }

    /// Its failure, with this code.
    pub async fn fails(&self, code: &str) -> String {
        let task = self.ends("failed").await;
        assert_eq!(task["error"]["code"], code, "{task:#}");
        task["error"]["message"].as_str().unwrap().to_owned()
    }

    /// All its steps, in order.
    pub async fn steps(&self) -> Vec<Value> {
        self.client.all(&format!("{}/steps", self.path()), 100).await
    }

    /// Its tool calls as the steps have them, in order.
    pub async fn tools(&self) -> Vec<Value> {
        let mut steps = self.steps().await;
        steps.retain(|step| step["type"] == "tool_call");
        steps
    }

    /// Its finished steps without what differs from one run to the next: ids, times, numbers.
    pub async fn transcript(&self) -> Vec<Value> {
        let steps = self.steps().await;
        steps.iter().filter(|step| step["error"].is_null()).map(essence).collect()
    }

    /// Asks for its cancellation.
    pub fn cancel(&self) -> Call {
        self.client.post(format!("{}/cancel", self.path()), json!({}))
    }

    /// What was kept of the files that it made, by path.
    pub async fn files(&self) -> BTreeMap<String, String> {
        let task = self.view().await;
        let mut files = BTreeMap::new();
        for path in task["artifacts"].as_array().unwrap() {
            let path = path.as_str().unwrap().to_owned();
            files.insert(path.clone(), self.artifact(&path).await.text());
        }
        files
    }

    pub async fn artifact(&self, path: &str) -> Answer {
        let answer = self.client.get(format!("{}/artifacts?path={path}", self.path())).foreign();
        let answer = answer.await;
        assert_eq!(answer.status, 200, "{}", answer.brief());
        answer
    }
}

/// What one step came to.
fn essence(step: &Value) -> Value {
    let mut kept = serde_json::Map::new();
    for name in ["type", "purpose", "finish", "text", "thinking", "usage", "tool", "input"] {
        kept.insert(name.to_owned(), step[name].clone());
    }
    for name in ["output", "isError", "cost"] {
        kept.insert(name.to_owned(), step[name].clone());
    }
    let calls = step["toolCalls"].as_array().into_iter().flatten();
    let calls: Vec<Value> =
        calls.map(|call| json!({ "name": call["name"], "input": call["input"] })).collect();
    kept.insert("toolCalls".to_owned(), calls.into());
    Value::Object(kept)
}

/// A server with scripted models, and a session on it. The server ends first.
pub struct Runs {
    pub server: Server,
    pub client: Client,
    pub session: String,
    pub models: ModelServer,
}

impl Runs {
    /// With a live key.
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let models = ModelServer::start().await;
        let server = setup.models(&models).start().await;
        let client = server.live();
        let session = client.session().await;
        Self { server, client, session, models }
    }

    /// A task for an agent of its own, whose model says this.
    pub async fn code(&self, input: &str, script: Script) -> Task {
        self.models.script_for(input, script);
        self.client.code(&self.session, input).await
    }

    /// A task for an agent that is there, whose model says this.
    pub async fn run(&self, agent: &str, input: &str, script: Script) -> Task {
        self.models.script_for(input, script);
        self.client.run(&self.session, agent, input).await
    }
}

/// Waits until a process runs, or no longer does, that has this among its arguments.
pub async fn process_is(there: bool, argument: &str) {
    let what = format!("a process with {argument}: {there}");
    eventually(&what, PATIENCE, || async {
        let found = std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            // One that ends while we look is not there.
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).any(|part| part == argument.as_bytes())
        });
        if found == there { Ok(()) } else { Err(format!("{found}")) }
    })
    .await;
}
