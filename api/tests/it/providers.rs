use axum::http::StatusCode;
use serde_json::json;

use crate::support::App;

#[tokio::test]
async fn a_provider_is_configured_listed_checked_and_removed() {
    let app = App::new().await;
    assert_eq!(app.get("/v1/providers").await.json, json!({ "data": [], "hasMore": false }));
    let local = json!({ "provider": "local", "credentials": {} });
    let local = app.post("/v1/providers", local).await.is(StatusCode::CREATED);
    assert_eq!(local.json["provider"], "local");
    assert_eq!(local.json["isDefault"], false);
    assert_eq!(local.json["status"], "active");
    let e2b = json!({ "provider": "e2b", "credentials": { "apiKey": "e2b_1" }, "isDefault": true });
    let e2b = app.post("/v1/providers", e2b).await.is(StatusCode::CREATED);
    assert_eq!(e2b.json["isDefault"], true);

    let first = app.get("/v1/providers?limit=1").await.is(StatusCode::OK);
    assert_eq!(first.column("provider"), ["e2b"]);
    assert!(!String::from_utf8_lossy(&first.bytes).contains("e2b_1"));
    let cursor = first.text("nextCursor");
    let second = app.get(&format!("/v1/providers?limit=1&cursor={cursor}")).await;
    assert_eq!(second.column("provider"), ["local"]);
    assert_eq!(second.json["hasMore"], false);

    let check = async |provider: &str| {
        app.request("POST", &format!("/v1/providers/{provider}/check")).send().await
    };
    assert_eq!(check("local").await.is(StatusCode::OK).json["healthy"], true);
    assert_eq!(check("e2b").await.is(StatusCode::OK).json["healthy"], false);
    check("fly").await.fails(404, "not_found");
    check("aws").await.fails(404, "not_found");

    app.delete("/v1/providers/e2b").await.is(StatusCode::OK);
    app.delete("/v1/providers/e2b").await.fails(404, "not_found");
    assert_eq!(app.get("/v1/providers").await.column("provider"), ["local"]);
}

#[tokio::test]
async fn one_with_live_agents_stays() {
    let app = App::new().await;
    let body = json!({ "provider": "local", "credentials": {} });
    app.post("/v1/providers", body).await.is(StatusCode::CREATED);
    let session = app.session("u").await;
    let agent = app.post(&format!("/v1/sessions/{session}/agents"), json!({})).await;
    agent.is(StatusCode::CREATED);
    app.delete("/v1/providers/local").await.fails(409, "conflict");
    assert_eq!(app.get("/v1/providers").await.column("provider"), ["local"]);
}

#[tokio::test]
async fn bad_input_is_refused_and_says_what_there_is() {
    let app = App::new().await;
    for (body, path) in [
        (json!({ "credentials": {} }), "provider"),
        (json!({ "provider": "local" }), "credentials"),
        (json!({ "provider": "aws", "credentials": {} }), "provider"),
        (json!({ "provider": "local", "credentials": "sk-1" }), "credentials"),
        (json!({ "provider": "local", "credentials": {}, "isDefault": 1 }), "isDefault"),
        (json!({ "provider": "local", "credentials": {}, "default": true }), "default"),
    ] {
        let refused = app.post("/v1/providers", body).await.wrong_field(path);
        assert!(!String::from_utf8_lossy(&refused.bytes).contains("sk-1"));
    }
    let fly = json!({ "provider": "fly", "credentials": {} });
    let refused = app.post("/v1/providers", fly).await.wrong_field("provider");
    let message = refused.json["error"]["message"].as_str().unwrap();
    assert!(message.contains("`local` or `e2b`"), "{message}");
}
