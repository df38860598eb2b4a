//! The description is of what is there: every route, and every answer's shape.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::Value;

use crate::support::App;

fn spec() -> Value {
    serde_json::to_value(theazo_api::openapi()).unwrap()
}

fn operations(spec: &Value) -> Vec<(String, String, Value)> {
    let paths = spec["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let item = item.as_object().unwrap().clone();
        let path = path.clone();
        item.into_iter().map(move |(method, op)| (method, path.clone(), op)).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

#[test]
fn every_route_of_the_contract_is_described() {
    let spec = spec();
    let routes: BTreeSet<String> =
        operations(&spec).iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    for route in [
        "post /v1/sessions",
        "get /v1/sessions",
        "get /v1/sessions/{id}",
        "patch /v1/sessions/{id}",
        "post /v1/sessions/by-user/{userId}",
        "post /v1/sessions/{id}/end",
        "post /v1/sessions/{id}/agents",
        "get /v1/sessions/{id}/agents",
        "get /v1/agents/{id}",
        "post /v1/agents/{id}/exec",
        "post /v1/agents/{id}/pause",
        "post /v1/agents/{id}/resume",
        "post /v1/agents/{id}/terminate",
        "get /v1/agents/{id}/files",
        "put /v1/agents/{id}/files",
        "delete /v1/agents/{id}/files",
        "get /v1/agents/{id}/files/list",
        "post /v1/agents/{id}/ports",
        "get /v1/agents/{id}/ports",
        "delete /v1/agents/{id}/ports/{port}",
        "get /v1/snapshots",
        "delete /v1/snapshots/{id}",
        "get /v1/providers",
        "post /v1/providers",
        "delete /v1/providers/{provider}",
        "post /v1/providers/{provider}/check",
        "post /v1/secrets",
        "get /v1/secrets",
        "delete /v1/secrets/{name}",
        "post /v1/sessions/{id}/run",
        "post /v1/sessions/{id}/tasks",
        "get /v1/sessions/{id}/tasks",
        "get /v1/sessions/{id}/tasks/{taskId}",
        "get /v1/sessions/{id}/tasks/{taskId}/wait",
        "post /v1/sessions/{id}/tasks/{taskId}/cancel",
        "get /v1/sessions/{id}/tasks/{taskId}/steps",
        "get /v1/sessions/{id}/tasks/{taskId}/stream",
        "get /v1/agents/{id}/stream",
        "get /v1/sessions/{id}/tasks/{taskId}/artifacts",
        "get /v1/sessions/{id}/tasks/{taskId}/deliveries",
        "post /v1/agents/{id}/run",
        "post /v1/agents/{id}/retry",
        "post /v1/agent-definitions",
        "get /v1/agent-definitions",
        "get /v1/agent-definitions/{id}",
        "put /v1/agent-definitions/{id}",
        "delete /v1/agent-definitions/{id}",
        "get /v1/agent-definitions/{id}/versions",
        "get /v1/models",
        "put /v1/models/{id}/price",
        "get /v1/tools",
        "get /v1/tools/{name}",
        "get /v1/settings/webhook-secret",
        "get /v1/settings",
        "patch /v1/settings",
        "post /v1/api-keys",
        "get /v1/api-keys",
        "delete /v1/api-keys/{id}",
        "post /v1/api-keys/{id}/rotate",
        "get /v1/usage/summary",
        "get /v1/billing/usage",
        "get /v1/billing/usage/daily",
        "get /v1/billing/usage/users",
        "get /v1/billing/usage/models",
        "get /v1/audit/events",
        "get /v1/audit/{kind}/{id}",
        "get /v1/audit/verify",
        "get /healthz",
        "get /readyz",
        "get /metrics",
    ] {
        assert!(routes.contains(route), "{route} is not described; there are {routes:#?}");
    }
}

#[test]
fn every_operation_is_whole() {
    let spec = spec();
    let mut ids = BTreeSet::new();
    for (method, path, op) in operations(&spec) {
        let name = format!("{method} {path}");
        assert!(ids.insert(op["operationId"].as_str().unwrap().to_owned()), "{name}: id");
        assert!(op["summary"].is_string(), "{name}: summary");
        let responses = op["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name}: success");
        if path.starts_with("/v1/") {
            for status in ["401", "429", "500", "503"] {
                assert!(responses.contains_key(status), "{name}: {status}");
            }
        }
        for (status, response) in
            responses.iter().filter(|(status, _)| *status >= &"400".to_owned())
        {
            let schema = &response["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/ErrorEnvelope", "{name}: {status}");
        }
        for parameter in path.split('{').skip(1).map(|part| part.split('}').next().unwrap()) {
            let described = op["parameters"].as_array().unwrap().iter();
            let described =
                described.filter(|p| p["in"] == "path" && p["name"] == parameter).count();
            assert_eq!(described, 1, "{name}: {parameter}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|value| walk(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let spec = spec();
    let mut references = BTreeSet::new();
    walk(&spec, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(spec.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn every_described_route_is_there_and_needs_a_key() {
    let app = App::new().await;
    for (method, path, _) in operations(&spec()) {
        if !path.starts_with("/v1/") {
            continue;
        }
        let target: String = path
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        let method = method.to_ascii_uppercase();
        app.anonymous(&method, &target).send().await.fails(401, "unauthorized");
        let answer = app.request(&method, &target).send().await;
        assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
    }
}

#[tokio::test]
async fn the_description_is_served_and_shown() {
    let app = App::new().await;
    let json = app.anonymous("GET", "/openapi.json").send().await.is(StatusCode::OK);
    assert_eq!(json.json, spec());
    assert_eq!(json.json["components"]["securitySchemes"]["apiKey"]["scheme"], "bearer");
    let docs = app.anonymous("GET", "/docs").send().await;
    assert_eq!(docs.header("location"), "/docs/");
    let page = app.anonymous("GET", "/docs/").send().await.is(StatusCode::OK);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("default-src 'self'"));
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        app.anonymous("GET", &format!("/docs/{file}")).send().await.is(StatusCode::OK);
    }
    app.anonymous("GET", "/docs/nothing").send().await.fails(404, "not_found");
}
