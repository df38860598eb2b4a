//! From an embedded server to a cluster: everything is there again, or it is said why not.

use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use theazo_tests::{Chance, Client, Server, Setup, Stores, Task};

/// Bytes that are too many for a commit: they become a blob.
const LARGE: usize = 100_000;

async fn embedded() -> Server {
    Setup::default().start_embedded().await
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|out| String::from_utf8_lossy(out)).concat()
}

#[track_caller]
fn refused(server: &Server, args: &[&str], words: &[&str]) {
    let output = tokio::task::block_in_place(|| server.cli(args));
    let said = said(&output);
    assert!(!output.status.success(), "{args:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{args:?}: `{word}` is not in: {said}");
    }
}

#[track_caller]
fn moved(server: &Server, stores: &Stores) -> String {
    let args = ["migrate", "all"].map(str::to_owned).into_iter().chain(stores.flags());
    let output = tokio::task::block_in_place(|| server.cli(args));
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    said
}

/// What a server has of one tenant, that must be the same wherever it is.
struct Belongings {
    session: String,
    idle: String,
    paused: String,
    done: Task,
    open: Task,
    answers: Vec<(String, Value)>,
    trail: Vec<Value>,
}

impl Belongings {
    async fn make(client: &Client) -> Self {
        let session = client.session().await;
        let secret = json!({ "name": "TOKEN", "value": "open sesame" });
        client.post("/v1/secrets", secret).await.ok();
        client.post("/v1/api-keys", json!({ "name": "another" })).await.ok();
        let definition = json!({ "name": "helper", "instructions": "Help." });
        client.post("/v1/agent-definitions", definition).await.ok();
        let idle = client.agent_with(&session, json!({ "secrets": ["TOKEN"] })).await;
        client.bash(&idle, "mkdir -p d; echo of the idle one > d/a; chmod 700 d/a").await;
        let paused = client.agent(&session).await;
        client.bash(&paused, "echo of the paused one > b").await;
        client.post(format!("/v1/agents/{paused}/pause"), json!({})).await.ok();
        let done = large_task(client, &session).await;
        // It waits for its model when the server is killed.
        let slow = json!({ "agent": "coder", "model": "mock", "input": "@slow 3000\n@say late" });
        let open = client.submit(&session, slow).await;
        let mut made = Self {
            session,
            idle,
            paused,
            done,
            open,
            answers: Vec::new(),
            trail: client.all("/v1/audit/events", 100).await,
        };
        made.answers = made.answers(client).await;
        made
    }

    /// What does not change with a start.
    async fn answers(&self, client: &Client) -> Vec<(String, Value)> {
        let (session, task) = (&self.session, self.done.path());
        let mut answers = Vec::new();
        for path in [
            "/v1/api-keys".to_owned(),
            "/v1/secrets".to_owned(),
            "/v1/agent-definitions".to_owned(),
            "/v1/snapshots".to_owned(),
            "/v1/settings".to_owned(),
            format!("{task}/steps"),
            format!("{task}/deliveries"),
            task,
            format!("/v1/audit/task/{}", self.done.id),
        ] {
            let answer = client.get(&path).await.expect(200);
            answers.push((path, answer));
        }
        let agents = client.all(&format!("/v1/sessions/{session}/agents"), 2).await;
        let ids = agents.iter().map(|agent| json!([agent["id"], agent["createdAt"]])).collect();
        answers.push(("agents".to_owned(), Value::Array(ids)));
        answers
    }

    /// Everything is there, and works.
    async fn are_there(&self, client: &Client) {
        let now = self.answers(client).await;
        for ((path, before), (_, after)) in self.answers.iter().zip(&now) {
            assert_eq!(before, after, "{path}");
        }
        let trail = client.all("/v1/audit/events", 100).await;
        let from = trail.iter().position(|event| event["id"] == self.trail[0]["id"]).unwrap();
        assert_eq!(trail[from..], self.trail, "what happened before is as it was");
        let verified = client.get("/v1/audit/verify").await.expect(200);
        assert_eq!(verified["ok"], true, "{verified}");

        client.agent_becomes(&self.idle, "idle").await;
        assert_eq!(
            client.bash(&self.idle, "cat d/a; stat -c %a d/a").await,
            "of the idle one\n700\n"
        );
        assert_eq!(client.bash(&self.idle, "echo \"$TOKEN\"").await, "open sesame\n");
        let paused = client.get(format!("/v1/agents/{}", self.paused)).await.expect(200);
        assert_eq!(paused["state"], "paused", "{paused}");
        client.post(format!("/v1/agents/{}/resume", self.paused), json!({})).await.ok();
        assert_eq!(client.bash(&self.paused, "cat b").await, "of the paused one\n");
        let late = self.open.completes().await;
        assert_eq!(late["output"], "late", "{late}");
    }
}

/// A task that has written a file and said more than a commit holds.
async fn large_task(client: &Client, session: &str) -> Task {
    let input = format!(
        "@tool write_file {{\"path\": \"/workspace/c.txt\", \"content\": \"c\"}}\n@then\n@say {}",
        "x".repeat(LARGE)
    );
    let run = json!({ "agent": "coder", "model": "mock", "input": input });
    let task = client.submit(session, run).await;
    let done = task.completes().await;
    assert_eq!(done["output"].as_str().unwrap().len(), LARGE);
    task
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_after_the_move() {
    let mut server = embedded().await;
    let client = server.live();
    let belongings = Belongings::make(&client).await;
    let other = server.other_org("other", "team", "test");
    other.session().await;
    let refused_while_it_runs = server.new_stores().await;
    let flags = refused_while_it_runs.flags();
    let all: Vec<&str> =
        ["migrate", "all"].into_iter().chain(flags.iter().map(String::as_str)).collect();
    refused(&server, &all, &["another process holds", "stop it"]);
    let stores = refused_while_it_runs;
    // What it was in the middle of goes on where it is moved to.
    server.kill9();

    let told = moved(&server, &stores);
    for word in ["every hash", "keys: ", "blobs: ", "--host-name embedded", "master.key"] {
        assert!(told.contains(word), "`{word}` is not in: {told}");
    }
    let again = moved(&server, &stores);
    assert!(again.contains("are there already"), "{again}");
    let old = server.cli(["log", "verify"]);
    assert!(!old.status.success(), "{}", said(&old));
    assert!(said(&old).contains("moved to a cluster"), "{}", said(&old));

    server.is_moved_to(stores);
    server.start_again().await;
    belongings.are_there(&client).await;
    assert_eq!(other.all("/v1/sessions", 10).await.len(), 1);
    let verified = server.cli_ok(["log", "verify"]);
    assert!(verified.contains("every hash is as it should be"), "{verified}");
    // New work is done as ever, on the host that is there.
    let agent = client.agent(&belongings.session).await;
    assert_eq!(client.bash(&agent, "echo new").await, "new\n");
    server.stop().await;
    // Now the cluster has what the folder has not.
    let from = format!("sqlite://{}/log.sqlite", server.data().display());
    let log = server.stores().unwrap().log_url();
    refused(&server, &["migrate", "log", "--from", &from, "--to", &log], &["in use already"]);
    server.start_again().await;
    client.bash(&belongings.idle, "cat d/a").await;
}

/// Killed wherever it is: run again, it comes to the same end.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_is_run_again() {
    let mut chance = Chance::new("a_move_that_is_killed_is_run_again");
    let mut server = embedded().await;
    let client = server.test();
    let sessions = 1_500;
    for _ in 0..sessions / 50 {
        futures::future::join_all((0..50).map(|_| client.session())).await;
    }
    let before = client.all("/v1/sessions", 100).await;
    let logged: Value = serde_json::from_str(&server.cli_ok(["log", "stats"])).unwrap();
    server.stop().await;
    let stores = server.new_stores().await;
    let args: Vec<String> =
        ["migrate", "all"].map(str::to_owned).into_iter().chain(stores.flags()).collect();
    let mut killed = 0;
    for _ in 0..12 {
        let after = Duration::from_millis(chance.below(1_000));
        let over = tokio::task::block_in_place(|| server.cli_killed(&args, after));
        killed += u32::from(!over);
    }
    assert!(killed > 0, "it was always faster");
    moved(&server, &stores);

    server.is_moved_to(stores);
    server.start_again().await;
    assert_eq!(client.all("/v1/sessions", 100).await, before);
    let stats: Value = serde_json::from_str(&server.cli_ok(["log", "stats"])).unwrap();
    assert_eq!(stats, logged);
}

/// Each part by itself, as it is for those who have more than one of something.
#[tokio::test(flavor = "multi_thread")]
async fn each_part_can_be_moved_by_itself() {
    let mut server = embedded().await;
    let client = server.live();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    client.bash(&agent, "echo mine > a").await;
    let task = large_task(&client, &session).await;
    let done = task.view().await;
    server.stop().await;
    let stores = server.new_stores().await;
    let data = server.data();
    let (folder, blobs) = (data.display().to_string(), data.join("blobs").display().to_string());
    let from = format!("sqlite://{folder}/log.sqlite");
    let (log, db, to) = (stores.log_url(), stores.database_url(), stores.blobs_url());
    for _ in 0..2 {
        server.cli_ok(["migrate", "keys", "--from", &folder, "--to", &db]);
        let copied = server.cli_ok(["migrate", "blobs", "--from", &blobs, "--to", &to]);
        assert!(!copied.contains("blobs: 0"), "{copied}");
        let told = server.cli_ok(["migrate", "log", "--from", &from, "--to", &log, "--resume"]);
        assert!(told.contains("--host-name embedded"), "{told}");
    }
    server.is_moved_to(stores);
    server.set_env("THEAZO_HOST_NAME", Some("embedded"));
    server.start_again().await;
    client.agent_becomes(&agent, "idle").await;
    assert_eq!(client.bash(&agent, "cat a").await, "mine\n");
    assert_eq!(task.view().await, done);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_moved_says_why() {
    let mut server = embedded().await;
    let client = server.live();
    let session = client.session().await;
    client.agent(&session).await;
    server.stop().await;
    let stores = server.new_stores().await;
    let (log, db, blobs) = (stores.log_url(), stores.database_url(), stores.blobs_url());
    let (log, db, blobs) = (log.as_str(), db.as_str(), blobs.as_str());
    let with = |log, db, blobs| ["migrate", "all", "--log", log, "--db", db, "--blobs", blobs];

    refused(&server, &["migrate", "all"], &["--log", "--db", "--blobs"]);
    let nowhere = "nats://user:hidden@127.0.0.1:1";
    refused(&server, &with(nowhere, db, blobs), &["--log", "127.0.0.1:1", "cannot be reached"]);
    refused(&server, &with("redis://127.0.0.1", db, blobs), &["--log", "redis"]);
    let closed = "postgres://theazo:hidden@127.0.0.1:1/theazo";
    refused(&server, &with(log, closed, blobs), &["--db", "cannot be reached"]);
    refused(&server, &with(log, db, "ftp://host"), &["--blobs", "ftp"]);
    let elsewhere = ["migrate", "log", "--from", "sqlite:///no/such/log", "--to", log];
    refused(&server, &elsewhere, &["/no/such/log"]);
    let keys = ["migrate", "keys", "--from", "/no/such/folder", "--to", db];
    refused(&server, &keys, &["/no/such/folder"]);
    let none = ["migrate", "blobs", "--from", "/no/such/blobs", "--to", blobs];
    refused(&server, &none, &["/no/such/blobs"]);
    refused(&server, &["migrate", "log", "--from", "log.sqlite", "--to", log], &["sqlite://PATH"]);
    for hidden in [with(nowhere, db, blobs), with(log, closed, blobs)] {
        let output = tokio::task::block_in_place(|| server.cli(hidden));
        assert!(!said(&output).contains("hidden"), "{}", said(&output));
    }

    server.set_env("THEAZO_MASTER_KEY", Some("MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="));
    refused(&server, &with(log, db, blobs), &["master key is not the one"]);
    server.set_env("THEAZO_MASTER_KEY", None);

    // A commit that was changed is named; nothing has gone anywhere by then.
    let file = SqliteConnectOptions::new().filename(server.data().join("log.sqlite"));
    let mut file = SqliteConnection::connect_with(&file).await.unwrap();
    let change = |from: &str, to: &str| {
        format!("UPDATE commits SET body = replace(body, '{from}', '{to}') WHERE position = 3")
    };
    for sql in [change("\"schema\"", "\"SCHEMA\""), change("\"SCHEMA\"", "\"schema\"")] {
        let restored = sql.contains("'\"SCHEMA\"', ");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut file).await.unwrap();
        if !restored {
            refused(&server, &with(log, db, blobs), &["position 3", "hash"]);
        }
    }
    file.close().await.unwrap();
    moved(&server, &stores);
}

/// A target that is somebody else's is left as it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebody_elses_is_refused() {
    let mut server = embedded().await;
    server.live().session().await;
    server.stop().await;
    let mut other = embedded().await;
    other.live().session().await;
    other.stop().await;
    let (stores, empty) = (server.new_stores().await, server.new_stores().await);
    moved(&server, &stores);
    let all = |log: &Stores, db: &Stores| {
        let flags = [log.flags()[..2].to_vec(), db.flags()[2..].to_vec()].concat();
        ["migrate".to_owned(), "all".to_owned()].into_iter().chain(flags).collect::<Vec<_>>()
    };
    let refuse = |from: &Server, args: Vec<String>, words: &[&str]| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        refused(from, &args, words);
    };
    refuse(&other, all(&stores, &empty), &["another commit at position 1"]);
    refuse(&other, all(&empty, &stores), &["master key is not the one"]);
    // A database that another cluster has made read models in.
    server.is_moved_to(stores);
    server.start_again().await;
    server.stop().await;
    let used = server.stores().unwrap();
    let args = all(&empty, used);
    refuse(&other, args, &["read models of another log", "empty database"]);
}
