//! One tenant never sees another, and live never meets test.

use axum::http::StatusCode;
use serde_json::json;

use crate::support::App;

#[tokio::test]
async fn a_foreign_thing_is_not_found_and_stays_as_it_is() {
    let app = App::new().await;
    let session = app.session("u").await;
    let path = format!("/v1/sessions/{session}");
    let secret = json!({ "name": "A", "value": "v", "sessionId": session });
    app.post("/v1/secrets", json!({ "name": "A", "value": "v" })).await.is(StatusCode::CREATED);
    let before = app.get(&path).await.json;
    for key in [&app.test, &app.other] {
        let call = |method: &str, target: &str| app.anonymous(method, target).key(key);
        call("GET", &path).send().await.fails(404, "not_found");
        call("PATCH", &path).json(&json!({ "metadata": {} })).send().await.fails(404, "not_found");
        call("POST", &format!("{path}/end")).send().await.fails(404, "not_found");
        call("POST", "/v1/secrets").json(&secret).send().await.wrong_field("sessionId");
        call("DELETE", "/v1/secrets/A").send().await.fails(404, "not_found");
        let own_key = format!("/v1/api-keys/{}", app.live.id);
        call("DELETE", &own_key).send().await.fails(404, "not_found");
        call("POST", &format!("{own_key}/rotate")).send().await.fails(404, "not_found");
        let audit = format!("/v1/audit/session/{session}");
        call("GET", &audit).send().await.fails(404, "not_found");
        for list in ["/v1/sessions", "/v1/secrets", "/v1/sessions?userId=u"] {
            let page = call("GET", list).send().await.is(StatusCode::OK);
            assert_eq!(page.json["data"], json!([]), "{list}");
        }
        let about = format!("/v1/audit/events?sessionId={session}");
        assert_eq!(call("GET", &about).send().await.json["data"], json!([]));
        let keys = call("GET", "/v1/api-keys").send().await.column("id");
        assert_eq!(keys, [key.id.to_string()]);
    }
    assert_eq!(app.get(&path).await.json, before);
}

#[tokio::test]
async fn a_cursor_is_of_no_use_to_another() {
    let app = App::new().await;
    for key in [&app.live, &app.test, &app.other] {
        for _ in 0..2 {
            let create = app.anonymous("POST", "/v1/sessions").key(key);
            create.json(&json!({ "userId": "u" })).send().await.is(StatusCode::CREATED);
        }
    }
    let cursor = app.get("/v1/sessions?limit=1").await.text("nextCursor");
    let next = format!("/v1/sessions?limit=1&cursor={cursor}");
    app.get(&next).await.is(StatusCode::OK);
    for key in [&app.test, &app.other] {
        app.anonymous("GET", &next).key(key).send().await.wrong_field("cursor");
    }
    app.get(&format!("{next}&userId=u")).await.wrong_field("cursor");
    app.get(&format!("/v1/secrets?cursor={cursor}")).await.wrong_field("cursor");
}

#[tokio::test]
async fn an_idempotency_key_is_of_its_tenant() {
    let app = App::new().await;
    let mut ids = std::collections::BTreeSet::new();
    for key in [&app.live, &app.test, &app.other] {
        let call = app.anonymous("POST", "/v1/sessions").key(key).idempotent("same");
        let created = call.json(&json!({ "userId": "u" })).send().await.is(StatusCode::CREATED);
        assert_eq!(created.header("idempotent-replayed"), "");
        ids.insert(created.text("id"));
    }
    assert_eq!(ids.len(), 3);
}
