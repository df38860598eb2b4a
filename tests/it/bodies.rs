//! What is wrong with a body is said, field by field, and nothing is done.

use serde_json::{Map, Value, json};
use theazo_tests::Server;

use crate::document::Document;
use crate::routes;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_object_is_refused() {
    let server = Server::start().await;
    let client = server.test();
    for route in routes::with_json() {
        let world = World::for_route(&client, &route).await;
        let send = |body: &str, content_type: &str| {
            world.with_body(&route, None).raw(body.to_owned(), content_type)
        };
        for text in ["{", "{\"a\":}", "not json", "\u{feff}{}", "{} {}", "\"\\ud800\""] {
            send(text, "application/json").await.refused("unprocessable_entity");
        }
        for text in ["[]", "1", "\"text\"", "null", "true"] {
            send(text, "application/json").await.refused("unprocessable_entity");
        }
        let good = route.good_body(&client).unwrap().to_string();
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
            send(&good, content_type).await.refused("unsupported_media_type");
        }
        let deep = "[".repeat(100_000);
        send(&format!("{{\"metadata\":{deep}"), "application/json").await.error();
        let large = format!("{{\"metadata\":{{\"a\":\"{}\"}}}}", "x".repeat(3 << 20));
        send(&large, "application/json").await.refused("payload_too_large");
        let answer = world.good(&route).await;
        assert!(route.accepts(answer.status), "{}: {}", route.name(), answer.brief());
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_missing_wrong_or_unknown_field_is_named() {
    let server = Server::start().await;
    let client = server.test();
    let document = Document::of(&client).await;
    for route in routes::with_json() {
        let operation = document.operation(&route.method, route.path).unwrap();
        let schema = document.body(&operation).unwrap_or_else(|| panic!("{}", route.name()));
        let world = World::for_route(&client, &route).await;
        let good = route.good_body(&client).unwrap().as_object().unwrap().clone();
        let send = |body: Map<String, Value>| world.with_body(&route, Some(Value::Object(body)));

        let mut unknown = good.clone();
        unknown.insert("noSuchField".to_owned(), json!(1));
        send(unknown).await.invalid("noSuchField");

        for name in document.required(&schema) {
            let mut body = good.clone();
            body.remove(&name).unwrap_or_else(|| panic!("{}: {name}", route.name()));
            send(body).await.invalid(&name);
            let mut body = good.clone();
            body.insert(name.clone(), Value::Null);
            send(body).await.invalid(&name);
        }
        for (name, value) in document.wrong_values(&schema) {
            let mut body = good.clone();
            body.insert(name.clone(), value);
            let answer = send(body).await;
            let error = answer.refused("unprocessable_entity");
            let fields = error["details"]["fields"].as_array().unwrap();
            let named = |field: &Value| field["path"].as_str().unwrap().starts_with(&name);
            assert!(fields.iter().any(named), "{}: {name}: {error}", route.name());
        }
        let answer = world.good(&route).await;
        assert!(route.accepts(answer.status), "{}: {}", route.name(), answer.brief());
        world.end().await;
    }
}

/// Values that have the right type and are still wrong.
#[tokio::test(flavor = "multi_thread")]
async fn values_out_of_range_are_named() {
    let server = Server::start().await;
    let client = server.test();
    let session = client.session().await;
    let agents = format!("/v1/sessions/{session}/agents");
    let agent = client.agent(&session).await;
    let long = "x".repeat(300);
    let cost = |amount: Value, currency: &str, period: &str| {
        let cost = json!({ "amount": amount, "currency": currency, "period": period });
        json!({ "userId": "u", "limits": { "maxCost": cost } })
    };
    let cases = [
        ("/v1/sessions", json!({ "userId": "" }), "userId"),
        ("/v1/sessions", json!({ "userId": long }), "userId"),
        ("/v1/sessions", json!({ "userId": "a\nb" }), "userId"),
        ("/v1/sessions", cost(json!(-1), "usd", "day"), "limits.maxCost.amount"),
        ("/v1/sessions", cost(json!(1.5), "usd", "day"), "limits.maxCost.amount"),
        ("/v1/sessions", cost(json!("1"), "usd", "day"), "limits.maxCost.amount"),
        ("/v1/sessions", cost(json!(1), "eur", "day"), "limits.maxCost.currency"),
        ("/v1/sessions", cost(json!(1), "usd", "year"), "limits.maxCost.period"),
        ("/v1/sessions", json!({ "userId": "u", "limits": { "agents": 1 } }), "limits.agents"),
        (
            "/v1/sessions",
            json!({ "userId": "u", "limits": { "maxAgents": -1 } }),
            "limits.maxAgents",
        ),
        ("/v1/sessions", json!({ "userId": "u", "metadata": { "": 1 } }), "metadata."),
        (
            "/v1/sessions",
            json!({ "userId": "u", "metadata": { "a": "x".repeat(20_000) } }),
            "metadata",
        ),
        (
            "/v1/sessions",
            json!({ "userId": "u", "model": { "id": "m", "temperature": 3 } }),
            "model.temperature",
        ),
        (&agents, json!({ "timeout": 0 }), "timeout"),
        (&agents, json!({ "timeout": 86_401 }), "timeout"),
        (&agents, json!({ "costCap": { "amount": -1, "currency": "usd" } }), "costCap.amount"),
        (&agents, json!({ "tools": [""] }), "tools[0]"),
        (&agents, json!({ "compute": { "provider": "aws" } }), "compute.provider"),
        (&agents, json!({ "snapshotId": "snp_00000000000000000000000001" }), "snapshotId"),
        (&agents, json!({ "snapshotId": "nothing" }), "snapshotId"),
        ("/v1/secrets", json!({ "name": "a b", "value": "v" }), "name"),
        ("/v1/secrets", json!({ "name": "", "value": "v" }), "name"),
        ("/v1/secrets", json!({ "name": "A", "value": "v", "sessionId": "x" }), "sessionId"),
        ("/v1/api-keys", json!({ "name": "" }), "name"),
        ("/v1/providers", json!({ "provider": "aws", "credentials": {} }), "provider"),
        (&format!("/v1/agents/{agent}/exec"), json!({ "lang": "ruby", "code": "1" }), "lang"),
        (&format!("/v1/agents/{agent}/exec"), json!({ "lang": "bash", "code": "" }), "code"),
        (&format!("/v1/agents/{agent}/ports"), json!({ "port": 0 }), "port"),
        (&format!("/v1/agents/{agent}/ports"), json!({ "port": 65_536 }), "port"),
        (&format!("/v1/agents/{agent}/ports"), json!({ "port": -1 }), "port"),
    ];
    for (path, body, field) in cases {
        client.post(path, body).await.invalid(field);
    }
    for day in [0, 29, 300] {
        client.patch("/v1/settings", json!({ "billingDay": day })).await.invalid("billingDay");
    }
}
