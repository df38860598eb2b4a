use crate::agent::AgentSpec;
use crate::model::ModelConfig;
use crate::pricing::StorageUsage;
use crate::settings::ComputeChoice;
use crate::validate::{self, Metadata};
use crate::{AgentId, Ctx, Day, FieldError, Payload, Pico, Rejection, SessionId, Timestamp};

use super::reserve::{self, Reserve, Spent};
use super::{Limits, Session, SessionEvent, SessionStatus};

#[derive(Debug, Clone)]
pub enum SessionCommand {
    Create(CreateSession),
    Update(SessionPatch),
    /// Makes room for an agent; repeating it for the same agent changes nothing.
    AdmitAgent {
        agent_id: AgentId,
        spec: Box<AgentSpec>,
    },
    /// The agent has ended; `spent` is what it has used in all. `run_open`: the costs of its last
    /// run are told later.
    ReleaseAgent {
        agent_id: AgentId,
        spent: Vec<Spent>,
        run_open: bool,
    },
    /// Tells what spenders have used, and reserves for what they are about to, one after another.
    /// What each got is in the state after it; nothing, when there was not enough.
    Reserve(Vec<Reserve>),
    /// Records what was kept in a day that is over; repeating it for the same day changes nothing.
    RecordStorage {
        day: Day,
        byte_seconds: u64,
    },
    End,
}

#[derive(Debug, Clone)]
pub struct CreateSession {
    pub session_id: SessionId,
    pub user_id: String,
    pub limits: Limits,
    pub model: Option<ModelConfig>,
    pub compute: Option<ComputeChoice>,
    pub metadata: Metadata,
    pub webhook: Option<Payload>,
}

/// What to change; absent fields stay as they are, given ones are replaced whole.
#[derive(Debug, Clone, Default)]
pub struct SessionPatch {
    pub limits: Option<Limits>,
    pub model: Option<ModelConfig>,
    pub compute: Option<ComputeChoice>,
    pub metadata: Option<Metadata>,
    /// `Some(None)`: nobody is told any more.
    pub webhook: Option<Option<Payload>>,
}

pub(super) fn decide(
    state: Option<&Session>,
    command: &SessionCommand,
    ctx: Ctx,
) -> Result<Vec<SessionEvent>, Rejection> {
    match (state, command) {
        (None, SessionCommand::Create(create)) => self::create(create),
        (Some(_), SessionCommand::Create(_)) => {
            Err(Rejection::conflict("This session exists already."))
        }
        (None, _) => Err(Rejection::not_found("session")),
        (Some(session), SessionCommand::Update(patch)) => update(session, patch),
        (Some(session), SessionCommand::AdmitAgent { agent_id, spec }) => {
            admit(session, *agent_id, spec, ctx)
        }
        (Some(session), SessionCommand::ReleaseAgent { agent_id, spent, run_open }) => {
            Ok(match session.agents.contains(agent_id) {
                true => reserve::release(session, *agent_id, spent, *run_open, ctx),
                false => vec![],
            })
        }
        (Some(session), SessionCommand::Reserve(asked)) => {
            Ok(reserve::reserve_all(session, asked, ctx))
        }
        (Some(session), SessionCommand::RecordStorage { day, byte_seconds }) => {
            Ok(record_storage(session, *day, *byte_seconds))
        }
        (Some(session), SessionCommand::End) if session.status == SessionStatus::Ended => {
            Ok(vec![])
        }
        (Some(_), SessionCommand::End) => Ok(vec![SessionEvent::Ended {}]),
    }
}

/// Also of a session that has ended: its snapshots may be there still.
fn record_storage(session: &Session, day: Day, byte_seconds: u64) -> Vec<SessionEvent> {
    if byte_seconds == 0 || session.stored_until.is_some_and(|recorded| day <= recorded) {
        return vec![];
    }
    let room = session.cost_left(day, session.budget.held()).unwrap_or(Pico(i128::MAX));
    let usage = StorageUsage::of(session.id, day, byte_seconds, room);
    vec![SessionEvent::StorageRecorded { usage }]
}

fn checked(errors: Vec<FieldError>) -> Result<(), Rejection> {
    if errors.is_empty() { Ok(()) } else { Err(Rejection::Invalid(errors)) }
}

fn create(create: &CreateSession) -> Result<Vec<SessionEvent>, Rejection> {
    let mut errors = Vec::new();
    validate::text("userId", &create.user_id, 256, &mut errors);
    validate::metadata("metadata", &create.metadata, &mut errors);
    create.limits.check(&mut errors);
    check_defaults(create.model.as_ref(), create.compute.as_ref(), &mut errors);
    checked(errors)?;
    let created = SessionEvent::Created {
        session_id: create.session_id,
        user_id: create.user_id.clone(),
        limits: create.limits.clone(),
        model: create.model.clone(),
        compute: create.compute.clone(),
        metadata: create.metadata.clone(),
    };
    let webhook = create.webhook.clone().map(|url| SessionEvent::WebhookSet { webhook: Some(url) });
    Ok([created].into_iter().chain(webhook).collect())
}

fn update(session: &Session, patch: &SessionPatch) -> Result<Vec<SessionEvent>, Rejection> {
    if session.status == SessionStatus::Ended {
        return Err(Rejection::conflict("This session has ended; create a new one."));
    }
    let mut errors = Vec::new();
    if let Some(metadata) = &patch.metadata {
        validate::metadata("metadata", metadata, &mut errors);
    }
    if let Some(limits) = &patch.limits {
        limits.check(&mut errors);
    }
    check_defaults(patch.model.as_ref(), patch.compute.as_ref(), &mut errors);
    checked(errors)?;
    let limits = patch.limits.clone().filter(|l| *l != session.limits);
    let model = patch.model.clone().filter(|m| Some(m) != session.model.as_ref());
    let compute = patch.compute.clone().filter(|c| Some(c) != session.compute.as_ref());
    let metadata = patch.metadata.clone().filter(|m| *m != session.metadata);
    let webhook = patch.webhook.clone().filter(|webhook| *webhook != session.webhook);
    let webhook = webhook.map(|webhook| SessionEvent::WebhookSet { webhook });
    if limits.is_none() && model.is_none() && compute.is_none() && metadata.is_none() {
        return Ok(Vec::from_iter(webhook));
    }
    let goes_on = session.status == SessionStatus::Paused
        && limits.as_ref().is_some_and(|limits| {
            let max = limits.max_compute_minutes.map(|minutes| minutes.saturating_mul(60_000));
            max.is_none_or(|max| session.budget.compute_millis < max)
        });
    let mut events = vec![SessionEvent::Updated { limits, model, compute, metadata }];
    events.extend(goes_on.then_some(SessionEvent::Resumed {}));
    events.extend(webhook);
    Ok(events)
}

fn check_defaults(
    model: Option<&ModelConfig>,
    compute: Option<&ComputeChoice>,
    errors: &mut Vec<FieldError>,
) {
    if let Some(model) = model {
        model.check("model", errors);
    }
    if let Some(compute) = compute {
        compute.check("compute", errors);
    }
}

fn admit(
    session: &Session,
    agent_id: AgentId,
    spec: &AgentSpec,
    ctx: Ctx,
) -> Result<Vec<SessionEvent>, Rejection> {
    if session.agents.contains(&agent_id) {
        return Ok(vec![]);
    }
    if session.status == SessionStatus::Ended {
        return Err(Rejection::conflict("This session has ended; create a new one."));
    }
    session.has_something_left(ctx.now)?;
    checked(spec.check())?;
    if session.is_full() {
        let max = session.limits.max_agents.unwrap_or(u32::MAX);
        return Err(Rejection::LimitExceeded(format!(
            "This session has {} of {max} agents; terminate one, or raise limits.maxAgents.",
            session.agents.len(),
        )));
    }
    let mut events = vec![SessionEvent::AgentAdmitted { agent_id, spec: Box::new(spec.clone()) }];
    let cost_cap = spec.cost_cap_pico();
    if session.limits.bound_spending() || cost_cap.is_some() {
        let slice = reserve::first_slice(session, agent_id, cost_cap, &spec.price, ctx);
        events.push(slice.ok_or_else(|| nothing_left(session, ctx))?);
    }
    Ok(events)
}

impl Session {
    /// Whether it has as many agents as it may.
    fn is_full(&self) -> bool {
        let max = self.limits.max_agents.unwrap_or(u32::MAX);
        self.agents.len() >= usize::try_from(max).unwrap_or(usize::MAX)
    }

    /// Whether a new agent has to wait until another has ended, or a limit is raised.
    pub fn has_no_room(&self) -> bool {
        self.is_full() || self.status == SessionStatus::Paused
    }

    /// Whether anything can begin in it by its limits.
    ///
    /// # Errors
    /// [`Rejection::LimitExceeded`], with what to do.
    pub fn has_something_left(&self, now: Timestamp) -> Result<(), Rejection> {
        if self.status == SessionStatus::Paused {
            return Err(Rejection::LimitExceeded(
                "This session is paused because it reached its compute limit; raise it with \
                 PATCH /v1/sessions/:id."
                    .to_owned(),
            ));
        }
        if self.is_spent(now) { Err(nothing_left(self, Ctx { now })) } else { Ok(()) }
    }
}

/// Why nothing can begin in the session.
fn nothing_left(session: &Session, ctx: Ctx) -> Rejection {
    let counting = "What was spent before this session had a limit is being counted; try again in \
                    a moment.";
    let minutes = session.limits.max_compute_minutes;
    Rejection::LimitExceeded(match session.limits.max_cost {
        _ if session.counts() => counting.to_owned(),
        Some(max) if session.is_spent(ctx.now) => format!(
            "This session has spent its limits.maxCost of {} cents {}; raise it with \
             PATCH /v1/sessions/:id{}.",
            max.amount,
            max.period.in_words(),
            max.period.or_wait(),
        ),
        Some(max) if minutes.is_none() => format!(
            "All that is left of this session's limits.maxCost of {} cents {} is reserved for \
             what its agents do now; try again when they are done, or raise it with \
             PATCH /v1/sessions/:id.",
            max.amount,
            max.period.in_words(),
        ),
        _ => format!(
            "Nothing is left of this session's limits (maxComputeMinutes: {}); raise them with \
             PATCH /v1/sessions/:id, or terminate an agent.",
            minutes.unwrap_or_default(),
        ),
    })
}
