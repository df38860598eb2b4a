//! The conventions that hold on every route: request ids, lists, idempotency, positions.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::{Value, json};
use theazo_tests::{Method, Server, Setup};

use crate::routes;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_request_has_an_id_of_its_own() {
    let server = Server::start().await;
    let client = server.test();
    let mut seen = BTreeSet::new();
    for _ in 0..10 {
        let answer = client.get("/v1/sessions").await;
        assert!(seen.insert(answer.header("x-request-id").unwrap().to_owned()));
    }
    let made = client.post("/v1/sessions", json!({ "userId": "u" })).await;
    let id = made.header("x-request-id").unwrap();
    let events = client.get(format!("/v1/audit/events?requestId={id}")).await.expect(200);
    assert_eq!(events["data"].as_array().unwrap().len(), 1, "{events}");
    assert_eq!(events["data"][0]["type"], "session.created");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_refuse_what_is_not_a_page_of_theirs() {
    let server = Server::start().await;
    let client = server.test();
    for n in 0..3 {
        client.session_with(json!({ "userId": format!("user_{n}") })).await;
    }
    let page = client.get("/v1/sessions?limit=1").await.expect(200);
    let cursor = page["nextCursor"].as_str().unwrap().to_owned();
    for route in routes::all().into_iter().filter(routes::Route::is_list) {
        let world = World::for_route(&client, &route).await;
        let path = world.path(route.path);
        for limit in ["0", "101", "-1", "x", "1.5", ""] {
            client.get(format!("{path}?limit={limit}")).await.invalid("limit");
        }
        let other_end = if cursor.ends_with('A') { 'B' } else { 'A' };
        let forged = format!("{}{other_end}", &cursor[..cursor.len() - 1]);
        for bad in ["x", "", "cur_", "%00", forged.as_str()] {
            client.get(format!("{path}?cursor={bad}")).await.invalid("cursor");
        }
        if route.path != "/v1/sessions" {
            client.get(format!("{path}?cursor={cursor}")).await.invalid("cursor");
        }
        client.get(format!("{path}?page=2")).await.invalid("page");
        client.get(format!("{path}?limit=1&limit=2")).await.invalid("limit");
        let page = client.get(format!("{path}?limit=100")).await.expect(200);
        assert!(page["data"].is_array() && page["hasMore"].is_boolean(), "{path}: {page}");
    }
    // A cursor is good for its own list and its own tenant only.
    server.live().get(format!("/v1/sessions?cursor={cursor}")).await.invalid("cursor");
    client.get(format!("/v1/sessions?cursor={cursor}")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_each_row_once_while_rows_are_added() {
    let server = Server::start().await;
    let client = server.test();
    let mut before = Vec::new();
    for n in 0..23 {
        before.push(client.session_with(json!({ "userId": format!("user_{n}") })).await);
    }
    let (mut seen, mut cursor): (Vec<String>, String) = (Vec::new(), String::new());
    loop {
        client.session_with(json!({ "userId": "late" })).await;
        let page = client.get(format!("/v1/sessions?limit=5{cursor}")).await.expect(200);
        let rows = page["data"].as_array().unwrap();
        seen.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    before.reverse();
    assert_eq!(seen[1..], before, "newest first, each once; one was added before the first page");
    assert_eq!(client.get("/v1/sessions").await.expect(200)["data"].as_array().unwrap().len(), 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_filter() {
    let server = Server::start().await;
    let client = server.test();
    let first = client.session_with(json!({ "userId": "a" })).await;
    let second = client.session_with(json!({ "userId": "b" })).await;
    client.post(format!("/v1/sessions/{second}/end"), json!({})).await.ok();
    for (query, expected) in [
        ("userId=a", vec![&first]),
        ("userId=nobody", vec![]),
        ("status=active", vec![&first]),
        ("status=ended", vec![&second]),
        ("status=ended&userId=a", vec![]),
    ] {
        let page = client.get(format!("/v1/sessions?{query}")).await.expect(200);
        let ids: Vec<&str> =
            page["data"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    client.get("/v1/sessions?status=gone").await.invalid("status");
}

/// The same key and body: the same answer, byte for byte. Another body: a conflict.
#[tokio::test(flavor = "multi_thread")]
async fn every_post_is_idempotent() {
    let server = Server::start().await;
    let client = server.test();
    for route in routes::all().into_iter().filter(|route| route.method == Method::POST) {
        let world = World::for_route(&client, &route).await;
        let key = format!("key of {}", route.path);
        let first = world.good(&route).once(&key).await;
        assert!(route.accepts(first.status), "{}: {}", route.name(), first.brief());
        let again = world.good(&route).once(&key).await;
        assert_eq!(again.status, first.status, "{}", route.name());
        assert_eq!(again.body, first.body, "{}", route.name());
        if let Some(Value::Object(mut body)) = route.good_body(&client) {
            body.insert("metadata".to_owned(), json!({ "another": "body" }));
            world.with_body(&route, Some(body.into())).once(&key).await.refused("conflict");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_belongs_to_its_tenant_and_its_route() {
    let server = Server::start().await;
    let body = json!({ "userId": "u" });
    let make = |client: theazo_tests::Client| {
        let call = client.post("/v1/sessions", body.clone()).once("one key");
        async move { call.await.expect(201)["id"].as_str().unwrap().to_owned() }
    };
    let test = make(server.test()).await;
    let live = make(server.live()).await;
    let other = make(server.other_org("Other", "team", "test")).await;
    assert_eq!(BTreeSet::from([&test, &live, &other]).len(), 3);
    server
        .test()
        .post("/v1/api-keys", json!({ "name": "n" }))
        .once("one key")
        .await
        .refused("conflict");
    for bad in [String::new(), "x".repeat(256)] {
        let answer = server.test().post("/v1/sessions", body.clone()).once(&bad).await;
        assert_eq!(answer.status, 422, "{}", answer.brief());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_duplicates_do_it_once() {
    let server = Server::start().await;
    let client = server.test();
    for round in 0..5 {
        let user = format!("user_{round}");
        let calls = (0..8).map(|_| {
            let call = client.post("/v1/sessions", json!({ "userId": user }));
            call.once(&format!("round {round}")).send()
        });
        let mut ids = BTreeSet::new();
        for answer in join_all(calls).await {
            let answer = answer.unwrap();
            // One that arrives while the first is at work may be told to come again.
            if answer.status == 409 {
                continue;
            }
            ids.insert(answer.expect(201)["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids.len(), 1, "{ids:?}");
        let listed = client.get(format!("/v1/sessions?userId={user}")).await.expect(200);
        assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_reads_its_own_writes() {
    let server = Server::start().await;
    let client = server.test();
    for n in 0..50 {
        let user = format!("user_{n}");
        let made = client.post("/v1/sessions", json!({ "userId": user })).await;
        let position: u64 = made.header("x-theazo-position").unwrap().parse().unwrap();
        let id = made.expect(201)["id"].clone();
        let session = client.get(format!("/v1/sessions/{}", id.as_str().unwrap())).await;
        assert_eq!(session.expect(200)["id"], id);
        let other = server.test().get(format!("/v1/sessions?userId={user}"));
        let listed = other.header("X-Theazo-Min-Position", position.to_string()).await.expect(200);
        assert_eq!(listed["data"][0]["id"], id, "{listed}");
    }
    let ahead = client.get("/v1/sessions").header("X-Theazo-Min-Position", "999999999").await;
    assert!(ahead.header("retry-after").is_some());
    ahead.refused("unavailable");
    let wrong = client.get("/v1/sessions").header("X-Theazo-Min-Position", "soon").await;
    wrong.refused("unprocessable_entity");
}

/// A client that has written before asks for its own position, which is older than what another one
/// has written since and has told it of.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_reads_what_another_one_has_told_it_of() {
    let server = Setup::default().start_embedded().await;
    let client = server.test();
    let before = client.post("/v1/sessions", json!({ "userId": "before" })).await;
    let before = before.header("x-theazo-position").unwrap().to_owned();
    for _ in 0..200 {
        let id = client.session().await;
        let other = server.test().get(format!("/v1/sessions/{id}"));
        other.header("X-Theazo-Min-Position", before.as_str()).await.expect(200);
    }
}

/// An answer that says that a run has failed is an answer of a write all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_can_be_read_after_its_answer() {
    let server = Server::start().await;
    let client = server.test();
    let session = client.session().await;
    let body = json!({ "agent": "coder", "task": "@fail auth no" });
    let failed = client.post(format!("/v1/sessions/{session}/run"), body).await;
    let position = failed.header("x-theazo-position").unwrap().to_owned();
    let task = failed.refused("provider_error")["details"]["taskId"].as_str().unwrap().to_owned();
    let read = client.get(format!("/v1/sessions/{session}/tasks/{task}"));
    let task = read.header("X-Theazo-Min-Position", position).await.expect(200);
    assert_eq!(task["status"], "failed", "{task}");
}

#[tokio::test(flavor = "multi_thread")]
async fn get_or_create_by_user_is_one_session() {
    let server = Server::start().await;
    let client = server.test();
    let path = "/v1/sessions/by-user/user%2F1%20%C3%A9";
    let calls = (0..8).map(|_| client.post(path, json!({ "metadata": { "a": 1 } })).send());
    let mut ids = BTreeSet::new();
    for answer in join_all(calls).await {
        let session = answer.unwrap().ok();
        assert_eq!(session["userId"], "user/1 é");
        ids.insert(session["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    let again = client.post(path, json!({ "metadata": { "b": 2 } })).await.ok();
    assert_eq!(again["metadata"], json!({ "a": 1 }), "options are for a new one only");
}
