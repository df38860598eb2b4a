//! Webhooks: signed, told again until they are heard, and never to our own network.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use theazo_tests::model_server::{Reply, Script};
use theazo_tests::{Client, Runs, Setup, Task, eventually};

const PATIENCE: Duration = Duration::from_secs(30);

/// What a receiver was told.
#[derive(Debug, Clone)]
struct Told {
    headers: HeaderMap,
    body: String,
}

impl Told {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// As a library of Standard Webhooks does it.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        let (id, time) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        mac.update(format!("{id}.{time}.{}", self.body).as_bytes());
        let wanted = format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()));
        self.header("webhook-signature").split(' ').any(|signature| signature == wanted)
    }
}

/// A receiver that answers with these, then with 204.
struct Receiver {
    url: String,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Receiver {
    async fn start(answers: Vec<StatusCode>) -> Self {
        let told = Arc::new(Mutex::new(Vec::<Told>::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let heard = told.clone();
        let receive = move |headers: HeaderMap, body: String| async move {
            let mut told = heard.lock().unwrap();
            told.push(Told { headers, body });
            answers.get(told.len() - 1).copied().unwrap_or(StatusCode::NO_CONTENT)
        };
        let router = Router::new().route("/hook", post(receive));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, told }
    }

    async fn told(&self, times: usize) -> Vec<Told> {
        eventually(&format!("it was told {times} times"), PATIENCE, || async {
            let told = self.told.lock().unwrap().clone();
            if told.len() >= times { Ok(told) } else { Err(format!("{told:?}")) }
        })
        .await
    }
}

async fn with_webhook(runs: &Runs, input: &str, url: &str) -> Task {
    runs.models.script_for(input, Script::always(Reply::text("Told.")));
    let body = json!({ "agent": "coder", "input": input, "webhook": url });
    runs.client.submit(&runs.session, body).await
}

async fn secret(client: &Client) -> String {
    let secret = client.get("/v1/settings/webhook-secret").await.expect(200);
    secret["secret"].as_str().unwrap().to_owned()
}

async fn delivery(task: &Task, status: &str) -> Value {
    eventually(&format!("the delivery is {status}"), PATIENCE, || async {
        let list = task.client.get(format!("{}/deliveries", task.path())).await.expect(200);
        let found = list["data"][0].clone();
        if found["status"] == status { Ok(found) } else { Err(list.to_string()) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_signed_and_told_again() {
    let runs = Runs::with(Setup::default().arg("--allow-private-networks")).await;
    let receiver = Receiver::start(vec![StatusCode::INTERNAL_SERVER_ERROR]).await;
    let task = with_webhook(&runs, "webhook-1", &receiver.url).await;
    let ended = task.completes().await;
    assert_eq!(ended["webhook"], true);
    let told = receiver.told(2).await;
    let secret = secret(&runs.client).await;
    for told in &told {
        assert!(told.is_signed_with(&secret), "{told:?}");
        assert_eq!(told.header("content-type"), "application/json");
        let body: Value = serde_json::from_str(&told.body).unwrap();
        assert_eq!(body["type"], "task.completed", "{body}");
        assert_eq!((&body["taskId"], &body["sessionId"]), (&json!(task.id), &json!(task.session)));
        assert_eq!((&body["status"], &body["output"]), (&json!("completed"), &json!("Told.")));
    }
    assert_eq!(told[0].header("webhook-id"), told[1].header("webhook-id"), "the same message");
    let delivered = delivery(&task, "delivered").await;
    assert_eq!((&delivered["attempts"], &delivered["lastStatus"]), (&json!(2), &json!(204)));
    assert_eq!(delivered["id"], told[0].header("webhook-id"));
    assert_eq!(receiver.told(2).await.len(), 2, "what was heard is not told again");
}

/// What the server dies over is told after its start; a cancelled task is told of, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_survives_a_crash() {
    let mut runs = Runs::with(Setup::default().arg("--allow-private-networks")).await;
    let receiver = Receiver::start(vec![StatusCode::INTERNAL_SERVER_ERROR]).await;
    let task = with_webhook(&runs, "webhook-2", &receiver.url).await;
    task.completes().await;
    delivery(&task, "pending").await;
    receiver.told(1).await;
    runs.server.kill9();
    runs.server.start_again().await;
    let told = receiver.told(2).await;
    assert_eq!(told[0].header("webhook-id"), told[1].header("webhook-id"));
    delivery(&task, "delivered").await;
}

/// A session whose agents cost something, and which has so many cents.
async fn limited(client: &Client, url: &str, cents: i64) -> String {
    let max_cost = json!({ "amount": cents, "currency": "usd", "period": "session" });
    let limits = json!({ "maxCost": max_cost });
    client.session_with(json!({ "userId": "poor", "limits": limits, "webhook": url })).await
}

fn spoken(told: &Told) -> (Value, Value) {
    let body: Value = serde_json::from_str(&told.body).unwrap();
    (body["type"].clone(), body)
}

/// An idle agent comes to its limit by itself; also when the server dies over it.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_near_and_one_that_is_reached_are_told() {
    let mut runs = Runs::with(Setup::default().arg("--allow-private-networks")).await;
    let receiver = Receiver::start(vec![]).await;
    let session = limited(&runs.client, &receiver.url, 1).await;
    let agent = runs.client.agent(&session).await;
    let near = receiver.told(1).await;
    runs.server.kill9();
    runs.server.start_again().await;
    runs.client.agent_becomes(&agent, "paused").await;
    let told = receiver.told(2).await;
    let secret = secret(&runs.client).await;
    assert!(told.iter().all(|told| told.is_signed_with(&secret)), "{told:?}");
    assert_eq!(near[0].header("webhook-id"), told[0].header("webhook-id"));
    let ((first, body), (last, _)) = (spoken(&told[0]), spoken(&told[1]));
    assert_eq!((first, last), (json!("session.limit_warning"), json!("session.limit_reached")));
    let about = (&body["sessionId"], &body["userId"], &body["limit"], &body["max"]["amount"]);
    assert_eq!(about, (&json!(session), &json!("poor"), &json!("maxCost"), &json!(1)), "{body}");
    let path = format!("/v1/sessions/{session}");
    assert_eq!(runs.client.get(&*path).await.expect(200)["webhook"], true);
    let list = runs.client.get(format!("{path}/deliveries")).await.expect(200);
    let listed: Vec<_> = list["data"].as_array().unwrap().iter().rev().collect();
    assert_eq!(listed.len(), 2, "{list:#}");
    for (listed, told) in listed.iter().zip(&told) {
        assert_eq!(listed["id"], told.header("webhook-id"));
        assert_eq!((&listed["url"], &listed["taskId"]), (&json!(receiver.url), &Value::Null));
    }
    assert_eq!(receiver.told(2).await.len(), 2, "each is told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_limits_any_more() {
    let runs = Runs::with(Setup::default().arg("--allow-private-networks")).await;
    let receiver = Receiver::start(vec![]).await;
    let session = limited(&runs.client, &receiver.url, 1).await;
    let path = format!("/v1/sessions/{session}");
    let changed = runs.client.patch(&*path, json!({ "webhook": null })).await.expect(200);
    assert_eq!(changed["webhook"], Value::Null, "{changed:#}");
    let agent = runs.client.agent(&session).await;
    runs.client.agent_becomes(&agent, "paused").await;
    // Another's deliveries come after what would have been told.
    let other = limited(&runs.client, &receiver.url, 1).await;
    runs.client.agent(&other).await;
    let told = receiver.told(2).await;
    assert!(told.iter().all(|told| spoken(told).1["sessionId"] == json!(other)), "{told:?}");
    let list = runs.client.get(format!("{path}/deliveries")).await.expect(200);
    assert_eq!(list["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_into_our_network_is_refused() {
    let runs = Runs::start().await;
    for url in ["http://127.0.0.1:1/x", "http://10.0.0.1/x", "http://localhost/x", "ftp://a.b/x"] {
        let body = json!({ "agent": "coder", "input": "x", "webhook": url });
        runs.client.submission(&runs.session, body).await.invalid("webhook");
        let session = json!({ "userId": "x", "webhook": url });
        runs.client.post("/v1/sessions", session).await.invalid("webhook");
        let options = json!({ "webhook": url });
        runs.client.post("/v1/sessions/by-user/x", options.clone()).await.invalid("webhook");
        let path = format!("/v1/sessions/{}", runs.session);
        runs.client.patch(path, options).await.invalid("webhook");
    }
}
