//! `web_search`, against servers that answer in the backends' own shapes.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Value, json};
use theazo_workers::tools::{SearchBackend, ToolsConfig};

use super::Desk;
use super::machine::Machine;
use super::server::{Server, answer, json as json_answer};

const KEY: &str = "key-that-is-secret";

fn key() -> SecretString {
    SecretString::from(KEY.to_owned())
}

async fn desk(backend: SearchBackend) -> Desk {
    let config = ToolsConfig { search: Some(backend) };
    Desk::on(Arc::new(Machine::new(vec![])), config).await
}

#[tokio::test]
async fn searxng_is_asked_for_json() {
    let server = Server::start(|_| {
        json_answer(
            "200 OK",
            r#"{"query":"rust & co","number_of_results":0,"results":[
            {"url":"https://www.rust-lang.org/","title":"Rust Programming\n Language",
             "content":"A language empowering everyone.","publishedDate":null,"thumbnail":"",
             "engine":"brave","template":"default.html","parsed_url":["https","www.rust-lang.org",
             "/","","",""],"img_src":"","priority":"","engines":["brave","duckduckgo"],
             "positions":[1,1],"score":4.0,"category":"general"},
            {"url":"https://b.example/","title":"B","content":null,"engine":"x"},
            {"url":"javascript:alert(1)","title":"C","content":"","engine":"x"},
            {"title":"no address","content":"","engine":"x"}],
            "answers":[],"corrections":[],"infoboxes":[],"suggestions":["rust game"],
            "unresponsive_engines":[["google","Suspended: too many requests"]]}"#,
        )
    })
    .await;
    let desk = desk(SearchBackend::searxng(server.url("/searx/"))).await;
    let found = desk.call("web_search", json!({ "query": "rust & co" })).await;
    assert_eq!(
        found,
        "1. Rust Programming Language\n   https://www.rust-lang.org/\n   \
         A language empowering everyone.\n2. B\n   https://b.example/\n"
    );
    assert_eq!(server.asked()[0].line(), "GET /searx/search?q=rust+%26+co&format=json");
    let one = desk.call("web_search", json!({ "query": "x", "count": 1 })).await;
    assert!(!one.contains("2. B"), "{one}");
}

#[tokio::test]
async fn searxng_without_json_or_engines_says_what_is_missing() {
    let html = |status: &'static str| {
        Server::start(move |_| answer(status, &[("Content-Type", "text/html")], "<h1>no</h1>"))
    };
    let server = html("403 FORBIDDEN").await;
    let told = desk(SearchBackend::searxng(server.url("")))
        .await
        .refused("web_search", json!({ "query": "x" }))
        .await;
    assert!(told.contains("HTTP 403") && told.contains("json in search.formats"), "{told}");
    let server = html("200 OK").await;
    let told = desk(SearchBackend::searxng(server.url("")))
        .await
        .refused("web_search", json!({ "query": "x" }))
        .await;
    assert!(told.contains("its answer is not JSON"), "{told}");
    let server = Server::start(|_| {
        let body = r#"{"results":[],"unresponsive_engines":[["bing","timeout"]]}"#;
        json_answer("200 OK", body)
    })
    .await;
    let told = desk(SearchBackend::searxng(server.url("")))
        .await
        .refused("web_search", json!({ "query": "x" }))
        .await;
    assert!(told.contains("none of its engines answered (bing: timeout)"), "{told}");
}

#[tokio::test]
async fn brave_is_asked_with_its_token() {
    let server = Server::start(|asked| match asked.line().contains("q=none") {
        true => json_answer("200 OK", r#"{"type":"search","query":{"original":"none"}}"#),
        false => json_answer(
            "200 OK",
            r#"{"type":"search","query":{"original":"rust","more_results_available":true},
            "mixed":{"type":"mixed","main":[{"type":"web","index":0,"all":false}]},
            "web":{"type":"search","family_friendly":true,"results":[
            {"title":"Rust","url":"https://www.rust-lang.org/","is_source_local":false,
             "is_source_both":false,"description":"A language.","page_age":"2026-10-01T00:00:00",
             "profile":{"name":"Rust","url":"https://www.rust-lang.org/"},"language":"en",
             "type":"search_result","subtype":"generic","meta_url":{"scheme":"https"},
             "extra_snippets":["more"]}]}}"#,
        ),
    })
    .await;
    let desk = desk(SearchBackend::brave(key()).at(server.url(""))).await;
    let found = desk.call("web_search", json!({ "query": "rust", "count": 3 })).await;
    assert_eq!(found, "1. Rust\n   https://www.rust-lang.org/\n   A language.\n");
    let asked = &server.asked()[0];
    assert_eq!(
        asked.line(),
        "GET /res/v1/web/search?q=rust&count=3&result_filter=web&text_decorations=false"
    );
    assert_eq!(asked.header("x-subscription-token"), Some(KEY));
    let none = desk.call("web_search", json!({ "query": "none" })).await;
    assert_eq!(none, "nothing was found for \"none\"");
}

#[tokio::test]
async fn tavily_is_asked_with_a_bearer() {
    let server = Server::start(|_| {
        json_answer(
            "200 OK",
            r#"{"query":"rust","follow_up_questions":null,"answer":null,"images":[],"results":[
            {"url":"https://www.rust-lang.org/","title":"Rust","content":"A language.",
             "score":0.98,"raw_content":null}],"response_time":0.9,
            "request_id":"0b4cd1c4-9a35-4a4c-8a1c-1d3b8a5f9a11"}"#,
        )
    })
    .await;
    let desk = desk(SearchBackend::tavily(key()).at(server.url(""))).await;
    let found = desk.call("web_search", json!({ "query": "rust", "count": 2 })).await;
    assert_eq!(found, "1. Rust\n   https://www.rust-lang.org/\n   A language.\n");
    let asked = &server.asked()[0];
    assert_eq!(asked.line(), "POST /search");
    assert_eq!(asked.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(body, json!({ "query": "rust", "max_results": 2, "search_depth": "basic" }));
}

#[tokio::test]
async fn a_backend_that_refuses_is_quoted_without_the_key() {
    let refusals = [
        (
            SearchBackend::brave(key()),
            "422 Unprocessable Entity",
            r#"{"type":"ErrorResponse","error":{"id":"1","status":422,
                "code":"SUBSCRIPTION_TOKEN_INVALID","detail":"The token KEY is invalid."},
                "time":1}"#,
            "The search by Brave failed: HTTP 422: The token [key] is invalid.",
        ),
        (
            SearchBackend::tavily(key()),
            "401 Unauthorized",
            r#"{"detail":{"error":"Unauthorized: invalid API key KEY."}}"#,
            "The search by Tavily failed: HTTP 401: Unauthorized: invalid API key [key].",
        ),
        (
            SearchBackend::tavily(key()),
            "429 Too Many Requests",
            "slow down",
            "The search by Tavily failed: HTTP 429 Too Many Requests.",
        ),
    ];
    for (backend, status, body, told) in refusals {
        let body = body.replace("KEY", KEY);
        let server = Server::start(move |_| json_answer(status, &body)).await;
        let said = desk(backend.at(server.url("")))
            .await
            .refused("web_search", json!({ "query": "x" }))
            .await;
        assert!(said.starts_with(told.trim_end_matches('.')), "{said}");
        assert!(!said.contains(KEY), "{said}");
    }
}

#[tokio::test]
async fn a_backend_that_is_away_or_silent_is_told() {
    let silent = Server::start(|_| vec![]).await;
    let mut waiting = desk(SearchBackend::searxng(silent.url(""))).await;
    waiting.context.patience = std::time::Duration::from_millis(200);
    let told = waiting.refused("web_search", json!({ "query": "x" })).await;
    assert_eq!(told, "The search by SearXNG failed: it did not answer in time.");
    for url in ["http://127.0.0.1:1", "not a url", "ftp://127.0.0.1/"] {
        let told = desk(SearchBackend::searxng(url))
            .await
            .refused("web_search", json!({ "query": "x" }))
            .await;
        assert!(told.starts_with("The search by SearXNG failed: "), "{told}");
    }
}

#[tokio::test]
async fn without_a_backend_the_operator_is_named() {
    let told = Desk::machine().await.refused("web_search", json!({ "query": "x" })).await;
    assert_eq!(
        told,
        "web search is not set up: the operator sets THEAZO_SEARCH_URL to a SearXNG, or \
         BRAVE_API_KEY, or TAVILY_API_KEY"
    );
}

#[tokio::test]
async fn a_test_key_searches_nothing() {
    let desk = Desk::mock().await;
    let found = desk.call("web_search", json!({ "query": "rust", "count": 1 })).await;
    assert_eq!(
        found,
        "1. mock: result 1 for rust\n   https://example.com/mock/1\n   mock: summary 1\n"
    );
}
