//! One look at an agent: what it has used is told, and what it needs next is reserved.

use std::sync::Arc;
use std::time::Duration;

use theazo_commands::agent::new_snapshot_id;
use theazo_commands::{CommandError, now};
use theazo_domain::agent::{Agent, AgentCommand, AgentState, Failure};
use theazo_domain::pricing::Costs;
use theazo_domain::session::{Need, Reserve, RunNumber, Session, SessionStatus, Spender, Spent};
use theazo_domain::task::{Task, TaskCommand};
use theazo_domain::{AgentId, Rejection, Scope, StreamId};

use crate::Host;

/// An agent that no limit binds is metered so often.
const INTERVAL: Duration = Duration::from_secs(300);
/// The next slice is reserved so long before the last one is over; sooner, where slices are short.
const AHEAD_MS: u64 = 5_000;
/// What is reserved for calls that are under way, its own or those of others, comes back when these
/// end. The agent runs on for nothing until then.
const MORE_SOON: Duration = Duration::from_millis(250);
/// An agent that could not be paused is looked at again.
const NOT_PAUSED_YET: Duration = Duration::from_secs(5);
/// So is one that is paused while a worker has its task.
const NOT_GIVEN_BACK_YET: Duration = Duration::from_secs(1);

/// Answers when to look again, if that is to be.
pub(super) async fn look(
    host: &Host,
    scope: Scope,
    id: AgentId,
) -> Result<Option<Duration>, CommandError> {
    let Some(agent) = host.commander.load_fresh::<Agent>(&StreamId::agent(scope, id)).await?.state
    else {
        return Ok(None);
    };
    let stream = StreamId::session(scope, agent.session_id);
    let loaded = host.commander.load_fresh::<Session>(&stream).await?;
    let Some(session) = loaded.state.filter(|_| !agent.state.is_final()) else { return Ok(None) };
    let look = Look { host, scope, agent, session, order: loaded.revision.0 };
    match look.session.bounds(id) {
        true => look.bound().await,
        false => look.unbound().await,
    }
}

/// Why a run ends whose compute nothing is left for.
pub(crate) const NOTHING_LEFT: &str = "Nothing is left of the limits of its session or agent for \
    its compute; raise limits.maxCost with PATCH /v1/sessions/:id, or create an agent with a \
    higher costCap.";

struct Look<'a> {
    host: &'a Host,
    scope: Scope,
    agent: Arc<Agent>,
    session: Arc<Session>,
    /// The session's revision.
    order: u64,
}

impl Look<'_> {
    async fn unbound(self) -> Result<Option<Duration>, CommandError> {
        if self.agent.funded_millis.is_some() {
            self.fund(None).await?;
        }
        let Some(since) = self.agent.running_since else { return Ok(None) };
        let metered = Duration::from_millis(now().millis_since(since));
        let midnight = now() >= since.day().end();
        if midnight || metered >= INTERVAL {
            self.command(&AgentCommand::Meter).await?;
            return Ok(Some(INTERVAL.min(to_midnight())));
        }
        Ok(Some((INTERVAL - metered).min(to_midnight())))
    }

    async fn bound(mut self) -> Result<Option<Duration>, CommandError> {
        if self.session.budget.unknown.contains(&self.agent.id) {
            self.tell_what_was_before().await?;
        }
        match self.agent.running_since {
            Some(_) => self.runs().await,
            None => self.rests().await,
        }
    }

    /// There was no limit until now: from here on no more is billed than is reserved, and what was
    /// used before counts.
    async fn tell_what_was_before(&mut self) -> Result<(), CommandError> {
        if self.agent.funded_millis.is_none() {
            self.agent = self.command(&AgentCommand::Meter).await?;
            self.agent = self.fund(Some(self.agent.compute_millis)).await?;
        }
        let (mut open, mut run) = (Costs::default(), RunNumber::over(0));
        if let Some(task) = self.agent.task {
            let stream = StreamId::task(self.scope, task);
            if let Some(task) = self.host.commander.load_fresh::<Task>(&stream).await?.state {
                open = task.model_costs.clone();
                run = RunNumber { run: self.agent.runs, attempt: task.attempt };
            }
        }
        self.reserve(self.agent.models_spent_with(&open, run), Need::Rest).await?;
        self.reserve(self.agent.compute_spent(), Need::Rest).await
    }

    async fn runs(mut self) -> Result<Option<Duration>, CommandError> {
        if let Some(wait) = self.time_left() {
            return Ok(Some(wait));
        }
        // Else there is nothing to bill.
        if self.agent.funded_left() > 0 {
            self.agent = self.command(&AgentCommand::Meter).await?;
        }
        let price = self.agent.spec.price.clone();
        self.reserve(self.agent.compute_spent(), Need::Compute { price }).await?;
        let held = self.held_millis();
        let funded = self.agent.compute_millis.saturating_add(held);
        self.agent = self.fund(Some(funded)).await?;
        if held > 0 {
            return Ok(Some(self.time_left().unwrap_or(Duration::ZERO)));
        }
        if self.session.may_have_more(self.agent.id) || self.models_hold() {
            return Ok(Some(MORE_SOON));
        }
        self.pause().await
    }

    /// Whether something is reserved for a call of its own run.
    fn models_hold(&self) -> bool {
        let models = self.session.budget.side(self.agent.id, Spender::Models);
        self.agent.task.is_some() && models.is_some_and(|models| !models.held.is_zero())
    }

    /// How long until the next slice is to be reserved; nothing when it is time.
    fn time_left(&self) -> Option<Duration> {
        let since = self.agent.running_since?;
        self.agent.funded_millis?;
        let left = self.agent.funded_left().saturating_sub(now().millis_since(since));
        let ahead = AHEAD_MS.min(self.held_millis() / 4);
        let wait = left.saturating_sub(ahead);
        let midnight = now() >= since.day().end();
        (wait > 0 && !midnight).then(|| Duration::from_millis(wait).min(to_midnight()))
    }

    /// Nothing is left for it.
    async fn pause(self) -> Result<Option<Duration>, CommandError> {
        let origin = self.host.origin(self.scope);
        let snapshot_id = new_snapshot_id(&origin);
        let pause = AgentCommand::RequestPause { snapshot_id, by_limit: true };
        match self.host.commander.agent(&origin, self.agent.id, &pause).await {
            // It is being paused or ended already.
            Ok(_) | Err(CommandError::Rejected(Rejection::Conflict(_))) => Ok(Some(NOT_PAUSED_YET)),
            Err(error) => Err(error),
        }
    }

    /// What was reserved for it goes back; and it goes on when a limit that stopped it was raised.
    async fn rests(mut self) -> Result<Option<Duration>, CommandError> {
        if self.agent.state != AgentState::Paused {
            return Ok(None);
        }
        let told = self.session.budget.side(self.agent.id, Spender::Compute);
        let told = told.map_or(0, |compute| compute.millis);
        if self.held_millis() > 0 || told < self.agent.compute_millis {
            self.reserve(self.agent.compute_spent(), Need::Nothing).await?;
            // Who reserved before, and is late to say so, is not listened to any more.
            self.agent = self.fund(Some(self.agent.compute_millis)).await?;
        }
        if !self.agent.paused_by_limit || self.agent.pending.is_some() {
            return Ok(None);
        }
        let room = self.session.room(self.agent.id, Spender::Compute, now());
        let affordable = room.affords(&self.agent.spec.price);
        if affordable == 0 || self.session.has_something_left(now()).is_err() {
            // A new day may bring something.
            let done = self.end_its_task().await?;
            return Ok(Some(if done { to_midnight() } else { NOT_GIVEN_BACK_YET }));
        }
        let resume = AgentCommand::RequestResume { snapshot_id: None };
        self.command(&resume).await.map(|_| None)
    }

    /// A run whose session can pay for nothing more has failed, as at a model call. One that has no
    /// compute minutes left waits: its session is paused. `false`: a worker still has it, and is
    /// about to give it back or to end it.
    async fn end_its_task(&self) -> Result<bool, CommandError> {
        let Some(task) = self.agent.task.filter(|_| self.session.status != SessionStatus::Paused)
        else {
            return Ok(true);
        };
        let failure =
            Failure { code: "session_limit_exceeded".to_owned(), message: NOTHING_LEFT.to_owned() };
        let (origin, abandon) = (self.host.origin(self.scope), TaskCommand::Abandon { failure });
        match self.host.commander.task(&origin, task, &abandon).await {
            Ok(done) => Ok(done.state.status.is_final()),
            Err(CommandError::Rejected(Rejection::Conflict(_))) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn held_millis(&self) -> u64 {
        let compute = self.session.budget.side(self.agent.id, Spender::Compute);
        compute.map_or(0, |compute| compute.held_millis)
    }

    async fn command(&self, command: &AgentCommand) -> Result<Arc<Agent>, CommandError> {
        let origin = self.host.origin(self.scope);
        Ok(self.host.commander.agent(&origin, self.agent.id, command).await?.state)
    }

    async fn fund(&self, millis: Option<u64>) -> Result<Arc<Agent>, CommandError> {
        self.command(&AgentCommand::Fund { millis, order: self.order }).await
    }

    async fn reserve(&mut self, spent: Spent, need: Need) -> Result<(), CommandError> {
        let origin = self.host.origin(self.scope);
        let reserve = Reserve { agent_id: self.agent.id, spent, need };
        let done = self.host.commander.reserve(&origin, self.agent.session_id, reserve).await?;
        (self.session, self.order) = (done.state, done.position.0);
        Ok(())
    }
}

/// A moment past the next midnight (UTC).
fn to_midnight() -> Duration {
    let now = now();
    Duration::from_millis(now.day().end().millis_since(now) + 50)
}
