//! The main job: a session, an agent, real code in it. On the local provider, and the same calls
//! with a test key on the mock.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use theazo_tests::Server;

#[tokio::test(flavor = "multi_thread")]
async fn code_runs_in_three_languages() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    let typed = "interface A { n: number }\nconst a: A = { n: 2 };\nconsole.log(a.n + 2 as number)";
    for (lang, code) in
        [("python", "print(2 + 2)"), ("typescript", typed), ("bash", "echo $((2 + 2))")]
    {
        let done = client.exec(&agent, lang, code).await;
        assert_eq!(done["stdout"], "4\n", "{lang}: {done}");
        assert_eq!((&done["stderr"], &done["exitCode"]), (&json!(""), &json!(0)), "{lang}");
        assert!(done["durationMs"].is_u64(), "{done}");
        assert_ne!(done["truncated"], true, "{done}");
    }
    let agent = client.get(format!("/v1/agents/{agent}")).await.expect(200);
    assert_eq!((&agent["state"], &agent["status"]), (&json!("idle"), &json!("idle")));
    assert_eq!(agent["compute"]["provider"], "local");
    assert!(agent["startedAt"].is_string() && agent["cost"]["currency"] == "usd", "{agent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_code_ends_is_told() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    for (lang, code, exit, stderr) in [
        ("bash", "echo oops >&2; exit 3", 3, "oops\n"),
        ("bash", "kill -9 $$", 137, ""),
        ("bash", "no-such-program", 127, "no-such-program"),
        ("python", "raise ValueError('oops')", 1, "ValueError: oops"),
        ("python", "def (", 1, "SyntaxError"),
        ("python", "import sys; sys.exit(7)", 7, ""),
        ("typescript", "throw new Error('oops')", 1, "oops"),
        ("typescript", "const a: = 1", 1, ""),
        ("bash", " ", 0, ""),
        ("python", "\n", 0, ""),
        ("typescript", "\n", 0, ""),
    ] {
        let done = client.exec(&agent, lang, code).await;
        assert_eq!(done["exitCode"], exit, "{lang} {code}: {done}");
        assert!(done["stderr"].as_str().unwrap().contains(stderr), "{lang} {code}: {done}");
    }
    let unicode = client.exec(&agent, "python", "print('é ✓ 𝄞')").await;
    assert_eq!(unicode["stdout"], "é ✓ 𝄞\n");
    let binary = client.exec(&agent, "bash", "printf '\\xff\\xfe\\x00ok'").await;
    assert!(binary["stdout"].as_str().unwrap().ends_with("ok"), "{binary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_is_one_machine_from_exec_to_exec() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    client.exec(&agent, "python", "open('/workspace/n', 'w').write('41')").await;
    let code = "import { readFileSync } from 'node:fs'\n\
                console.log(Number(readFileSync('n', 'utf8')) + 1)";
    assert_eq!(client.exec(&agent, "typescript", code).await["stdout"], "42\n");
    assert_eq!(client.bash(&agent, "pwd; cat n").await, "/workspace\n41");
    // Each agent is a machine of its own.
    let other = client.agent(&session).await;
    assert_eq!(client.bash(&other, "ls /workspace").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_do_not_wait_for_each_other() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let agents = join_all((0..10).map(|_| client.agent(&session))).await;
    let began = Instant::now();
    let each = agents.iter().flat_map(|agent| (0..3).map(move |n| (agent, n)));
    let runs = each.map(|(agent, n)| {
        let client = client.clone();
        async move { (n, client.bash(agent, &format!("sleep 1; echo {n}")).await) }
    });
    for (n, printed) in join_all(runs).await {
        assert_eq!(printed, format!("{n}\n"));
    }
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_output_is_cut() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    let long = client.exec(&agent, "bash", "yes | head -c 5000000; echo end >&2").await;
    assert_eq!(long["exitCode"], 0);
    assert_eq!(long["truncated"], true);
    assert_eq!(long["stdout"].as_str().unwrap().len(), 1 << 20);
    assert_eq!(long["stderr"], "end\n");
    let fits = client.exec(&agent, "bash", "head -c 1048576 /dev/zero | tr '\\0' a").await;
    assert_eq!(fits["stdout"].as_str().unwrap().len(), 1 << 20);
    assert_ne!(fits["truncated"], true);
}

/// The environment of code is the sandbox's own, and the secrets its agent names.
#[tokio::test(flavor = "multi_thread")]
async fn code_sees_the_secrets_it_was_given_and_no_more() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let set = |name: &str, value: &str, session: Option<&str>| {
        let mut secret = json!({ "name": name, "value": value });
        if let Some(session) = session {
            secret["sessionId"] = json!(session);
        }
        client.post("/v1/secrets", secret)
    };
    set("ORG_ONLY", "of the org", None).await.ok();
    set("BOTH", "of the org", None).await.ok();
    set("BOTH", "of the session", Some(&session)).await.ok();
    set("HIDDEN", "hidden", None).await.ok();
    let secrets = json!({ "secrets": ["ORG_ONLY", "BOTH"] });
    let agent = client.agent_with(&session, secrets).await;
    let printed = client.bash(&agent, "echo \"$ORG_ONLY, $BOTH, $HIDDEN\"").await;
    assert_eq!(printed, "of the org, of the session, \n");
    let environment = client.bash(&agent, "env").await;
    assert!(!environment.contains("THEAZO") && !environment.contains("CARGO"), "{environment}");
    set("BOTH", "changed", Some(&session)).await.ok();
    assert_eq!(client.bash(&agent, "echo $BOTH").await, "changed\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_exec_is_run_once() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    let body = json!({ "lang": "bash", "code": "echo x >> /workspace/runs; wc -l < runs" });
    let path = format!("/v1/agents/{agent}/exec");
    let calls = (0..4).map(|_| client.post(&path, body.clone()).once("one").send());
    for answer in join_all(calls).await {
        let answer = answer.unwrap();
        if answer.status != 409 {
            assert_eq!(answer.expect(200)["stdout"], "1\n");
        }
    }
    assert_eq!(client.post(&path, body).once("one").await.expect(200)["stdout"], "1\n");
    assert_eq!(client.bash(&agent, "cat runs").await, "x\n");
}

/// The same pipeline, with answers that are the same every time.
#[tokio::test(flavor = "multi_thread")]
async fn test_keys_run_all_of_it_on_the_mock() {
    let server = Server::start().await;
    let client = server.test();
    let mut answers = Vec::new();
    for _ in 0..2 {
        let session = client.session().await;
        let body = json!({ "compute": { "provider": "local" } });
        let agent = client.agent_with(&session, body).await;
        let shown = client.get(format!("/v1/agents/{agent}")).await.expect(200);
        assert_eq!(shown["compute"]["provider"], "mock", "{shown}");
        let mut told = Vec::new();
        for (lang, code) in [("python", "print(2 + 2)"), ("bash", "exit 3"), ("typescript", "1")] {
            let mut done = client.exec(&agent, lang, code).await;
            // Of the execution, not of the answer.
            done.as_object_mut().unwrap().remove("id");
            told.push(done);
        }
        let path = format!("/v1/agents/{agent}/files?path=/workspace/a.txt");
        client.put(&path, "content").await.ok();
        assert_eq!(client.get(&path).await.text(), "content");
        let paused = client.post(format!("/v1/agents/{agent}/pause"), json!({})).await.ok();
        let snapshot = json!({ "snapshotId": paused["snapshot"]["id"] });
        let second = client.agent_with(&session, snapshot).await;
        let path = format!("/v1/agents/{second}/files?path=/workspace/a.txt");
        assert_eq!(client.get(&path).await.text(), "content");
        client.post(format!("/v1/agents/{agent}/resume"), json!({})).await.ok();
        client.post(format!("/v1/agents/{agent}/terminate"), json!({})).await.ok();
        let over = client.get(format!("/v1/agents/{agent}")).await.expect(200);
        assert_eq!(over["cost"]["amount"], 0, "test compute costs nothing: {over}");
        answers.push(told);
    }
    assert_eq!(answers[0], answers[1]);
}
