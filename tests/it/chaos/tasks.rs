//! Tasks whose model is ours, followed while they run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use theazo_tests::model_server::{Reply, Script, Usage};
use theazo_tests::{Client, Value, json};

use crate::streams::story::Story;

use super::follower::follow;
use super::insist::{Made, insist, look};

/// How long a task may take, whatever breaks meanwhile.
const ENDED: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(200);
/// The model says one word after the other.
const WORD: Duration = Duration::from_millis(20);
/// Model calls of a task.
pub const TURNS: usize = 6;
/// Where the code of a task notes that it ran.
pub const NOTES: &str = "/workspace/runs.log";
/// What its code notes, each once.
pub const MARKS: [&str; 3] = ["one", "two", "three"];
/// What the model says at last.
pub const SAID: &str = "All of it is done, as it was asked for.";

/// What the model says to whoever asks.
pub fn script() -> Script {
    let note = |mark: &str| {
        let code = format!("echo {mark} >> {NOTES}; sleep 0.3; echo noted {mark}");
        json!({ "lang": "bash", "code": code })
    };
    let file = json!({ "path": "a.txt", "content": "alpha\n" });
    let replies = [
        Reply::text("I write it down, then I run it.")
            .tool_call("write_file", file)
            .tool_call("run_code", note(MARKS[0])),
        Reply::text("I look.")
            .thinking("Is it there?")
            .tool_call("read_file", json!({ "path": "a.txt" })),
        Reply::call("run_code", note(MARKS[1])).usage(Usage::new(300, 0, 50, 40)),
        Reply::text("Once more.").tool_call("run_code", note(MARKS[2])),
        Reply::call("declare_artifact", json!({ "path": NOTES })),
        Reply::text(SAID).thinking("At last.").usage(Usage::new(70, 400, 0, 11)),
    ];
    Script::by_turn(replies.map(|reply| reply.chunked(6).paced(WORD)))
}

/// The same for the mock model, as far as the mock sandbox can do it.
fn directions(name: &str) -> String {
    format!(
        "{name}\n@slow 20\n@think Let me see.\n@tool write_file {{\"path\": \"a.txt\", \
         \"content\": \"alpha\"}}\n@then\n@tool read_file {{\"path\": \"a.txt\"}}\n@then\n@say {SAID}"
    )
}

/// A task that was submitted, and what became of it.
#[derive(Debug)]
pub struct Ended {
    pub made: Made,
    pub name: String,
    pub path: String,
    /// As the API showed it when it had ended.
    pub view: Value,
    pub story: Story,
}

/// A session, and the tasks that were done in it.
pub struct Employed {
    pub session: Made,
    pub tasks: Vec<Ended>,
}

/// Has one task after the other done in one session, until `stop`.
pub async fn employ(name: String, client: Client, stop: Arc<AtomicBool>) -> Employed {
    let body = json!({ "userId": name });
    let session = Made::new(&client, ("/v1/sessions".to_owned(), body), &name, "id").await.unwrap();
    let mut ended = Vec::new();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        ended.push(task(&client, &session.id, format!("{name}-{n}")).await);
    }
    Employed { session, tasks: ended }
}

async fn task(client: &Client, session: &str, name: String) -> Ended {
    let input = match client.is_test() {
        true => directions(&name),
        false => format!("{name}: do it"),
    };
    let path = format!("/v1/sessions/{session}/tasks");
    let body = json!({ "agent": "coder", "input": input });
    let made = Made::new(client, (path.clone(), body), &name, "taskId").await;
    let made = made.unwrap_or_else(|answer| panic!("{name}: {}", answer.brief()));
    let path = format!("{path}/{}", made.id);
    let following = tokio::spawn(follow(client.clone(), format!("{path}/stream")));
    let view = end(client, &path).await;
    let story = tokio::time::timeout(ENDED, following).await;
    let story = story.unwrap_or_else(|_| panic!("{name}: its stream does not end")).unwrap();
    Ended { made, name, path, view, story }
}

async fn end(client: &Client, path: &str) -> Value {
    let deadline = Instant::now() + ENDED;
    loop {
        let task = look(client, path).await;
        if ["completed", "failed", "cancelled"].contains(&task["status"].as_str().unwrap()) {
            return task;
        }
        assert!(Instant::now() < deadline, "{path} has not ended within {ENDED:?}: {task:#}");
        tokio::time::sleep(PAUSE).await;
    }
}

impl Ended {
    /// All its steps, in order.
    pub async fn steps(&self) -> Vec<Value> {
        super::insist::all(&self.made.client, &format!("{}/steps", self.path)).await
    }

    /// What its code has noted, of one that has completed.
    pub async fn notes(&self) -> String {
        let path = format!("{}/artifacts?path={NOTES}", self.path);
        let answer = insist(self.made.client.get(path)).await;
        assert_eq!(answer.status, 200, "{}: {}", self.name, answer.brief());
        answer.text()
    }
}
