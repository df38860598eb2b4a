//! One tenant never sees another, and live never meets test.

use serde_json::json;
use theazo_tests::{Client, Server};

use crate::routes::{self, Route};
use crate::world::World;

/// Every route that names a thing answers everyone else as if there were no such thing.
#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_id_is_a_404_on_every_route() {
    let server = Server::start().await;
    let owner = server.live();
    let strangers = [
        ("the same org's other mode", server.test()),
        ("another org", server.other_org("Stranger", "team", "live")),
        ("another org's other mode", server.other_org("Third", "team", "test")),
    ];
    for route in routes::all().iter().filter(|route| route.has_id()) {
        let world = World::for_route(&owner, route).await;
        for (who, stranger) in &strangers {
            let answer = world.by(stranger, route).await;
            let error = answer.refused("not_found");
            let message = error["message"].as_str().unwrap();
            assert!(!message.contains("org"), "{}: {who}: {message}", route.name());
        }
        let answer = world.good(route).await;
        assert!(route.accepts(answer.status), "{}: {}", route.name(), answer.brief());
        world.end().await;
    }
}

/// Lists hold nothing of others, whatever they are filtered by.
#[tokio::test(flavor = "multi_thread")]
async fn lists_of_others_are_empty() {
    let server = Server::start().await;
    let owner = server.live();
    let session = owner.session().await;
    let agent = owner.agent(&session).await;
    owner.post(format!("/v1/agents/{agent}/pause"), json!({})).await.ok();
    owner.post("/v1/secrets", json!({ "name": "A", "value": "v" })).await.ok();
    let strangers = [server.test(), server.other_org("Stranger", "team", "live")];
    for stranger in &strangers {
        for path in [
            "/v1/sessions".to_owned(),
            "/v1/sessions?userId=user_1".to_owned(),
            "/v1/snapshots".to_owned(),
            format!("/v1/snapshots?sessionId={session}"),
            "/v1/secrets".to_owned(),
            format!("/v1/audit/events?sessionId={session}"),
            format!("/v1/audit/events?agentId={agent}"),
        ] {
            let page = stranger.get(&path).await;
            // A filter by a thing that is not theirs may also be refused as unknown.
            if page.status != 404 {
                assert_eq!(page.expect(200)["data"], json!([]), "{path}");
            }
        }
        stranger.get(format!("/v1/sessions/{session}/agents")).await.refused("not_found");
    }
    assert_eq!(owner.get("/v1/sessions").await.expect(200)["data"].as_array().unwrap().len(), 1);
}

/// What others name in a body does not exist either.
#[tokio::test(flavor = "multi_thread")]
async fn things_of_others_cannot_be_used_in_a_body() {
    let server = Server::start().await;
    let owner = server.live();
    let session = owner.session().await;
    let agent = owner.agent(&session).await;
    let paused = owner.post(format!("/v1/agents/{agent}/pause"), json!({})).await.ok();
    let snapshot = paused["snapshot"]["id"].clone();
    let stranger = server.other_org("Stranger", "team", "live");
    let own = stranger.session().await;
    let agents = format!("/v1/sessions/{own}/agents");
    stranger.post(&agents, json!({ "snapshotId": snapshot })).await.invalid("snapshotId");
    let secret = json!({ "name": "A", "value": "v", "sessionId": session });
    let answer = stranger.post("/v1/secrets", secret).await;
    assert!([404, 422].contains(&answer.status), "{}", answer.brief());
}

async fn key_of(client: &Client) -> (String, Client) {
    let made = client.post("/v1/api-keys", json!({ "name": "second" })).await.ok();
    let secret = made["key"].as_str().unwrap();
    (made["id"].as_str().unwrap().to_owned(), client.with_key(Some(secret)))
}

/// A key sees what its org's other keys of the mode see, and no more.
#[tokio::test(flavor = "multi_thread")]
async fn keys_of_one_org_and_mode_share_their_data() {
    let server = Server::start().await;
    for client in [server.live(), server.test()] {
        let (_, second) = key_of(&client).await;
        let session = client.session().await;
        second.get(format!("/v1/sessions/{session}")).await.expect(200);
    }
    let (_, live) = key_of(&server.live()).await;
    let (_, test) = key_of(&server.test()).await;
    assert_eq!(live.get("/v1/sessions").await.expect(200)["data"].as_array().unwrap().len(), 1);
    assert_eq!(test.get("/v1/sessions").await.expect(200)["data"].as_array().unwrap().len(), 1);
}

#[test]
fn the_table_has_routes_of_every_kind_of_id() {
    let ids = ["/sessions/{", "/agents/{", "/snapshots/{", "/api-keys/{", "/audit/{"];
    for id in ids {
        let has = |route: &Route| route.has_id() && route.path.contains(id);
        assert!(routes::all().iter().any(has), "no route has {id}");
    }
}
