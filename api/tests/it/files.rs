//! Files of an agent.

use axum::http::StatusCode;
use serde_json::json;

use crate::agents::idle_agent;
use crate::support::{Answer, App};

const MIB: usize = 1 << 20;

async fn put(app: &App, target: &str, data: Vec<u8>) -> Answer {
    app.request("PUT", target).body(data).send().await
}

#[tokio::test]
async fn bytes_go_in_and_come_out_as_they_were() {
    let app = App::new().await;
    let id = idle_agent(&app).await;
    let files = format!("/v1/agents/{id}/files");
    let data: Vec<u8> = (0..=255).cycle().take(3 * MIB).collect();
    let target = format!("{files}?path=/workspace/a%20b.bin");
    let written = put(&app, &target, data.clone()).await.is(StatusCode::OK);
    assert_eq!(written.json, json!({ "path": "/workspace/a b.bin", "size": 3 * MIB }));
    assert!(written.header("x-theazo-position").parse::<u64>().is_ok());
    let read = app.get(&target).await.is(StatusCode::OK);
    assert!(read.bytes == data, "what came out is not what went in");
    assert_eq!(read.header("content-type"), "application/octet-stream");
    assert_eq!(read.header("x-content-type-options"), "nosniff");

    let listed = app.get(&format!("{files}/list?path=/workspace")).await.is(StatusCode::OK);
    let entry = json!({ "name": "a b.bin", "size": 3 * MIB, "isDirectory": false });
    assert_eq!(listed.json, json!({ "data": [entry], "hasMore": false }));
    assert_eq!(app.get(&format!("{files}/list")).await.json, listed.json);

    assert_eq!(app.delete(&target).await.is(StatusCode::OK).json, json!({ "ok": true }));
    app.get(&target).await.fails(404, "not_found");
    app.delete(&target).await.fails(404, "not_found");
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let app = App::new().await;
    let id = idle_agent(&app).await;
    let target = format!("/v1/agents/{id}/files?path=/workspace/empty");
    assert_eq!(put(&app, &target, vec![]).await.is(StatusCode::OK).json["size"], 0);
    assert_eq!(app.get(&target).await.is(StatusCode::OK).bytes, b"");
}

#[tokio::test]
async fn a_path_that_is_none_of_the_workspaces_is_named() {
    let app = App::new().await;
    let id = idle_agent(&app).await;
    let long = format!("/workspace/{}", "a".repeat(4_096));
    for path in [
        "",
        "a.txt",
        "/etc/passwd",
        "/workspaces/a",
        "/workspace/../etc/passwd",
        "/workspace/%2e%2e/etc",
        "/workspace/a%00b",
        "/workspace/link-out/secret",
        &long,
    ] {
        let target = format!("/v1/agents/{id}/files?path={path}");
        app.get(&target).await.wrong_field("path");
        put(&app, &target, vec![1]).await.wrong_field("path");
        app.delete(&target).await.wrong_field("path");
        app.get(&format!("/v1/agents/{id}/files/list?path={path}")).await.wrong_field("path");
    }
    let files = format!("/v1/agents/{id}/files");
    app.get(&files).await.wrong_field("path");
    app.get(&format!("{files}?path=/workspace/a&mode=7")).await.wrong_field("mode");
    put(&app, &format!("{files}?path=/workspace"), vec![1]).await.wrong_field("path");
    app.delete(&format!("{files}?path=/workspace/")).await.wrong_field("path");
}

#[tokio::test]
async fn a_file_that_is_too_large_or_does_not_fit_is_refused() {
    let app = App::with(|config| config.body_limit = MIB).await;
    let id = idle_agent(&app).await;
    let target = format!("/v1/agents/{id}/files?path=/workspace/large");
    put(&app, &target, vec![0; MIB]).await.is(StatusCode::OK);
    put(&app, &target, vec![0; MIB + 1]).await.fails(413, "payload_too_large");
    assert_eq!(app.get(&target).await.bytes.len(), MIB);
    let full = format!("/v1/agents/{id}/files?path=/workspace/full/a");
    put(&app, &full, vec![0]).await.fails(409, "conflict");
}
