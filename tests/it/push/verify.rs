//! The proof of the bill, with the ledger and with Stripe's own sums.

use serde_json::{Value, json};
use theazo_tests::Setup;
use theazo_tests::stripe::StripeServer;

use super::{EVENT, Pushing};

const ASK: &str = "/v1/billing/verify?stripe=true";

/// What was compared under this name: rows, and differences.
fn check(report: &Value, name: &str) -> Option<(u64, u64)> {
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name)?;
    Some((check["rows"].as_u64().unwrap(), check["differences"].as_u64().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_is_held_against_what_stripe_has() {
    let pushing = Pushing::start(Setup::default(), false).await;
    let client = &pushing.client;
    pushing.stripe.customer("cus_ann");
    pushing.usage("ann", json!({ "stripeCustomerId": "cus_ann" })).await;
    pushing.usage("bob", json!({})).await;
    pushing.pushed(json!({})).await;
    let sent = pushing.stripe.events().len() as u64;
    let records = pushing.billed().len() as u64;

    let refused = client.get(ASK).await.expect(409);
    let said = refused["error"]["message"].as_str().unwrap();
    assert!(said.contains("billing.stripe.meterId"), "{said}");
    let meter = json!({ "eventName": EVENT, "meterId": StripeServer::METER });
    client.patch("/v1/settings", json!({ "billing": { "stripe": meter } })).await.expect(200);

    let right = client.get(ASK).await.expect(200);
    assert_eq!(right["ok"], true, "{right}");
    assert_eq!(check(&right, "stripe"), Some((1, 0)), "{right}");
    assert_eq!(check(&right, "stripe_ledger"), Some((records, 0)), "{right}");
    let totals = right["ledgers"][0]["totals"].as_array().unwrap();
    let shown: Vec<(&str, &Value, u64)> = totals
        .iter()
        .map(|t| (t["status"].as_str().unwrap(), &t["code"], t["records"].as_u64().unwrap()))
        .collect();
    let no_customer = json!("no_customer");
    let wanted = [("acknowledged", &Value::Null, sent), ("rejected", &no_customer, records - sent)];
    assert_eq!(shown, wanted, "{right}");
    let sums = pushing.stripe.totals();
    assert_eq!(totals[0]["costPico"], sums["cus_ann"].to_string());
    let printed = pushing.server.cli_ok(["billing", "verify", "--stripe"]);
    assert!(printed.contains("the bill is what the log says"), "{printed}");
    assert!(printed.contains("stripe: rejected (no_customer)"), "{printed}");

    // Somebody else's event, of the same meter.
    pushing.stripe.add("elsewhere", "cus_ann", 77);
    let unasked = client.get("/v1/billing/verify").await.expect(200);
    assert_eq!((&unasked["ok"], check(&unasked, "stripe")), (&json!(true), None), "{unasked}");
    let wrong = client.get(ASK).await.expect(200);
    let differences = wrong["differences"].as_array().unwrap();
    assert_eq!((&wrong["ok"], differences.len()), (&json!(false), 1), "{wrong}");
    let difference = &differences[0];
    assert_eq!((&difference["name"], &difference["key"]), (&json!("stripe"), &json!("cus_ann")));
    assert_eq!(difference["log"], sums["cus_ann"].to_string());
    assert_eq!(difference["found"], (sums["cus_ann"] + 77).to_string());
    let printed = pushing.server.cli(["billing", "verify", "--stripe"]);
    let out = String::from_utf8(printed.stdout).unwrap();
    assert!(!printed.status.success() && out.contains("stripe cus_ann: sum is"), "{out}");

    // A meter that is not there tells nothing, and a key that is refused ends it.
    let meter = json!({ "billing": { "stripe": { "meterId": "mtr_other" } } });
    client.patch("/v1/settings", meter).await.expect(200);
    let untold = client.get(ASK).await.expect(200);
    assert_eq!(untold["differences"][0]["found"], Value::Null, "{untold}");
    let key = json!({ "name": "STRIPE_API_KEY", "value": "sk_test_revoked" });
    client.post("/v1/secrets", key).await.expect(201);
    let refused = client.get(ASK).await.expect(409);
    assert!(refused["error"]["message"].as_str().unwrap().contains("key"), "{refused}");
}
