//! What subscribers leave behind: nothing.

use theazo_log::conformance::fixtures::*;
use theazo_log::{EventLog, Filter, Position};

use crate::support::Folder;

#[tokio::test]
async fn a_subscriber_that_goes_away_leaves_the_hub() {
    let folder = Folder::new();
    let log = folder.sqlite().await;
    let stream = session(scope(0), 1);
    let filters = [
        Filter::all(),
        Filter::scope(scope(0)),
        Filter::stream(stream.clone()),
        Filter::kind(theazo_domain::Kind::Session),
    ];
    let mut subscriptions: Vec<_> =
        filters.into_iter().map(|filter| log.subscribe(filter, Position::START)).collect();
    append(&*log, &stream, "one").await;
    for subscription in &mut subscriptions {
        take(subscription, 1).await;
    }
    let second = append(&*log, &stream, "two").await;
    for subscription in &mut subscriptions {
        assert_eq!(take(subscription, 1).await, vec![second.clone()]);
    }
    assert_eq!(log.hub().receivers(), 4);
    drop(subscriptions);
    assert_eq!(log.hub().receivers(), 0);
    log.close().await;
}
