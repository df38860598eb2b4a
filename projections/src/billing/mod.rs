//! What bills are made of: sums of usage records, and of the sessions and agents that began, by UTC
//! day.
//!
//! There are as many rows as days times models and days times users, however many records there
//! are. What a batch adds up to is added to its rows in the transaction that moves the checkpoint,
//! so each record counts once.

mod owners;
mod query;
mod spans;
mod sums;
mod users;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use theazo_domain::pricing::{Usage, UsageRecord};
use theazo_domain::session::SessionEvent;
use theazo_domain::{Day, Event, Scope, SessionId};
use theazo_log::{Commit, Position};

use crate::bulk::{Bulk, BySize};
use crate::dialect::{Dialect, Pool};
use crate::projection::Projection;
use crate::tenants::Tenants;
use crate::{Model, ProjectionError};

use owners::Owners;
use spans::spans_of;
use sums::{Meter, adding};
use users::{Block, UserBlocks, UserSums};

pub use query::{Billed, BilledUser, BilledWhat};
pub use sums::BilledSums;

/// Characters of a model's name: vendors and gateways say what they like.
const MODEL_MOST: usize = 256;

pub(crate) struct BillingProjection {
    owners: Owners,
    days: BySize,
    users: UserBlocks,
    /// The names of models, of which there are few.
    models: HashMap<String, Arc<str>>,
}

/// What a batch adds up to.
#[derive(Default)]
struct Gathered {
    days: BTreeMap<(Scope, Day, Meter), BilledSums>,
    users: BTreeMap<(Scope, Day, Arc<str>), UserSums>,
}

impl BillingProjection {
    pub(crate) fn new(dialect: Dialect, prefix: &str) -> Self {
        let days = format!("{prefix}billing");
        let of_day = ["tenant", "day", "meter", "model"];
        Self {
            owners: Owners::new(dialect, prefix),
            days: adding(dialect, &days, &of_day),
            users: UserBlocks::new(dialect, prefix),
            models: HashMap::new(),
        }
    }

    fn take(
        &mut self,
        commit: &Commit,
        event: &Event,
        gathered: &mut Gathered,
    ) -> Result<(), ProjectionError> {
        let scope = commit.stream.scope;
        let (session, day, meter, sums, user) = match event {
            Event::Session(SessionEvent::Created { session_id, user_id, .. }) => {
                self.owners.meet((scope, *session_id), user_id, commit.position);
                let user = UserSums { sessions: 1, ..UserSums::default() };
                (*session_id, commit.time.day(), Meter::Sessions, BilledSums::one(), user)
            }
            Event::Session(SessionEvent::AgentAdmitted { .. }) => {
                let Some(session) = session_of(commit, event) else { return Ok(()) };
                let user = UserSums { agents: 1, ..UserSums::default() };
                (session, commit.time.day(), Meter::Agents, BilledSums::one(), user)
            }
            _ => {
                let Some(record) = UsageRecord::of(&commit.stream, event) else { return Ok(()) };
                let user = UserSums { number: 1, cost: record.cost(), ..UserSums::default() };
                let meter = self.meter(record.usage);
                (record.session, record.day(), meter, BilledSums::of(record.usage), user)
            }
        };
        let owner = self.owners.of((scope, session)).ok_or_else(|| ProjectionError::Fold {
            model: Model::Billing.name(),
            position: commit.position,
            reason: format!("there is no `session/{session}` before it"),
        })?;
        let of_day = gathered.days.entry((scope, day, meter)).or_default();
        *of_day = of_day.plus(sums);
        gathered.users.entry((scope, day, owner)).or_default().add(&user);
        Ok(())
    }

    fn meter(&mut self, usage: Usage<'_>) -> Meter {
        match usage {
            Usage::Compute(_) => Meter::Compute,
            Usage::Storage(_) => Meter::Storage,
            Usage::Model(usage) => {
                let name = shown(&usage.model);
                if let Some(known) = self.models.get(&*name) {
                    return Meter::Model(known.clone());
                }
                // Only who makes up names gets as far.
                if self.models.len() >= 10_000 {
                    self.models.clear();
                }
                let shared: Arc<str> = (&*name).into();
                self.models.insert(name.into_owned(), shared.clone());
                Meter::Model(shared)
            }
        }
    }

    fn of_days(
        &self,
        gathered: BTreeMap<(Scope, Day, Meter), BilledSums>,
        tenants: &Tenants,
    ) -> Result<Bulk, ProjectionError> {
        let mut days = self.days.rows(gathered.len());
        for ((scope, day, meter), sums) in gathered {
            days.put(tenants.number(scope)?);
            days.put(i64::from(day.number()));
            days.put(meter.word());
            match meter {
                Meter::Model(model) => days.put(model),
                _ => days.put(""),
            }
            sums.fill(&mut days);
        }
        Ok(days)
    }
}

impl Gathered {
    /// The sums of users, by the rows that they are in.
    fn by_block(
        users: BTreeMap<(Scope, Day, Arc<str>), UserSums>,
    ) -> BTreeMap<Block, BTreeMap<Arc<str>, UserSums>> {
        let mut blocks = BTreeMap::<Block, BTreeMap<_, UserSums>>::new();
        for ((scope, day, user), sums) in users {
            for span in spans_of(day) {
                let block = blocks.entry(Block::of(scope, span, &user)).or_default();
                block.entry(user.clone()).or_default().add(&sums);
            }
        }
        blocks
    }
}

/// The session whose user an event counts for; none for what does not count.
fn session_of(commit: &Commit, event: &Event) -> Option<SessionId> {
    match event {
        Event::Session(SessionEvent::AgentAdmitted { .. }) => commit.stream.key().parse().ok(),
        _ => UsageRecord::of(&commit.stream, event).map(|record| record.session),
    }
}

/// A model's name as a column and an index can hold it.
fn shown(model: &str) -> Cow<'_, str> {
    if model.len() <= MODEL_MOST && !model.contains(char::is_control) {
        return Cow::Borrowed(model);
    }
    let fit = model.chars().take(MODEL_MOST);
    fit.map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[async_trait]
impl Projection for BillingProjection {
    async fn fold(
        &mut self,
        batch: &[Arc<Commit>],
        tenants: &Tenants,
        committed: &Pool,
    ) -> Result<Vec<Bulk>, ProjectionError> {
        let mut sessions = HashSet::new();
        for commit in batch {
            let of_commit = commit.events.iter().filter_map(|event| session_of(commit, event));
            sessions.extend(of_commit.map(|session| (commit.stream.scope, session)));
        }
        self.owners.load(sessions, tenants, committed).await?;
        let mut gathered = Gathered::default();
        for commit in batch {
            for event in &commit.events {
                self.take(commit, event, &mut gathered)?;
            }
        }
        let upto = batch.last().map_or(Position::START, |commit| commit.position);
        let days = self.of_days(gathered.days, tenants)?;
        let users = Gathered::by_block(gathered.users);
        let users = self.users.add(users, tenants, committed, upto).await?;
        Ok(vec![days, users, self.owners.rows(tenants)?])
    }

    fn committed(&mut self, position: Position) {
        self.owners.committed(position);
        self.users.committed(position);
    }
}
