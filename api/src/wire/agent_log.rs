//! An agent's log: its events, each as a line that a person can read.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use theazo_domain::Timestamp;
use theazo_projections::AuditEvent;
use utoipa::{IntoParams, ToSchema};

/// How much an entry matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Info,
    /// Something did not succeed, and the agent goes on.
    Warn,
    /// The agent, its code or its file operation failed.
    Error,
}

/// The events that are not `info`.
const ABOVE_INFO: [(&str, Level); 4] = [
    ("agent.request_failed", Level::Warn),
    ("agent.failed", Level::Error),
    ("execution.failed", Level::Error),
    ("file_operation.failed", Level::Error),
];

impl Level {
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }

    fn of(event_type: &str) -> Self {
        let above = ABOVE_INFO.iter().find(|(name, _)| *name == event_type);
        above.map_or(Level::Info, |(_, level)| *level)
    }

    /// The event types of this level and of those above it; `None`: all there are.
    pub fn event_types(self) -> Option<impl Iterator<Item = &'static str>> {
        let types = ABOVE_INFO.iter().filter(move |(_, level)| *level >= self);
        (self != Level::Info).then(|| types.map(|(name, _)| *name))
    }
}

/// Which entries of an agent's log to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAgentLogs {
    /// How many to show, 1 to 100. Default: 25.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the page before.
    pub cursor: Option<String>,
    /// Only entries of this level and those above it. Default: `info`, which is all of them.
    #[param(inline)]
    pub level: Option<Level>,
}

/// One entry of an agent's log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentLogEntry {
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    level: Level,
    /// The event's type.
    #[schema(example = "execution.completed")]
    r#type: String,
    #[schema(example = "The code ended with exit code 0 after 12 ms.")]
    message: String,
}

impl From<AuditEvent> for AgentLogEntry {
    fn from(event: AuditEvent) -> Self {
        // What is not JSON cannot have been stored; the entry is of use without it.
        let data = serde_json::from_str(event.data.get()).unwrap_or_default();
        Self {
            time: event.time,
            level: Level::of(&event.event_type),
            message: message(&event.event_type, &data),
            r#type: event.event_type,
        }
    }
}

fn message(event_type: &str, data: &Value) -> String {
    let text = |field: &str| data.pointer(field).and_then(Value::as_str).unwrap_or("?");
    let number = |field: &str| data.pointer(field).and_then(Value::as_i64).unwrap_or_default();
    match event_type {
        "session.agent_admitted" => "Its session made room for it.".to_owned(),
        "session.agent_released" => "It no longer counts in its session.".to_owned(),
        "agent.created" => format!("Created, to run on `{}`.", text("/spec/provider")),
        "agent.provisioned" => "The sandbox is there.".to_owned(),
        "agent.pause_requested" => "A pause was asked for.".to_owned(),
        "agent.paused" => format!("Paused; the snapshot has {} bytes.", number("/size")),
        "agent.resume_requested" => "A resume was asked for.".to_owned(),
        "agent.resumed" if data["memory"] == true => {
            "Resumed; its processes go on where they were.".to_owned()
        }
        "agent.resumed" => "Resumed with its files.".to_owned(),
        "agent.terminate_requested" => format!("To be terminated: {}.", text("/reason")),
        "agent.terminated" => "Terminated.".to_owned(),
        "agent.port_exposed" => format!("Port {} was exposed.", number("/port")),
        "agent.port_closed" => format!("Port {} was closed.", number("/port")),
        "agent.usage_recorded" => {
            format!("{} ms of compute were billed.", number("/usage/computeMillis"))
        }
        "execution.requested" => format!("Code in {} was sent.", text("/lang")),
        "execution.completed" => format!(
            "The code ended with exit code {} after {} ms.",
            number("/exitCode"),
            number("/durationMs")
        ),
        "file_operation.requested" => match text("/change/op") {
            "delete" => format!("{} is to be deleted.", text("/path")),
            _ => format!("{} is to be written: {} bytes.", text("/path"), number("/change/size")),
        },
        "file_operation.completed" => "The file operation is done.".to_owned(),
        "agent.failed" | "agent.request_failed" | "execution.failed" | "file_operation.failed" => {
            text("/failure/message").to_owned()
        }
        "snapshot.created" => format!("A snapshot of {} bytes is kept.", number("/size")),
        "snapshot.deleted" => "A snapshot was deleted.".to_owned(),
        other => other.replace(['.', '_'], " "),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_says_what_happened() {
        let completed = json!({ "exitCode": 3, "durationMs": 12 });
        assert_eq!(
            message("execution.completed", &completed),
            "The code ended with exit code 3 after 12 ms."
        );
        let failed = json!({ "failure": { "code": "timeout", "message": "It took too long." } });
        assert_eq!(message("execution.failed", &failed), "It took too long.");
        assert_eq!(message("agent.some_new_thing", &json!({})), "agent some new thing");
    }

    #[test]
    fn a_level_has_those_above_it() {
        let types = |level: Level| level.event_types().map(|types| types.count());
        let counts = [Level::Info, Level::Warn, Level::Error].map(types);
        assert_eq!(counts, [None, Some(4), Some(3)]);
        assert_eq!(Level::of("agent.failed"), Level::Error);
        assert_eq!(Level::of("agent.created"), Level::Info);
    }
}
