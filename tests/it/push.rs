//! Pushes of usage to Stripe: every record that costs something is there once, whatever is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use theazo_tests::model_server::{ModelServer, Reply, Script, Usage};
use theazo_tests::stripe::{Failing, Hold, StripeServer};
use theazo_tests::{Client, Server, Setup, eventually};

mod official;
mod verify;

const PATIENCE: Duration = Duration::from_secs(60);
const EVENT: &str = "theazo_test_cost";

/// A server that pushes to a Stripe of its own. The server ends first.
struct Pushing {
    server: Server,
    client: Client,
    stripe: StripeServer,
    models: ModelServer,
}

impl Pushing {
    async fn start(setup: Setup, embedded: bool) -> Self {
        let (models, stripe) = (ModelServer::start().await, StripeServer::start(EVENT));
        let setup = setup.models(&models).env("STRIPE_BASE_URL", &stripe.url());
        let server = match embedded {
            true => setup.start_embedded().await,
            false => setup.start().await,
        };
        let client = server.live();
        let key = json!({ "name": "STRIPE_API_KEY", "value": StripeServer::KEY });
        client.post("/v1/secrets", key).await.expect(201);
        let billing = json!({ "billing": { "stripe": { "eventName": EVENT } } });
        client.patch("/v1/settings", billing).await.expect(200);
        Self { server, client, stripe, models }
    }

    /// Usage of this user: some model calls, and the compute of an agent.
    async fn usage(&self, user: &str, metadata: Value) {
        let body = json!({ "userId": user, "metadata": metadata });
        let session = self.client.session_with(body).await;
        let turn = |n: u64| {
            Reply::call("list_files", json!({ "path": "." })).usage(Usage::new(n, 0, 0, 9))
        };
        let marker = format!("{user}: look around");
        let replies =
            [turn(11), turn(22), turn(33), Reply::text("Done.").usage(Usage::new(44, 0, 0, 7))];
        self.models.script_for(&marker, Script::by_turn(replies));
        let task = self.client.code(&session, &marker).await;
        task.completes().await;
        self.client.agent_becomes(&task.agent, "completed").await;
    }

    /// The cost of each usage record that costs something, as the log has it.
    fn billed(&self) -> BTreeMap<String, i128> {
        let records = self.server.usage_records().into_iter();
        records.filter(|record| record.cost > 0).map(|record| (record.id, record.cost)).collect()
    }

    async fn push(&self, body: Value) -> String {
        let started = self.client.post("/v1/billing/exports/stripe", body).await.expect(202);
        assert_eq!(started["status"], "running", "{started}");
        started["exportId"].as_str().unwrap().to_owned()
    }

    async fn view(&self, id: &str) -> Value {
        self.client.get(format!("/v1/billing/exports/{id}")).await.expect(200)
    }

    async fn ended(&self, id: &str) -> Value {
        eventually("the push has ended", PATIENCE, || async {
            let answer = self.client.get(format!("/v1/billing/exports/{id}")).await;
            if answer.status == 503 {
                return Err(answer.brief());
            }
            let export = answer.expect(200);
            if export["status"] == "running" { Err(export.to_string()) } else { Ok(export) }
        })
        .await
    }

    async fn pushed(&self, body: Value) -> Value {
        let id = self.push(body).await;
        self.ended(&id).await
    }

    /// Fails unless Stripe has each of these once, and nothing else.
    fn stripe_has(&self, billed: &BTreeMap<String, i128>) {
        let events = self.stripe.events();
        let got: Vec<(String, i128)> =
            events.iter().map(|event| (event.identifier.clone(), event.value)).collect();
        let once: BTreeMap<String, i128> = got.iter().cloned().collect();
        assert_eq!(once.len(), got.len(), "one is there twice: {got:#?}");
        assert_eq!(&once, billed);
        let wrong = self.stripe.violations();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    fn kill9(&mut self) {
        self.server.kill9();
        // Whatever it asked for last is done now, or never.
        self.stripe.release();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_is_billed_to_their_customer_once() {
    let pushing = Pushing::start(Setup::default(), false).await;
    for customer in ["cus_ann", "cus_bob"] {
        pushing.stripe.customer(customer);
    }
    pushing.usage("ann", json!({ "stripeCustomerId": "cus_ann" })).await;
    pushing.usage("bob", json!({})).await;
    pushing.usage("eve", json!({ "stripeCustomerId": "cus_unknown" })).await;
    let first = pushing.pushed(json!({})).await;
    assert_eq!(first["status"], "finished", "{first}");
    let without = first["usersWithoutCustomer"].as_array().unwrap();
    assert_eq!((without.len(), &without[0]["userId"]), (1, &json!("bob")));
    let not_found = first["codes"]["meter_event_customer_not_found"].as_u64().unwrap();
    assert_eq!(first["codes"]["no_customer"], without[0]["records"]);
    let rejected = without[0]["records"].as_u64().unwrap() + not_found;
    assert_eq!(first["records"]["rejected"], rejected);
    let events = pushing.stripe.events();
    assert!(events.iter().all(|event| event.customer == "cus_ann") && events.len() >= 5);

    // Bob is mapped, and nothing is sent twice; Eve's goes out only when it is asked for.
    let map = json!({ "billing": { "stripe": { "customers": { "bob": "cus_bob" } } } });
    pushing.client.patch("/v1/settings", map).await.expect(200);
    let calls = pushing.stripe.calls();
    let second = pushing.pushed(json!({})).await;
    assert_eq!(second["records"]["acknowledged"], without[0]["records"], "{second}");
    assert_eq!(pushing.stripe.calls() - calls, without[0]["records"].as_u64().unwrap());
    pushing.stripe.customer("cus_unknown");
    let third = pushing.pushed(json!({})).await;
    assert_eq!(third["records"]["acknowledged"], 0, "{third}");
    let fourth = pushing.pushed(json!({ "retryRejected": true })).await;
    assert_eq!(fourth["records"]["acknowledged"], not_found, "{fourth}");
    pushing.stripe_has(&pushing.billed());
    let ledger = fourth["ledger"].as_array().unwrap();
    assert_eq!((ledger.len(), &ledger[0]["status"]), (1, &json!("acknowledged")), "{ledger:?}");

    let listed = pushing.client.all("/v1/billing/exports", 3).await;
    assert_eq!(listed.len(), 4);
    assert_eq!(listed[0]["id"], fourth["id"]);
    let path = format!("/v1/billing/exports/{}/records", fourth["id"].as_str().unwrap());
    let records = pushing.client.all(&path, 2).await;
    let users: BTreeSet<&str> = records.iter().map(|r| r["userId"].as_str().unwrap()).collect();
    assert_eq!((records.len() as u64, users), (not_found, ["eve"].into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_killed_at_every_record_bills_each_once() {
    let mut pushing = Pushing::start(Setup::default(), false).await;
    pushing.stripe.customer("cus_ann");
    pushing.usage("ann", json!({ "stripeCustomerId": "cus_ann" })).await;
    let billed = pushing.billed();
    let records = billed.len() as u64;
    pushing.stripe.hold(0, Hold::Before);
    let id = pushing.push(json!({})).await;
    for record in 0..records {
        for place in [Hold::Before, Hold::After] {
            if (record, place) != (0, Hold::Before) {
                // It begins with the batch's first record again, and comes to this one.
                pushing.stripe.hold(record, place);
                pushing.server.start_again().await;
            }
            let held = tokio::time::timeout(PATIENCE, pushing.stripe.held()).await;
            assert!(held.is_ok(), "record {record} was not sent:\n{}", pushing.server.log());
            pushing.kill9();
        }
    }
    pushing.server.start_again().await;
    let ended = pushing.ended(&id).await;
    assert_eq!(ended["status"], "finished", "{ended}");
    assert_eq!(ended["records"]["acknowledged"], records);
    pushing.stripe_has(&billed);
    let calls = pushing.stripe.calls();
    let again = pushing.pushed(json!({})).await;
    assert_eq!((&again["records"]["acknowledged"], pushing.stripe.calls()), (&json!(0), calls));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_killed_at_every_commit_bills_each_once() {
    let mut pushing = Pushing::start(Setup::default(), true).await;
    pushing.stripe.customer("cus_ann");
    pushing.usage("ann", json!({ "stripeCustomerId": "cus_ann" })).await;
    let billed = pushing.billed();
    pushing.server.kill9();
    // The next commit is its last one: of the start, of each intent, of each outcome, of the end.
    pushing.server.set_env("THEAZO_ABORT_AFTER_COMMITS", Some("1"));
    pushing.server.start_again().await;
    let start = pushing.client.post("/v1/billing/exports/stripe", json!({})).once("push");
    assert!(start.send().await.is_err(), "it should have died");
    assert!(pushing.server.has_died_within(PATIENCE), "{}", pushing.server.log());
    for commit in ["the intent", "the outcome", "the end"] {
        // It may have died before it was ready.
        let died =
            !pushing.server.try_start_again().await || pushing.server.has_died_within(PATIENCE);
        assert!(died, "it survived {commit}:\n{}", pushing.server.log());
    }
    pushing.server.set_env("THEAZO_ABORT_AFTER_COMMITS", None);
    pushing.server.start_again().await;
    let listed = pushing.client.get("/v1/billing/exports").await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    let ended = pushing.ended(listed["data"][0]["id"].as_str().unwrap()).await;
    assert_eq!(
        (&ended["status"], &ended["records"]["acknowledged"]),
        (&json!("finished"), &json!(billed.len()))
    );
    pushing.stripe_has(&billed);
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_with_stripe_is_waited_for_and_told() {
    let pushing = Pushing::start(Setup::default(), true).await;
    pushing.stripe.customer("cus_ann");
    pushing.usage("ann", json!({ "stripeCustomerId": "cus_ann" })).await;
    // What passes is waited for; what was taken and lost is known again.
    let passing = [Failing::TooMany(1), Failing::Status(500), Failing::TakenAndLost];
    pushing.stripe.fail_next(passing);
    let first = pushing.pushed(json!({})).await;
    assert_eq!((&first["status"], &first["records"]["pending"]), (&json!("finished"), &json!(0)));
    pushing.stripe_has(&pushing.billed());

    // A key that Stripe refuses ends the push; what it had sends the next one.
    pushing.usage("bob", json!({ "stripeCustomerId": "cus_ann" })).await;
    let key = |value: &str| json!({ "name": "STRIPE_API_KEY", "value": value });
    pushing.client.post("/v1/secrets", key("sk_test_revoked")).await.expect(201);
    let second = pushing.pushed(json!({})).await;
    assert_eq!(
        (&second["status"], &second["failure"]["code"]),
        (&json!("failed"), &json!("unauthorized"))
    );
    assert!(second["records"]["pending"].as_u64().unwrap() >= 5, "{second}");
    pushing.client.post("/v1/secrets", key(StripeServer::KEY)).await.expect(201);
    let third = pushing.pushed(json!({})).await;
    assert_eq!(third["records"]["acknowledged"], second["records"]["pending"], "{third}");
    pushing.stripe_has(&pushing.billed());
    for secret in [StripeServer::KEY, "sk_test_revoked"] {
        assert!(!pushing.server.log().contains(secret), "a key is in the trace");
        assert!(!pushing.server.cli_ok(["log", "read", "--limit", "1000000"]).contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_pushed_is_refused() {
    let pushing = Pushing::start(Setup::default(), true).await;
    let client = &pushing.client;
    let post = |body: Value| client.post("/v1/billing/exports/stripe", body);
    let fields = |answer: &theazo_tests::Answer| {
        assert_eq!(answer.status, 422, "{}", answer.brief());
        answer.json()["error"]["details"]["fields"][0]["path"].as_str().unwrap().to_owned()
    };
    for (body, path) in [
        (json!({ "from": "2026-05-02", "until": "2026-05-01" }), "until"),
        (json!({ "from": "2026-05-02", "until": "2026-05-02" }), "until"),
        (json!({ "from": "yesterday" }), "from"),
        (json!({ "until": "2026-05-01T10:00:00" }), "until"),
        (json!({ "retryRejected": "yes" }), "retryRejected"),
        (json!({ "retry": true }), "retry"),
    ] {
        assert_eq!(fields(&post(body).await), path);
    }
    let none = client.post("/v1/billing/exports/metronome", json!({})).await;
    assert_eq!(none.status, 409, "{}", none.brief());
    assert!(none.brief().contains("METRONOME_API_KEY"), "{}", none.brief());
    let test = pushing.server.test();
    test.post("/v1/billing/exports/stripe", json!({})).await.expect(409);
    let live = json!({ "name": "STRIPE_API_KEY", "value": "sk_live_1" });
    test.post("/v1/secrets", live).await.expect(201);
    let started = test.post("/v1/billing/exports/stripe", json!({})).await.expect(202);
    let path = format!("/v1/billing/exports/{}", started["exportId"].as_str().unwrap());
    eventually("it has failed", PATIENCE, || async {
        let export = test.get(&path).await.expect(200);
        let code = &export["failure"]["code"];
        if code == "live_key_in_test_mode" { Ok(()) } else { Err(export.to_string()) }
    })
    .await;
    client.get(&path).await.expect(404);
    assert_eq!(pushing.view(&pushing.push(json!({})).await).await["exporter"], "stripe");
}
