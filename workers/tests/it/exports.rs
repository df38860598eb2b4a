//! Pushes of usage, with what earlier pushes left in doubt, and with two schedulers at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use theazo_billing::push::{Billers, Patience};
use theazo_commands::{PushRequest, now};
use theazo_domain::export::{
    Export, ExportEvent, ExportOutcome, ExportRecord, ExportStatus, Exporter,
};
use theazo_domain::pricing::StorageUsage;
use theazo_domain::session::SessionEvent;
use theazo_domain::settings::SettingsPatch;
use theazo_domain::{Actor, CommitId, Day, Event, ExportId, Pico, SessionId, StreamId, Timestamp};
use theazo_log::bus::LocalBus;
use theazo_log::{Draft, EventLog, Position};
use theazo_models::net::guarded_client;
use theazo_projections::{LedgerEntry, LedgerStatus};
use theazo_workers::{Scheduler, Webhooks};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::tools::server::{Asked, Server, json};
use crate::world::{PATIENCE, World, origin, scope};

const HOUR: i64 = 3_600_000;

/// Starts what carries out pushes to this server.
async fn schedule(world: &World, server: &Server) -> (JoinSet<()>, CancellationToken) {
    let patience = Patience { first: Duration::from_millis(5), ..Patience::default() };
    let billers = Billers {
        client: guarded_client(true).unwrap(),
        stripe_url: server.url(""),
        metronome_url: server.url(""),
        patience,
    };
    let webhooks = Webhooks { client: guarded_client(false).unwrap(), key: [2; 32] };
    let scheduler = Scheduler {
        host: world.host.clone(),
        webhooks: Arc::new(webhooks),
        billers: Arc::new(billers),
        reads: world.reads.clone(),
        bus: Arc::new(LocalBus::new()),
        host_lease: Duration::from_secs(30),
    };
    let stop = CancellationToken::new();
    (scheduler.start(stop.clone()).await.unwrap(), stop)
}

/// Commits events as of some hours ago.
async fn commit(world: &World, stream: &StreamId, n: u128, hours_ago: i64, events: Vec<Event>) {
    let past = world.log.read_stream(stream, Position::START).await.unwrap();
    let expected = past.last().map_or(Position::START, |commit| commit.position);
    let draft = Draft {
        id: CommitId::from_uuid(Uuid::from_u128(n)),
        stream: stream.clone(),
        time: Timestamp::from_millis(now().as_millis() - hours_ago * HOUR),
        actor: Actor::Cli,
        request_id: None,
        causation: None,
        correlation: None,
        events,
    };
    world.log.append(expected, draft).await.unwrap();
}

/// A session whose storage of so many days is billed.
async fn usage(world: &World, records: i32) -> SessionId {
    let session = world.session(None).await;
    let stream = StreamId::session(scope(), session);
    let today = now().day();
    let stored = |day: Day| StorageUsage::of(session, day, 86_400 << 30, Pico(1 << 60));
    let days: Vec<Day> = (0..records).map(|n| today.plus(-1 - n % 30)).collect();
    for (n, days) in (1_000..).zip(days.chunks(40)) {
        let recorded = |(at, day): (usize, &Day)| {
            let mut usage = stored(*day);
            // More than one for a day, as no session has them: ids are what tells them apart.
            usage.id = format!("{}/{n}/{at}", usage.id);
            SessionEvent::StorageRecorded { usage }.into()
        };
        let events = days.iter().enumerate().map(recorded).collect();
        commit(world, &stream, n, 0, events).await;
    }
    session
}

async fn key_and_customers(world: &World, customers: &[(&str, &str)]) {
    let origin = origin();
    let key = "sk_test_1".to_owned().into();
    world.commander.set_secret(&origin, None, "STRIPE_API_KEY", &key).await.unwrap();
    let pair = |(user, customer): &(&str, &str)| ((*user).to_owned(), Some((*customer).to_owned()));
    let patch = theazo_domain::export::BillerPatch {
        event_name: None,
        meter_id: Some("mtr_1".to_owned()),
        customers: customers.iter().map(pair).collect(),
    };
    let billing = [(Exporter::Stripe, patch)].into();
    let patch = SettingsPatch { billing, ..SettingsPatch::default() };
    world.commander.update_settings(&origin, patch).await.unwrap();
}

async fn push(world: &World) -> Arc<Export> {
    let request =
        PushRequest { exporter: Exporter::Stripe, from: None, until: None, retry_rejected: false };
    let started = world.commander.start_export(&origin(), &request, 0).await.unwrap();
    let stream = StreamId::export(scope(), started.state.id);
    let ended = async {
        loop {
            let export = world.commander.load_fresh::<Export>(&stream).await.unwrap();
            let state = export.state.unwrap();
            if state.status != ExportStatus::Running {
                world.reads.wait_for(export.revision, PATIENCE).await;
                return state;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the push has no end")
}

/// The field of a form, or of a query.
fn field(text: &str, name: &str) -> String {
    let pairs = url::form_urlencoded::parse(text.as_bytes());
    pairs
        .into_iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into())
        .unwrap_or_default()
}

/// A Stripe that knows identifiers again, and those that it took.
async fn stripe(sums: &'static [(&str, i64)]) -> (Server, Arc<Mutex<BTreeSet<String>>>) {
    let taken: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let seen = taken.clone();
    let server = Server::start(move |asked: &Asked| {
        if asked.line().starts_with("GET") {
            let customer = field(asked.line().split_once('?').unwrap().1, "customer");
            let sum = sums.iter().find(|(who, _)| **who == *customer);
            let data = sum.map(|(_, sum)| format!(r#"{{"aggregated_value":{sum}}}"#));
            let data = data.unwrap_or_default();
            return json("200 OK", &format!(r#"{{"data":[{data}],"has_more":false}}"#));
        }
        let id = field(std::str::from_utf8(&asked.body).unwrap(), "identifier");
        if !seen.lock().insert(id) {
            let said = r#"{"error":{"message":"An event already exists with identifier it."}}"#;
            return json("400 Bad Request", said);
        }
        json("200 OK", "{}")
    })
    .await;
    (server, taken)
}

fn record(session: SessionId, name: &str, cost: i128, used_at: Timestamp) -> ExportRecord {
    ExportRecord {
        id: format!("compute/{name}"),
        position: 1,
        ordinal: u32::from(name.as_bytes()[0]),
        session_id: session,
        user_id: "u".to_owned(),
        at: used_at,
        cost: Pico(cost),
        customer: Some(format!("cus_{name}")),
        rejections: 0,
        refused: None,
    }
}

/// A push of some hours ago that did not hear what became of these.
async fn unheard(world: &World, n: u128, hours_ago: i64, records: Vec<ExportRecord>) {
    let export_id = ExportId::from_uuid(Uuid::from_u128(n));
    let stream = StreamId::export(scope(), export_id);
    let exporter = Exporter::Stripe;
    let outcomes = records.iter().map(|record| ExportOutcome::unknown(&record.id, "timeout"));
    let outcomes = outcomes.collect();
    let events = [
        ExportEvent::Started {
            export_id,
            exporter,
            number: 1,
            from: None,
            until: None,
            retry_rejected: false,
            after: 0,
            upto: 0,
        },
        ExportEvent::BatchStarted { exporter, batch: 1, records, replayed: 0, skipped: 0 },
        ExportEvent::BatchCompleted { exporter, batch: 1, outcomes },
        ExportEvent::Finished { skipped: 0 },
    ];
    for (at, event) in (n * 100..).zip(events) {
        commit(world, &stream, at, hours_ago, vec![event.into()]).await;
    }
}

async fn entry(world: &World, name: &str) -> LedgerEntry {
    let ids = [format!("compute/{name}")];
    let found = world.reads.ledger_of(scope(), Exporter::Stripe, &ids).await.unwrap();
    found.into_iter().next().unwrap()
}

#[tokio::test]
async fn what_is_in_doubt_for_too_long_is_looked_up_before_it_is_sent_again() {
    let world = World::without_workers().await;
    let session = world.session(None).await;
    key_and_customers(&world, &[("u", "cus_mapped")]).await;
    let used = Timestamp::from_millis(now().as_millis() - 40 * HOUR);
    let old = |name: &str| record(session, name, 700, used);
    unheard(&world, 7, 30, vec![old("there"), old("lost"), old("odd")]).await;
    // Within the day that identifiers are known for, it is just sent again.
    unheard(&world, 8, 1, vec![old("young")]).await;
    let (server, taken) = stripe(&[("cus_there", 700), ("cus_odd", 699)]).await;
    let (mut tasks, stop) = schedule(&world, &server).await;
    let export = push(&world).await;
    assert_eq!(export.status, ExportStatus::Finished, "{export:?}");
    let sent: Vec<String> = taken.lock().iter().cloned().collect();
    assert_eq!(sent, ["compute/lost", "compute/young"]);
    let state = async |name: &str| {
        let entry = entry(&world, name).await;
        (entry.status, entry.customer.unwrap())
    };
    let acknowledged = LedgerStatus::Acknowledged;
    assert_eq!(state("there").await, (acknowledged, "cus_there".to_owned()));
    assert_eq!(state("young").await, (acknowledged, "cus_young".to_owned()));
    // It never got there, so it goes to who is its customer now.
    assert_eq!(state("lost").await, (acknowledged, "cus_mapped".to_owned()));
    assert_eq!(state("odd").await, (LedgerStatus::Pending, "cus_odd".to_owned()));
    assert_eq!((export.counts.acknowledged, export.counts.cost), (3, Pico(1_400)));
    let calls = server.asked().len();
    push(&world).await;
    // Only what is still in doubt is asked about.
    assert_eq!(server.asked().len() - calls, 1);
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    world.stop().await;
}

#[tokio::test]
async fn two_schedulers_that_push_the_same_send_each_record_once() {
    let world = World::without_workers().await;
    usage(&world, 257).await;
    key_and_customers(&world, &[("u", "cus_1")]).await;
    let (server, taken) = stripe(&[]).await;
    let (mut one, stop) = schedule(&world, &server).await;
    let (mut two, stop_two) = schedule(&world, &server).await;
    let export = push(&world).await;
    assert_eq!(export.status, ExportStatus::Finished, "{export:?}");
    assert_eq!((export.counts.acknowledged, taken.lock().len()), (257, 257), "{export:?}");
    let totals = world.reads.ledger_totals(scope(), Exporter::Stripe).await.unwrap();
    assert_eq!((totals.len(), totals[0].records), (1, 257), "{totals:?}");
    assert_eq!(push(&world).await.counts.acknowledged, 0);
    for stop in [stop, stop_two] {
        stop.cancel();
    }
    while one.join_next().await.is_some() {}
    while two.join_next().await.is_some() {}
    world.stop().await;
}

#[tokio::test]
async fn a_push_of_a_period_leaves_the_rest_for_the_next() {
    let world = World::without_workers().await;
    usage(&world, 60).await;
    key_and_customers(&world, &[("u", "cus_1")]).await;
    let (server, taken) = stripe(&[]).await;
    let (mut tasks, stop) = schedule(&world, &server).await;
    let today = now().day();
    let request = PushRequest {
        exporter: Exporter::Stripe,
        from: Some(today.plus(-10).start()),
        until: Some(today.plus(-5).start()),
        retry_rejected: false,
    };
    world.commander.start_export(&origin(), &request, 0).await.unwrap();
    // It is walked over, and waited for.
    let first = tokio::time::timeout(PATIENCE, async {
        loop {
            let found = world.reads.running_exports(0, 9).await.unwrap();
            if found.is_empty() && taken.lock().len() >= 10 {
                return taken.lock().len();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert_eq!(first.await.unwrap(), 10, "two records of each of five days");
    let second = push(&world).await;
    assert_eq!((second.number, second.counts.acknowledged), (2, 50));
    assert_eq!(taken.lock().len(), 60);
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    world.stop().await;
}
