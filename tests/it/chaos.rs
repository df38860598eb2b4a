//! A cluster in which everything breaks: processes are killed and frozen, NATS and Postgres go away,
//! connections are cut. What was promised holds all the same; it is looked at from outside.
//!
//! The seed is printed; `THEAZO_TEST_SEED` repeats the plan (not the machine's timing), and
//! `THEAZO_CHAOS_SECONDS` says for how long things break.

mod checks;
mod customers;
mod driver;
mod follower;
mod insist;
mod ledger;
mod outage;
mod plan;
mod takeover;
mod tasks;
mod zombie;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use theazo_tests::model_server::ModelServer;
use theazo_tests::{Chance, Client, Cluster, Setup};
use tokio::task::JoinHandle;

use customers::Told;
use insist::{Made, TRY};
use ledger::Ledger;
use plan::LEASE;
use tasks::{Employed, Ended};

/// For how long things break where nobody says otherwise.
const SECONDS: u64 = 60;
/// How long what was begun may take when nothing breaks any more.
const QUIET: Duration = Duration::from_secs(240);
/// Customers of each kind.
const CUSTOMERS: usize = 3;
const EMPLOYERS: usize = 4;

/// A cluster whose models are `models`, and whose lease is short.
async fn cluster(models: &ModelServer) -> Cluster {
    let lease = LEASE.as_secs().to_string();
    Cluster::start(Setup::default().models(models).env("THEAZO_HOST_LEASE", &lease)).await
}

/// All who use it.
struct Crowd {
    stop: Arc<AtomicBool>,
    live: Vec<JoinHandle<Told>>,
    test: Vec<JoinHandle<Told>>,
    employers: Vec<(Client, JoinHandle<Employed>)>,
    browsers: Vec<JoinHandle<usize>>,
}

impl Crowd {
    fn come(live: &Client, test: &Client, chance: &mut Chance) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut customers = |client: &Client, of: &str| {
            let mut one = |n| {
                customers::work(format!("{of}-{n}"), client.alone(), chance.fork(), stop.clone())
            };
            (0..CUSTOMERS).map(|n| tokio::spawn(one(n))).collect()
        };
        let (of_live, of_test) = (customers(live, "live"), customers(test, "test"));
        let employers = (0..EMPLOYERS).map(|n| {
            let client = if n == 0 { test.clone() } else { live.clone() };
            let work = tasks::employ(format!("employer-{n}"), client.alone(), stop.clone());
            (client, tokio::spawn(work))
        });
        let employers = employers.collect();
        let browse =
            |client: &Client| tokio::spawn(customers::browse(client.alone(), stop.clone()));
        let browsers = vec![browse(live), browse(test)];
        Self { stop: stop.clone(), live: of_live, test: of_test, employers, browsers }
    }

    /// Lets them finish what they have begun.
    async fn go(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        let mut seen = Seen::default();
        for one in self.live {
            seen.live.push(one.await.unwrap());
        }
        for one in self.test {
            seen.test.push(one.await.unwrap());
        }
        for (client, one) in self.employers {
            let Employed { session, tasks } = one.await.unwrap();
            let sessions = if client.is_test() { &mut seen.of_test } else { &mut seen.of_live };
            sessions.push(session);
            seen.tasks.extend(tasks);
        }
        for one in self.browsers {
            seen.pages += one.await.unwrap();
        }
        seen
    }
}

/// What they were told.
#[derive(Default)]
struct Seen {
    live: Vec<Told>,
    test: Vec<Told>,
    /// Sessions of those who have tasks done.
    of_live: Vec<Made>,
    of_test: Vec<Made>,
    tasks: Vec<Ended>,
    pages: usize,
}

impl Seen {
    fn told(&self, test: bool) -> (&[Told], &[Made]) {
        if test { (&self.test, &self.of_test) } else { (&self.live, &self.of_live) }
    }

    fn sessions(&self, test: bool) -> Vec<&Made> {
        let (told, own) = self.told(test);
        told.iter().flat_map(|told| &told.sessions).chain(own).collect()
    }

    fn agents(&self, test: bool) -> Vec<&Made> {
        checks::hired(self.told(test).0).map(|hired| &hired.made).collect()
    }

    fn tasks(&self, test: bool) -> Vec<&Made> {
        let of = self.tasks.iter().filter(|task| task.made.client.is_test() == test);
        of.map(|task| &task.made).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_holds_whatever_breaks() {
    let mut chance = Chance::new("chaos");
    let seconds = std::env::var("THEAZO_CHAOS_SECONDS").ok().map(|text| text.parse().unwrap());
    let length = Duration::from_secs(seconds.unwrap_or(SECONDS));
    let plan = plan::of(&mut chance, length);
    let models = ModelServer::start().await;
    models.script(tasks::script());
    let mut cluster = cluster(&models).await;
    let (live, test) = (cluster.live().patient_for(TRY), cluster.test().patient_for(TRY));
    let crowd = Crowd::come(&live, &test, &mut chance);
    driver::carry_out(&mut cluster, &plan).await;
    cluster.all_up().await;
    eprintln!("nothing breaks any more");
    let seen = tokio::time::timeout(QUIET, crowd.go()).await;
    let seen = seen.unwrap_or_else(|_| panic!("not quiet after {QUIET:?}"));
    cluster.must_be_unbroken();
    checks::nobody_panicked(&mut cluster);
    look_at_everything(&mut cluster, &models, &seen).await;
    cluster.stop().await;
}

async fn look_at_everything(cluster: &mut Cluster, models: &ModelServer, seen: &Seen) {
    let away = cluster.longest_away();
    let clients = [cluster.live().patient_for(TRY), cluster.test().patient_for(TRY)];
    checks::code_ran_once(&seen.live, &away);
    checks::code_ran_once(&seen.test, &away);
    checks::tasks_ended_well(&seen.tasks, &away).await;
    checks::no_finished_call_was_repeated(models, &seen.tasks).await;
    checks::streams_were_whole(&seen.tasks).await;
    for client in &clients {
        let test = client.is_test();
        let (sessions, agents, tasks) = (seen.sessions(test), seen.agents(test), seen.tasks(test));
        eprintln!("{} sessions, {} agents, {} tasks", sessions.len(), agents.len(), tasks.len());
        assert!(
            sessions.len() > 2 && !agents.is_empty() && !tasks.is_empty(),
            "too little was done"
        );
        checks::agents_are_there(client, seen.told(test).0, &away).await;
        let made: Vec<&Made> = sessions.iter().chain(&agents).chain(&tasks).copied().collect();
        checks::what_was_acknowledged_is_there_once(&made).await;
        checks::lists_are_exact(client, &sessions, &[("agents", &agents), ("tasks", &tasks)]).await;
    }
    checks::the_end_is_the_end(cluster, &clients).await;
    let ledger = Ledger::read(cluster);
    eprintln!("{} commits, {} pages looked at", ledger.len(), seen.pages);
    assert_eq!(ledger.count("org.created"), 1, "processes that start at once make one org");
    for client in &clients {
        let test = client.is_test();
        checks::bills_are_the_log(&ledger, client).await;
        checks::each_began_once(&ledger, &seen.sessions(test), "session", "session.created");
        checks::each_began_once(&ledger, &seen.agents(test), "agent", "agent.created");
        checks::each_began_once(&ledger, &seen.tasks(test), "task", "task.submitted");
    }
    checks::tokens_are_the_log(&ledger, &seen.tasks);
    checks::the_log_is_the_truth(cluster, &clients).await;
}
