//! The contract of [`Bus`](crate::bus::Bus), as functions over two ends of one: the same end twice
//! inside a process, two connections on a broker.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;

use super::fixtures::PATIENCE;
use crate::bus::{Bus, BusError, MAX_MESSAGE, Message, Messages};

async fn next(messages: &mut Messages) -> Message {
    tokio::time::timeout(PATIENCE, messages.next()).await.expect("a message").unwrap()
}

pub async fn everybody_receives_what_they_asked_for(a: &dyn Bus, b: &dyn Bus) {
    let mut exact = b.subscribe("bus.one.x").await.unwrap();
    let mut any = b.subscribe("bus.*.x").await.unwrap();
    let mut all = b.subscribe("bus.>").await.unwrap();
    for (subject, text) in [("bus.two.x", "1"), ("bus.one.x", "2"), ("bus.one.x.y", "3")] {
        a.publish(subject, text.into()).await.unwrap();
    }
    assert_eq!(next(&mut exact).await.payload, "2");
    let two = [next(&mut any).await, next(&mut any).await];
    assert_eq!(two.map(|m| m.payload), [Bytes::from("1"), Bytes::from("2")]);
    let three = [next(&mut all).await, next(&mut all).await, next(&mut all).await];
    assert_eq!(three.map(|m| m.subject), ["bus.two.x", "bus.one.x", "bus.one.x.y"]);
}

pub async fn a_sender_is_heard_in_order(a: &dyn Bus, b: &dyn Bus) {
    let mut heard = b.subscribe("bus.order").await.unwrap();
    for n in 0..2_000u32 {
        a.publish("bus.order", n.to_string().into()).await.unwrap();
    }
    for n in 0..2_000u32 {
        assert_eq!(next(&mut heard).await.payload, n.to_string());
    }
}

pub async fn a_large_message_arrives_whole(a: &dyn Bus, b: &dyn Bus) {
    let mut heard = b.subscribe("bus.large").await.unwrap();
    let large = Bytes::from(vec![7; MAX_MESSAGE]);
    a.publish("bus.large", large.clone()).await.unwrap();
    assert_eq!(next(&mut heard).await.payload, large);
}

pub async fn a_request_is_answered(a: &dyn Bus, b: Arc<dyn Bus>) {
    let mut asked = b.subscribe("bus.ask").await.unwrap();
    let answering = tokio::spawn(async move {
        while let Some(request) = asked.next().await {
            let text = [b"re: ", request.payload.as_ref()].concat();
            request.answer(&*b, text.into()).await.unwrap();
        }
    });
    for n in 0..50 {
        let answer = a.request("bus.ask", n.to_string().into(), PATIENCE).await;
        assert_eq!(answer.unwrap(), format!("re: {n}"));
    }
    answering.abort();
}

pub async fn a_request_that_nobody_hears_says_so(a: &dyn Bus, b: &dyn Bus) {
    let subject = "bus.nobody";
    let unheard = a.request(subject, Bytes::new(), PATIENCE).await;
    assert_eq!(unheard, Err(BusError::NobodyThere(subject.to_owned())));
    let _silent = b.subscribe(subject).await.unwrap();
    let unanswered = a.request(subject, Bytes::new(), Duration::from_millis(50)).await;
    assert_eq!(unanswered, Err(BusError::Timeout(subject.to_owned())));
}
