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
use spans::{Span, spans_of};
use sums::{COUNTS, KEPT, Meter, USER_COUNTS, UserSums, adding};

pub use query::{Billed, BilledUser, BilledWhat};
pub use sums::BilledSums;

/// Characters of a model's name: vendors and gateways say what they like.
const MODEL_MOST: usize = 256;

pub(crate) struct BillingProjection {
    owners: Owners,
    days: BySize,
    users: BySize,
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
        let users = format!("{prefix}billing_users");
        let of_day = ["tenant", "day", "meter", "model"];
        let of_user = ["tenant", "span", "place", "user_id"];
        Self {
            owners: Owners::new(dialect, prefix),
            days: adding(dialect, &days, &of_day, &COUNTS, Some(&KEPT)),
            users: adding(dialect, &users, &of_user, &USER_COUNTS, None),
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

    fn rows(
        &mut self,
        gathered: Gathered,
        tenants: &Tenants,
    ) -> Result<Vec<Bulk>, ProjectionError> {
        let mut days = self.days.rows(gathered.days.len());
        for ((scope, day, meter), sums) in gathered.days {
            days.put(tenants.number(scope)?);
            days.put(i64::from(day.number()));
            days.put(meter.word());
            match meter {
                Meter::Model(model) => days.put(model),
                _ => days.put(""),
            }
            sums.fill(&mut days);
        }
        let mut by_span = BTreeMap::<(Scope, Span, Arc<str>), UserSums>::new();
        for ((scope, day, user), sums) in gathered.users {
            for span in spans_of(day) {
                by_span.entry((scope, span, user.clone())).or_default().add(&sums);
            }
        }
        let mut users = self.users.rows(by_span.len());
        for ((scope, span, user), sums) in by_span {
            users.put(tenants.number(scope)?);
            users.put(i64::from(span.days));
            users.put(i64::from(span.place));
            users.put(user);
            sums.fill(&mut users);
        }
        Ok(vec![days, users, self.owners.rows(tenants)?])
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
        self.rows(gathered, tenants)
    }

    fn committed(&mut self, position: Position) {
        self.owners.committed(position);
    }
}
