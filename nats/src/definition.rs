//! The JetStream stream that the log is in: made when it is not there, checked when it is.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, Info, PersistenceMode, RetentionPolicy, StorageType,
};
use theazo_log::{LogError, Position};
use tokio::time::{Instant, sleep};

use crate::JetStreamOptions;
use crate::connect::NatsError;
use crate::link::Link;
use crate::subjects::Subjects;

fn wanted(options: &JetStreamOptions, subjects: &Subjects) -> Config {
    Config {
        name: options.stream.clone(),
        description: Some("The log of Theazo: every commit, for ever".to_owned()),
        subjects: vec![subjects.all()],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        max_bytes: -1,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        max_consumers: -1,
        max_age: Duration::ZERO,
        duplicate_window: Duration::from_secs(120),
        allow_direct: true,
        deny_delete: true,
        deny_purge: true,
        num_replicas: options.replicas,
        ..Config::default()
    }
}

/// Makes the stream, or checks it. Answers its last sequence.
pub(crate) async fn prepare(
    link: &Link,
    options: &JetStreamOptions,
    subjects: &Subjects,
) -> Result<Position, NatsError> {
    let deadline = Instant::now() + options.patience;
    let server = |e: LogError| NatsError::Server(e.to_string());
    let wanted = wanted(options, subjects);
    let name = &wanted.name;
    let info = format!("STREAM.INFO.{name}");
    let empty = serde_json::json!({});
    let mut found = link.api::<Info>(&info, &empty, deadline).await.map_err(server)?;
    if found.as_ref().is_err_and(|e| e.error_code() == ErrorCode::STREAM_NOT_FOUND) {
        found = create(link, &wanted, deadline).await.map_err(server)?;
        // Somebody else was first.
        if found.as_ref().is_err_and(|e| e.error_code() == ErrorCode::STREAM_NAME_EXIST) {
            found = link.api::<Info>(&info, &empty, deadline).await.map_err(server)?;
        }
    }
    let found = found.map_err(|e| {
        NatsError::Server(format!("the NATS stream {name} cannot be made or looked at: {e}"))
    })?;
    match differences(&wanted, &found.config) {
        none if none.is_empty() => Ok(Position(found.state.last_sequence)),
        differences => Err(NatsError::Definition { stream: name.clone(), differences }),
    }
}

type Found = Result<Info, async_nats::jetstream::Error>;

/// Makes the stream. A cluster that has just started may not have all its servers yet.
async fn create(link: &Link, wanted: &Config, deadline: Instant) -> Result<Found, LogError> {
    let name = format!("STREAM.CREATE.{}", wanted.name);
    loop {
        let made: Found = link.api(&name, wanted, deadline).await?;
        let lonely = |error: &async_nats::jetstream::Error| {
            let few = [ErrorCode::CLUSTER_NO_PEERS, ErrorCode::INSUFFICIENT_RESOURCES];
            few.contains(&error.error_code())
        };
        if !made.as_ref().is_err_and(lonely) || Instant::now() >= deadline {
            return Ok(made);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// What is not as the log needs it.
fn differences(wanted: &Config, found: &Config) -> Vec<String> {
    let mut all = Vec::new();
    let mut same = |what: &str, wanted: String, found: String| {
        if wanted != found {
            all.push(format!("{what} is {found}, it must be {wanted}"));
        }
    };
    let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
    same("subjects", text(&wanted.subjects), text(&found.subjects));
    same("storage", text(&wanted.storage), text(&found.storage));
    same("retention", text(&wanted.retention), text(&found.retention));
    same("discard", text(&wanted.discard), text(&found.discard));
    same("num_replicas", text(&wanted.num_replicas), text(&found.num_replicas));
    same("duplicate_window", text(&wanted.duplicate_window), text(&found.duplicate_window));
    same("max_age", text(&wanted.max_age), text(&found.max_age));
    for (what, value) in [
        ("max_msgs", found.max_messages),
        ("max_bytes", found.max_bytes),
        ("max_msgs_per_subject", found.max_messages_per_subject),
        ("max_msg_size", found.max_message_size.into()),
    ] {
        // Servers tell "no limit" as -1 or 0.
        same(what, "-1".to_owned(), if value <= 0 { -1 } else { value }.to_string());
    }
    for (what, must, is) in [
        ("allow_direct", true, found.allow_direct),
        ("deny_delete", true, found.deny_delete),
        ("deny_purge", true, found.deny_purge),
        ("allow_rollup_hdrs", false, found.allow_rollup),
        ("no_ack", false, found.no_ack),
        ("sealed", false, found.sealed),
        ("mirror", false, found.mirror.is_some()),
        ("sources", false, found.sources.as_ref().is_some_and(|sources| !sources.is_empty())),
        ("subject_transform", false, found.subject_transform.is_some()),
        ("persist_mode async", false, found.persist_mode == Some(PersistenceMode::Async)),
    ] {
        same(what, must.to_string(), is.to_string());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        wanted(&JetStreamOptions::default(), &Subjects::new("theazo.log"))
    }

    #[test]
    fn what_we_make_is_what_we_need() {
        assert_eq!(differences(&config(), &config()), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_named() {
        let found = Config {
            max_age: Duration::from_secs(60),
            num_replicas: 3,
            deny_purge: false,
            max_bytes: 1_000,
            ..config()
        };
        let told = differences(&config(), &found).join("\n");
        for name in ["max_age", "num_replicas is 3, it must be 1", "deny_purge", "max_bytes"] {
            assert!(told.contains(name), "{name}: {told}");
        }
        assert_eq!(told.lines().count(), 4);
    }
}
