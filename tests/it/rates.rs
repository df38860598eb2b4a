//! Requests per minute, by plan and key.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::json;
use theazo_tests::Server;

#[tokio::test(flavor = "multi_thread")]
async fn the_free_plan_has_sixty_a_minute() {
    let server = Server::start().await;
    let free = server.other_org("Free", "free", "test");
    let first = free.get("/v1/sessions").await;
    assert_eq!(first.header("ratelimit-limit"), Some("60"));
    assert_eq!(first.header("ratelimit-remaining"), Some("59"));
    let reset: u32 = first.header("ratelimit-reset").unwrap().parse().unwrap();
    assert!(reset <= 60, "{reset}");

    let mut statuses: BTreeMap<u16, u32> = BTreeMap::new();
    for answer in join_all((0..99).map(|_| free.get("/v1/sessions").send())).await {
        *statuses.entry(answer.unwrap().status).or_default() += 1;
    }
    assert_eq!(statuses, BTreeMap::from([(200, 59), (429, 40)]));

    let refused = free.post("/v1/sessions", json!({ "userId": "u" })).await;
    let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    // The last minute's requests count less and less while the next one passes.
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
    let error = refused.refused("rate_limited");
    assert_eq!(error["details"]["retryAfter"], wait);

    // Nobody else is held back, and what needs no key is answered.
    server.test().get("/v1/sessions").await.expect(200);
    assert_eq!(free.with_key(None).get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plan_says_its_limit_on_every_answer() {
    let server = Server::start().await;
    for (plan, limit) in [("free", "60"), ("cloud", "300"), ("team", "1000")] {
        let client = server.other_org(plan, plan, "test");
        for answer in [
            client.get("/v1/sessions").await,
            client.get("/v1/sessions/nothing").await,
            client.post("/v1/sessions", json!({})).await,
        ] {
            assert_eq!(answer.header("ratelimit-limit"), Some(limit), "{}", answer.request);
            assert!(answer.header("ratelimit-remaining").is_some(), "{}", answer.request);
        }
    }
}
