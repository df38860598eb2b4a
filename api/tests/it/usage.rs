//! Bills as AgentCo asks for them.

use axum::http::StatusCode;
use serde_json::{Value, json};
use theazo_commands::now;
use theazo_domain::Day;
use theazo_domain::agent::AgentState;

use crate::agents::until;
use crate::support::App;
use crate::worker::Worker;

const ROUTES: [&str; 5] = [
    "/v1/usage/summary",
    "/v1/billing/usage",
    "/v1/billing/usage/daily",
    "/v1/billing/usage/users",
    "/v1/billing/usage/models",
];

fn usd(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "usd" })
}

/// A model call of a task in a new session of `user`.
async fn call(app: &App, user: &str, cents: i64) {
    let session = app.session(user).await;
    let task = json!({ "agent": "coder", "input": "hello" });
    let task = app.post(&format!("/v1/sessions/{session}/tasks"), task).await;
    let id = task.is(StatusCode::CREATED).text("id");
    Worker::claim(app, &id).await.model_call("Hello.", &[], cents).await;
}

/// Model calls of two users, and an agent that has run. What comes after it is read after it.
async fn used() -> App {
    let app = App::new().await;
    call(&app, "ann", 12).await;
    call(&app, "ben", 30).await;
    let session = app.session("ann").await;
    let created = app.post(&format!("/v1/sessions/{session}/agents"), json!({})).await;
    let id = created.is(StatusCode::CREATED).text("id");
    until(&app, &app.live, &id, AgentState::Idle).await;
    app.request("POST", &format!("/v1/agents/{id}/terminate")).send().await.is(StatusCode::OK);
    until(&app, &app.live, &id, AgentState::Terminated).await;
    set_billing_day(&app, 28).await;
    app
}

async fn set_billing_day(app: &App, day: u8) {
    let patch = app.request("PATCH", "/v1/settings").json(&json!({ "billingDay": day }));
    patch.send().await.is(StatusCode::OK);
}

fn sum(rows: &Value) -> i64 {
    let rows = rows["data"].as_array().unwrap().iter();
    rows.map(|row| row["cost"]["amount"].as_i64().unwrap()).sum()
}

#[tokio::test]
async fn all_answers_tell_the_same_bill() {
    let app = used().await;
    let get = async |target: &str| app.get(target).await.is(StatusCode::OK).json;
    let usage = get("/v1/billing/usage").await;
    assert_eq!(usage["totalCost"], usd(42));
    let counts = ["computeMinutes", "modelCalls", "sessions", "agents"].map(|name| &usage[name]);
    assert_eq!(counts, [&json!(0), &json!(2), &json!(3), &json!(1)]);

    let summary = get("/v1/usage/summary").await;
    assert_eq!(summary["total"], usd(42));
    let models = json!({ "inputTokens": 230, "outputTokens": 40, "cost": usd(42) });
    assert_eq!(summary["models"], models);
    assert_eq!(summary["compute"], json!({ "minutes": 0, "cost": usd(0) }));
    assert_eq!(summary["storage"], json!({ "gb": 0.0, "cost": usd(0) }));

    let model = json!([{ "model": "claude-sonnet-5-5", "calls": 2, "inputTokens": 230,
        "outputTokens": 40, "cost": usd(42) }]);
    assert_eq!(get("/v1/billing/usage/models").await["data"], model);
    let ben = json!({ "userId": "ben", "cost": usd(30), "sessions": 1, "agents": 0 });
    let ann = json!({ "userId": "ann", "cost": usd(12), "sessions": 2, "agents": 1 });
    assert_eq!(get("/v1/billing/usage/users").await, json!({ "data": [ben, ann] }));
    assert_eq!(get("/v1/billing/usage/users?limit=1").await, json!({ "data": [ben] }));

    let daily = get("/v1/billing/usage/daily").await;
    let dates: Vec<Day> = daily["data"].as_array().unwrap().iter().map(date).collect();
    assert_eq!(dates.len(), 31);
    assert!(dates.windows(2).all(|pair| pair[0].next() == pair[1]), "{dates:?}");
    assert_eq!(sum(&daily), 42);
}

fn date(row: &Value) -> Day {
    row["date"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_period_begins_on_the_billing_day_or_where_it_is_said() {
    let app = used().await;
    let today = now().day();
    let period = async |query: &str| {
        let usage = app.get(&format!("/v1/billing/usage{query}")).await.is(StatusCode::OK).json;
        let end = |name: &str| usage["period"][name].as_str().unwrap().to_owned();
        let summary = app.get(&format!("/v1/usage/summary{query}")).await.is(StatusCode::OK).json;
        assert_eq!(summary["period"]["from"], usage["period"]["from"]);
        (end("from"), end("until"), usage["totalCost"]["amount"].as_i64().unwrap())
    };
    let (from, until, _) = period("").await;
    assert!(from.contains("-28T00:00:00.000Z") && from <= until, "{from} {until}");
    set_billing_day(&app, 3).await;
    assert!(period("").await.0.contains("-03T00:00:00.000Z"));

    let before = today.plus(-2);
    let (from, until, cost) = period(&format!("?from={before}")).await;
    assert_eq!((from, cost), (before.start().to_string(), 42));
    assert_eq!(period(&format!("?from={before}&until={until}")).await.2, 42, "its own answer");
    let (_, until, cost) = period(&format!("?from={before}&until={before}")).await;
    assert_eq!((until, cost), (before.end().to_string(), 0));
    assert_eq!(period(&format!("?from={}&until={}", before.start(), before.start())).await.2, 0);
    let daily = app.get(&format!("/v1/billing/usage/daily?from={before}&until={before}")).await;
    assert_eq!(daily.json, json!({ "data": [{ "date": before.to_string(), "cost": usd(0) }] }));
    let daily = app.get(&format!("/v1/billing/usage/daily?from={before}")).await;
    assert_eq!(sum(&daily.json), 42);
    for rest in ["users", "models"] {
        let none = app.get(&format!("/v1/billing/usage/{rest}?from={before}&until={before}")).await;
        assert_eq!(none.json, json!({ "data": [] }));
    }
}

#[tokio::test]
async fn what_is_no_period_is_named() {
    let app = App::new().await;
    for route in ROUTES {
        for (query, path) in [
            ("from=yesterday", "from"),
            ("from=2028-02-30", "from"),
            ("from=2026-05-01T00:00:00", "from"),
            ("from=2026-05-01T00:00:00+02:00", "from"),
            ("from=2026-05-01T12:00:00Z", "from"),
            ("until=2026-05-01T12:00:00Z", "until"),
            ("until=", "until"),
            ("until=2026-13-01", "until"),
            ("from=2026-05-02&until=2026-05-01", "from"),
            ("from=2999-01-01", "from"),
            ("from=2020-01-01&until=2021-01-01", "from"),
            ("from=2026-05-01&from=2026-05-02", "from"),
            ("to=2026-05-01", "to"),
            ("cursor=x", "cursor"),
        ] {
            app.get(&format!("{route}?{query}")).await.wrong_field(path);
        }
        let year = app.get(&format!("{route}?from=2020-01-01&until=2020-12-31")).await;
        year.is(StatusCode::OK);
    }
    for limit in ["0", "1001", "-1", "1.5", "many", ""] {
        let target = format!("/v1/billing/usage/users?limit={limit}");
        app.get(&target).await.wrong_field("limit");
    }
    for route in ROUTES.iter().filter(|route| !route.ends_with("users")) {
        app.get(&format!("{route}?limit=5")).await.wrong_field("limit");
    }
    app.get("/v1/billing/usage/users?limit=1000").await.is(StatusCode::OK);
}

#[tokio::test]
async fn nobody_else_sees_the_bill() {
    let app = used().await;
    for key in [&app.test, &app.other] {
        let get = async |target: &str| {
            let answer = app.anonymous("GET", target).key(key).send().await;
            answer.is(StatusCode::OK).json
        };
        let usage = get("/v1/billing/usage").await;
        assert_eq!((&usage["totalCost"], &usage["sessions"]), (&usd(0), &json!(0)));
        assert_eq!(get("/v1/usage/summary").await["models"]["inputTokens"], 0);
        assert_eq!(sum(&get("/v1/billing/usage/daily").await), 0);
        for rest in ["users", "models"] {
            let target = format!("/v1/billing/usage/{rest}");
            assert_eq!(get(&target).await, json!({ "data": [] }));
        }
    }
}

#[tokio::test]
async fn a_bill_is_as_new_as_its_caller_asks() {
    let app = App::new().await;
    for n in 1..=5 {
        let created = app.post("/v1/sessions", json!({ "userId": "u" })).await;
        let position = created.header("x-theazo-position").to_owned();
        let read = app.request("GET", "/v1/billing/usage");
        let read = read.header("x-theazo-min-position", &position).send().await;
        assert_eq!(read.is(StatusCode::OK).json["sessions"], n);
    }
    for route in ROUTES {
        let far = app.request("GET", route).header("x-theazo-min-position", "1000000");
        far.send().await.fails(503, "unavailable");
    }
}
