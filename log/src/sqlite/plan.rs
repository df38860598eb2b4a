//! Decides a batch: which appends win, and what the others are answered. Pure.

use std::collections::HashMap;

use theazo_domain::{CommitId, StreamId};

use super::heads::Head;
use crate::{Hash, Position};

/// An append, as far as the decision needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) stream: &'a StreamId,
    pub(super) expected: Position,
    pub(super) id: CommitId,
    /// [`Hash::content`] of its body.
    pub(super) content: Hash,
}

/// What an append comes to, once the batch is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Written(Link),
    /// The same id in the same stream as this candidate of the batch, which is written.
    SameAs(usize),
    /// Its id is in its stream already, at this position.
    Stored(Position),
    Conflict {
        actual: Position,
    },
}

/// The place that a written commit gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) position: Position,
    pub(super) previous: Position,
    pub(super) origin: Position,
    pub(super) previous_hash: Hash,
    pub(super) hash: Hash,
}

/// The decision about a batch.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// One for each candidate, in order.
    pub(super) outcomes: Vec<Outcome>,
    /// Where the streams that the batch writes to end after it.
    pub(super) heads: HashMap<StreamId, Head>,
    /// How many are written.
    pub(super) writes: usize,
    /// The log's last position before the batch: what is durable whatever becomes of it.
    pub(super) base: Position,
}

impl Plan {
    pub(super) fn has_conflicts(&self) -> bool {
        self.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Conflict { .. }))
    }

    /// Those of `candidates`, which this is the plan of, that are in conflict.
    pub(super) fn conflicts<'a>(
        &self,
        candidates: &[Candidate<'a>],
    ) -> impl Iterator<Item = Candidate<'a>> {
        candidates
            .iter()
            .zip(&self.outcomes)
            .filter(|(_, outcome)| matches!(outcome, Outcome::Conflict { .. }))
            .map(|(candidate, _)| *candidate)
    }
}

/// Decides `candidates` in order, each on the state that those before it leave.
///
/// `heads` are those of the streams that have commits; a stream that is missing is taken to be
/// empty, which the insert checks. `stored` are the ids that are known to be in their streams.
pub(super) fn plan(
    candidates: &[Candidate<'_>],
    heads: &HashMap<StreamId, Head>,
    stored: &HashMap<(Position, CommitId), Position>,
    last: Position,
) -> Plan {
    let outcomes = Vec::with_capacity(candidates.len());
    let mut plan = Plan { outcomes, base: last, ..Plan::default() };
    let mut ids: HashMap<(&StreamId, CommitId), usize> = HashMap::new();
    let mut next = last.0;
    for (index, candidate) in candidates.iter().enumerate() {
        let Candidate { stream, expected, id, content } = *candidate;
        let head = plan.heads.get(stream).or_else(|| heads.get(stream)).copied();
        let revision = head.map_or(Position::START, |head| head.revision);
        let known = head.and_then(|head| stored.get(&(head.origin, id)));
        let outcome = if let Some(earlier) = ids.get(&(stream, id)) {
            Outcome::SameAs(*earlier)
        } else if let Some(position) = known {
            Outcome::Stored(*position)
        } else if expected != revision {
            Outcome::Conflict { actual: revision }
        } else {
            next += 1;
            let position = Position(next);
            let origin = head.map_or(position, |head| head.origin);
            let previous_hash = head.map_or(Hash::default(), |head| head.hash);
            let hash = Hash::link(previous_hash, content);
            ids.insert((stream, id), index);
            plan.heads.insert(stream.clone(), Head { origin, revision: position, hash });
            plan.writes += 1;
            Outcome::Written(Link { position, previous: revision, origin, previous_hash, hash })
        };
        plan.outcomes.push(outcome);
    }
    plan
}

#[cfg(test)]
mod tests {
    use theazo_domain::{Kind, Mode, OrgId, Scope};
    use uuid::Uuid;

    use super::*;

    const LAST: Position = Position(10);

    fn stream(name: &str) -> StreamId {
        let scope = Scope { org: OrgId::from_uuid(Uuid::from_u128(1)), mode: Mode::Live };
        StreamId::new(scope, Kind::Session, name).unwrap()
    }

    fn id(n: u128) -> CommitId {
        CommitId::from_uuid(Uuid::from_u128(n))
    }

    fn at(stream: &StreamId, expected: u64, n: u128) -> Candidate<'_> {
        let content = Hash::content(&n.to_be_bytes());
        Candidate { stream, expected: Position(expected), id: id(n), content }
    }

    /// `old` has commits 4 and 7, the log ends at 10.
    fn heads() -> HashMap<StreamId, Head> {
        let head = Head {
            origin: Position(4),
            revision: Position(7),
            hash: Hash::content(b"the seventh"),
        };
        HashMap::from([(stream("old"), head)])
    }

    fn places(plan: &Plan) -> Vec<Result<u64, Outcome>> {
        let place = |outcome: &Outcome| match outcome {
            Outcome::Written(link) => Ok(link.position.0),
            other => Err(*other),
        };
        plan.outcomes.iter().map(place).collect()
    }

    #[test]
    fn appends_to_one_stream_build_on_each_other() {
        let old = stream("old");
        let batch = [at(&old, 7, 1), at(&old, 11, 2), at(&old, 7, 3), at(&old, 12, 4)];
        let plan = plan(&batch, &heads(), &HashMap::new(), LAST);
        let lost = Outcome::Conflict { actual: Position(12) };
        assert_eq!(places(&plan), [Ok(11), Ok(12), Err(lost), Ok(13)]);
        let links: Vec<Link> = plan
            .outcomes
            .iter()
            .filter_map(
                |outcome| if let Outcome::Written(link) = outcome { Some(*link) } else { None },
            )
            .collect();
        assert_eq!(links[0].previous_hash, Hash::content(b"the seventh"));
        assert_eq!(links[1].previous_hash, links[0].hash);
        assert_eq!(links[2].previous, Position(12));
        assert!(links.iter().all(|link| link.origin == Position(4)));
        assert_eq!((plan.writes, plan.base), (3, LAST));
        assert_eq!(plan.heads[&old].revision, Position(13));
    }

    #[test]
    fn a_new_stream_is_numbered_by_its_first_commit() {
        let (new, old) = (stream("new"), stream("old"));
        let batch = [at(&old, 7, 1), at(&new, 0, 2), at(&new, 12, 3), at(&new, 0, 4)];
        let plan = plan(&batch, &heads(), &HashMap::new(), LAST);
        let lost = Outcome::Conflict { actual: Position(13) };
        assert_eq!(places(&plan), [Ok(11), Ok(12), Ok(13), Err(lost)]);
        assert_eq!(plan.heads[&new].origin, Position(12));
    }

    #[test]
    fn a_repeat_is_known_from_the_batch_and_from_the_file() {
        let (new, old) = (stream("new"), stream("old"));
        let stored = HashMap::from([((Position(4), id(9)), Position(4))]);
        let batch = [
            at(&old, 7, 9),
            at(&old, 0, 9),
            at(&old, 7, 1),
            at(&old, 7, 1),
            at(&old, 11, 1),
            at(&new, 0, 9),
        ];
        let plan = plan(&batch, &heads(), &stored, LAST);
        let (known, same) = (Outcome::Stored(Position(4)), Outcome::SameAs(2));
        let wanted = [Err(known), Err(known), Ok(11), Err(same), Err(same), Ok(12)];
        assert_eq!(places(&plan), wanted);
    }

    #[test]
    fn a_conflict_leaves_nothing_behind() {
        let (new, old) = (stream("new"), stream("old"));
        let plan = plan(&[at(&old, 4, 1), at(&new, 7, 2)], &heads(), &HashMap::new(), LAST);
        assert!(plan.has_conflicts() && plan.heads.is_empty());
        assert_eq!(plan.writes, 0);
    }
}
