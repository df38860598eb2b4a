//! One leads at a time; whoever is killed, frozen or cut off is followed by another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use sqlx::{Connection as _, PgConnection};
use theazo_projections::Leadership;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::child::{Child, as_child, say};
use crate::place::TestDatabase;
use crate::support::PATIENCE;

/// What is promised.
const TAKEOVER: Duration = Duration::from_secs(5);

/// A candidate, and what is heard of its terms: `true` as one begins, `false` as it ends.
struct Candidate {
    terms: mpsc::UnboundedReceiver<bool>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Candidate {
    fn start(url: &str, name: &str) -> Self {
        let leadership = Leadership::new(url, name).unwrap();
        let (tell, terms) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let until = stop.clone();
        let task = tokio::spawn(async move {
            let lead = |term: CancellationToken| {
                let tell = tell.clone();
                async move {
                    tell.send(true).unwrap();
                    term.cancelled().await;
                    tell.send(false).unwrap();
                }
            };
            leadership.run(until, lead).await;
        });
        Self { terms, stop, task }
    }

    async fn leads(&mut self, patience: Duration) {
        assert_eq!(timeout(patience, self.terms.recv()).await.unwrap(), Some(true));
    }

    async fn lost(&mut self) {
        assert_eq!(timeout(PATIENCE, self.terms.recv()).await.unwrap(), Some(false));
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// Leads until it is stopped or loses it, and says so.
async fn lead_as_child(url: &str) {
    let mut candidate = Candidate::start(url, "part");
    candidate.leads(PATIENCE).await;
    say("leads");
    candidate.lost().await;
    say("lost");
    candidate.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_killed_is_followed_within_five_seconds() {
    if let Some(url) = as_child() {
        return lead_as_child(&url).await;
    }
    let database = TestDatabase::new().await;
    let name = "leadership::a_leader_that_is_killed_is_followed_within_five_seconds";
    let mut child = Child::start(name, &database.url);
    child.says("leads").await;
    let mut next = Candidate::start(&database.url, "part");
    child.kill().await;
    next.leads(TAKEOVER).await;
    next.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_frozen_is_followed_within_five_seconds_and_learns_it() {
    if let Some(url) = as_child() {
        return lead_as_child(&url).await;
    }
    let database = TestDatabase::new().await;
    let name = "leadership::a_leader_that_is_frozen_is_followed_within_five_seconds_and_learns_it";
    let mut child = Child::start(name, &database.url);
    child.says("leads").await;
    let mut next = Candidate::start(&database.url, "part");
    child.signal(Signal::SIGSTOP);
    next.leads(TAKEOVER).await;
    child.signal(Signal::SIGCONT);
    child.says("lost").await;
    next.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_leads_at_a_time_and_stops_for_the_next() {
    let database = TestDatabase::new().await;
    let leading = Arc::new(AtomicUsize::new(0));
    let (tell, mut terms) = mpsc::unbounded_channel();
    let mut candidates = Vec::new();
    for n in 0..4 {
        let leadership = Leadership::new(&database.url, "part").unwrap();
        let (stop, leading, tell) = (CancellationToken::new(), leading.clone(), tell.clone());
        let until = stop.clone();
        let lead = move |term: CancellationToken| {
            let (leading, tell) = (leading.clone(), tell.clone());
            async move {
                assert_eq!(leading.fetch_add(1, Ordering::SeqCst), 0, "two lead");
                tell.send(n).unwrap();
                term.cancelled().await;
                leading.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let task = tokio::spawn(async move { leadership.run(until, lead).await });
        candidates.push(Some((stop, task)));
    }
    for _ in 0..4 {
        let n: usize = timeout(PATIENCE, terms.recv()).await.unwrap().unwrap();
        let (stop, task) = candidates[n].take().unwrap();
        stop.cancel();
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_name_has_a_leader_of_its_own() {
    let database = TestDatabase::new().await;
    let mut one = Candidate::start(&database.url, "one");
    let mut other = Candidate::start(&database.url, "other");
    one.leads(PATIENCE).await;
    other.leads(PATIENCE).await;
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_session_is_ended_learns_it_and_may_lead_again() {
    let database = TestDatabase::new().await;
    let mut candidate = Candidate::start(&database.url, "part");
    candidate.leads(PATIENCE).await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    candidate.lost().await;
    candidate.leads(PATIENCE).await;
    candidate.stop().await;
}

#[test]
fn an_address_that_is_none_is_refused_with_what_one_is_like() {
    let refused = Leadership::new("mysql://there/theazo", "part").unwrap_err().to_string();
    assert!(refused.contains("postgres://user:password@host:5432/database"), "{refused}");
    let leadership = Leadership::new("postgres://ann:hidden@there/theazo", "part").unwrap();
    assert!(!format!("{leadership:?}").contains("hidden"));
}
