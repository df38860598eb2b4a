//! One webhook delivery: what is to be told to whom, and every try of it.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::session::Notice;
use crate::{
    Aggregate, Ctx, DeliveryId, Event, Kind, Payload, Rejection, SessionId, TaskId, Timestamp,
};

/// Waits before the second try and those after it, in seconds: about a day in all.
const BACKOFF_S: [u64; 10] = [5, 30, 120, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200];

events! {
    DeliveryEvent {
        Requested = "delivery.requested" {
            delivery_id: DeliveryId,
            session_id: SessionId,
            #[serde(flatten)]
            about: About,
            url: Payload,
        }
        /// A try that has ended.
        Attempted = "delivery.attempted" {
            /// From 1.
            number: u32,
            /// The receiver's HTTP status, when it answered.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            status: Option<u16>,
            /// Why it did not answer.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            error: Option<String>,
            duration_ms: u64,
            /// When the next try is, unless this was the last one.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            next_at: Option<Timestamp>,
        }
    }
}

/// What a delivery tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum About {
    /// The end of a task.
    Task { task_id: TaskId },
    /// A limit of the session that is near or reached.
    Limit { notice: Notice },
}

impl About {
    pub const fn task_id(&self) -> Option<TaskId> {
        match self {
            About::Task { task_id } => Some(*task_id),
            About::Limit { .. } => None,
        }
    }
}

#[derive(Debug, Clone)]
pub enum DeliveryCommand {
    /// Repeating it changes nothing: its id is derived from what it tells.
    Request { delivery_id: DeliveryId, session_id: SessionId, about: About, url: Payload },
    /// `number`: of the try, so that a report that comes twice counts once.
    Report { number: u32, status: Option<u16>, error: Option<String>, duration_ms: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    Pending,
    Delivered,
    Failed,
}

impl DeliveryStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            DeliveryStatus::Pending => "pending",
            DeliveryStatus::Delivered => "delivered",
            DeliveryStatus::Failed => "failed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    pub id: DeliveryId,
    pub session_id: SessionId,
    #[serde(flatten)]
    pub about: About,
    pub url: Payload,
    pub status: DeliveryStatus,
    /// Tries so far.
    pub attempts: u32,
    pub last_status: Option<u16>,
    pub last_error: Option<String>,
    /// When the next try is due, while one is.
    pub next_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Aggregate for Delivery {
    const KIND: Kind = Kind::Delivery;
    type Command = DeliveryCommand;
    type Event = DeliveryEvent;

    fn decide(
        state: Option<&Self>,
        command: &DeliveryCommand,
        ctx: Ctx,
    ) -> Result<Vec<DeliveryEvent>, Rejection> {
        match (state, command) {
            (None, DeliveryCommand::Request { delivery_id, session_id, about, url }) => {
                Ok(vec![DeliveryEvent::Requested {
                    delivery_id: *delivery_id,
                    session_id: *session_id,
                    about: about.clone(),
                    url: url.clone(),
                }])
            }
            (Some(_), DeliveryCommand::Request { .. }) => Ok(vec![]),
            (None, _) => Err(Rejection::not_found("delivery")),
            (Some(now), DeliveryCommand::Report { number, status, error, duration_ms }) => {
                let newest = now.attempts.checked_add(1) == Some(*number);
                if now.status != DeliveryStatus::Pending || !newest {
                    return Ok(vec![]);
                }
                let wait = BACKOFF_S.get(now.attempts as usize).copied();
                let next_at = wait.filter(|_| !accepted(*status)).map(|seconds| {
                    let millis = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
                    Timestamp::from_millis(ctx.now.as_millis().saturating_add(millis))
                });
                Ok(vec![DeliveryEvent::Attempted {
                    number: *number,
                    status: *status,
                    error: error.clone(),
                    duration_ms: *duration_ms,
                    next_at,
                }])
            }
        }
    }

    fn evolve(state: Option<Self>, event: &DeliveryEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (None, DeliveryEvent::Requested { delivery_id, session_id, about, url }) => {
                Some(Delivery {
                    id: *delivery_id,
                    session_id: *session_id,
                    about: about.clone(),
                    url: url.clone(),
                    status: DeliveryStatus::Pending,
                    attempts: 0,
                    last_status: None,
                    last_error: None,
                    next_at: Some(at),
                    created_at: at,
                    updated_at: at,
                })
            }
            (Some(now), DeliveryEvent::Attempted { number, status, error, next_at, .. })
                if now.status == DeliveryStatus::Pending =>
            {
                Some(Delivery {
                    status: match next_at {
                        _ if accepted(*status) => DeliveryStatus::Delivered,
                        Some(_) => DeliveryStatus::Pending,
                        None => DeliveryStatus::Failed,
                    },
                    attempts: *number,
                    last_status: *status,
                    last_error: error.clone(),
                    next_at: *next_at,
                    updated_at: at,
                    ..now
                })
            }
            (state, _) => state,
        }
    }

    fn own(event: &Event) -> Option<&DeliveryEvent> {
        if let Event::Delivery(e) = event { Some(e) } else { None }
    }
}

/// Any 2xx is the receiver's yes (Standard Webhooks).
fn accepted(status: Option<u16>) -> bool {
    status.is_some_and(|status| (200..300).contains(&status))
}
