use axum::http::StatusCode;
use serde_json::json;

use crate::support::App;

#[tokio::test]
async fn a_key_works_from_its_creation_to_its_end() {
    let app = App::new().await;
    let created = app.post("/v1/api-keys", json!({ "name": "backend" })).await;
    let created = created.is(StatusCode::CREATED);
    let (id, secret) = (created.text("id"), created.text("key"));
    assert!(secret.starts_with("th_live_"));
    assert_eq!(created.json["mode"], "live");
    let works = async |secret: &str| {
        app.anonymous("GET", "/v1/settings").bearer(secret).send().await.status == StatusCode::OK
    };
    assert!(works(&secret).await);

    let list = app.get("/v1/api-keys").await.is(StatusCode::OK);
    assert!(!String::from_utf8_lossy(&list.bytes).contains(&secret));
    assert_eq!(list.column("id")[0], id);
    assert_eq!(list.json["data"][0].get("key"), None);
    assert!(secret.ends_with(&list.column("hint")[0][list.column("hint")[0].len() - 4..]));

    let rotate = format!("/v1/api-keys/{id}/rotate");
    let rotated = app.request("POST", &rotate).send().await.is(StatusCode::OK);
    let new = rotated.text("key");
    assert_eq!(rotated.text("id"), id);
    assert!(!works(&secret).await, "the old secret works at once no more");
    assert!(works(&new).await);

    let path = format!("/v1/api-keys/{id}");
    let gone = app.delete(&path).await.is(StatusCode::OK);
    assert_eq!(gone.json, json!({ "ok": true }));
    assert!(!works(&new).await, "a revoked key works at once no more");
    app.delete(&path).await.is(StatusCode::OK);
    app.request("POST", &rotate).send().await.fails(409, "conflict");
    assert!(app.get("/v1/api-keys").await.json["data"][0]["revokedAt"].is_string());
}

#[tokio::test]
async fn a_key_is_of_the_mode_of_who_makes_it() {
    let app = App::new().await;
    let call = app.anonymous("POST", "/v1/api-keys").key(&app.test);
    let created = call.json(&json!({ "name": "tests" })).send().await.is(StatusCode::CREATED);
    assert!(created.text("key").starts_with("th_test_"));
    assert_eq!(created.json["mode"], "test");
}

#[tokio::test]
async fn bad_input_is_refused() {
    let app = App::new().await;
    for (body, path) in [
        (json!({}), "name"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x".repeat(201) }), "name"),
        (json!({ "name": 5 }), "name"),
        (json!({ "name": "a", "mode": "test" }), "mode"),
    ] {
        app.post("/v1/api-keys", body).await.wrong_field(path);
    }
    app.delete("/v1/api-keys/key_x").await.fails(404, "not_found");
    app.delete("/v1/api-keys/key_01HX0000000000000000000001").await.fails(404, "not_found");
}
