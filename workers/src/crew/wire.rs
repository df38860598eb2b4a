//! The messages, and the subjects that they go by.

use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use theazo_domain::providers::ProviderKind;
use theazo_domain::{AgentId, Scope, TaskId};
use theazo_log::bus::{Bus, BusError, Messages};
use uuid::Uuid;

use crate::dispatch::Claimed;

/// Where hosts say that they live.
pub(crate) const BEAT: &str = "crew.beat";
/// Where a new scheduler asks all of them to.
pub(crate) const CALL: &str = "crew.call";

/// A host's sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Beat {
    pub host: String,
    /// Of this start of it.
    pub instance: Uuid,
    /// Tasks that it runs at the same time.
    pub slots: usize,
    /// Those that it has.
    pub running: Vec<TaskId>,
    /// What its agents can run on.
    pub providers: Vec<ProviderKind>,
    /// It is about to stop, and is to be given nothing more.
    pub leaving: bool,
}

/// A task for a host to claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Assignment {
    pub scope: Scope,
    pub task: TaskId,
    pub agent: AgentId,
    /// The scheduler's term: who is to be told.
    pub term: Uuid,
    /// Tells one assignment of a task from the next.
    pub claim: u64,
}

/// What an assignment came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Back {
    pub task: TaskId,
    pub claim: u64,
    pub claimed: Claimed,
}

/// Where `host` takes assignments.
pub(crate) fn assignments(host: &str) -> String {
    format!("crew.assign.{host}")
}

/// Where the scheduler of `term` hears what came of them.
pub(crate) fn back_to(term: Uuid) -> String {
    format!("crew.back.{}", term.simple())
}

/// Whether a host can have this name: it is a token of a subject.
pub fn is_host_name(name: &str) -> bool {
    let fit = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.len() <= 64 && name.chars().all(fit)
}

/// Sends a message. One that cannot be sent is as good as lost: the beats and the log tell.
pub(crate) async fn send(bus: &dyn Bus, subject: &str, message: &impl Serialize) {
    match serde_json::to_vec(message) {
        Ok(bytes) => {
            if let Err(error) = bus.publish(subject, bytes.into()).await {
                tracing::debug!(subject, %error, "a message to another process was not sent");
            }
        }
        Err(error) => tracing::error!(subject, %error, "a message cannot be written"),
    }
}

/// The messages on `subject`. One that another version wrote and this one cannot read is dropped.
pub(crate) async fn receive<T: DeserializeOwned + Send>(
    bus: &dyn Bus,
    subject: &str,
) -> Result<futures::stream::BoxStream<'static, T>, BusError> {
    let messages: Messages = bus.subscribe(subject).await?;
    let read = messages.filter_map(|message| async move {
        serde_json::from_slice(&message.payload)
            .inspect_err(|error| {
                tracing::warn!(subject = message.subject, %error, "a message cannot be read");
            })
            .ok()
    });
    Ok(read.boxed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_is_a_token() {
        assert!(is_host_name("worker-1_a") && is_host_name("embedded"));
        for name in ["", "a.b", "a b", "*", "ä", &"a".repeat(65)] {
            assert!(!is_host_name(name), "{name}");
        }
    }
}
