//! What is kept and who sees it: secrets, keys, settings, providers, and the audit trail.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use theazo_tests::Server;

/// Whether any file below `folder` holds these bytes.
fn is_stored(folder: &Path, needle: &str) -> Option<String> {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            if let Some(found) = is_stored(&entry.path(), needle) {
                return Some(found);
            }
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            if bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
                return Some(entry.path().display().to_string());
            }
        }
    }
    None
}

/// Neither a secret nor a key nor what code said is in a file or a log line in plain text.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_private_is_stored_in_plain_text() {
    let mut server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let secret = json!({ "name": "A", "value": "plain-text-of-the-secret" });
    client.post("/v1/secrets", secret).once("secret").await.ok();
    let provider = json!({ "provider": "local", "credentials": { "apiKey": "plain-text-of-e2b" } });
    client.post("/v1/providers", provider).once("provider").await.ok();
    let key = client.post("/v1/api-keys", json!({ "name": "k" })).once("key").await.ok();
    let key = key["key"].as_str().unwrap().to_owned();
    let rotated = client.post("/v1/api-keys", json!({ "name": "k" })).await.ok();
    let path = format!("/v1/api-keys/{}/rotate", rotated["id"].as_str().unwrap());
    let rotated = client.post(path, json!({})).once("rotate").await.ok();
    let agent = client.agent_with(&session, json!({ "secrets": ["A"] })).await;
    let code = "echo plain-text-of-the-output | tr a-z a-z # plain-text-of-the-code";
    let exec = json!({ "lang": "bash", "code": code });
    client.post(format!("/v1/agents/{agent}/exec"), exec).once("exec").await.ok();
    client.bash(&agent, "echo $A >/dev/null").await;
    client.post(format!("/v1/agents/{agent}/terminate"), json!({})).await.ok();
    let read = server.cli_ok(["log", "read", "--limit", "10000"]);
    server.stop().await;
    for private in [
        "plain-text-of-the-secret",
        "plain-text-of-e2b",
        "plain-text-of-the-output",
        "plain-text-of-the-code",
        &key,
        rotated["key"].as_str().unwrap(),
        &server.live_key.clone(),
    ] {
        let found = is_stored(&server.data(), private);
        assert_eq!(found, None, "{private} is in a file");
        assert!(!read.contains(private), "{private} is in the log");
        assert!(!server.log().contains(private), "{private} is in a log line");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_set_listed_without_value_and_deleted() {
    let server = Server::start().await;
    let client = server.live();
    let session = client.session().await;
    let set = |body: Value| client.post("/v1/secrets", body);
    let made = set(json!({ "name": "A", "value": "one" })).await.expect(201);
    assert_eq!((&made["name"], &made["scope"]), (&json!("A"), &json!("org")));
    assert!(made.get("value").is_none() && made["createdAt"].is_string(), "{made}");
    let again = set(json!({ "name": "A", "value": "two" })).await.ok();
    assert_eq!(again["createdAt"], made["createdAt"], "it is overwritten");
    set(json!({ "name": "A", "value": "three", "sessionId": session })).await.ok();

    let org = client.get("/v1/secrets").await.expect(200)["data"].clone();
    let own = client.get(format!("/v1/secrets?sessionId={session}")).await.expect(200);
    assert_eq!(own["data"][0]["scope"], session, "{own}");
    assert!(org.as_array().unwrap().iter().any(|s| s["scope"] == "org"), "{org}");
    assert!(!format!("{org}{own}").contains("three"));

    client.delete(format!("/v1/secrets/A?sessionId={session}")).await.ok();
    client.delete(format!("/v1/secrets/A?sessionId={session}")).await.refused("not_found");
    client.delete("/v1/secrets/A").await.ok();
    client.delete("/v1/secrets/A").await.refused("not_found");
    assert_eq!(client.get("/v1/secrets").await.expect(200)["data"], json!([]));
    let unknown =
        json!({ "name": "A", "value": "v", "sessionId": "ses_00000000000000000000000001" });
    let answer = set(unknown).await;
    assert!([404, 422].contains(&answer.status), "{}", answer.brief());
    set(json!({ "name": "A", "value": "x".repeat(70_000) })).await.invalid("value");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_shown_once_rotated_and_revoked() {
    let server = Server::start().await;
    let client = server.test();
    let made = client.post("/v1/api-keys", json!({ "name": "backend" })).await.expect(201);
    let secret = made["key"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("th_test_"), "a key makes keys of its own mode");
    assert!(made["id"].as_str().unwrap().starts_with("key_"));
    let listed = client.get("/v1/api-keys").await;
    assert!(!listed.text().contains(&secret));
    let mine = client.with_key(Some(&secret));
    mine.get("/v1/sessions").await.expect(200);

    let path = format!("/v1/api-keys/{}", made["id"].as_str().unwrap());
    let rotated = client.post(format!("{path}/rotate"), json!({})).await.expect(200);
    let new = rotated["key"].as_str().unwrap().to_owned();
    mine.get("/v1/sessions").await.refused("unauthorized");
    let mine = client.with_key(Some(&new));
    mine.get("/v1/sessions").await.expect(200);
    for _ in 0..2 {
        client.delete(&path).await.ok();
    }
    mine.get("/v1/sessions").await.refused("unauthorized");
    client.post(format!("{path}/rotate"), json!({})).await.refused("conflict");
    let row = client.get("/v1/api-keys").await.expect(200)["data"].clone();
    let row = row.as_array().unwrap().iter().find(|key| key["id"] == made["id"]).unwrap().clone();
    assert!(row["revokedAt"].is_string(), "{row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_are_configured_without_showing_credentials() {
    let server = Server::start().await;
    let client = server.live();
    let configure = |default: bool| {
        let credentials = json!({ "apiKey": "a-credential" });
        let body = json!({ "provider": "local", "credentials": credentials, "isDefault": default });
        client.post("/v1/providers", body)
    };
    let made = configure(true).await;
    assert!(!made.text().contains("a-credential"));
    let made = made.expect(201);
    assert_eq!((&made["provider"], &made["isDefault"]), (&json!("local"), &json!(true)));
    configure(false).await.ok();
    let listed = client.get("/v1/providers").await.expect(200)["data"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert!(!listed.to_string().contains("a-credential"), "{listed}");
    client.delete("/v1/providers/local").await.ok();
    for none in ["local", "fly", "aws"] {
        client.delete(format!("/v1/providers/{none}")).await.refused("not_found");
    }
    let elsewhere = json!({ "provider": "fly", "credentials": {} });
    client.post("/v1/providers", elsewhere).await.invalid("provider");
    let check = client.post("/v1/providers/local/check", json!({})).await.expect(200);
    assert_eq!(check["healthy"], true, "{check}");

    let local = json!({ "provider": "local", "credentials": {}, "isDefault": true });
    client.post("/v1/providers", local).await.ok();
    let session = client.session().await;
    let agent = client.agent(&session).await;
    client.delete("/v1/providers/local").await.refused("conflict");
    client.post(format!("/v1/agents/{agent}/terminate"), json!({})).await.ok();
    client.delete("/v1/providers/local").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_go_from_settings_to_session_to_agent() {
    let server = Server::start().await;
    let client = server.test();
    let before = client.get("/v1/settings").await.expect(200);
    assert_eq!(before["billingDay"], 1, "{before}");
    let settings = json!({ "model": "claude-sonnet", "billingDay": 5 });
    let after = client.patch("/v1/settings", settings).await.expect(200);
    assert_eq!((&after["model"], &after["billingDay"]), (&json!("claude-sonnet"), &json!(5)));
    assert_eq!(client.get("/v1/settings").await.expect(200), after);

    let plain = client.session().await;
    let own = json!({ "userId": "u", "model": "claude-opus" });
    let own = client.session_with(own).await;
    for (session, body, model) in [
        (&plain, json!({}), json!("claude-sonnet")),
        (&own, json!({}), json!("claude-opus")),
        (&own, json!({ "model": "gpt-4o" }), json!("gpt-4o")),
        (
            &own,
            json!({ "model": { "id": "claude-haiku", "maxTokens": 5 } }),
            json!({ "id": "claude-haiku", "maxTokens": 5 }),
        ),
    ] {
        let agent = client.agent_with(session, body).await;
        let agent = client.get(format!("/v1/agents/{agent}")).await.expect(200);
        assert_eq!(agent["model"], model);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_has_every_change_and_its_cause() {
    let server = Server::start().await;
    let client = server.live();
    let made = client.post("/v1/sessions", json!({ "userId": "audited" })).await;
    let request = made.header("x-request-id").unwrap().to_owned();
    let position = made.header("x-theazo-position").unwrap().to_owned();
    let session = made.expect(201)["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/sessions/{session}");
    client.patch(&path, json!({ "metadata": { "n": 1 } })).await.ok();
    let agent = client.agent(&session).await;
    client.bash(&agent, "true").await;
    client.post(format!("{path}/end"), json!({})).await.ok();
    client.agent_becomes(&agent, "terminated").await;

    let trail = client.all(&format!("/v1/audit/events?sessionId={session}"), 5).await;
    let types: Vec<&str> = trail.iter().rev().map(|e| e["type"].as_str().unwrap()).collect();
    for wanted in [
        "session.created",
        "session.updated",
        "session.agent_admitted",
        "agent.created",
        "agent.provisioned",
        "execution.requested",
        "execution.completed",
        "session.ended",
        "agent.terminated",
    ] {
        assert!(types.contains(&wanted), "{wanted} is not in {types:?}");
    }
    assert_eq!(types[0], "session.created", "oldest last");
    let created = trail.last().unwrap();
    assert_eq!(created["requestId"], request);
    assert!(created["actor"].as_str().unwrap().starts_with("key:key_"), "{created}");
    for (filter, at_least) in [
        (format!("agentId={agent}"), 3),
        (format!("requestId={request}"), 1),
        ("userId=audited".to_owned(), 1),
        ("type=session.updated".to_owned(), 1),
    ] {
        let found = client.get(format!("/v1/audit/events?{filter}")).await.expect(200);
        assert!(found["data"].as_array().unwrap().len() >= at_least, "{filter}: {found}");
    }
    client.get("/v1/audit/events?from=yesterday").await.invalid("from");
    client.get("/v1/audit/events?type=no.such").await;

    // The state as it was.
    let then = client.get(format!("/v1/audit/session/{session}?at={position}")).await.expect(200);
    assert!(!then.to_string().contains("\"n\":1"), "{then}");
    let now = client.get(format!("/v1/audit/session/{session}")).await.expect(200);
    assert!(now.to_string().contains("\"n\":1") && now.to_string().contains("ended"), "{now}");
    client
        .get(format!("/v1/audit/session/{session}?at=2020-01-01T00:00:00Z"))
        .await
        .refused("not_found");
    client.get(format!("/v1/audit/session/{session}?at=soon")).await.invalid("at");
    client.get(format!("/v1/audit/nonsense/{session}")).await.refused("not_found");
    client.get("/v1/audit/verify").await.expect(200);
}
