//! Exports and the proof of the bill.

use axum::http::StatusCode;
use serde_json::{Value, json};
use theazo_domain::agent::{AgentEvent, AgentSpec};
use theazo_domain::pricing::{ComputePrice, ComputeUsage};
use theazo_domain::providers::ProviderKind;
use theazo_domain::{Actor, AgentId, CommitId, Event, Pico, Scope, SessionId, StreamId, Timestamp};
use theazo_log::{Draft, Position};
use uuid::Uuid;

use crate::support::{Answer, App};

const MAY: &str = "from=2026-05-01&until=2026-05-31";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn spec() -> Box<AgentSpec> {
    Box::new(AgentSpec {
        definition: None,
        provider: ProviderKind::Local,
        price: ComputePrice::of("local"),
        credential_ref: None,
        model: None,
        browser: false,
        instructions: None,
        tools: vec![],
        timeout: 300,
        cost_cap: None,
        approvals: None,
        knowledge: vec![],
        guardrails: None,
        secrets: vec![],
        metadata: std::collections::BTreeMap::new(),
        snapshot_id: None,
    })
}

/// Commits that an agent of `session` ran from → until: a record for each day.
async fn ran(app: &App, scope: Scope, session: &str, n: u64, from: &str, until: &str) -> AgentId {
    let agent_id = AgentId::from_uuid(Uuid::from_u64_pair(3, n));
    let session_id: SessionId = session.parse().unwrap();
    let price = ComputePrice::of("local");
    let usages = ComputeUsage::of(agent_id, 1, at(from), at(until), &price, u64::MAX);
    let mut events = vec![Event::from(AgentEvent::Created {
        agent_id,
        session_id,
        spec: spec(),
        funded_millis: None,
    })];
    let event = |usage| Event::from(AgentEvent::UsageRecorded { session_id, usage });
    events.extend(usages.into_iter().map(event));
    commit(app, scope, agent_id, n, at(until), events).await;
    agent_id
}

async fn commit(
    app: &App,
    scope: Scope,
    agent: AgentId,
    n: u64,
    time: Timestamp,
    events: Vec<Event>,
) {
    let stream = StreamId::agent(scope, agent);
    let past = app.commander.log().read_stream(&stream, Position::START).await.unwrap();
    let draft = Draft {
        id: CommitId::from_uuid(Uuid::from_u64_pair(4, n)),
        stream,
        time,
        actor: Actor::system("test"),
        request_id: None,
        causation: None,
        correlation: None,
        events,
    };
    let revision = past.last().map_or(Position::START, |commit| commit.position);
    app.commander.log().append(revision, draft).await.unwrap();
}

/// Of ann, who is a customer, and of bob, who is none.
async fn world(app: &App) -> (String, String) {
    let customer = json!({ "userId": "ann", "metadata": { "stripeCustomerId": "cus_1" } });
    let ann = app.post("/v1/sessions", customer).await.is(StatusCode::CREATED).text("id");
    let bob = app.session("bob").await;
    let scope = app.live.scope;
    ran(app, scope, &ann, 1, "2026-05-10T12:00:00Z", "2026-05-12T12:00:00Z").await;
    ran(app, scope, &bob, 2, "2026-05-13T00:00:00Z", "2026-05-13T00:00:01Z").await;
    ran(app, scope, &bob, 3, "2026-06-01T00:00:00Z", "2026-06-01T00:00:01Z").await;
    (ann, bob)
}

async fn export(app: &App, query: &str) -> Answer {
    app.get(&format!("/v1/billing/export?{query}")).await
}

fn lines(answer: &Answer) -> Vec<Value> {
    let text = String::from_utf8(answer.bytes.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_usage_of_a_period_is_downloaded_in_each_format() {
    let app = App::new().await;
    let (ann, _) = world(&app).await;
    let csv = export(&app, &format!("format=csv&{MAY}")).await.is(StatusCode::OK);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
    let name = "attachment; filename=\"usage-2026-05-01-2026-05-31.csv\"";
    assert_eq!(csv.header("content-disposition"), name);
    let text = String::from_utf8(csv.bytes).unwrap();
    assert_eq!(text.lines().count(), 1 + 4, "{text}");
    assert!(text.starts_with("position,id,at,until,recordedAt,adjustment,userId,sessionId,"));

    let rows = export(&app, &format!("format=json&{MAY}")).await.is(StatusCode::OK);
    assert_eq!(rows.header("content-type"), "application/x-ndjson");
    let rows = lines(&rows);
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[0]["userId"], "ann");
    assert_eq!(rows[0]["sessionId"], ann);
    assert_eq!(rows[0]["meter"], "compute");
    assert_eq!(rows[0]["computeMs"], 43_200_000);
    let cost = ComputePrice::of("local").cost(43_200_000);
    assert_eq!(rows[0]["costPico"], cost.0.to_string());
    assert_eq!(rows[3]["userId"], "bob");

    let events = lines(&export(&app, &format!("format=stripe&{MAY}")).await.is(StatusCode::OK));
    let summary = &events.last().unwrap()["summary"];
    assert_eq!(summary["records"], 4);
    assert_eq!(summary["usersWithoutCustomer"], json!(["bob"]));
    assert_eq!(events[0]["payload"]["stripe_customer_id"], "cus_1");
}

#[tokio::test]
async fn after_each_row_come_exactly_the_rest() {
    let app = App::new().await;
    world(&app).await;
    for format in ["csv", "json", "stripe"] {
        let ask = async |after: &str| {
            let query = format!("format={format}&{MAY}{after}");
            let answer = export(&app, &query).await.is(StatusCode::OK);
            let text = String::from_utf8(answer.bytes).unwrap();
            let rows = text.lines().filter(|row| !row.contains("summary"));
            let rows: Vec<String> = rows.map(str::to_owned).collect();
            if format == "csv" { rows[1..].to_vec() } else { rows }
        };
        let all = ask("").await;
        assert_eq!(all.len(), 4);
        let positions = lines(&export(&app, &format!("format=json&{MAY}")).await);
        for (n, row) in positions.iter().enumerate() {
            let after = row["position"].as_str().unwrap();
            assert_eq!(ask(&format!("&after={after}")).await, all[n + 1..], "{format} {after}");
        }
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_names_its_field() {
    let app = App::new().await;
    for (query, field) in [
        (MAY, "format"),
        ("format=xml", "format"),
        ("format=CSV", "format"),
        ("format=csv&from=2026-05-02&until=2026-05-01T00:00:00Z", "from"),
        ("format=csv&from=2026-05-01T00:00:00", "from"),
        ("format=csv&from=2026-05-01&until=2026-05-01T12:00", "until"),
        ("format=csv&from=2024-01-01&until=2025-06-01", "until"),
        ("format=csv&from=2999-01-01", "from"),
        ("format=csv&after=x", "after"),
        ("format=csv&after=1~", "after"),
        ("format=csv&limit=3", "limit"),
        ("format=csv&format=json", "format"),
    ] {
        export(&app, query).await.wrong_field(field);
    }
    for query in ["from=yesterday", "until=", "format=csv"] {
        let field = query.split('=').next().unwrap();
        app.get(&format!("/v1/billing/verify?{query}")).await.wrong_field(field);
    }
    app.get("/v1/billing/verify?stripe=maybe").await.wrong_field("stripe");
    let all =
        export(&app, "format=x&from=y&until=z&after=w").await.fails(422, "unprocessable_entity");
    assert_eq!(all.json["error"]["details"]["fields"].as_array().unwrap().len(), 4);
    app.anonymous("GET", "/v1/billing/export?format=csv").send().await.fails(401, "unauthorized");
}

#[tokio::test]
async fn a_tenant_sees_its_own_usage_alone() {
    let app = App::new().await;
    world(&app).await;
    for key in [&app.other, &app.test] {
        let ask = async |path: &str| app.anonymous("GET", path).key(key).send().await;
        let rows = ask(&format!("/v1/billing/export?format=json&{MAY}")).await;
        assert!(rows.is(StatusCode::OK).bytes.is_empty());
        let verified = ask(&format!("/v1/billing/verify?{MAY}")).await.is(StatusCode::OK);
        assert_eq!((&verified.json["ok"], &verified.json["records"]), (&json!(true), &json!(0)));
    }
}

#[tokio::test]
async fn a_bill_is_verified_and_what_differs_is_named() {
    let app = App::new().await;
    let (_, bob) = world(&app).await;
    let good = app.get(&format!("/v1/billing/verify?{MAY}")).await.is(StatusCode::OK);
    assert_eq!(good.json["ok"], true, "{}", good.json);
    assert_eq!(good.json["records"], 4);
    let whole =
        ComputePrice::of("local").cost(2 * 86_400_000) + ComputePrice::of("local").cost(1_000);
    assert_eq!(good.json["costPico"], whole.0.to_string());
    assert_eq!(good.json["cost"], json!({ "amount": whole.to_cents(), "currency": "usd" }));
    let names: Vec<&Value> =
        good.json["checks"].as_array().unwrap().iter().map(|check| &check["name"]).collect();
    assert!(names.contains(&&json!("sessions")) && names.contains(&&json!("records")), "{names:?}");

    spoil(&app, &bob).await;
    let bad = app.get(&format!("/v1/billing/verify?{MAY}")).await.is(StatusCode::OK);
    assert_eq!(bad.json["ok"], false);
    let difference = &bad.json["differences"][0];
    assert_eq!(difference["name"], "sessions");
    assert_eq!(difference["key"], bob);
    assert_eq!(difference["field"], "cost");
    assert_eq!(difference["events"].as_array().unwrap().len(), 2, "{difference}");
}

#[tokio::test]
async fn stripe_is_asked_when_its_meter_and_key_are_set() {
    let app = App::new().await;
    let ask = async || app.get("/v1/billing/verify?stripe=true").await;
    let patch = async |body: Value| app.request("PATCH", "/v1/settings").json(&body).send().await;
    let says = async |what: &str| {
        let refused = ask().await.fails(409, "conflict");
        let said = refused.json["error"]["message"].as_str().unwrap().to_owned();
        assert!(said.contains(what), "{said}");
    };
    says("`billing.stripe.meterId`").await;
    let meter = json!({ "billing": { "stripe": { "meterId": "mtr_1" } } });
    patch(meter).await.is(StatusCode::OK);
    says("STRIPE_API_KEY").await;
    let key = json!({ "name": "STRIPE_API_KEY", "value": "sk_live_1" });
    app.post("/v1/secrets", key).await.is(StatusCode::CREATED);
    let quiet = ask().await.is(StatusCode::OK);
    assert_eq!(quiet.json["ok"], true, "there is no customer to ask for: {}", quiet.json);
    let customers = json!({ "billing": { "stripe": { "customers": { "ann": "cus_ann" } } } });
    patch(customers).await.is(StatusCode::OK);
    says("Stripe").await;
    app.get("/v1/billing/verify").await.is(StatusCode::OK);
}

/// Changes the cost in a session's row, behind the projector's back.
async fn spoil(app: &App, session: &str) {
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(app.folder.path().join("reads.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let cost = (ComputePrice::of("local").cost(1_000).0 * 2).to_string();
    let wrong = Pico(77).0.to_string();
    let sql = "UPDATE sessions SET body = replace(body, $1, $2) WHERE id = $3";
    let done = sqlx::query(sql)
        .bind(format!("\"cost\":\"{cost}\""))
        .bind(format!("\"cost\":\"{wrong}\""))
        .bind(session)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1);
    pool.close().await;
}
