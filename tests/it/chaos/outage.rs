//! The stores go away under load, and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use theazo_tests::model_server::ModelServer;
use theazo_tests::{APIS, Client, eventually, json};
use tokio::task::JoinHandle;

use super::insist::{Made, TRY, all, insist};

const WRITERS: usize = 8;
const OUTAGES: u32 = 3;
/// How long a store is away.
const AWAY: Duration = Duration::from_millis(1_500);
const BACK: Duration = Duration::from_secs(30);

/// Makes sessions until `stop`.
async fn write(name: usize, client: Client, stop: Arc<AtomicBool>) -> Vec<Made> {
    let mut made = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let key = format!("writer-{name}/{}", made.len());
        let body = json!({ "userId": key });
        let session = Made::new(&client, ("/v1/sessions".to_owned(), body), &key, "id").await;
        made.push(session.unwrap_or_else(|answer| panic!("{key}: {}", answer.brief())));
    }
    made
}

fn writers(client: &Client, stop: &Arc<AtomicBool>) -> Vec<JoinHandle<Vec<Made>>> {
    (0..WRITERS).map(|n| tokio::spawn(write(n, client.clone(), stop.clone()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nats_server_that_is_killed_under_load_loses_and_repeats_nothing() {
    let models = ModelServer::start().await;
    let mut cluster = super::cluster(&models).await;
    let client = cluster.test().patient_for(TRY);
    let stop = Arc::new(AtomicBool::new(false));
    let writers = writers(&client, &stop);
    for _ in 0..OUTAGES {
        tokio::time::sleep(AWAY).await;
        cluster.kill_nats();
        tokio::time::sleep(AWAY).await;
        cluster.start_nats();
    }
    stop.store(true, Ordering::Relaxed);
    let mut made = Vec::new();
    for writer in writers {
        made.extend(writer.await.unwrap());
    }
    eprintln!("{} sessions", made.len());
    assert!(made.len() > WRITERS, "too little was done");
    let mut acknowledged: Vec<&str> = made.iter().map(|made| made.id.as_str()).collect();
    acknowledged.sort_unstable();
    eventually("each is listed once", BACK, || async {
        let rows = all(&client, "/v1/sessions").await;
        let mut listed: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        listed.sort_unstable();
        if listed == acknowledged { Ok(()) } else { Err(format!("{} are listed", listed.len())) }
    })
    .await;
    for made in &made {
        made.must_be_known().await;
    }
    let verified = cluster.cli_ok(["log", "verify"]);
    assert!(verified.contains("every hash is as it should be"), "{verified}");
    cluster.must_be_unbroken();
}

/// Without the read models nothing can be read, and what needs none is still done.
#[tokio::test(flavor = "multi_thread")]
async fn writes_go_on_without_postgres_and_reads_come_back() {
    let models = ModelServer::start().await;
    let mut cluster = super::cluster(&models).await;
    let client = cluster.live().patient_for(TRY);
    let session = client.session().await;
    let mut agents = vec![client.agent(&session).await];
    // Each process of the API has seen the key.
    for _ in 0..4 {
        client.get("/v1/sessions").await.expect(200);
    }
    let mut made = vec![session.clone()];
    let path = format!("/v1/sessions/{session}");
    for n in 0..2 {
        cluster.stop_postgres();
        for _ in APIS {
            // Without a key: the answers' store is in Postgres too.
            let new = client.post("/v1/sessions", json!({ "userId": "away" })).await.expect(201);
            made.push(new["id"].as_str().unwrap().to_owned());
            // What is secret has its key there: code waits. An agent has none yet.
            let new = client.post(format!("{path}/agents"), json!({})).await.expect(201);
            agents.push(new["id"].as_str().unwrap().to_owned());
            client.get("/v1/sessions").await.refused("unavailable");
            // Its answer has the bill. It says that nothing was changed, and that is so.
            let patch = client.patch(&path, json!({ "metadata": { "away": n } })).await;
            patch.refused("unavailable");
        }
        cluster.start_postgres();
        eventually("all can be read", BACK, || async {
            let answer = client.get("/v1/sessions?limit=100").send().await;
            let answer = answer.map_err(|error| error.to_string())?;
            if answer.status != 200 {
                return Err(answer.brief());
            }
            let listed = answer.json()["data"].as_array().unwrap().len();
            if listed == made.len() { Ok(()) } else { Err(format!("{listed} are listed")) }
        })
        .await;
        for agent in &agents {
            client.agent_becomes(agent, "idle").await;
        }
        let shown = insist(client.get(&path)).await.expect(200);
        assert_eq!(shown["metadata"], json!({}));
    }
    cluster.must_be_unbroken();
}
