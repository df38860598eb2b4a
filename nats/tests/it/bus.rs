//! The bus over two connections.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use theazo_log::bus::{Bus, BusError};
use theazo_log::conformance::bus::*;
use theazo_log::conformance::fixtures::PATIENCE;
use theazo_nats::NatsBus;

use crate::server::{Server, newer, packaged};
use crate::support::connect;

async fn conforms(program: String) {
    let server = Server::start(program);
    let a = NatsBus::new(&connect(&server.url()).await);
    let b = NatsBus::new(&connect(&server.url()).await);
    everybody_receives_what_they_asked_for(&a, &b).await;
    a_sender_is_heard_in_order(&a, &b).await;
    a_large_message_arrives_whole(&a, &b).await;
    a_request_is_answered(&a, Arc::new(b.clone())).await;
    a_request_that_nobody_hears_says_so(&a, &b).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract() {
    conforms(packaged()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_on_a_newer_server() {
    conforms(newer()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_survive_a_server_that_is_killed() {
    let server = Server::start(packaged());
    let a = NatsBus::new(&connect(&server.url()).await);
    let b = NatsBus::new(&connect(&server.url()).await);
    let mut heard = b.subscribe("news").await.unwrap();
    let since = a.connected_since().unwrap();
    server.kill();
    while a.connected_since().is_some() {
        tokio::task::yield_now().await;
    }
    let unsent = a.publish("news", "lost".into()).await;
    assert!(matches!(unsent, Err(BusError::Unavailable(_))), "{unsent:?}");
    server.again();
    // Until both are back: what is sent sooner nobody may hear.
    let telling = async {
        loop {
            if a.request("news", "again".into(), Duration::from_secs(1)).await
                == Err(BusError::Timeout("news".to_owned()))
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, telling).await.unwrap();
    assert_eq!(heard.next().await.unwrap().payload, "again");
    assert!(a.connected_since().unwrap() > since);
}
