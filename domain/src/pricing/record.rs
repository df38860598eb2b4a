//! What all usage records have in common: the lines that bills, exports and audits are made of.

use crate::agent::AgentEvent;
use crate::session::SessionEvent;
use crate::task::TaskEvent;
use crate::{AgentId, Day, Event, Pico, SessionId, StreamId, TaskId, Timestamp};

use super::{ComputeUsage, ModelUsage, StorageUsage};

/// One usage record, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UsageRecord<'a> {
    pub session: SessionId,
    pub agent: Option<AgentId>,
    pub task: Option<TaskId>,
    pub usage: Usage<'a>,
}

/// What was metered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Usage<'a> {
    Compute(&'a ComputeUsage),
    Model(&'a ModelUsage),
    Storage(&'a StorageUsage),
}

impl<'a> UsageRecord<'a> {
    /// The usage record that `event` of `stream` is, if it is one.
    pub fn of(stream: &StreamId, event: &'a Event) -> Option<Self> {
        match event {
            Event::Agent(AgentEvent::UsageRecorded { session_id, usage }) => Some(Self {
                session: *session_id,
                agent: stream.key().parse().ok(),
                task: None,
                usage: Usage::Compute(usage),
            }),
            Event::Task(
                TaskEvent::ModelCallCompleted { session_id, agent_id, usage, .. }
                | TaskEvent::ModelCallFailed { session_id, agent_id, usage: Some(usage), .. },
            ) => Some(Self {
                session: *session_id,
                agent: Some(*agent_id),
                task: stream.key().parse().ok(),
                usage: Usage::Model(usage),
            }),
            Event::Session(SessionEvent::StorageRecorded { usage }) => Some(Self {
                session: stream.key().parse().ok()?,
                agent: None,
                task: None,
                usage: Usage::Storage(usage),
            }),
            _ => None,
        }
    }

    /// Unique for ever.
    pub fn id(&self) -> &'a str {
        match self.usage {
            Usage::Compute(usage) => &usage.id,
            Usage::Model(usage) => &usage.id,
            Usage::Storage(usage) => &usage.id,
        }
    }

    /// What it costs, with the price that held.
    pub fn cost(&self) -> Pico {
        match self.usage {
            Usage::Compute(usage) => usage.cost,
            Usage::Model(usage) => usage.cost,
            Usage::Storage(usage) => usage.cost,
        }
    }

    /// When it was used: no record reaches over a midnight.
    pub fn at(&self) -> Timestamp {
        match self.usage {
            Usage::Compute(usage) => usage.from,
            Usage::Model(usage) => usage.at,
            Usage::Storage(usage) => usage.day.start(),
        }
    }

    /// The day that it is billed to.
    pub fn day(&self) -> Day {
        self.at().day()
    }
}
