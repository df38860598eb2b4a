use axum::http::StatusCode;
use serde_json::json;

use crate::support::App;

#[tokio::test]
async fn every_event_says_who_did_what() {
    let app = App::new().await;
    let created = app.post("/v1/sessions", json!({ "userId": "u" })).await;
    let (session, request) = (created.text("id"), created.header("x-request-id").to_owned());
    app.request("POST", &format!("/v1/sessions/{session}/end")).send().await.is(StatusCode::OK);
    app.session("other").await;

    let events = async |query: &str| app.get(&format!("/v1/audit/events?{query}")).await;
    let of_session = events(&format!("sessionId={session}")).await.is(StatusCode::OK);
    assert_eq!(of_session.column("type"), ["session.ended", "session.created"]);
    let first = &of_session.json["data"][1];
    assert_eq!(first["actor"], format!("key:{}", app.live.id));
    assert_eq!(first["requestId"], request);
    assert_eq!(first["kind"], "session");
    assert_eq!(first["key"], session);
    assert_eq!(first["data"]["userId"], "u");
    assert_eq!(first["position"].to_string(), created.header("x-theazo-position"));

    assert_eq!(
        events(&format!("requestId={request}")).await.column("key"),
        std::slice::from_ref(&session)
    );
    assert_eq!(events("type=session.ended").await.column("key"), [session]);
    assert_eq!(events("type=session.created&userId=other").await.column("type").len(), 1);
    assert_eq!(events("actor=cli&type=api_key.created").await.column("type").len(), 1);
    assert_eq!(events("until=2020-01-01T00:00:00Z").await.json["data"], json!([]));
    assert_eq!(
        events("from=2020-01-01T00:00:00Z&type=session.created").await.column("id").len(),
        2
    );
    let page = events("limit=1&type=session.created").await;
    let next = format!("limit=1&type=session.created&cursor={}", page.text("nextCursor"));
    assert_eq!(events(&next).await.json["hasMore"], false);

    for (query, path) in [
        ("from=yesterday", "from"),
        ("actor=me", "actor"),
        ("sessionId=x", "sessionId"),
        ("requestId=x", "requestId"),
        ("kind=session", "kind"),
    ] {
        events(query).await.wrong_field(path);
    }
}

#[tokio::test]
async fn a_thing_is_shown_as_it_was() {
    let app = App::new().await;
    let created = app.post("/v1/sessions", json!({ "userId": "u" })).await;
    let (id, position) = (created.text("id"), created.header("x-theazo-position").to_owned());
    let path = format!("/v1/sessions/{id}");
    let patch = json!({ "metadata": { "a": 1 } });
    app.request("PATCH", &path).json(&patch).send().await.is(StatusCode::OK);

    let state = async |query: &str| app.get(&format!("/v1/audit/session/{id}{query}")).await;
    let now = state("").await.is(StatusCode::OK);
    assert_eq!(now.json["kind"], "session");
    assert_eq!(now.json["id"], id);
    assert_eq!(now.json["state"]["metadata"], patch["metadata"]);
    let then = state(&format!("?at={position}")).await.is(StatusCode::OK);
    assert_eq!(then.json["position"].to_string(), position);
    assert_eq!(then.json["at"], created.json["createdAt"]);
    assert_eq!(then.json["state"]["metadata"], json!({}));
    let since = created.text("createdAt");
    assert_eq!(state(&format!("?at={since}")).await.json["state"]["id"], id);
    state("?at=2020-01-01T00:00:00Z").await.fails(404, "not_found");
    state("?at=1").await.fails(404, "not_found");
    state("?at=then").await.wrong_field("at");
    app.get("/v1/audit/planet/x").await.fails(404, "not_found");
    app.get("/v1/audit/session/ses_01HX0000000000000000000001").await.fails(404, "not_found");
    app.get("/v1/audit/session/..%2F").await.fails(404, "not_found");
}

#[tokio::test]
async fn no_ciphertext_and_no_hash_is_shown() {
    let app = App::new().await;
    app.post("/v1/secrets", json!({ "name": "A", "value": "v" })).await.is(StatusCode::CREATED);
    let key = app.live.id;
    for path in ["/v1/audit/secret/org-A".to_owned(), format!("/v1/audit/api_key/{key}")] {
        let shown = app.get(&path).await.is(StatusCode::OK);
        let text = String::from_utf8(shown.bytes).unwrap();
        assert!(!text.contains("sha256") && !text.contains("\"data\""), "{text}");
    }
    let events = app.get("/v1/audit/events?type=secret.set").await;
    assert!(events.json["data"][0]["data"]["value"].get("data").is_none(), "{}", events.json);
}

#[tokio::test]
async fn a_changed_log_is_found_out() {
    let app = App::new().await;
    let mut sessions = Vec::new();
    for n in 0..25 {
        sessions.push(app.session(&format!("user_{n}")).await);
    }
    let whole = app.get("/v1/audit/verify").await.is(StatusCode::OK);
    assert_eq!(whole.json["ok"], true, "{}", whole.json);
    // The org, its key, and the sessions; a checkpoint every ten.
    assert_eq!(whole.json["commits"], 27);
    assert_eq!(whole.json["checkpoints"], 2);
    let other = app.anonymous("GET", "/v1/audit/verify").key(&app.other).send().await;
    assert_eq!(other.json["commits"], 2);

    let position = tamper(&app, "user_12", "user_99").await;
    let broken = app.get("/v1/audit/verify").await.is(StatusCode::OK);
    assert_eq!(broken.json["ok"], false);
    assert_eq!(broken.json["broken"]["position"], position, "{}", broken.json);
    let other = app.anonymous("GET", "/v1/audit/verify").key(&app.other).send().await;
    assert_eq!(other.json["ok"], true);
}

/// Changes a text in the log's file behind its back; answers the position of the commit.
async fn tamper(app: &App, from: &str, to: &str) -> i64 {
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(app.folder.path().join("log.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let sql = "UPDATE commits SET body = CAST(replace(CAST(body AS TEXT), $1, $2) AS TEXT) \
               WHERE instr(CAST(body AS TEXT), $1) > 0 RETURNING position";
    let position = sqlx::query_scalar(sql).bind(from).bind(to).fetch_one(&pool).await.unwrap();
    pool.close().await;
    position
}
