//! Random histories: commands of every aggregate, in an order that chance gives.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use theazo_domain::agent::{Agent, AgentCommand, Failure};
use theazo_domain::api_key::{ApiKey, ApiKeyCommand, KeyDigest};
use theazo_domain::execution::{Execution, ExecutionCommand};
use theazo_domain::file_operation::{FileChange, FileOperation, FileOperationCommand};
use theazo_domain::org::{Org, OrgCommand, Plan};
use theazo_domain::providers::{ProviderKind, Providers, ProvidersCommand};
use theazo_domain::secret::{Secret, SecretCommand};
use theazo_domain::session::{Session, SessionCommand, SessionPatch};
use theazo_domain::settings::{Settings, SettingsPatch};
use theazo_domain::snapshot::{Snapshot, SnapshotCommand};
use theazo_domain::{
    AgentId, ApiKeyId, ExecutionId, FileOperationId, Kind, Mode, Pico, Scope, SessionId,
    SnapshotId, StreamId,
};

use crate::exports;
use crate::runs::{self, Runs};
use crate::support::{World, payload, scope, sealed};

/// What there is to act on.
#[derive(Default)]
pub struct Things {
    sessions: Vec<(Scope, SessionId)>,
    agents: Vec<(Scope, SessionId, AgentId)>,
    executions: Vec<StreamId>,
    operations: Vec<StreamId>,
    snapshots: Vec<(Scope, SnapshotId)>,
    keys: Vec<(Scope, ApiKeyId)>,
    pub runs: Runs,
    pub exports: Vec<StreamId>,
}

impl Things {
    pub fn session(&self, n: u32) -> Option<(Scope, SessionId)> {
        pick(&self.sessions, n)
    }

    pub fn agent_of(&self, session: SessionId, n: u32) -> Option<AgentId> {
        let agents = self.agents.iter().filter(|(_, of, _)| *of == session);
        pick(&agents.map(|(_, _, id)| *id).collect::<Vec<_>>(), n)
    }

    pub fn add_agent(&mut self, scope: Scope, session: SessionId, agent: AgentId) {
        self.agents.push((scope, session, agent));
    }
}

pub fn pick<T: Clone>(things: &[T], n: u32) -> Option<T> {
    (!things.is_empty()).then(|| things[n as usize % things.len()].clone())
}

/// Does what `(what, which)` says, as far as it is allowed.
pub async fn act(world: &mut World, things: &mut Things, what: u8, which: u32) {
    let modes = [Mode::Live, Mode::Test];
    let tenant = scope(u64::from(which % 3), modes[(which as usize / 3) % 2]);
    world.pass_time(i64::from(which % 60_000));
    match what % 28 {
        0 | 1 => {
            let id = world.session(tenant, &format!("user-{}", which % 5)).await;
            things.sessions.push((tenant, id));
        }
        2 | 3 => {
            if let Some((scope, session)) = pick(&things.sessions, which)
                && !is_ended(world, scope, session).await
            {
                let agent = world.agent(scope, session).await;
                things.agents.push((scope, session, agent));
            }
        }
        4..=8 => agent(world, things, what, which).await,
        9 => session(world, things, which).await,
        10 => execution(world, things, which).await,
        11 => operation(world, things, which).await,
        12 => snapshot(world, things, which).await,
        13 => secret(world, tenant, things, which).await,
        14 => key(world, tenant, things, which).await,
        15..=21 | 25 => runs::task(world, things, which).await,
        22 => runs::delivery(world, things, which).await,
        23 => runs::definition(world, tenant, things, which).await,
        24 => runs::model_price(world, tenant, which).await,
        26 => exports::random(world, tenant, &mut things.exports, which).await,
        _ => tenant_wide(world, tenant, which).await,
    }
}

pub async fn is_ended(world: &World, scope: Scope, session: SessionId) -> bool {
    use theazo_domain::session::SessionStatus;
    use theazo_log::{EventLog, Position};
    let stream = StreamId::session(scope, session);
    let past = world.log.read_stream(&stream, Position::START).await.unwrap();
    crate::support::state_of::<Session>(&past).unwrap().status == SessionStatus::Ended
}

async fn agent(world: &mut World, things: &mut Things, what: u8, which: u32) {
    let Some((scope, _, id)) = pick(&things.agents, which) else { return };
    let host = || "host-1".to_owned();
    let failure = || Failure { code: "provider_error".to_owned(), message: "gone".to_owned() };
    let snapshot_id = SnapshotId::from_uuid(world.fresh());
    let command = match (u32::from(what) + which / 7) % 17 {
        0..=2 => AgentCommand::Provisioned { host: host() },
        3 => AgentCommand::RequestPause { snapshot_id, by_limit: false },
        4 => AgentCommand::Paused { snapshot_id, size: 4_096 },
        5 => AgentCommand::RequestResume { snapshot_id: None },
        6 => AgentCommand::Resumed { host: host(), memory: true },
        7 => AgentCommand::ExposePort { port: 8_080 },
        8 => AgentCommand::RequestTerminate { reason: "user".to_owned() },
        9 => AgentCommand::Terminated,
        10 => AgentCommand::Recovered { host: host(), lost_at: Some(world.now()) },
        11 => AgentCommand::RequestComplete,
        12 => AgentCommand::Completed,
        13 | 14 => match things.runs.task_of(id, which) {
            Some(task_id) => AgentCommand::StartRun { task_id },
            None => return,
        },
        15 => match things.runs.task_of(id, which) {
            Some(task_id) => AgentCommand::EndRun {
                task_id,
                model_costs: theazo_domain::pricing::Costs::on(
                    theazo_domain::Day::default(),
                    Pico(9),
                ),
            },
            None => return,
        },
        16 => AgentCommand::RequestFailed { failure: failure() },
        _ => AgentCommand::Fail { failure: failure(), lost_at: None },
    };
    world.command::<Agent>(StreamId::agent(scope, id), command).await;
}

async fn session(world: &mut World, things: &mut Things, which: u32) {
    let Some((scope, id)) = pick(&things.sessions, which) else { return };
    let command = match (which / 11 % 4, pick(&things.agents, which)) {
        (0, Some((_, _, agent_id))) => {
            SessionCommand::ReleaseAgent { agent_id, spent: vec![], run_open: false }
        }
        (1, _) => SessionCommand::End,
        _ => SessionCommand::Update(SessionPatch {
            metadata: Some([("n".to_owned(), which.into())].into()),
            ..SessionPatch::default()
        }),
    };
    world.command::<Session>(StreamId::session(scope, id), command).await;
}

async fn execution(world: &mut World, things: &mut Things, which: u32) {
    let Some((scope, session_id, agent_id)) = pick(&things.agents, which) else { return };
    if which.is_multiple_of(2) {
        let id = ExecutionId::from_uuid(world.fresh());
        let stream = StreamId::execution(scope, id);
        let request = ExecutionCommand::Request {
            execution_id: id,
            session_id,
            agent_id,
            lang: "python".to_owned(),
            code: payload("code"),
        };
        world.command::<Execution>(stream.clone(), request).await;
        things.executions.push(stream);
    } else if let Some(stream) = pick(&things.executions, which / 2) {
        let complete = ExecutionCommand::Complete {
            exit_code: 0,
            duration_ms: 12,
            stdout: payload("stdout"),
            stderr: payload("stderr"),
            truncated: false,
        };
        world.command::<Execution>(stream, complete).await;
    }
}

async fn operation(world: &mut World, things: &mut Things, which: u32) {
    let Some((scope, session_id, agent_id)) = pick(&things.agents, which) else { return };
    if which.is_multiple_of(2) {
        let id = FileOperationId::from_uuid(world.fresh());
        let stream = StreamId::file_operation(scope, id);
        let request = FileOperationCommand::Request {
            operation_id: id,
            session_id,
            agent_id,
            path: "/workspace/a.txt".to_owned(),
            change: FileChange::Write { size: 3, sha256: "FILEHASH".to_owned() },
        };
        world.command::<FileOperation>(stream.clone(), request).await;
        things.operations.push(stream);
    } else if let Some(stream) = pick(&things.operations, which / 2) {
        world.command::<FileOperation>(stream, FileOperationCommand::Complete).await;
    }
}

async fn snapshot(world: &mut World, things: &mut Things, which: u32) {
    if which.is_multiple_of(3) {
        let Some((scope, id)) = pick(&things.snapshots, which / 3) else { return };
        world.command::<Snapshot>(StreamId::snapshot(scope, id), SnapshotCommand::Delete).await;
        return;
    }
    let Some((scope, session_id, agent_id)) = pick(&things.agents, which) else { return };
    let snapshot_id = SnapshotId::from_uuid(world.fresh());
    let create = SnapshotCommand::Create {
        snapshot_id,
        session_id,
        agent_id,
        provider: ProviderKind::Local,
        size: 4_096,
    };
    world.command::<Snapshot>(StreamId::snapshot(scope, snapshot_id), create).await;
    things.snapshots.push((scope, snapshot_id));
}

async fn secret(world: &mut World, tenant: Scope, things: &Things, which: u32) {
    let name = format!("SECRET_{}", which % 4);
    let of_session = pick(&things.sessions, which / 4).filter(|_| which.is_multiple_of(2));
    let (scope, session_id) = match of_session {
        Some((scope, id)) => (scope, Some(id)),
        None => (tenant, None),
    };
    let stream = Secret::stream(scope, session_id, &name).unwrap();
    for version in 1..5 {
        let command = if which.is_multiple_of(5) {
            SecretCommand::Delete
        } else {
            SecretCommand::Set { name: name.clone(), session_id, version, value: sealed("secret") }
        };
        // Only one version is the next.
        if world.command::<Secret>(stream.clone(), command).await.is_some() {
            return;
        }
    }
}

async fn key(world: &mut World, tenant: Scope, things: &mut Things, which: u32) {
    let digest =
        KeyDigest { sha256: format!("DIGEST-{which}"), hint: "th_live_…abcd".to_owned() };
    let command = match which % 4 {
        0 | 1 => {
            let key_id = ApiKeyId::from_uuid(world.fresh());
            things.keys.push((tenant, key_id));
            let name = "ci".to_owned();
            let stream = StreamId::api_key(tenant, key_id);
            let create = ApiKeyCommand::Create { key_id, name, digest };
            world.command::<ApiKey>(stream, create).await;
            return;
        }
        2 => ApiKeyCommand::Rotate { digest },
        _ => ApiKeyCommand::Revoke,
    };
    if let Some((scope, id)) = pick(&things.keys, which / 4) {
        world.command::<ApiKey>(StreamId::api_key(scope, id), command).await;
    }
}

async fn tenant_wide(world: &mut World, tenant: Scope, which: u32) {
    match which % 4 {
        0 => {
            let scope = Scope { mode: Mode::Live, ..tenant };
            let (org_id, name) = (scope.org, "acme".to_owned());
            let create = OrgCommand::Create { org_id, name, plan: Plan::Cloud };
            world.command::<Org>(StreamId::org(scope, org_id), create).await;
        }
        1 => {
            let patch = SettingsPatch {
                billing_day: Some(u8::try_from(which / 4 % 28).unwrap() + 1),
                ..SettingsPatch::default()
            };
            world.command::<Settings>(StreamId::singleton(tenant, Kind::Settings), patch).await;
        }
        _ => {
            let configure = ProvidersCommand::Configure {
                provider: ProviderKind::E2b,
                credentials: sealed("credentials"),
                is_default: which % 8 == 2,
            };
            world
                .command::<Providers>(StreamId::singleton(tenant, Kind::Providers), configure)
                .await;
        }
    }
}

/// A history of `steps` actions that `seed` gives.
pub async fn random(world: &mut World, things: &mut Things, seed: u64, steps: usize) {
    use rand::{Rng, SeedableRng};
    let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
    for _ in 0..steps {
        act(world, things, rng.random(), rng.random()).await;
    }
}

/// The seed from `THEAZO_TEST_SEED`, else drawn; printed either way.
pub fn seed() -> u64 {
    let given = std::env::var("THEAZO_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("THEAZO_TEST_SEED={seed}");
    seed
}
