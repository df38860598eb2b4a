//! Old event versions become the newest when read, and stay in the log as they were written.

use serde_json::{Value, json};
use theazo_domain::Event;
use theazo_domain::org::{OrgEvent, Plan};
use theazo_log::conformance::Subject;
use theazo_log::conformance::fixtures::*;
use theazo_log::{
    EventLog, Filter, LogError, Position, SqliteLog, SqliteOptions, Upcasters, verify,
};

use crate::support::Folder;

/// A log whose first commit holds an `org.founded`, which once was what `org.created` is now; it
/// had no plan, and called the name something else.
async fn with_an_old_event() -> Folder {
    let folder = Folder::new();
    let log = folder.sqlite().await;
    append(&*log, &session(scope(0), 1), "old").await;
    append(&*log, &session(scope(0), 1), "new").await;
    folder.close().await;
    folder
        .meddle(
            "UPDATE commits SET body = replace(replace(body, 'org.created', 'org.founded'),
             '\"name\"', '\"called\"') WHERE position = 1",
        )
        .await;
    folder
}

fn steps() -> Upcasters {
    Upcasters::default()
        .step("org.founded", "org.founded.v2", |mut data| {
            let name = data["called"].take();
            data["name"] = name;
            Ok(data)
        })
        .step("org.founded.v2", "org.created", |mut data| {
            data["plan"] = json!({ "name": "free" });
            Ok(data)
        })
}

async fn open(folder: &Folder, upcasters: Upcasters) -> std::sync::Arc<SqliteLog> {
    SqliteLog::open(SqliteOptions { upcasters, ..folder.options() }).await.unwrap()
}

#[tokio::test]
async fn steps_chain_up_to_the_newest_version() {
    let folder = with_an_old_event().await;
    let log = open(&folder, steps()).await;
    let commits = log.read(&Filter::all(), Position::START, 10).await.unwrap();
    let Event::Org(OrgEvent::Created { name, plan, .. }) = &commits[0].events[0] else {
        panic!("{:?}", commits[0].events);
    };
    assert_eq!((name.as_str(), *plan), ("old", Plan::Free));
    let newer = event(&session(scope(0), 1), "new");
    assert_eq!(commits[1].events, vec![newer], "what is new is as it was");

    let raw = log.read_raw(&Filter::all(), Position::START, 1).await.unwrap();
    assert!(raw[0].body.contains("org.founded"), "what is stored stays");
    log.close().await;
}

#[tokio::test]
async fn without_its_step_an_old_event_fails_closed() {
    let folder = with_an_old_event().await;
    let log = open(&folder, Upcasters::default()).await;
    let read = log.read(&Filter::all(), Position::START, 10).await;
    assert!(matches!(read, Err(LogError::Corrupt { position: Position(1), .. })), "{read:?}");
    log.close().await;
}

#[tokio::test]
async fn a_step_that_fails_says_which() {
    let folder = with_an_old_event().await;
    let refuse = |_: Value| Err("it has no country".to_owned());
    let log = open(&folder, Upcasters::default().step("org.founded", "org.created", refuse)).await;
    match log.read(&Filter::all(), Position::START, 10).await {
        Err(LogError::Corrupt { position: Position(1), reason }) => {
            assert!(reason.contains("org.founded") && reason.contains("country"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    log.close().await;
}

#[tokio::test]
async fn upcasting_leaves_the_chain_as_it_is() {
    let folder = Folder::new();
    let log = folder.sqlite().await;
    append(&*log, &session(scope(0), 1), "text").await;
    folder.close().await;
    let shout = |mut data: Value| {
        data["name"] = json!(data["name"].as_str().unwrap_or_default().to_uppercase());
        Ok(data)
    };
    // A step away from a present type: what is read differs from what is stored.
    let steps = Upcasters::default().step("org.created", "org.created.v2", shout).step(
        "org.created.v2",
        "org.plan_changed",
        Ok,
    );
    let log = open(&folder, steps).await;
    let read = log.read(&Filter::all(), Position::START, 1).await.unwrap();
    assert!(matches!(&read[0].events[0], Event::Org(OrgEvent::PlanChanged { .. })));
    assert_eq!(verify(&*log, &Filter::all(), |_| ()).await.unwrap().commits, 1);
    log.close().await;
}

#[test]
#[should_panic(expected = "go in a circle")]
fn a_circle_of_steps_is_refused() {
    let _ = Upcasters::default().step("a", "b", Ok).step("b", "c", Ok).step("c", "a", Ok);
}

#[test]
#[should_panic(expected = "has an upcast already")]
fn a_second_step_from_one_version_is_refused() {
    let _ = Upcasters::default().step("a", "b", Ok).step("a", "c", Ok);
}
