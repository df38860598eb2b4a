//! What holds on every route.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use theazo_domain::org::Plan;
use theazo_domain::{Mode, RequestId};

use crate::support::{App, PATIENCE, key};

#[tokio::test]
async fn every_failure_has_the_envelope() {
    let app = App::new().await;
    let big = "x".repeat(3 << 20);
    app.get("/v1/nothing").await.fails(404, "not_found");
    app.get("/nothing").await.fails(404, "not_found");
    app.get("/v1/sessions/%FF").await.fails(404, "not_found");
    app.request("POST", "/v1/sessions/by-user/%FF").send().await.fails(404, "not_found");
    app.request("DELETE", "/v1/secrets/%FF").send().await.fails(404, "not_found");
    let wrong_method = app.request("PUT", "/v1/sessions").send().await;
    let wrong_method = wrong_method.fails(405, "method_not_allowed");
    assert!(wrong_method.header("allow").contains("POST"), "{:?}", wrong_method.headers);
    let post = || app.request("POST", "/v1/sessions").header("content-type", "application/json");
    let not_json = post().body("{\"userId\":").send().await.fails(422, "unprocessable_entity");
    assert!(not_json.json["error"]["message"].as_str().unwrap().contains("line 1 column"));
    post().body(big).send().await.fails(413, "payload_too_large");
    let text = app.request("POST", "/v1/sessions").body("{\"userId\":\"u\"}");
    text.header("content-type", "text/plain").send().await.fails(415, "unsupported_media_type");
    app.request("POST", "/v1/sessions")
        .body("{\"userId\":\"u\"}")
        .send()
        .await
        .fails(415, "unsupported_media_type");
    let body = "{\"userId\":\"\u{fffd}\"}".replace('\u{fffd}', "\u{1}");
    post().body(body).send().await.fails(422, "unprocessable_entity");
    post().body(vec![b'"', 0xff, b'"']).send().await.fails(422, "unprocessable_entity");
    app.session("the next request is fine").await;
}

#[tokio::test]
async fn a_key_is_needed() {
    let app = App::new().await;
    let secret = app.live.secret.clone();
    let other_end = if secret.ends_with('A') { 'B' } else { 'A' };
    let changed = format!("{}{other_end}", &secret[..secret.len() - 1]);
    let none = app.anonymous("GET", "/v1/sessions").send().await.fails(401, "unauthorized");
    assert_eq!(none.header("www-authenticate"), "Bearer");
    for value in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        secret.clone(),
        format!("Basic {secret}"),
        "Bearer sk-123".to_owned(),
        "Bearer th_live_".to_owned(),
        format!("Bearer {changed}"),
        format!("Bearer {secret}x"),
    ] {
        let call = app.anonymous("GET", "/v1/sessions").header("authorization", &value);
        let answer = call.send().await.fails(401, "unauthorized");
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(&secret));
    }
    let lower =
        app.anonymous("GET", "/v1/sessions").header("authorization", &format!("bearer {secret}"));
    lower.send().await.is(StatusCode::OK);
}

#[tokio::test]
async fn every_answer_has_an_id_of_the_servers_own() {
    let app = App::new().await;
    let mut seen = std::collections::BTreeSet::new();
    for target in ["/v1/sessions", "/healthz", "/nothing", "/v1/sessions/ses_x"] {
        let answer = app.request("GET", target).header("x-request-id", "req_mine").send().await;
        let id = answer.header("x-request-id").to_owned();
        assert!(id.parse::<RequestId>().is_ok(), "{id}");
        assert!(seen.insert(id));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn reads_see_the_writes_before_them() {
    let app = App::new().await;
    for n in 0..20 {
        let created = app.post("/v1/sessions", json!({ "userId": "u" })).await;
        let position: u64 = created.header("x-theazo-position").parse().unwrap();
        let path = format!("/v1/sessions/{}", created.text("id"));
        if n % 2 == 0 {
            app.get(&path).await.is(StatusCode::OK);
        } else {
            let read = app.request("GET", &path);
            let read = read.header("x-theazo-min-position", &position.to_string());
            read.send().await.is(StatusCode::OK);
        }
    }
    let far = app.request("GET", "/v1/sessions").header("x-theazo-min-position", "1000000");
    let refused = far.send().await.fails(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    let wrong = app.request("GET", "/v1/sessions").header("x-theazo-min-position", "soon");
    wrong.send().await.wrong_field("X-Theazo-Min-Position");
}

#[tokio::test]
async fn the_rate_limit_is_said_and_kept() {
    let app = App::new().await;
    let key = key(&app.commander, 9, Mode::Live, Plan::Free).await;
    let call = || app.anonymous("GET", "/v1/settings").key(&key).send();
    for n in 0..60 {
        let answer = call().await.is(StatusCode::OK);
        assert_eq!(answer.header("ratelimit-limit"), "60");
        assert_eq!(answer.header("ratelimit-remaining"), (59 - n).to_string());
        assert!(answer.header("ratelimit-reset").parse::<u32>().unwrap() <= 60);
    }
    let refused = call().await.fails(429, "rate_limited");
    let wait: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=120).contains(&wait));
    assert_eq!(refused.json["error"]["details"]["retryAfter"], wait);
    assert_eq!(refused.header("ratelimit-remaining"), "0");
    app.get("/v1/settings").await.is(StatusCode::OK);
}

#[tokio::test]
async fn a_bigger_plan_takes_effect() {
    let app = App::new().await;
    let key = key(&app.commander, 9, Mode::Live, Plan::Free).await;
    let limit = async || {
        let answer = app.anonymous("GET", "/v1/settings").key(&key).send().await;
        answer.header("ratelimit-limit").to_owned()
    };
    assert_eq!(limit().await, "60");
    let origin = theazo_commands::Origin::cli(key.scope);
    app.commander.change_plan(&origin, Plan::Team).await.unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while limit().await != "1000" {
        assert!(tokio::time::Instant::now() < deadline, "the plan's limit stayed");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let app = App::with(|config| config.read_timeout = Duration::from_millis(50)).await;
    let never = axum::body::Body::from_stream(futures::stream::pending::<
        Result<Vec<u8>, std::io::Error>,
    >());
    let call = app.request("POST", "/v1/sessions").header("content-type", "application/json");
    call.body(never).send().await.fails(504, "timeout");
}

#[tokio::test]
async fn the_service_tells_how_it_is() {
    let app = App::new().await;
    assert_eq!(
        app.anonymous("GET", "/healthz").send().await.is(StatusCode::OK).text("status"),
        "ok"
    );
    let ready = app.anonymous("GET", "/readyz").send().await.is(StatusCode::OK);
    assert!(ready.json["position"].as_u64().unwrap() > 0);
    app.get("/v1/sessions/ses_x").await;
    let metrics = app.anonymous("GET", "/metrics").send().await.is(StatusCode::OK);
    let text = String::from_utf8(metrics.bytes).unwrap();
    let line =
        "theazo_http_requests_total{method=\"GET\",route=\"/v1/sessions/{id}\",status=\"404\"}";
    assert!(text.contains(line), "{text}");
    let landing = app.anonymous("GET", "/").send().await.is(StatusCode::OK);
    assert!(landing.header("content-security-policy").contains("default-src 'none'"));
    assert!(String::from_utf8(landing.bytes).unwrap().contains("/docs"));
}
