use axum::http::StatusCode;
use serde_json::json;

use crate::support::App;

#[tokio::test]
async fn settings_have_defaults_and_change() {
    let app = App::new().await;
    let before = app.get("/v1/settings").await.is(StatusCode::OK);
    assert_eq!(before.json, json!({ "billingDay": 1 }));
    let patch = async |body| app.request("PATCH", "/v1/settings").json(&body).send().await;
    for nothing in [json!({}), json!({ "billingDay": 1 })] {
        assert_eq!(patch(nothing).await.is(StatusCode::OK).json, before.json);
    }

    let body = json!({
        "model": { "id": "gpt-4o", "maxTokens": 100 },
        "compute": { "provider": "local" },
        "billingDay": 15,
    });
    let after = patch(body.clone()).await.is(StatusCode::OK);
    for field in ["model", "compute", "billingDay"] {
        assert_eq!(after.json[field], body[field], "{field}");
    }
    assert_eq!(app.get("/v1/settings").await.json, after.json);

    for (body, path) in [
        (json!({ "billingDay": 29 }), "billingDay"),
        (json!({ "billingDay": 0 }), "billingDay"),
        (json!({ "billingDay": 300 }), "billingDay"),
        (json!({ "model": {} }), "model.id"),
        (json!({ "compute": { "credentialRef": "a b" } }), "compute.credentialRef"),
        (json!({ "plan": "team" }), "plan"),
    ] {
        patch(body).await.wrong_field(path);
    }
    assert_eq!(app.get("/v1/settings").await.json, after.json);
}
