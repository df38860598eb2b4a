//! The read models that show money.

use async_trait::async_trait;
use theazo_domain::agent::AgentEvent;
use theazo_domain::pricing::{TokenUsage, Usage};
use theazo_domain::{Event, Scope};
use theazo_projections::{
    AgentFilter, Page, ReadError, ReadModels, Row, SessionFilter, TaskFilter,
};

use super::bills::{Bills, Users, days_of};
use super::compared::{Amounts, Compared, FIELDS, Key, Rows, Seen};
use crate::Period;

/// Rows read at a time.
const ROWS: u32 = 500;

/// All of them: a read model that shows money is added here. Bills are compared for the days of
/// `period`, the others for their whole lives.
pub fn compared(period: &Period) -> Vec<Box<dyn Compared>> {
    let days = days_of(period);
    let bills = (Box::new(Bills(days.clone())), Box::new(Users(days)));
    vec![Box::new(Sessions), Box::new(Agents), Box::new(Tasks), bills.0, bills.1]
}

struct Sessions;
struct Agents;
struct Tasks;

#[async_trait]
impl Compared for Sessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["cost", "modelCost", "computeMs", "input", "cacheRead", "cacheWrite", "output"]
    }

    fn of(&self, seen: &Seen<'_>) -> Option<(Key, Amounts)> {
        let (record, _) = seen.usage.as_ref()?;
        let cost = record.cost().0;
        let amounts = match record.usage {
            Usage::Compute(usage) => amounts(&[cost, 0, usage.compute_millis.into()]),
            Usage::Model(usage) => with_tokens(&[cost, cost, 0], &usage.tokens),
            Usage::Storage(_) => amounts(&[cost]),
        };
        Some((Key::Session(record.session), amounts))
    }

    async fn rows(
        &self,
        reads: &ReadModels,
        scope: Scope,
        after: Option<u64>,
    ) -> Result<Rows, ReadError> {
        let page = Page { before: after, limit: ROWS };
        let rows = reads.sessions(scope, SessionFilter::default(), page).await?;
        Ok(paged(&rows, |view| {
            let usage = &view.usage;
            let first = [usage.cost.0, usage.model_cost.0, usage.compute_millis.into()];
            (Key::Session(view.session.id), with_tokens(&first, &usage.tokens))
        }))
    }
}

#[async_trait]
impl Compared for Agents {
    fn name(&self) -> &'static str {
        "agents"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["cost", "computeMs", "spans", "modelCost"]
    }

    /// The models of a run are the agent's when the run has ended.
    fn of(&self, seen: &Seen<'_>) -> Option<(Key, Amounts)> {
        let Event::Agent(event) = seen.event else { return None };
        let amounts = match event {
            AgentEvent::UsageRecorded { usage, .. } => {
                amounts(&[usage.cost.0, usage.compute_millis.into(), 1])
            }
            AgentEvent::RunEnded { model_cost, .. } => amounts(&[0, 0, 0, model_cost.0]),
            _ => return None,
        };
        Some((Key::Agent(seen.commit.stream.key().parse().ok()?), amounts))
    }

    async fn rows(
        &self,
        reads: &ReadModels,
        scope: Scope,
        after: Option<u64>,
    ) -> Result<Rows, ReadError> {
        let page = Page { before: after, limit: ROWS };
        let rows = reads.agents(scope, AgentFilter::default(), page).await?;
        Ok(paged(&rows, |agent| {
            let (cost, models) = (agent.cost.0, agent.model_cost.0);
            let of = amounts(&[cost, agent.compute_millis.into(), agent.spans.into(), models]);
            (Key::Agent(agent.id), of)
        }))
    }
}

#[async_trait]
impl Compared for Tasks {
    fn name(&self) -> &'static str {
        "tasks"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["modelCost", "input", "cacheRead", "cacheWrite", "output"]
    }

    fn of(&self, seen: &Seen<'_>) -> Option<(Key, Amounts)> {
        let (record, _) = seen.usage.as_ref()?;
        let Usage::Model(usage) = record.usage else { return None };
        Some((Key::Task(record.task?), with_tokens(&[usage.cost.0], &usage.tokens)))
    }

    async fn rows(
        &self,
        reads: &ReadModels,
        scope: Scope,
        after: Option<u64>,
    ) -> Result<Rows, ReadError> {
        let page = Page { before: after, limit: ROWS };
        let rows = reads.tasks(scope, TaskFilter::default(), page).await?;
        Ok(paged(&rows, |task| {
            (Key::Task(task.id), with_tokens(&[task.model_cost.0], &task.tokens))
        }))
    }
}

/// What is not said is zero.
pub(super) fn amounts(said: &[i128]) -> Amounts {
    let mut all = [0; FIELDS];
    all.iter_mut().zip(said).for_each(|(amount, said)| *amount = *said);
    all
}

pub(super) fn with_tokens(first: &[i128], tokens: &TokenUsage) -> Amounts {
    let written = i128::from(tokens.cache_write_short) + i128::from(tokens.cache_write_long);
    let buckets = [tokens.input.into(), tokens.cache_read.into(), written, tokens.output.into()];
    amounts(&[first, &buckets].concat())
}

fn paged<T>(rows: &[Row<T>], of: impl Fn(&T) -> (Key, Amounts)) -> Rows {
    let full = rows.len() == ROWS as usize;
    let next = rows.last().filter(|_| full).map(|row| row.seq);
    Rows { rows: rows.iter().map(|row| of(&row.value)).collect(), next }
}
