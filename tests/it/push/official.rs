//! Stripe's own client, against the loopback.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use theazo_tests::stripe::StripeServer;

use super::EVENT;

/// What Stripe's client understood of the scenario of `tests/model_server/stripe.mjs`.
fn official(server: &StripeServer) -> Value {
    let own = std::env::current_exe().unwrap();
    let clients = own.ancestors().nth(3).unwrap().join("model-server-clients");
    let there = clients.join("node_modules/stripe").exists();
    assert!(there, "{} lacks the vendors' clients: run `scripts/test`", clients.display());
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("model_server/stripe.mjs");
    let output = Command::new("node")
        .arg(script)
        .arg(clients)
        .env("STRIPE_URL", server.url())
        .env("STRIPE_KEY", StripeServer::KEY)
        .env("STRIPE_METER", StripeServer::METER)
        .env("STRIPE_EVENT", EVENT)
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}\n{out}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn stripes_client_understands_the_loopback() {
    let server = StripeServer::start(EVENT);
    server.customer("cus_1");
    let seen = official(&server);
    let made = &seen["made"];
    assert_eq!(made["object"], "billing.meter_event", "{made}");
    assert_eq!(made["payload"]["value"], "25");
    assert_eq!(seen["again"], *made, "the same idempotency key");
    for (what, kind, code) in [
        ("twice", "StripeInvalidRequestError", None),
        ("unknownCustomer", "StripeInvalidRequestError", Some("meter_event_customer_not_found")),
        ("fraction", "StripeInvalidRequestError", Some("meter_event_invalid_value")),
        ("digits", "StripeInvalidRequestError", Some("meter_event_value_too_many_digits")),
        ("old", "StripeInvalidRequestError", Some("timestamp_too_far_in_past")),
        ("ahead", "StripeInvalidRequestError", Some("timestamp_in_future")),
        ("noMeter", "StripeInvalidRequestError", Some("no_meter")),
        ("badKey", "StripeAuthenticationError", None),
    ] {
        let error = &seen["errors"][what];
        assert_eq!(error["type"], kind, "{what}: {error}");
        assert_eq!(error["code"].as_str(), code, "{what}: {error}");
    }
    let twice = seen["errors"]["twice"]["message"].as_str().unwrap();
    assert!(twice.contains("already exists with identifier"), "{twice}");
    let sums = seen["summaries"].as_array().unwrap();
    assert_eq!((sums.len(), &sums[0]["aggregated_value"]), (1, &Value::from(32)), "{sums:?}");
    assert_eq!(seen["adjustment"]["object"], "billing.meter_event_adjustment");
    assert_eq!(seen["after"][0]["aggregated_value"], 7);
    assert_eq!(server.totals(), [("cus_1".to_owned(), 7)].into());
}
