use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::App;

#[tokio::test]
async fn a_session_is_created_seen_changed_and_ended() {
    let app = App::new().await;
    let body = json!({
        "userId": "user_123",
        "limits": {
            "maxCost": { "amount": 500, "currency": "usd", "period": "day" },
            "maxAgents": 3,
        },
        "model": "anthropic/claude-sonnet",
        "compute": { "provider": "local" },
        "metadata": { "plan": "pro" },
    });
    let created = app.post("/v1/sessions", body.clone()).await.is(StatusCode::CREATED);
    let id = created.text("id");
    assert!(id.starts_with("ses_"));
    assert_eq!(created.json["status"], "active");
    assert_eq!(created.json["createdAt"], created.json["updatedAt"]);
    let usage = json!({
        "cost": { "amount": 0, "currency": "usd" }, "computeMinutes": 0.0, "activeAgents": 0,
    });
    assert_eq!(created.json["usage"], usage);
    for field in ["userId", "limits", "model", "compute", "metadata"] {
        assert_eq!(created.json[field], body[field], "{field}");
    }

    let path = format!("/v1/sessions/{id}");
    assert_eq!(app.get(&path).await.is(StatusCode::OK).json, created.json);

    let patch = json!({ "metadata": { "plan": "free" } });
    let patched = app.request("PATCH", &path).json(&patch).send().await.is(StatusCode::OK);
    assert_eq!(patched.json["metadata"], patch["metadata"]);
    assert_eq!(patched.json["limits"], body["limits"]);
    assert_eq!(app.get(&path).await.json, patched.json);

    let end = format!("{path}/end");
    let ended = app.request("POST", &end).send().await.is(StatusCode::OK);
    assert_eq!(ended.json["status"], "ended");
    assert_eq!(app.request("POST", &end).send().await.is(StatusCode::OK).json, ended.json);
    app.request("PATCH", &path).json(&patch).send().await.fails(409, "conflict");
    assert_eq!(app.get(&path).await.json["status"], "ended");
}

#[tokio::test]
async fn a_user_has_one_session_until_it_ends() {
    let app = App::new().await;
    let path = "/v1/sessions/by-user/jane%20%2F%C3%A9";
    let limits = json!({ "limits": { "maxAgents": 2 } });
    let first = app.post(path, limits).await.is(StatusCode::CREATED);
    assert_eq!(first.json["userId"], "jane /é");
    let again = app.request("POST", path).send().await.is(StatusCode::OK);
    assert_eq!(again.json, first.json);

    let end = format!("/v1/sessions/{}/end", first.text("id"));
    app.request("POST", &end).send().await.is(StatusCode::OK);
    let second = app.request("POST", path).send().await.is(StatusCode::CREATED);
    assert_ne!(second.json["id"], first.json["id"]);
}

#[tokio::test]
async fn racing_get_or_creates_make_one_session() {
    let app = App::new().await;
    let calls = (0..16).map(|_| app.request("POST", "/v1/sessions/by-user/u").send());
    let answers = futures::future::join_all(calls).await;
    let ids: std::collections::BTreeSet<_> = answers.iter().map(|a| a.text("id")).collect();
    assert_eq!(ids.len(), 1);
    let created = answers.iter().filter(|a| a.status == StatusCode::CREATED).count();
    assert_eq!(created, 1);
    assert_eq!(app.get("/v1/sessions?userId=u").await.column("id").len(), 1);
}

#[tokio::test]
async fn pages_are_whole_while_rows_are_added() {
    let app = App::new().await;
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(app.session(&format!("user_{n}")).await);
    }
    made.reverse();

    let (mut seen, mut next) = (Vec::new(), String::new());
    for _ in 0..4 {
        let page = app.get(&format!("/v1/sessions?limit=2{next}")).await.is(StatusCode::OK);
        seen.extend(page.column("id"));
        app.session("added meanwhile").await;
        match page.json["nextCursor"].as_str() {
            Some(cursor) => {
                assert_eq!(page.json["hasMore"], true);
                assert!(cursor.starts_with("cur_"));
                next = format!("&cursor={cursor}");
            }
            None => assert_eq!(page.json["hasMore"], false),
        }
    }
    assert_eq!(seen, made);
}

#[tokio::test]
async fn a_list_is_filtered() {
    let app = App::new().await;
    let first = app.session("a").await;
    let second = app.session("a").await;
    let third = app.session("b").await;
    let end = format!("/v1/sessions/{first}/end");
    app.request("POST", &end).send().await.is(StatusCode::OK);

    let list = async |query: &str| app.get(&format!("/v1/sessions{query}")).await.column("id");
    assert_eq!(list("").await, [third.clone(), second.clone(), first.clone()]);
    assert_eq!(list("?userId=a").await, [second.clone(), first.clone()]);
    assert_eq!(list("?status=active").await, [third, second.clone()]);
    assert_eq!(list("?status=active&userId=a").await, [second]);
    assert_eq!(list("?status=ended").await, [first]);
    assert_eq!(list("?status=paused").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let app = App::new().await;
    let limits = |limits: Value| json!({ "userId": "u", "limits": limits });
    let cost = |cost: Value| limits(json!({ "maxCost": cost }));
    let many: Value =
        (0..51).map(|n| (n.to_string(), json!(1))).collect::<serde_json::Map<_, _>>().into();
    for (body, path) in [
        (json!({}), "userId"),
        (json!({ "userId": "" }), "userId"),
        (json!({ "userId": "x".repeat(257) }), "userId"),
        (json!({ "userId": "a\nb" }), "userId"),
        (json!({ "userId": 7 }), "userId"),
        (json!({ "userId": null }), "userId"),
        (json!({ "userId": "u", "user": "v" }), "user"),
        (json!({ "userId": "u", "limits": 3 }), "limits"),
        (limits(json!({ "maxAgents": -1 })), "limits.maxAgents"),
        (limits(json!({ "maxAgents": 1.5 })), "limits.maxAgents"),
        (limits(json!({ "maxAgents": 100_001 })), "limits.maxAgents"),
        (limits(json!({ "agents": 1 })), "limits.agents"),
        (limits(json!({ "maxComputeMinutes": "1" })), "limits.maxComputeMinutes"),
        (cost(json!({ "currency": "usd" })), "limits.maxCost.amount"),
        (cost(json!({ "amount": -1, "currency": "usd" })), "limits.maxCost.amount"),
        (cost(json!({ "amount": 1, "currency": "eur" })), "limits.maxCost.currency"),
        (
            cost(json!({ "amount": 1, "currency": "usd", "period": "year" })),
            "limits.maxCost.period",
        ),
        (json!({ "userId": "u", "model": "" }), "model"),
        (json!({ "userId": "u", "model": { "maxTokens": 5 } }), "model.id"),
        (json!({ "userId": "u", "model": { "id": "m", "top": 5 } }), "model.top"),
        (json!({ "userId": "u", "compute": { "provider": "aws" } }), "compute.provider"),
        (json!({ "userId": "u", "metadata": [] }), "metadata"),
        (json!({ "userId": "u", "metadata": many }), "metadata"),
        (json!({ "userId": "u", "metadata": { "a": "x".repeat(17_000) } }), "metadata"),
        (json!([]), "body"),
        (json!(["u", null, null, null, null]), "body"),
    ] {
        app.post("/v1/sessions", body).await.wrong_field(path);
    }
    let id = app.session("u").await;
    let patch = app.request("PATCH", &format!("/v1/sessions/{id}"));
    patch.json(&json!({ "userId": "v" })).send().await.wrong_field("userId");
    app.post("/v1/sessions/by-user/u", json!({ "userId": "v" })).await.wrong_field("userId");
    let end = format!("/v1/sessions/{id}/end");
    app.post(&end, json!({ "now": true })).await.wrong_field("now");
    app.post(&end, json!([])).await.wrong_field("body");
    for (query, path) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("limit=-1", "limit"),
        ("status=asleep", "status"),
        ("user=u", "user"),
        ("cursor=cur_abc", "cursor"),
        ("cursor=", "cursor"),
    ] {
        app.get(&format!("/v1/sessions?{query}")).await.wrong_field(path);
    }
    assert_eq!(app.get("/v1/sessions").await.column("id"), [id]);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let app = App::new().await;
    for id in
        ["ses_01HX0000000000000000000001", "ses_x", "nonsense", "agt_01HX0000000000000000000001"]
    {
        let path = format!("/v1/sessions/{id}");
        app.get(&path).await.fails(404, "not_found");
        app.request("PATCH", &path).json(&json!({})).send().await.fails(404, "not_found");
        app.request("POST", &format!("{path}/end")).send().await.fails(404, "not_found");
    }
}
