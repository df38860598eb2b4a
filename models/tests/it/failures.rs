use std::time::{Duration, Instant};

use theazo_models::{ModelErrorKind, Models, ModelsConfig, Wire};

use crate::server::{
    Answer, KEY, SSE, Server, answer, ask, config, half_hello, head, hello, route,
};

/// An answer that says to come back at once.
fn busy(status: &str, body: &str) -> Answer {
    answer(status, "retry-after-ms: 1\r\n", body)
}

fn models() -> Models {
    Models::new(config()).unwrap()
}

fn without_retries() -> Models {
    Models::new(ModelsConfig { retries: 0, ..config() }).unwrap()
}

const QUOTA: &str = r#"{"error":{"message":"pay","code":"insufficient_quota"}}"#;

#[tokio::test]
async fn a_call_is_made_again_until_it_works() {
    let answers = vec![
        busy("429 Too Many Requests", ""),
        busy("529 Overloaded", "{}"),
        busy("500 Oops", "<html>"),
        busy("400 Bad", "").with_header("x-should-retry: true"),
        hello(),
    ];
    let server = Server::start(answers).await;
    let (text, result) = ask(&models(), &route(Wire::Anthropic, &server.url)).await;
    assert_eq!((text.as_str(), result.is_ok(), server.asked()), ("hello", true, 5));
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let wait = answer("429 Slow", "retry-after: 1\r\n", "");
    let server = Server::start(vec![wait, hello()]).await;
    let began = Instant::now();
    assert!(ask(&models(), &route(Wire::Anthropic, &server.url)).await.1.is_ok());
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn some_failures_are_final() {
    for (refusal, kind) in [
        (busy("400 Bad", r#"{"error":{"message":"bad"}}"#), ModelErrorKind::Invalid),
        (busy("401 No", ""), ModelErrorKind::Auth),
        (busy("429 Quota", QUOTA), ModelErrorKind::Billing),
        (
            busy("529 Overloaded", "").with_header("x-should-retry: false"),
            ModelErrorKind::Overloaded,
        ),
        (answer("429 Slow", "retry-after: 3600\r\n", ""), ModelErrorKind::RateLimited),
        (answer("302 Found", "location: http://169.254.169.254/\r\n", ""), ModelErrorKind::Invalid),
        (answer("200 OK", "content-type: text/html\r\n", "<html>"), ModelErrorKind::Invalid),
    ] {
        let server = Server::start(vec![refusal]).await;
        let error = ask(&models(), &route(Wire::OpenaiChat, &server.url)).await.1.unwrap_err();
        assert_eq!((error.kind, server.asked()), (kind, 1), "{error}");
        assert_eq!(error.usage, None);
    }
}

#[tokio::test]
async fn what_was_tried_is_said() {
    let server = Server::start(vec![busy("500 Oops", r#"{"error":{"message":"we burn"}}"#)]).await;
    let error = ask(&models(), &route(Wire::Anthropic, &server.url)).await.1.unwrap_err();
    assert_eq!(error.message, "we burn (asked 5 times)");
    assert_eq!((error.kind, error.status), (ModelErrorKind::Server, Some(500)));
}

#[tokio::test]
async fn a_stream_that_breaks_is_told_with_what_it_used() {
    let server = Server::start(vec![Answer::Bytes(half_hello(true)), hello()]).await;
    let (text, result) = ask(&models(), &route(Wire::Anthropic, &server.url)).await;
    let error = result.unwrap_err();
    assert_eq!((text.as_str(), error.kind), ("hello", ModelErrorKind::Network));
    let usage = error.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.estimated), (11, 2, true));
    assert_eq!(server.asked(), 1, "not asked again behind the caller's back");
}

#[tokio::test]
async fn a_connection_that_closes_early_is_tried_again() {
    let server = Server::start(vec![Answer::Bytes(Vec::new()), hello()]).await;
    let (text, _) = ask(&models(), &route(Wire::Anthropic, &server.url)).await;
    assert_eq!((text.as_str(), server.asked()), ("hello", 2));
}

#[tokio::test]
async fn silence_is_a_timeout() {
    for (answer, told) in [
        (Answer::Hang(Vec::new()), false),
        (Answer::Hang(head("200 OK", SSE, None)), false),
        (Answer::Hang(half_hello(true)), true),
    ] {
        let server = Server::start(vec![answer]).await;
        let silence = Duration::from_millis(150);
        let models = Models::new(ModelsConfig { silence, retries: 0, ..config() }).unwrap();
        let (text, result) = ask(&models, &route(Wire::Anthropic, &server.url)).await;
        let error = result.unwrap_err();
        assert_eq!((error.kind, error.usage.is_some()), (ModelErrorKind::Timeout, told));
        assert_eq!(text.is_empty(), !told);
        server.client_gone().await;
    }
}

#[tokio::test]
async fn errors_inside_a_stream_are_retried_when_nothing_was_said() {
    let mut overloaded = half_hello(false);
    overloaded.extend(
        b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\
          \"message\":\"Overloaded\"}}\n\n",
    );
    let server = Server::start(vec![Answer::Bytes(overloaded), hello()]).await;
    let (text, _) = ask(&models(), &route(Wire::Anthropic, &server.url)).await;
    assert_eq!((text.as_str(), server.asked()), ("hello", 2));
}

#[tokio::test]
async fn keys_are_not_in_errors() {
    let body = format!(r#"{{"error":{{"message":"key {KEY} and sk-other-12345678 are bad"}}}}"#);
    let server = Server::start(vec![busy("401 No", &body)]).await;
    let error = ask(&models(), &route(Wire::OpenaiChat, &server.url)).await.1.unwrap_err();
    assert_eq!(error.message, "key [redacted] and [redacted] are bad");
}

#[tokio::test]
async fn keys_are_in_nothing_that_is_recorded_in_plain_text() {
    let events = [
        format!(
            r#"{{"id":"{KEY}","model":"model-{KEY}","choices":[{{"delta":{{"refusal":"no: {KEY}"}}}}]}}"#
        ),
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#.to_owned(),
        "[DONE]".to_owned(),
    ];
    let body: String = events.iter().map(|data| format!("data: {data}\n\n")).collect();
    let headers = format!("{SSE}x-request-id: req-{KEY}\r\n");
    let server = Server::start(vec![answer("200 OK", &headers, &body)]).await;
    let result = ask(&models(), &route(Wire::OpenaiChat, &server.url)).await.1.unwrap();
    assert_eq!(result.model, "model-[redacted]");
    assert_eq!(result.request_id.as_deref(), Some("req-[redacted]"));
    assert_eq!(result.explanation.as_deref(), Some("no: [redacted]"));

    let call =
        format!(r#"{{"index":0,"id":"c","function":{{"name":"{KEY}","arguments":"{{}}"}}}}"#);
    let data = format!(
        r#"{{"choices":[{{"delta":{{"tool_calls":[{call}]}},"finish_reason":"tool_calls"}}]}}"#
    );
    let body = format!("data: {data}\n\ndata: [DONE]\n\n");
    let server = Server::start(vec![answer("200 OK", SSE, &body)]).await;
    let error = ask(&without_retries(), &route(Wire::OpenaiChat, &server.url)).await.1.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Malformed);
    assert!(!error.message.contains(KEY), "{}", error.message);
}

#[tokio::test]
async fn fallbacks_stand_in() {
    for (status, stands_in) in [("529 Busy", true), ("404 None", true), ("401 No", false)] {
        let down = Server::start(vec![answer(status, "", "")]).await;
        let up = Server::start(vec![hello()]).await;
        let mut route = route(Wire::Anthropic, &down.url);
        route.fallbacks = vec![crate::server::route(Wire::Anthropic, &up.url)];
        let result = ask(&without_retries(), &route).await.1;
        assert_eq!(result.as_ref().map(|r| r.leg).ok(), stands_in.then_some(1), "{status}");
    }
}

#[tokio::test]
async fn all_that_failed_is_named() {
    let down = Server::start(vec![answer("529 Busy", "", "busy"), answer("400 Bad", "", "bad")]);
    let down = down.await;
    let mut route = route(Wire::Anthropic, &down.url);
    route.fallbacks = vec![route.clone()];
    let error = ask(&without_retries(), &route).await.1.unwrap_err();
    assert_eq!(error.message, "busy; then its fallback: bad");
    assert_eq!(error.kind, ModelErrorKind::Overloaded);
}

#[tokio::test]
async fn the_mock_may_stand_in_too() {
    let models = without_retries();
    let mut route = route(Wire::Anthropic, "http://127.0.0.1:1");
    let mock = serde_json::from_str(r#""mock""#).unwrap();
    route.fallbacks = vec![models.route(Some(&mock), theazo_domain::Mode::Live).unwrap()];
    let (text, result) = ask(&models, &route).await;
    assert_eq!((text.as_str(), result.unwrap().leg), ("mock: hi", 1));
}

#[tokio::test]
async fn a_vendor_that_keeps_failing_is_left_alone() {
    let server = Server::start(vec![answer("500 Oops", "", "")]).await;
    let models = without_retries();
    let route = route(Wire::Anthropic, &server.url);
    for _ in 0..10 {
        assert_eq!(ask(&models, &route).await.1.unwrap_err().kind, ModelErrorKind::Server);
    }
    let error = ask(&models, &route).await.1.unwrap_err();
    assert_eq!((error.kind, server.asked()), (ModelErrorKind::Open, 10));
    assert!(error.retry_after.is_some());
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let mut bytes = half_hello(false);
    let line = format!(": {}\n", "x".repeat(8_000));
    while bytes.len() <= 33 << 20 {
        bytes.extend(line.bytes());
    }
    let server = Server::start(vec![Answer::Bytes(bytes)]).await;
    let error = ask(&without_retries(), &route(Wire::Anthropic, &server.url)).await.1.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Malformed);
}

impl Answer {
    fn with_header(self, header: &str) -> Answer {
        let Answer::Bytes(bytes) = self else { return self };
        let text = String::from_utf8(bytes).unwrap();
        Answer::Bytes(text.replacen("\r\n", &format!("\r\n{header}\r\n"), 1).into_bytes())
    }
}
