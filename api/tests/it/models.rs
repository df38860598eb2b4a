//! Models, their prices, tools, and what webhooks are signed with.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{App, Key};

async fn models(app: &App, key: &Key) -> Vec<Value> {
    let page = app.anonymous("GET", "/v1/models").key(key).send().await.is(StatusCode::OK);
    page.json["data"].as_array().unwrap().clone()
}

async fn model(app: &App, key: &Key, id: &str) -> Option<Value> {
    models(app, key).await.into_iter().find(|model| model["id"] == id)
}

#[tokio::test]
async fn models_are_listed_with_their_prices() {
    let app = App::new().await;
    let sonnet = model(&app, &app.live, "anthropic/claude-sonnet-5-5").await.unwrap();
    let expected = json!({
        "id": "anthropic/claude-sonnet-5-5", "vendor": "anthropic", "model": "claude-sonnet-5-5",
        "contextWindow": 1_000_000, "maxOutput": 128_000, "available": true,
        "price": {
            "id": "anthropic/claude-sonnet-5-5@2026-10-07", "since": "2026-10-07", "input": "2",
            "output": "10", "cacheRead": "0.1", "cacheWrite": "2.5", "cacheWriteLong": "4",
        },
    });
    assert_eq!(sonnet, expected);
    let gpt = model(&app, &app.live, "openai/gpt-4o").await.unwrap();
    assert_eq!((&gpt["available"], &gpt["price"]["input"]), (&json!(false), &json!("2.5")));
    assert!(gpt["price"].get("since").is_none());
    let tiered = model(&app, &app.live, "openai/gpt-6.1-sol").await.unwrap();
    assert_eq!(tiered["price"]["longPrompt"]["over"], 272_000);
    assert_eq!(tiered["price"]["longPrompt"]["input"], "4");
}

#[tokio::test]
async fn an_own_price_goes_before_the_vendors() {
    let app = App::new().await;
    let put = async |id: &str, body: Value| {
        app.request("PUT", &format!("/v1/models/{id}/price")).json(&body).send().await
    };
    let price = json!({ "input": "1.5", "output": 6, "cacheRead": "0.000001" });
    // By any of its names.
    for id in ["anthropic%2Fclaude-sonnet-5-5", "claude-sonnet-5-5", "claude-sonnet"] {
        let set = put(id, price.clone()).await.is(StatusCode::OK);
        assert!(set.header("x-theazo-position").parse::<u64>().is_ok());
        assert_eq!(set.text("id"), "anthropic/claude-sonnet-5-5");
        let own = &set.json["ownPrice"];
        assert_eq!(own["id"], "own/anthropic/claude-sonnet-5-5@1");
        for (field, value) in
            [("input", "1.5"), ("output", "6"), ("cacheRead", "0.000001"), ("cacheWrite", "1.5")]
        {
            assert_eq!(own[field], value, "{field}");
        }
    }
    let shown = model(&app, &app.live, "anthropic/claude-sonnet-5-5").await.unwrap();
    assert_eq!(
        (&shown["ownPrice"]["input"], &shown["price"]["input"]),
        (&json!("1.5"), &json!("2"))
    );
    // One that nobody has heard of.
    let set = put("meta%2Fllama-9", json!({ "input": 1, "output": 2 })).await.is(StatusCode::OK);
    let shown = model(&app, &app.live, "meta/llama-9").await.unwrap();
    assert_eq!(shown, set.json);
    assert_eq!((&shown["vendor"], &shown["available"]), (&json!("meta"), &json!(false)));
    for key in [&app.test, &app.other] {
        let foreign = model(&app, key, "anthropic/claude-sonnet-5-5").await.unwrap();
        assert!(foreign.get("ownPrice").is_none());
        assert!(model(&app, key, "meta/llama-9").await.is_none());
    }
    for (body, field) in [
        (json!({}), "input"),
        (json!({ "input": 1 }), "output"),
        (json!({ "input": -1, "output": 2 }), "input"),
        (json!({ "input": "free", "output": 2 }), "input"),
        (json!({ "input": null, "output": 2 }), "input"),
        (json!({ "input": 1, "output": "0.0000001" }), "output"),
        (json!({ "input": 1, "output": 2, "cacheWriteLong": "1,5" }), "cacheWriteLong"),
        (json!({ "input": 1, "output": 2, "batch": 1 }), "batch"),
    ] {
        put("gpt-4o", body).await.wrong_field(field);
    }
    put(&"x".repeat(201), json!({ "input": 1, "output": 2 })).await.wrong_field("id");
}

#[tokio::test]
async fn tools_are_listed_and_viewed() {
    let app = App::new().await;
    let page = app.get("/v1/tools").await.is(StatusCode::OK);
    assert_eq!(page.column("name"), ["write_file", "report_progress"]);
    let tool = app.get("/v1/tools/write_file").await.is(StatusCode::OK).json;
    let expected = json!({
        "name": "write_file", "description": "Does what write_file says.",
        "inputSchema": { "type": "object" }, "repeatable": true, "mutates": true, "builtIn": true,
        "always": false,
    });
    assert_eq!(tool, expected);
    assert_eq!(app.get("/v1/tools/report_progress").await.json["always"], true);
    app.get("/v1/tools/teleport").await.fails(404, "not_found");
}

#[tokio::test]
async fn every_tenant_has_a_webhook_secret_of_its_own() {
    let app = App::new().await;
    let mut secrets = std::collections::BTreeSet::new();
    for key in [&app.live, &app.test, &app.other, &app.live] {
        let call = app.anonymous("GET", "/v1/settings/webhook-secret").key(key);
        let answer = call.send().await.is(StatusCode::OK);
        assert_eq!(answer.header("cache-control"), "no-store");
        let secret = answer.text("secret");
        assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "{secret}");
        secrets.insert(secret);
    }
    assert_eq!(secrets.len(), 3);
}

#[tokio::test]
async fn unknown_models_are_refused_wherever_they_are_set() {
    let app = App::new().await;
    let session = app.session("user").await;
    let body = || json!({ "model": "llama-9" });
    let patch = async |target: &str| app.request("PATCH", target).json(&body()).send().await;
    patch("/v1/settings").await.wrong_field("model");
    patch(&format!("/v1/sessions/{session}")).await.wrong_field("model");
    app.post("/v1/sessions", json!({ "userId": "u", "model": "llama-9" }))
        .await
        .wrong_field("model");
    app.post("/v1/sessions/by-user/u", body()).await.wrong_field("model");
    app.post(&format!("/v1/sessions/{session}/agents"), body()).await.wrong_field("model");
    let gateway = json!({ "model":
        { "baseUrl": "http://10.0.0.1/v1", "credentialRef": "k", "name": "m" } });
    let answer = app.request("PATCH", "/v1/settings").json(&gateway).send().await;
    answer.wrong_field("model.baseUrl");
    // Whether there is a key for it is looked at when a task is submitted.
    let known = app.request("PATCH", "/v1/settings").json(&json!({ "model": "gpt-4o" }));
    known.send().await.is(StatusCode::OK);
}
