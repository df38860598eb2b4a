//! Every route, the good way and the bad ways that are the same for all.

use std::collections::BTreeSet;

use serde_json::json;
use theazo_tests::{Client, Method, Server};

use crate::document::Document;
use crate::routes::{self, Route};
use crate::world::World;

const METHODS: [Method; 5] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

fn with_key() -> Vec<Route> {
    routes::all().into_iter().filter(|route| !route.open).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_the_document() {
    let server = Server::start().await;
    let document = Document::of(&server.anonymous()).await;
    let documented: BTreeSet<String> =
        document.operations().iter().map(|o| format!("{} {}", o.method, o.path)).collect();
    let tested: BTreeSet<String> = routes::all().iter().map(Route::name).collect();
    let untested: Vec<_> = documented.difference(&tested).collect();
    let undocumented: Vec<_> = tested.difference(&documented).collect();
    assert!(untested.is_empty(), "in /openapi.json but not in tests/it/routes.rs: {untested:#?}");
    assert!(undocumented.is_empty(), "not in /openapi.json: {undocumented:#?}");
}

/// The good way, on both kinds of key; each answer is as `/openapi.json` says.
#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_as_documented() {
    let server = Server::start().await;
    let document = Document::of(&server.anonymous()).await;
    let mut wrong = Vec::new();
    for client in [server.test(), server.live()] {
        for route in routes::all() {
            let world = World::for_route(&client, &route).await;
            let answer = world.good(&route).await;
            if !route.accepts(answer.status) {
                wrong.push(format!("{}: {}", route.name(), answer.brief()));
                continue;
            }
            let Some(operation) = document.operation(&route.method, route.path) else {
                wrong.push(format!("{}: is not in the document", route.name()));
                continue;
            };
            if let Some(schema) = document.answer(&operation, answer.status) {
                document.check(&schema, &answer.json(), &route.name(), &mut wrong);
            }
            let moved = answer.header("x-theazo-position").is_some();
            let lists = ["/v1/providers/{provider}/check", "/v1/agents/{id}/exec"];
            world.end().await;
            if route.method != Method::GET && !moved && !lists.contains(&route.path) {
                wrong.push(format!("{}: a write without X-Theazo-Position", route.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_that_works_nothing_is_answered() {
    let server = Server::start().await;
    let client = server.test();
    let spare = client.post("/v1/api-keys", json!({ "name": "spare" })).await.ok();
    let secret = spare["key"].as_str().unwrap();
    let revoked = client.with_key(Some(secret));
    revoked.get("/v1/sessions").await.expect(200);
    client.delete(format!("/v1/api-keys/{}", spare["id"].as_str().unwrap())).await.ok();
    let callers: [Client; 5] = [
        server.anonymous(),
        client.with_key(Some("th_test_nobody_has_this_key_at_all")),
        client.with_key(Some("")),
        client.with_key(Some(&server.test_key[..server.test_key.len() - 1])),
        revoked,
    ];
    for route in with_key() {
        let world = World::for_route(&client, &route).await;
        for caller in &callers {
            let answer = world.by(caller, &route).await;
            answer.refused("unauthorized");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{}", route.name());
        }
        // Nothing of it was done.
        let answer = world.good(&route).await;
        assert!(route.accepts(answer.status), "{}: {}", route.name(), answer.brief());
        world.end().await;
    }
    let basic = server.anonymous().get("/v1/sessions");
    basic.header("Authorization", "Basic dGg6dGg=").await.refused("unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_a_405() {
    let server = Server::start().await;
    let client = server.test();
    let routes = routes::all();
    let paths: BTreeSet<&str> = routes.iter().map(|route| route.path).collect();
    for path in paths {
        let here: Vec<&Route> = routes.iter().filter(|route| route.path == path).collect();
        let world = World::for_route(&client, here[0]).await;
        for method in METHODS.iter().filter(|m| !here.iter().any(|route| route.method == **m)) {
            let path = world.path(path);
            // `/v1/sessions/by-user` reads as an id where an id may be.
            let answer = client.call(method.clone(), path).await;
            answer.refused("method_not_allowed");
            let allowed = answer.header("allow").unwrap_or_default().to_owned();
            for route in &here {
                assert!(allowed.contains(route.method.as_str()), "{}: {allowed}", answer.request);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_or_unknown_id_is_a_404() {
    let server = Server::start().await;
    let client = server.test();
    let ids = [
        "x",
        "ses_",
        "ses_01HX",
        "agt_0000000000000000000000000U",
        "agt_8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "ses_00000000000000000000000001",
        "agt_00000000000000000000000001",
        "snp_00000000000000000000000001",
        "key_00000000000000000000000001",
        "%00",
        "%2e%2e",
        "ses_00000000000000000000000001%2f..",
    ];
    for route in with_key().iter().filter(|route| route.has_id()) {
        let world = World::for_route(&client, route).await;
        for id in ids {
            let good = [
                &world.session,
                &world.agent,
                &world.snapshot,
                &world.key,
                &world.task,
                &world.definition,
                &world.export,
            ];
            let mut path = world.path(route.path);
            for known in good.into_iter().filter(|known| !known.is_empty()) {
                path = path.replace(known.as_str(), id);
            }
            let call = client.call(route.method.clone(), format!("{path}{}", route.query));
            let call = match route.good_body(&client) {
                Some(body) => call.json(body),
                None => call,
            };
            call.await.refused("not_found");
        }
    }
}

/// What people look at is there, and is no other site's to frame.
#[tokio::test(flavor = "multi_thread")]
async fn pages_for_people_need_no_key() {
    let server = Server::start().await;
    let client = server.anonymous();
    for path in ["/", "/docs", "/docs/"] {
        let page = client.get(path).await;
        assert!([200, 303, 307, 308].contains(&page.status), "{path}: {}", page.brief());
        if page.status == 200 {
            assert!(page.header("content-type").unwrap().starts_with("text/html"), "{path}");
        }
    }
    let metrics = client.get("/metrics").await;
    assert!(metrics.text().contains("theazo_") || metrics.text().contains("http_"));
    assert!(!metrics.text().contains("th_test_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_request_is_fine_after_any_bad_one() {
    let server = Server::start().await;
    let client = server.test();
    for path in ["/", "/v1", "/v1/", "/v1/nothing", "/nothing", "/v1/sessions/", "//v1/sessions"] {
        let answer = client.get(path).await;
        assert!(answer.status == 404 || path == "/", "{path}: {}", answer.brief());
    }
    client.call(Method::OPTIONS, "/v1/sessions").await;
    client.get(format!("/v1/sessions?userId={}", "x".repeat(20_000))).await;
    client.get("/v1/sessions").header("X-Padding", "x".repeat(60_000)).send().await.ok();
    client.get("/v1/sessions").await.expect(200);
}
