//! The examples of the TypeScript SDK, as a newcomer runs them: on a live server whose models are
//! scripted. Those of Python are run by its live tests.

use std::process::Stdio;
use std::time::Duration;

use theazo_tests::model_server::{Reply, Script, Usage};
use theazo_tests::{Runs, Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use super::language::{Language, base_url, ended};
use crate::streams::reader::{Event, Lines};

const PATIENCE: Duration = Duration::from_secs(60);

/// What an example prints.
async fn printed(runs: &Runs, args: &[&str]) -> String {
    let mut command = Language::TypeScript.command(&[&["scripts/example.mjs"], args].concat());
    command.env("THEAZO_BASE_URL", base_url(&runs.client));
    command.env("THEAZO_API_KEY", &runs.server.live_key);
    ended(command).await.expect(args[0])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quickstart_runs() {
    let runs = Runs::start().await;
    runs.models.script(Script::always(Reply::text("They charge 20 dollars.")));
    let said = printed(&runs, &["quickstart"]).await;
    for part in ["session ses_", "They charge 20 dollars.", "exit 0: hello", "input.json 17"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_seen_in_the_terminal() {
    let runs = Runs::start().await;
    let file = json!({ "path": "report.md", "content": "large" });
    let writes = Reply::text("I write it down. ").tool_call("write_file", file);
    let says = Reply::text("The market is large.").chunked(4);
    runs.models.script(Script::by_turn([writes, says]));
    let said = printed(&runs, &["stream-to-terminal", "How large is it?"]).await;
    let places = ["I write it down.", "→ write_file {", "← ", "The market is large.", " cents"]
        .map(|part| said.find(part).unwrap_or_else(|| panic!("{part}: {said}")));
    assert!(places.is_sorted(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn code_of_ones_own_loop_runs_in_the_sandbox() {
    let runs = Runs::start().await;
    let said = printed(&runs, &["infra-only-langgraph"]).await;
    assert!(said.contains("fetch") && said.contains("285"), "{said}");
    assert!(runs.models.calls().is_empty(), "no model of ours is called");
}

/// The product of the example, and one of its users.
struct Desk {
    url: String,
    http: reqwest::Client,
    _process: Child,
}

impl Desk {
    async fn start(runs: &Runs) -> Self {
        let folder = Language::TypeScript.folder().join("examples/express-app");
        assert!(folder.join("node_modules/express").exists(), "run `scripts/test`");
        let mut command = Language::TypeScript.command(&["server.js"]);
        command
            .current_dir(folder)
            .env("THEAZO_BASE_URL", base_url(&runs.client))
            .env("THEAZO_API_KEY", &runs.server.live_key)
            .env("PORT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("it says where it is");
        let port = line.split("localhost:").nth(1).and_then(|rest| rest.split('/').next());
        let url = format!("http://127.0.0.1:{}", port.expect(&line));
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { url, http, _process: process }
    }

    fn get(&self, path: &str, user: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("{}{path}?user={user}", self.url))
    }

    /// The id of a report that a user asks for.
    async fn ask(&self, user: &str, topic: &str) -> String {
        let request = self.http.post(format!("{}/api/reports?user={user}", self.url));
        let answer = request.json(&json!({ "topic": topic })).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let report: Value = answer.json().await.unwrap();
        report["id"].as_str().unwrap().to_owned()
    }

    /// What the live page of a report is told, to its end.
    async fn watch(&self, user: &str, report: &str) -> Vec<Event> {
        let answer = self.get(&format!("/api/reports/{report}/live"), user).send().await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap();
        assert!(kind.starts_with("text/event-stream"), "{kind}");
        let mut lines = Lines::default();
        lines.add(&answer.bytes().await.unwrap());
        std::iter::from_fn(|| lines.event()).collect()
    }

    /// Asks for reports until one does not come about; why it did not.
    async fn asks_until_refused(&self, user: &str) -> Value {
        for n in 0..10 {
            let report = self.ask(user, &format!("pears, part {n}")).await;
            let last = self.watch(user, &report).await.pop().unwrap();
            if last.name == "failed" {
                return last.data;
            }
        }
        panic!("{user} may spend without end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_with_users_budgets_and_a_live_page() {
    let runs = Runs::start().await;
    let says = Reply::text("Apples are red.").chunked(3);
    runs.models.script(Script::always(says.usage(Usage::new(200_000, 0, 0, 10_000))));
    let desk = Desk::start(&runs).await;
    let page = desk.get("/", "ann").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("EventSource"), "{page}");
    let report = desk.ask("ann", "apples").await;
    let events = desk.watch("ann", &report).await;
    let text = events.iter().filter(|event| event.name == "text");
    let text: String = text.map(|event| event.data["delta"].as_str().unwrap()).collect();
    assert_eq!(text, "Apples are red.", "{events:?}");
    let last: Vec<&str> = events.iter().rev().take(2).map(|event| event.name.as_str()).collect();
    assert_eq!(last, ["end", "done"]);
    // It is nobody else's.
    let others = desk.get(&format!("/api/reports/{report}/live"), "bob").send().await.unwrap();
    assert_eq!(others.status(), 404);
    let listed: Value = desk.get("/api/reports", "bob").send().await.unwrap().json().await.unwrap();
    assert_eq!(listed, json!([]));
    // Her budget is used up before long, his is not.
    let refused = desk.asks_until_refused("ann").await;
    assert_eq!(refused["error"], "Your budget for today is used up.");
    let account: Value =
        desk.get("/api/account", "ann").send().await.unwrap().json().await.unwrap();
    let spent = account["spent"]["amount"].as_i64().unwrap();
    assert!((1..=50).contains(&spent), "a free day has 50 cents: {account}");
    let report = desk.ask("bob", "plums").await;
    assert_eq!(desk.watch("bob", &report).await.last().unwrap().name, "end");
}
