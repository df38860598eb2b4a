//! Caps: whatever races, whoever is killed, no limit is passed by a cent, and little is left.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use theazo_tests::model_server::{Reply, Script, Usage};
use theazo_tests::{Chance, Client, Method, Runs, Server, Setup, Task, UsageRecord, eventually};

const PATIENCE: Duration = Duration::from_secs(120);
/// Agents that race in one session.
const AGENTS: usize = 50;
/// Cents.
const MAX_COST: i64 = 500;
/// Tokens of an answer at most: the price makes four cents of them.
const MAX_TOKENS: u64 = 2_000;
/// Cents, at most, of a call with its prompt, and of a slice of compute.
const WORST: i64 = 8;

/// A model whose calls are priced: a cent for a prompt, two for an answer.
async fn set_price(client: &Client) {
    let price = json!({ "input": "10", "output": "20" });
    let path = "/v1/models/anthropic%2Fclaude-sonnet/price";
    client.call(Method::PUT, path).json(price).await.ok();
}

/// It never ends by itself.
fn endless() -> Script {
    let look = Reply::call("list_files", json!({ "path": "." }));
    Script::always(look.usage(Usage::new(1_000, 0, 0, 1_000)))
}

async fn limited_session(client: &Client, user: &str, limits: Value) -> String {
    client.session_with(json!({ "userId": user, "limits": limits })).await
}

fn max_cost(amount: i64) -> Value {
    json!({ "maxCost": { "amount": amount, "currency": "usd", "period": "session" } })
}

fn model() -> Value {
    json!({ "id": "claude-sonnet", "maxTokens": MAX_TOKENS })
}

async fn submit(client: &Client, session: &str, input: &str) -> Task {
    let body = json!({ "agent": "coder", "input": input, "model": model() });
    client.submit(session, body).await
}

/// Picodollars of all usage records of the session, none of which is there twice.
fn recorded(server: &Server, session: &str) -> i128 {
    let records = server.usage_records().into_iter().filter(|record| record.session == session);
    let mut ids = BTreeSet::new();
    let cost = |UsageRecord { id, cost, .. }: UsageRecord| {
        assert!(ids.insert(id.clone()), "{id} is there twice");
        cost
    };
    records.map(cost).sum()
}

/// A server whose model is priced, and never done. Of what is taken out of it, the server is to be
/// named last: it ends first.
async fn priced(setup: Setup) -> Runs {
    let runs = Runs::with(setup).await;
    runs.models.script(endless());
    set_price(&runs.client).await;
    runs
}

async fn race(seed: u64) {
    println!("seed {seed}");
    let mut chance = Chance::of(seed);
    let setup = Setup::default().arg("--workers").arg("16");
    let Runs { models: _models, client, mut server, .. } = priced(setup).await;
    let session = limited_session(&client, "racer", max_cost(MAX_COST)).await;
    let mut tasks = Vec::new();
    for n in 0..AGENTS {
        tasks.push(submit(&client, &session, &format!("race-{seed}-{n}")).await);
    }
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(chance.below(3_000))).await;
        server.kill9();
        server.start_again().await;
    }
    for task in &tasks {
        is_refused(task).await;
    }
    eventually("the agents are gone", PATIENCE, || async {
        let view = client.get(format!("/v1/sessions/{session}")).await.expect(200);
        if view["usage"]["activeAgents"] == 0 { Ok(()) } else { Err(view.to_string()) }
    })
    .await;
    let spent = recorded(&server, &session);
    let (max, worst) = (i128::from(MAX_COST), i128::from(WORST));
    let cent = 10_000_000_000;
    assert!(spent <= max * cent, "seed {seed}: {spent} picodollars are over the cap");
    assert!(spent > (max - worst) * cent, "seed {seed}: of {max} cents only {spent} were spent");
    let view = client.get(format!("/v1/sessions/{session}")).await.expect(200);
    let shown = view["usage"]["cost"]["amount"].as_i64().unwrap();
    assert!((MAX_COST - WORST..=MAX_COST).contains(&shown), "seed {seed}: {view:#}");
    let bill = client.get("/v1/billing/verify").await.expect(200);
    assert_eq!(bill["ok"], true, "seed {seed}: {bill:#}");
    assert_eq!(bill["costPico"], spent.to_string(), "seed {seed}: {bill:#}");
    server.stop().await;
}

/// As many as `THEAZO_CAPS_SEEDS` says; each is a race of its own.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_agents_that_race_never_pass_the_cap() {
    let seeds = std::env::var("THEAZO_CAPS_SEEDS").map_or(1, |seeds| seeds.parse().unwrap());
    let first = std::env::var("THEAZO_CAPS_SEED").map_or(1, |seed| seed.parse().unwrap());
    for seed in first..first + seeds {
        race(seed).await;
    }
}

/// Its task has failed for a limit; what the message says.
async fn is_refused(task: &Task) -> String {
    task.fails("session_limit_exceeded").await
}

fn cents(money: &Value) -> i64 {
    money["amount"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_has_spent_all_takes_nothing_more() {
    let Runs { models: _models, client, server: _server, .. } = Runs::start().await;
    let session = limited_session(&client, "poor", max_cost(0)).await;
    let agents = format!("/v1/sessions/{session}/agents");
    let error = client.post(&*agents, json!({})).await.refused("session_limit_exceeded");
    assert!(error["message"].as_str().unwrap().contains("maxCost of 0 cents"), "{error:#}");
    let task = json!({ "agent": "coder", "input": "x" });
    client.submission(&session, task).await.refused("session_limit_exceeded");
    let run = json!({ "agent": "coder", "input": "x" });
    client.post(format!("/v1/sessions/{session}/run"), run).await.refused("session_limit_exceeded");
    let minutes = json!({ "maxComputeMinutes": 0 });
    let session = limited_session(&client, "idle", minutes).await;
    let agents = format!("/v1/sessions/{session}/agents");
    client.post(agents, json!({})).await.refused("session_limit_exceeded");
}

/// A cent of compute is twelve seconds.
#[tokio::test(flavor = "multi_thread")]
async fn compute_stops_at_the_cap_and_goes_on_when_it_is_raised() {
    let server = Server::start().await;
    let client = server.live();
    let session = limited_session(&client, "short", max_cost(1)).await;
    let agent = client.agent(&session).await;
    let path = format!("/v1/agents/{agent}");
    client.agent_becomes(&agent, "paused").await;
    let view = client.get(format!("/v1/sessions/{session}")).await.expect(200);
    assert_eq!(cents(&view["usage"]["cost"]), 1, "{view:#}");
    let spent = recorded(&server, &session);
    assert!(spent <= 10_000_000_000 && spent > 9_900_000_000, "{spent}");
    client.post(format!("{path}/resume"), json!({})).await.refused("session_limit_exceeded");
    let audit = format!("/v1/audit/events?sessionId={session}&type=session.limit_reached");
    let audit = client.get(audit).await.expect(200);
    assert_eq!(audit["data"].as_array().unwrap().len(), 1, "{audit:#}");
    let raised = json!({ "limits": max_cost(100) });
    client.patch(format!("/v1/sessions/{session}"), raised).await.ok();
    client.agent_becomes(&agent, "idle").await;
    client.bash(&agent, "echo on").await;
}

/// It waited for room; there is some now, and nothing to pay with.
#[tokio::test(flavor = "multi_thread")]
async fn a_queued_task_of_a_session_that_has_spent_all_fails() {
    let server = Server::start().await;
    let client = server.live();
    let mut limits = max_cost(1);
    limits["maxAgents"] = json!(1);
    let session = limited_session(&client, "late", limits).await;
    let agent = client.agent(&session).await;
    let task = json!({ "agent": "coder", "input": "x", "model": "mock" });
    let task = client.submit(&session, task).await;
    client.agent_becomes(&agent, "paused").await;
    assert_eq!(task.view().await["status"], "queued");
    client.post(format!("/v1/agents/{agent}/terminate"), json!({})).await.ok();
    let message = is_refused(&task).await;
    assert!(message.contains("maxCost of 1 cents"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_at_its_agents_own_cap() {
    let Runs { models: _models, session, client, server } = priced(Setup::default()).await;
    let cap = json!({ "amount": 20, "currency": "usd" });
    let agent = json!({ "model": model(), "costCap": cap, "tools": ["list_files"] });
    let agent = client.agent_with(&session, agent).await;
    let task = client.run(&session, &agent, "cap-1").await;
    let message = is_refused(&task).await;
    assert!(message.contains("costCap"), "{message}");
    let spent = recorded(&server, &session);
    assert!(spent <= 200_000_000_000 && spent > 120_000_000_000, "{spent}");
    assert!(task.view().await["modelCalls"].as_i64().unwrap() >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_without_a_price_is_not_called_under_a_cap() {
    let Runs { models, client, server: _server, .. } = Runs::start().await;
    models.script(Script::always(Reply::text("Hello.")));
    models.models(&["claude-nova-9"]);
    let session = limited_session(&client, "capped", max_cost(500)).await;
    let model = json!("anthropic/claude-nova-9");
    let body = json!({ "agent": "coder", "input": "no-price", "model": model });
    let task = client.submit(&session, body.clone()).await;
    let message = is_refused(&task).await;
    assert!(message.contains("PUT /v1/models/:id/price"), "{message}");
    assert_eq!(models.calls_of("no-price").len(), 0);
    let price = json!({ "input": "1", "output": "1" });
    let path = "/v1/models/anthropic%2Fclaude-nova-9/price";
    client.call(Method::PUT, path).json(price).await.ok();
    client.submit(&session, body).await.completes().await;
}

/// What was spent before there was a cap counts against it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cap_that_is_set_later_counts_what_was_before() {
    let Runs { models: _models, session, client, server } = priced(Setup::default()).await;
    let first = submit(&client, &session, "later-1").await;
    let spent = |at_least: i64| {
        let (client, path) = (client.clone(), format!("/v1/sessions/{session}"));
        eventually("something is spent", PATIENCE, move || {
            let (client, path) = (client.clone(), path.clone());
            async move {
                let view = client.get(path).await.expect(200);
                let spent = cents(&view["usage"]["cost"]);
                if spent >= at_least { Ok(spent) } else { Err(view.to_string()) }
            }
        })
    };
    spent(9).await;
    client.patch(format!("/v1/sessions/{session}"), json!({ "limits": max_cost(60) })).await.ok();
    let second = submit(&client, &session, "later-2").await;
    is_refused(&first).await;
    is_refused(&second).await;
    let spent = recorded(&server, &session);
    assert!(spent <= 600_000_000_000 && spent > 500_000_000_000, "{spent}");
}
