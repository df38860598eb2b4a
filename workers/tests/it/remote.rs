//! Two hosts behind one bus: what one asks of a sandbox that the other holds.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::join_all;
use theazo_commands::Commander;
use theazo_domain::agent::AgentCommand;
use theazo_domain::execution::{Execution, Outcome};
use theazo_domain::{AgentId, FileOperationId, Rejection, Scope, StreamId};
use theazo_log::bus::{Bus, LocalBus};
use theazo_log::conformance::faults::{Faults, FaultyBus};
use theazo_providers::{ExecAnswer, FileEntry, GatewayError, Lang, ProviderError, SandboxGateway};
use theazo_workers::remote::{HostOf, Place, RemoteGateway, host_by_log, serve};
use theazo_workers::{Host, ProviderSet};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::provider::ECHO;
use crate::world::{PATIENCE, World, call, execution, origin, scope};

/// Finds agents as a server does.
struct ByLog(Arc<Commander>);

#[async_trait]
impl HostOf for ByLog {
    async fn host_of(&self, scope: Scope, agent: AgentId) -> Result<Place, GatewayError> {
        host_by_log(&self.0, scope, agent).await
    }

    async fn scope_of(&self, _: AgentId) -> Result<Option<Scope>, GatewayError> {
        Ok(Some(scope()))
    }
}

/// A process that holds sandboxes, and one that only calls.
struct Two {
    world: Arc<World>,
    /// What the process that calls knows.
    caller: Arc<Commander>,
    gateway: Arc<RemoteGateway>,
    /// The bus as the host has it.
    host_bus: Arc<FaultyBus>,
    serving: JoinHandle<()>,
    stop: CancellationToken,
}

impl Two {
    async fn with(faults: Faults, seed: u64) -> Self {
        let world = Arc::new(World::new().await);
        Self::on(world, faults, seed).await
    }

    async fn on(world: Arc<World>, faults: Faults, seed: u64) -> Self {
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::new());
        let host_bus = FaultyBus::new(bus.clone(), faults, seed);
        let caller_bus = FaultyBus::new(bus, faults, !seed);
        let stop = CancellationToken::new();
        let (host, stopped, served) = (world.host.clone(), stop.clone(), host_bus.clone());
        let serving = tokio::spawn(async move { serve(host, served, stopped).await.unwrap() });
        let caller = world.commander_of_another_process();
        let other = Host::one_of_several("other", caller.clone(), ProviderSet::default());
        let hosts = Arc::new(ByLog(caller.clone()));
        let never = CancellationToken::new();
        let gateway = RemoteGateway::start(Some(other), caller_bus, hosts, never).await.unwrap();
        let two = Self { world, caller, gateway, host_bus, serving, stop };
        if faults == Faults::default() {
            two.until_it_serves().await;
        }
        two
    }

    async fn new() -> Self {
        Self::with(Faults::default(), 0).await
    }

    /// A host is there when it answers anything.
    async fn until_it_serves(&self) {
        let agent = self.world.agent().await;
        let answered = async {
            while let Err(GatewayError::Unavailable { .. }) = self.list(agent).await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, answered).await.expect("the host answers");
    }

    async fn exec(&self, agent: AgentId, n: u128, code: &str) -> Result<ExecAnswer, GatewayError> {
        self.gateway.exec(call(), agent, execution(n), Lang::Bash, code.to_owned()).await
    }

    async fn write(&self, agent: AgentId, n: u128, data: Bytes) -> Result<(), GatewayError> {
        let id = FileOperationId::from_uuid(Uuid::from_u128(n));
        self.gateway.write_file(call(), agent, id, path(n), data).await
    }

    async fn read(&self, agent: AgentId, n: u128) -> Result<Bytes, GatewayError> {
        self.gateway.read_file(call(), agent, path(n)).await
    }

    async fn list(&self, agent: AgentId) -> Result<Vec<FileEntry>, GatewayError> {
        self.gateway.list_files(call(), agent, "/workspace".to_owned()).await
    }
}

fn path(n: u128) -> String {
    format!("/workspace/{n}")
}

#[tokio::test]
async fn code_runs_where_its_sandbox_is_and_is_recorded_there() {
    let two = Two::new().await;
    let agent = two.world.agent().await;
    let answer = two.exec(agent, 1, "echo hi").await.unwrap();
    assert_eq!((answer.stdout.as_str(), answer.exit_code), ("ran echo hi", 0));
    let history = two.world.history().await;
    assert_eq!(history[history.len() - 2..], ["execution.requested", "execution.completed"]);
    let again = two.exec(agent, 1, "echo hi").await.unwrap();
    assert_eq!(again, answer);
    assert_eq!(two.world.provider.execs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn files_are_written_read_listed_and_deleted_there() {
    let two = Two::new().await;
    let agent = two.world.agent().await;
    let large: Bytes = (0..32 << 20).map(|n: u32| ((n * 7) >> 3) as u8).collect();
    two.write(agent, 1, large.clone()).await.unwrap();
    two.write(agent, 2, Bytes::new()).await.unwrap();
    assert!(two.read(agent, 1).await.unwrap() == large);
    assert_eq!(two.read(agent, 2).await.unwrap(), "");
    let names = |entries: Vec<FileEntry>| entries.into_iter().map(|e| e.name).collect::<Vec<_>>();
    assert_eq!(names(two.list(agent).await.unwrap()), ["1", "2"]);
    let id = FileOperationId::from_uuid(Uuid::from_u128(3));
    two.gateway.delete_file(call(), agent, id, path(1)).await.unwrap();
    assert_eq!(names(two.list(agent).await.unwrap()), ["2"]);
}

#[tokio::test]
async fn a_port_there_is_reached_as_one_here() {
    let two = Two::new().await;
    let agent = two.world.agent().await;
    for port in [ECHO, 81] {
        // By the other process: the host has not heard of it.
        let expose = AgentCommand::ExposePort { port };
        two.caller.agent(&origin(), agent, &expose).await.unwrap();
    }
    let mut port = two.gateway.connect(agent, ECHO).await.unwrap();
    let said = Bytes::from(vec![5; 3 << 20]);
    let (mut hears, mut says) = tokio::io::split(&mut port);
    let saying = async {
        says.write_all(&said).await.unwrap();
        says.shutdown().await.unwrap();
    };
    let mut heard = Vec::new();
    let ((), length) = tokio::join!(saying, hears.read_to_end(&mut heard));
    assert_eq!(length.unwrap(), said.len());
    assert!(heard == said);
    let silent = two.gateway.connect(agent, 81).await.err();
    assert!(matches!(silent, Some(GatewayError::Provider(ProviderError::NoListener(81)))));
    let closed = two.gateway.connect(agent, 82).await.err();
    assert!(matches!(closed, Some(GatewayError::Rejected(Rejection::NotFound(_)))), "{closed:?}");
}

#[tokio::test]
async fn a_host_that_stops_closes_the_connections_into_its_sandboxes() {
    let mut two = Two::new().await;
    let agent = two.world.agent().await;
    two.world.ask(agent, AgentCommand::ExposePort { port: ECHO }).await;
    let mut port = two.gateway.connect(agent, ECHO).await.unwrap();
    port.write_all(b"ping").await.unwrap();
    port.read_exact(&mut [0; 4]).await.unwrap();
    two.stop.cancel();
    let ended = port.read(&mut [0; 4]).await.unwrap_err();
    assert_eq!(ended.kind(), std::io::ErrorKind::ConnectionReset);
    (&mut two.serving).await.unwrap();
}

#[tokio::test]
async fn errors_are_what_they_are_there() {
    let two = Two::new().await;
    let agent = two.world.agent().await;
    let id = FileOperationId::from_uuid(Uuid::from_u128(9));
    let full = two.gateway.write_file(call(), agent, id, "/workspace/full".into(), "x".into());
    assert!(matches!(full.await, Err(GatewayError::Provider(ProviderError::DiskFull))));
    let missing = two.read(agent, 8).await.unwrap_err();
    assert!(matches!(&missing, GatewayError::Provider(ProviderError::NoFile(p)) if *p == path(8)));
    let unknown = AgentId::from_uuid(Uuid::from_u128(99));
    let unknown = two.exec(unknown, 1, "x").await.unwrap_err();
    assert!(matches!(unknown, GatewayError::Rejected(Rejection::NotFound(_))), "{unknown}");
}

#[tokio::test]
async fn an_agent_that_has_no_host_yet_is_waited_for() {
    let two = Two::new().await;
    let session = two.world.session(None).await;
    let agent = two.world.create(session).await;
    assert_eq!(two.exec(agent, 1, "now").await.unwrap().stdout, "ran now");
}

#[tokio::test]
async fn many_calls_at_once_do_not_disturb_each_other() {
    let two = Two::new().await;
    let agent = two.world.agent().await;
    let calls = (0..200).map(|n| {
        let two = &two;
        async move {
            let data = Bytes::from(vec![n as u8; 1 + (n as usize * 4_099) % 300_000]);
            two.write(agent, 1_000 + n, data.clone()).await.unwrap();
            let code = format!("echo {n}");
            let (ran, read) = tokio::join!(two.exec(agent, n, &code), two.read(agent, 1_000 + n));
            assert_eq!(ran.unwrap().stdout, format!("ran {code}"));
            assert!(read.unwrap() == data);
        }
    });
    join_all(calls).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_no_intent_without_its_outcome() {
    let two = Two::new().await;
    let agent = two.world.agent().await;
    let mut running = two.world.provider.running.subscribe();
    tokio::select! {
        _ = two.exec(agent, 1, "wait") => panic!("it waits"),
        _ = running.wait_for(|n| *n == 1) => {}
    }
    two.world.provider.release.add_permits(1);
    let stream = StreamId::execution(scope(), execution(1));
    two.world.until::<Execution>(&stream, |e| e.outcome != Outcome::Running).await;
}

#[tokio::test]
async fn a_host_that_disappears_in_the_middle_leaves_it_unknown_and_a_repeat_tells() {
    let two = Two::new().await;
    let agent = two.world.agent().await;
    let mut running = two.world.provider.running.subscribe();
    let cutting = async {
        running.wait_for(|n| *n == 1).await.unwrap();
        two.host_bus.cut();
    };
    let (lost, ()) = tokio::join!(two.exec(agent, 1, "wait"), cutting);
    let lost = lost.unwrap_err();
    assert!(
        matches!(&lost, GatewayError::Unknown { message }
        if message.contains("`test`") && message.contains("Idempotency-Key")),
        "{lost}"
    );
    two.world.provider.release.add_permits(1);
    let back = Two::on(two.world.clone(), Faults::default(), 1).await;
    assert_eq!(back.exec(agent, 1, "wait").await.unwrap().stdout, "ran wait");
    assert_eq!(two.world.provider.execs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_host_that_is_not_there_is_said_not_to_answer() {
    let two = Two::new().await;
    let agent = two.world.agent().await;
    two.stop.cancel();
    let mut two = two;
    (&mut two.serving).await.unwrap();
    let nobody = two.exec(agent, 1, "x").await.unwrap_err();
    assert!(
        matches!(&nobody, GatewayError::Unavailable { message }
        if message.contains("`test`") && message.contains("does not answer")),
        "{nobody}"
    );
    assert_eq!(two.world.provider.execs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_host_that_stops_finishes_what_is_under_way_and_takes_nothing_more() {
    let mut two = Two::new().await;
    let agent = two.world.agent().await;
    let mut running = two.world.provider.running.subscribe();
    let stopping = async {
        running.wait_for(|n| *n == 1).await.unwrap();
        two.stop.cancel();
        two.world.provider.release.add_permits(1);
    };
    let (answer, ()) = tokio::join!(two.exec(agent, 1, "wait"), stopping);
    assert_eq!(answer.unwrap().stdout, "ran wait");
    (&mut two.serving).await.unwrap();
}

#[tokio::test]
async fn the_host_of_this_process_is_called_without_the_bus() {
    let world = Arc::new(World::new().await);
    let agent = world.agent().await;
    let hosts = Arc::new(ByLog(world.commander.clone()));
    let (bus, stop) = (Arc::new(LocalBus::new()), CancellationToken::new());
    // Nobody serves.
    let local = Some(world.host.clone());
    let gateway = RemoteGateway::start(local, bus, hosts, stop).await.unwrap();
    let ran = gateway.exec(call(), agent, execution(1), Lang::Bash, "x".to_owned()).await;
    assert_eq!(ran.unwrap().stdout, "ran x");
}

/// With whatever is lost, repeated or late: a call answers truly or says that it does not know, and
/// no code runs twice.
#[tokio::test]
async fn on_a_faulty_bus_repeated_calls_are_done_once_and_answered() {
    let faults = Faults { lost: 30, repeated: 30, delayed: 30 };
    let two = Arc::new(Two::with(faults, 7).await);
    let agent = two.world.agent().await;
    let calls = (0..40u128).map(|n| {
        let two = two.clone();
        tokio::spawn(async move {
            let code = format!("echo {n}");
            let mut tries = 0;
            loop {
                match two.exec(agent, n, &code).await {
                    Ok(answer) => {
                        assert_eq!(answer.stdout, format!("ran {code}"));
                        return tries;
                    }
                    Err(GatewayError::Unavailable { .. } | GatewayError::Unknown { .. }) => {
                        tries += 1;
                        assert!(tries < 50, "call {n} is never answered");
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        })
    });
    let tries: HashSet<u32> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    assert!(tries.len() > 1, "the bus was not faulty");
    assert_eq!(two.world.provider.execs.load(Ordering::SeqCst), 40);
}
