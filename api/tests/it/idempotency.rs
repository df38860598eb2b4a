use axum::http::StatusCode;
use serde_json::json;

use crate::support::{App, Call};

fn create(app: &App, key: &str, user: &str) -> Call {
    let call = app.request("POST", "/v1/sessions").idempotent(key);
    call.json(&json!({ "userId": user }))
}

async fn sessions(app: &App) -> usize {
    app.get("/v1/sessions?limit=100").await.column("id").len()
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_byte_for_byte() {
    let app = App::new().await;
    let first = create(&app, "k", "u").send().await.is(StatusCode::CREATED);
    let again = create(&app, "k", "u").send().await.is(StatusCode::CREATED);
    assert_eq!(again.bytes, first.bytes);
    assert_eq!(again.header("x-theazo-position"), first.header("x-theazo-position"));
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    assert_eq!(sessions(&app).await, 1);
}

#[tokio::test]
async fn another_request_with_the_key_is_a_conflict() {
    let app = App::new().await;
    create(&app, "k", "u").send().await.is(StatusCode::CREATED);
    create(&app, "k", "v").send().await.fails(409, "conflict");
    let other_route = app.request("POST", "/v1/sessions/by-user/u").idempotent("k");
    other_route.json(&json!({ "userId": "u" })).send().await.fails(409, "conflict");
    create(&app, "k2", "v").send().await.is(StatusCode::CREATED);
    assert_eq!(sessions(&app).await, 2);
}

#[tokio::test]
async fn a_refusal_is_repeated_too() {
    let app = App::new().await;
    let first = create(&app, "k", "").send().await.wrong_field("userId");
    let again = create(&app, "k", "").send().await;
    assert_eq!(again.bytes, first.bytes);
    assert_eq!(again.status, first.status);
    assert_eq!(again.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn racing_requests_with_one_key_are_done_once() {
    let app = App::new().await;
    let calls = (0..32).map(|_| create(&app, "k", "u").send());
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.bytes == answers[0].bytes), "{answers:?}");
    let first = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_empty());
    assert_eq!(first.count(), 1);
    assert_eq!(sessions(&app).await, 1);
}

#[tokio::test]
async fn a_bad_key_is_refused() {
    let app = App::new().await;
    let long = "k".repeat(256);
    for key in ["", long.as_str()] {
        create(&app, key, "u").send().await.wrong_field("Idempotency-Key");
    }
}

#[tokio::test]
async fn a_request_whose_answer_was_lost_is_not_done_again() {
    let app = App::new().await;
    let first = create(&app, "k", "u").send().await.is(StatusCode::CREATED);
    // As after a crash between the commit and the stored answer.
    forget_answers(&app).await;
    let again = create(&app, "k", "u").send().await.is(StatusCode::CREATED);
    assert_eq!(again.bytes, first.bytes);
    assert_eq!(again.header("idempotent-replayed"), "");
    assert_eq!(sessions(&app).await, 1);
}

#[tokio::test]
async fn a_lost_key_is_not_made_up() {
    let app = App::new().await;
    let create = || {
        let call = app.request("POST", "/v1/api-keys").idempotent("k");
        call.json(&json!({ "name": "backend" })).send()
    };
    let first = create().await.is(StatusCode::CREATED);
    assert_eq!(create().await.bytes, first.bytes);
    forget_answers(&app).await;
    let lost = create().await.fails(409, "conflict");
    let message = lost.json["error"]["message"].as_str().unwrap();
    assert!(message.contains(&first.text("id")), "{message}");
}

#[tokio::test]
async fn a_shown_key_is_not_stored_in_clear() {
    let app = App::new().await;
    let call = app.request("POST", "/v1/api-keys").idempotent("k");
    let created = call.json(&json!({ "name": "backend" })).send().await.is(StatusCode::CREATED);
    let secret = created.text("key");
    for entry in std::fs::read_dir(app.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{} has the key", path.display());
        }
    }
}

#[tokio::test]
async fn a_request_goes_on_when_its_caller_goes_away() {
    let app = App::new().await;
    let call = create(&app, "k", "u").send();
    // Polled once, then dropped: the connection is gone.
    assert!(futures::FutureExt::now_or_never(call).is_none());
    let again = create(&app, "k", "u").send().await.is(StatusCode::CREATED);
    assert_eq!(app.get("/v1/sessions").await.column("id"), [again.text("id")]);
}

async fn forget_answers(app: &App) {
    let url = app.folder.path().join("idempotency.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(url);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let gone = sqlx::query("DELETE FROM answers").execute(&pool).await.unwrap();
    assert_eq!(gone.rows_affected(), 1);
    pool.close().await;
}
