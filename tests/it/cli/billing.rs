//! `theazo billing`: the proof of the bill, and the bill as a tree.

use serde_json::json;
use theazo_tests::{Server, on_cluster};

#[tokio::test(flavor = "multi_thread")]
async fn the_bill_is_proved_and_explained() {
    let mut server = Server::start().await;
    let client = server.test();
    let session = client.session_with(json!({ "userId": "ann" })).await;
    let agent = client.agent(&session).await;
    client.post(format!("/v1/agents/{agent}/terminate"), json!({})).await.expect(200);
    let path = format!("/v1/audit/events?agentId={agent}&type=agent.usage_recorded");
    let recorded = client.get(path).await.expect(200);
    let id = recorded["data"][0]["data"]["usage"]["id"].as_str().unwrap().to_owned();

    for running in [true, false] {
        if !running {
            if on_cluster() {
                // Of a cluster some process has to keep the read models.
                return;
            }
            server.stop().await;
        }
        let verified = server.cli_ok(["billing", "verify", "--mode", "test"]);
        assert!(verified.contains("the bill is what the log says"), "{verified}");
        assert!(verified.contains("1 usage records, $0.00"), "{verified}");
        for model in ["records", "sessions", "agents", "tasks"] {
            assert!(verified.contains(model), "{verified}");
        }
        let tree = server.cli_ok(["billing", "explain", "--mode", "test", "--records"]);
        for part in ["total of 1 usage record ", "user ann", &session, &agent, "compute", &id] {
            assert!(tree.contains(part), "no {part} in\n{tree}");
        }
        let users = server.cli_ok(["billing", "explain", "--mode", "test", "--depth", "1"]);
        assert_eq!(users.lines().count(), 2, "{users}");
        let nobody = server.cli_ok(["billing", "explain", "--mode", "test", "--user", "eve"]);
        assert!(nobody.contains("total of 0"), "{nobody}");
        let live = server.cli_ok(["billing", "explain"]);
        assert!(live.contains("total of 0"), "{live}");
    }
    let wrong = server.cli(["billing", "verify", "--from", "2026-05-01T00:00"]);
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(!wrong.status.success() && said.contains("--from must be a date"), "{said}");
    let wrong = server.cli(["billing", "explain", "--org", "nobody"]);
    assert!(!wrong.status.success());
}
