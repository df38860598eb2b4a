use axum::http::StatusCode;
use serde_json::json;

use crate::support::App;

#[tokio::test]
async fn a_secret_is_set_named_overwritten_and_deleted() {
    let app = App::new().await;
    let set = async |value: &str| {
        let body = json!({ "name": "OPENAI_API_KEY", "value": value });
        app.post("/v1/secrets", body).await.is(StatusCode::CREATED)
    };
    let first = set("sk-first").await;
    assert_eq!(first.json["name"], "OPENAI_API_KEY");
    assert_eq!(first.json["scope"], "org");
    assert_eq!(first.json.as_object().unwrap().len(), 3, "{}", first.json);
    assert_eq!(set("sk-second").await.json["createdAt"], first.json["createdAt"]);

    let list = app.get("/v1/secrets").await.is(StatusCode::OK);
    assert_eq!(list.json["data"], json!([first.json]));
    assert!(!String::from_utf8_lossy(&list.bytes).contains("sk-"));

    app.delete("/v1/secrets/OPENAI_API_KEY").await.is(StatusCode::OK);
    app.delete("/v1/secrets/OPENAI_API_KEY").await.fails(404, "not_found");
    assert_eq!(app.get("/v1/secrets").await.json["data"], json!([]));
}

#[tokio::test]
async fn a_sessions_secret_is_its_own() {
    let app = App::new().await;
    let session = app.session("u").await;
    let own = json!({ "name": "A", "value": "v", "sessionId": session });
    let own = app.post("/v1/secrets", own).await.is(StatusCode::CREATED);
    assert_eq!(own.json["scope"], session);
    app.post("/v1/secrets", json!({ "name": "A", "value": "w" })).await.is(StatusCode::CREATED);

    let of_session = format!("/v1/secrets?sessionId={session}");
    assert_eq!(app.get(&of_session).await.column("scope"), std::slice::from_ref(&session));
    app.delete(&format!("/v1/secrets/A?sessionId={session}")).await.is(StatusCode::OK);
    assert_eq!(app.get("/v1/secrets").await.column("scope"), ["org"]);

    app.request("POST", &format!("/v1/sessions/{session}/end")).send().await.is(StatusCode::OK);
    let late = json!({ "name": "B", "value": "v", "sessionId": session });
    app.post("/v1/secrets", late).await.fails(409, "conflict");
}

#[tokio::test]
async fn bad_input_is_refused_and_never_quoted() {
    let app = App::new().await;
    let unknown = "ses_01HX0000000000000000000001";
    for (body, path) in [
        (json!({ "value": "v" }), "name"),
        (json!({ "name": "A" }), "value"),
        (json!({ "name": "A", "value": "" }), "value"),
        (json!({ "name": "A", "value": "x".repeat(65_537) }), "value"),
        (json!({ "name": "A", "value": 12_345_678 }), "value"),
        (json!({ "name": "A", "value": { "k": "12345678" } }), "value"),
        (json!({ "name": "A B", "value": "v" }), "name"),
        (json!({ "name": "x".repeat(101), "value": "v" }), "name"),
        (json!({ "name": "", "value": "v" }), "name"),
        (json!({ "name": "A", "value": "v", "scope": "org" }), "scope"),
        (json!({ "name": "A", "value": "v", "sessionId": "x" }), "sessionId"),
        (json!({ "name": "A", "value": "v", "sessionId": unknown }), "sessionId"),
    ] {
        let refused = app.post("/v1/secrets", body).await.wrong_field(path);
        assert!(!String::from_utf8_lossy(&refused.bytes).contains("12345678"));
    }
    app.delete("/v1/secrets/no%20name").await.fails(404, "not_found");
    app.delete("/v1/secrets/A?session=x").await.wrong_field("session");
    app.get("/v1/secrets?sessionId=x").await.wrong_field("sessionId");
}
