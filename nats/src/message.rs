//! A commit as a message:
//!
//! ```text
//! <prefix>.<org>.<mode>.<kind>.<key>
//! Nats-Msg-Id: <stream>:<commit id>            dropped by the server when it has it already
//! Nats-Expected-Last-Subject-Sequence: <n>     refused by the server at another revision
//! Nats-Expected-Last-Sequence: <n>             the same for the whole log: of an imported commit
//! Theazo-Commit: <commit id> <previous position> <previous hash> <hash>
//!
//! the stored body, as it was hashed
//! ```

use async_nats::HeaderMap;
use bytes::Bytes;
use theazo_domain::{CommitId, StreamId};
use theazo_log::{Hash, LogError, Position, RawCommit};

use crate::subjects::Subjects;

const COMMIT: &str = "Theazo-Commit";
/// What headers come to, at most, with what the protocol puts around them.
pub(crate) const HEADERS: usize = 1_024;

/// A commit on its way to the server.
pub(crate) struct Outgoing {
    pub(crate) subject: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What the header says of a commit: its id, and how it is linked to the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Links {
    pub(crate) id: CommitId,
    pub(crate) previous: Position,
    pub(crate) previous_hash: Hash,
    pub(crate) hash: Hash,
}

/// A commit whose body was not looked at.
pub(crate) struct Envelope {
    pub(crate) stream: StreamId,
    pub(crate) links: Links,
}

impl Outgoing {
    pub(crate) fn new(subject: String, stream: &StreamId, links: Links, body: Bytes) -> Self {
        let mut headers = headers(stream, links);
        let previous = links.previous;
        headers
            .insert(async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, previous.to_string());
        Self { subject, headers, body }
    }

    /// A commit of another log for its place here. It expects the whole log's end, and not its
    /// stream's: what goes before it in its stream may still be on its way. So may the one `before`
    /// it in the log, and then that is what must be there, and nobody else's.
    pub(crate) fn in_its_place(
        subject: String,
        raw: &RawCommit,
        before: Option<&RawCommit>,
    ) -> Self {
        use async_nats::header::{NATS_EXPECTED_LAST_MESSAGE_ID, NATS_EXPECTED_LAST_SEQUENCE};

        let RawCommit { position, previous, stream, id, body, previous_hash, hash } = raw;
        let links =
            Links { id: *id, previous: *previous, previous_hash: *previous_hash, hash: *hash };
        let mut headers = headers(stream, links);
        headers.insert(NATS_EXPECTED_LAST_SEQUENCE, position.0.saturating_sub(1).to_string());
        if let Some(RawCommit { stream, id, .. }) = before {
            headers.insert(NATS_EXPECTED_LAST_MESSAGE_ID, message_id(stream, *id));
        }
        Self { subject, headers, body: Bytes::from(body.clone()) }
    }
}

fn headers(stream: &StreamId, links: Links) -> HeaderMap {
    let Links { id, previous, previous_hash, hash } = links;
    let mut headers = HeaderMap::new();
    headers.insert(async_nats::header::NATS_MESSAGE_ID, message_id(stream, id));
    headers.insert(COMMIT, format!("{id} {previous} {previous_hash} {hash}"));
    headers
}

fn message_id(stream: &StreamId, id: CommitId) -> String {
    format!("{stream}:{id}")
}

/// The commit in a message that is at `position` on `subject`.
///
/// # Errors
/// [`LogError::Corrupt`] for what is no commit.
pub(crate) fn parse(
    subjects: &Subjects,
    subject: &str,
    position: Position,
    headers: Option<&HeaderMap>,
    body: Bytes,
) -> Result<RawCommit, LogError> {
    envelope(subjects, subject, position, headers)?.with(position, body)
}

/// What the message's subject and header say.
///
/// # Errors
/// [`LogError::Corrupt`] for what is no commit.
pub(crate) fn envelope(
    subjects: &Subjects,
    subject: &str,
    position: Position,
    headers: Option<&HeaderMap>,
) -> Result<Envelope, LogError> {
    let corrupt = |reason: &str| LogError::Corrupt { position, reason: reason.to_owned() };
    let stream = subjects.parse(subject).ok_or_else(|| corrupt("its subject is no stream's"))?;
    let line = headers.and_then(|headers| headers.get(COMMIT));
    let line = line.ok_or_else(|| corrupt("it was not written by Theazo"))?;
    let links = Links::parse(line.as_str());
    Ok(Envelope { stream, links: links.ok_or_else(|| corrupt("its header cannot be read"))? })
}

impl Envelope {
    pub(crate) fn with(self, position: Position, body: Bytes) -> Result<RawCommit, LogError> {
        let corrupt =
            |_| LogError::Corrupt { position, reason: "its body is not UTF-8 text".to_owned() };
        let body = String::from_utf8(body.into()).map_err(corrupt)?;
        let Self { stream, links: Links { id, previous, previous_hash, hash } } = self;
        Ok(RawCommit { position, previous, stream, id, body, previous_hash, hash })
    }
}

impl Links {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let id = words.next()?.parse().ok()?;
        let previous = Position(words.next()?.parse().ok()?);
        let previous_hash = words.next()?.parse().ok()?;
        let hash = words.next()?.parse().ok()?;
        words.next().is_none().then_some(Self { id, previous, previous_hash, hash })
    }
}

/// Where a message that a consumer gave is: from the subject for its acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) position: Position,
    /// Its number among those that the consumer has given, from 1.
    pub(crate) number: u64,
    /// How many the consumer will give after it, as far as it knows.
    pub(crate) pending: u64,
}

impl Delivered {
    /// `$JS.ACK.<stream>.<consumer>.<tries>.<sequence>.<number>.<time>.<pending>`, or since 2.10
    /// perhaps with domain and account after `ACK`, and more at the end.
    pub(crate) fn parse(reply: &str) -> Option<Self> {
        let tokens: Vec<&str> = reply.split('.').collect();
        let rest = match tokens.as_slice() {
            ["$JS", "ACK", rest @ ..] if rest.len() == 7 => &rest[3..],
            ["$JS", "ACK", _, _, rest @ ..] if rest.len() >= 7 => &rest[3..],
            _ => return None,
        };
        Some(Self {
            position: Position(rest[0].parse().ok()?),
            number: rest[1].parse().ok()?,
            pending: rest[3].parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use theazo_log::conformance::fixtures::{fresh_id, scope, session};

    use super::*;

    #[test]
    fn a_commit_is_read_as_it_was_written() {
        let subjects = Subjects::new("log");
        let (stream, id) = (session(scope(0), 1), fresh_id());
        let (one, two) = (Hash::content(b"1"), Hash::content(b"2"));
        let subject = subjects.stream(&stream);
        let links = Links { id, previous: Position(7), previous_hash: one, hash: two };
        let out = Outgoing::new(subject.clone(), &stream, links, Bytes::new());
        let raw = parse(&subjects, &subject, Position(9), Some(&out.headers), "{}".into()).unwrap();
        let wanted = RawCommit {
            position: Position(9),
            previous: Position(7),
            stream,
            id,
            body: "{}".to_owned(),
            previous_hash: one,
            hash: two,
        };
        assert_eq!(raw, wanted);
    }

    #[test]
    fn what_is_no_commit_is_said_to_be_none() {
        let subjects = Subjects::new("log");
        let subject = subjects.stream(&session(scope(0), 1));
        let foreign = parse(&subjects, &subject, Position(3), None, "{}".into()).unwrap_err();
        assert!(foreign.to_string().contains("position 3"), "{foreign}");
        assert!(parse(&subjects, "log.x", Position(3), None, "{}".into()).is_err());
    }

    #[test]
    fn both_forms_of_a_delivery_are_read() {
        let wanted = Delivered { position: Position(42), number: 7, pending: 3 };
        for reply in [
            "$JS.ACK.LOG.c.1.42.7.1700000000000.3",
            "$JS.ACK._.AbCdE.LOG.c.1.42.7.1700000000000.3",
            "$JS.ACK.hub.AbCdE.LOG.c.1.42.7.1700000000000.3.rand",
        ] {
            assert_eq!(Delivered::parse(reply), Some(wanted), "{reply}");
        }
        assert_eq!(Delivered::parse("_INBOX.a.b"), None);
    }
}
