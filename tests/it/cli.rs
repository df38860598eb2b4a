//! The command line over a data folder, with its server and without.

use serde_json::{Value, json};
use theazo_tests::model_server::{Reply, Script};
use theazo_tests::{ANTHROPIC_KEY, Runs, Server, on_cluster};

mod billing;
mod watch;

fn lines(output: &str) -> Vec<Value> {
    output.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// All that a command prints that talks to the server, with a key that is made for it alone.
async fn on(server: &Server, arguments: &[&str], code: Option<i32>) -> String {
    let url = format!("http://{}", server.live().address());
    let arguments = arguments.iter().copied().chain(["--url", &url]);
    let output = tokio::task::block_in_place(|| server.cli(arguments));
    let printed = [output.stdout, output.stderr].map(|out| String::from_utf8(out).unwrap());
    let printed = printed.concat();
    assert_eq!(output.status.code(), code, "{printed}");
    printed
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_listed_and_revoked() {
    let mut server = Server::start().await;
    let made = server.cli_ok(["keys", "create", "--name", "spare", "--mode", "test"]);
    let made: Value = serde_json::from_str(&made).unwrap();
    let client = server.test().with_key(made["key"].as_str());
    client.get("/v1/sessions").await.expect(200);

    let listed = server.cli_ok(["keys", "list"]);
    assert!(!listed.contains(made["key"].as_str().unwrap()), "a key is shown once");
    assert!(lines(&listed).iter().any(|key| key["id"] == made["id"] && key["name"] == "spare"));

    server.cli_ok(["keys", "revoke", made["id"].as_str().unwrap()]);
    client.get("/v1/sessions").await.refused("unauthorized");
    let unknown = server.cli(["keys", "revoke", "key_00000000000000000000000001"]);
    assert!(!unknown.status.success());

    if !on_cluster() {
        // Of a cluster some process has to keep the read models.
        server.stop().await;
    }
    let made: Value = serde_json::from_str(&server.cli_ok(["keys", "create"])).unwrap();
    server.start_again().await;
    let client = server.live().with_key(made["key"].as_str());
    client.get("/v1/sessions").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_counted_and_verified() {
    let mut server = Server::start().await;
    let client = server.test();
    let session = client.session().await;
    client.agent(&session).await;
    for running in [true, false] {
        if !running {
            server.stop().await;
        }
        let commits = lines(&server.cli_ok(["log", "read", "--limit", "1000"]));
        let positions: Vec<u64> =
            commits.iter().map(|commit| commit["position"].as_u64().unwrap()).collect();
        assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
        let types: Vec<&str> = commits
            .iter()
            .flat_map(|commit| commit["events"].as_array().unwrap())
            .map(|event| event["type"].as_str().unwrap())
            .collect();
        for wanted in ["org.created", "session.created", "session.agent_admitted", "agent.created"]
        {
            assert!(types.contains(&wanted), "{wanted} is not in {types:?}");
        }
        let stream = commits
            .iter()
            .map(|commit| commit["stream"].as_str().unwrap())
            .find(|stream| stream.ends_with(&session))
            .unwrap();
        let own = lines(&server.cli_ok(["log", "read", "--stream", stream]));
        assert_eq!(own.len(), 2, "created, and one agent admitted");

        let stats: Value = serde_json::from_str(&server.cli_ok(["log", "stats"])).unwrap();
        assert_eq!(stats["commits"], commits.len());
        assert_eq!(stats["events"]["session.created"], 1);
        let verified = server.cli_ok(["log", "verify"]);
        assert!(verified.contains(&format!("{} commits", commits.len())), "{verified}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_are_built_again_while_they_serve() {
    let server = Server::start().await;
    let client = server.test();
    for n in 0..20 {
        client.session_with(json!({ "userId": format!("user_{n}") })).await;
    }
    let before = client.all("/v1/sessions", 7).await;
    let names: Vec<String> = lines(&server.cli_ok(["projections", "list"]))
        .iter()
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(!names.is_empty());
    server.cli_ok(["projections", "rebuild"]);
    assert_eq!(client.all("/v1/sessions", 7).await, before);
    server.cli_ok(["projections", "rebuild", &names[0]]);
    assert_eq!(client.all("/v1/sessions", 7).await, before);
    client.session().await;
    assert_eq!(client.all("/v1/sessions", 7).await.len(), 21);
    assert!(!server.cli(["projections", "rebuild", "no such thing"]).status.success());
}

/// Writes go on while read models are rebuilt, and none is missing after.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_during_a_rebuild() {
    let server = Server::start().await;
    let client = server.test();
    for _ in 0..100 {
        client.session().await;
    }
    let writer = tokio::spawn({
        let client = client.clone();
        async move {
            for _ in 0..100 {
                let id = client.session().await;
                client.get(format!("/v1/sessions/{id}")).await.expect(200);
            }
        }
    });
    for _ in 0..3 {
        tokio::task::block_in_place(|| server.cli_ok(["projections", "rebuild"]));
    }
    writer.await.unwrap();
    assert_eq!(client.all("/v1/sessions", 100).await.len(), 200);
}

#[test]
fn what_is_typed_wrong_is_said() {
    for arguments in [vec!["no-such-command"], vec!["serve", "--no-such-flag"], vec!["keys"]] {
        let output = std::process::Command::new(theazo_tests::theazo()).args(&arguments).output();
        let output = output.unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

/// Flags over environment over `theazo.toml` over defaults.
#[test]
fn a_configuration_file_is_read_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let run = |file: &str, environment: &[(&str, &str)]| {
        std::fs::write(folder.path().join("theazo.toml"), file).unwrap();
        let mut command = std::process::Command::new(theazo_tests::theazo());
        command.arg("serve").current_dir(folder.path());
        let output = command.envs(environment.iter().copied()).output().unwrap();
        assert!(!output.status.success(), "{file}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = run("lisen = \"127.0.0.1:0\"", &[]);
    assert!(said.contains("lisen") && said.contains("listen"), "{said}");
    // No address of this machine, so each start says which one it was told.
    let said = run("listen = \"203.0.113.1:1\"", &[]);
    assert!(said.contains("203.0.113.1:1"), "{said}");
    let said = run("listen = \"203.0.113.1:1\"", &[("THEAZO_LISTEN", "203.0.113.2:2")]);
    assert!(said.contains("203.0.113.2:2"), "{said}");
    for (file, missing) in [
        ("log = \"nats://localhost\"", "--db"),
        ("db = \"postgres://localhost/theazo\"", "--log"),
        ("log = \"nats://localhost\"\ndb = \"postgres://localhost/theazo\"", "--blobs"),
        ("log = \"redis://localhost\"", "sqlite://"),
        ("roles = [\"api\"]", "--roles"),
        ("host_name = \"a b\"", "--host-name"),
        ("host_lease = 1", "--host-lease"),
    ] {
        let said = run(file, &[]);
        assert!(said.contains(missing), "{file}: {said}");
    }
    let cluster = "log = \"nats://h\"\ndb = \"postgres://h/d\"\nblobs = \"s3://b\"";
    let said = run(cluster, &[]);
    assert!(said.contains("THEAZO_MASTER_KEY"), "{said}");
    let even = format!("{cluster}\nlog_replicas = 2");
    let said = run(&even, &[]);
    assert!(said.contains("--log-replicas"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_the_machine_can_do() {
    let server = Server::start().await;
    let said = server.cli_ok(["doctor"]);
    for word in ["python", "node", "bash"] {
        assert!(said.to_lowercase().contains(word), "{word} is not in:\n{said}");
    }
}

/// Without a model's key the demo's task runs on the mock, and the demo says so.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_runs_the_main_job() {
    let server = Server::start().await;
    let said = on(&server, &["demo"], Some(0)).await;
    for event in ["session.created", "agent.created", "execution.completed", "task.completed"] {
        assert!(said.contains(event), "{event} is not in:\n{said}");
    }
    assert!(said.contains("on the mock model"), "{said}");
    assert!(said.contains("[2, 3, 5, 7, 11, 13, 17, 19, 23, 29]"), "the program ran:\n{said}");
    let keys = lines(&server.cli_ok(["keys", "list"]));
    let demo = keys.iter().find(|key| key["name"] == "demo").unwrap();
    assert!(!demo["revokedAt"].is_null(), "the key that was made for it is revoked: {demo}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_thinks_on_the_servers_model() {
    let runs = Runs::start().await;
    let code = "print(42)";
    runs.models.script(Script::by_turn([
        Reply::text("I look.").tool_call("run_code", json!({ "lang": "python", "code": code })),
        Reply::text("It printed 42."),
    ]));
    let said = on(&runs.server, &["demo"], Some(0)).await;
    assert!(said.contains("on the server's own model"), "{said}");
    assert!(said.contains("It printed 42.") && said.contains("→ run_code"), "{said}");
    assert!(!said.contains(ANTHROPIC_KEY), "no key of a vendor is shown");
}

/// A task from the command line: its words as they come, and its end as the exit code.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_run_and_watched() {
    let runs = Runs::start().await;
    runs.models.script_for(
        "cli-1",
        Script::by_turn([
            Reply::text("First\nthe file.")
                .tool_call("write_file", json!({ "path": "a.txt", "content": "a" })),
            Reply::text("All is written."),
        ]),
    );
    let said = on(&runs.server, &["run", "cli-1: write", "--agent", "coder"], Some(0)).await;
    for part in ["First\nthe file.", "→ write_file", "← write_file", "All is written.", "✓ done"]
    {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    assert!(said.contains("/workspace/a.txt"), "its artifacts are named:\n{said}");
    let task = said.split_whitespace().find(|word| word.starts_with("task_")).unwrap();
    let agent = agent_of(&runs, task).await;
    for id in [task, agent.as_str()] {
        let again = on(&runs.server, &["stream", id], Some(0)).await;
        assert!(again.contains("All is written.") || id == agent, "{again}");
    }

    let refusal = Reply::status(400).error("invalid_request_error", "Much too odd.");
    runs.models.script_for("cli-2", Script::always(refusal));
    let said = on(&runs.server, &["run", "cli-2: fail", "--agent", "coder"], Some(1)).await;
    assert!(said.contains("✗") && said.contains("Much too odd."), "{said}");
    let task = said.split_whitespace().find(|word| word.starts_with("task_")).unwrap();
    let again = on(&runs.server, &["stream", task], Some(1)).await;
    assert!(again.contains("Much too odd."), "{again}");

    let said = on(&runs.server, &["run", "hello", "--model", "mock"], Some(0)).await;
    assert!(said.contains("mock: hello"), "{said}");
    let said = on(&runs.server, &["run", "hello", "--agent", "captain"], Some(1)).await;
    assert!(said.contains("captain") && said.contains("researcher"), "{said}");
    for wrong in ["nonsense", "task_nonsense", "agt_00000000000000000000000001"] {
        let said = on(&runs.server, &["stream", wrong], Some(1)).await;
        assert!(said.contains(wrong) || said.contains("404"), "{said}");
    }
}

/// The agent that a task runs on.
async fn agent_of(runs: &Runs, task: &str) -> String {
    let seen = runs.client.get(format!("/v1/audit/task/{task}")).await.expect(200);
    let session = seen["state"]["sessionId"].as_str().unwrap();
    let task = runs.client.get(format!("/v1/sessions/{session}/tasks/{task}")).await.expect(200);
    task["agentId"].as_str().unwrap().to_owned()
}

/// Each command says what it does and what its options are.
#[test]
fn every_command_has_help() {
    let help = |arguments: &[&str]| {
        let output = std::process::Command::new(theazo_tests::theazo()).args(arguments).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let all = help(&["--help"]);
    for (command, options) in [
        ("serve", &["--listen", "--data-dir", "--workers", "--allow-private-networks"][..]),
        ("demo", &["--url", "--key"]),
        ("run", &["--agent", "--model", "--user", "<TASK>"]),
        ("stream", &["<ID>", "--url"]),
        ("doctor", &["--data-dir"]),
        ("keys", &["create", "list", "revoke"]),
        ("log", &["tail", "read", "stats", "verify"]),
        ("migrate", &["all", "log", "keys", "blobs"]),
        ("projections", &["list", "rebuild"]),
    ] {
        assert!(all.contains(&format!("\n  {command} ")), "{command} is not in:\n{all}");
        let own = help(&[command, "--help"]);
        for option in options {
            assert!(own.contains(option), "{option} is not in:\n{own}");
        }
    }
}
