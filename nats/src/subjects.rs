//! Streams and filters as subjects.

use theazo_domain::{Kind, StreamId};
use theazo_log::Filter;

/// The subjects of one log: `<prefix>.<org>.<mode>.<kind>.<key>`.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    prefix: String,
}

impl Subjects {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Every commit's.
    pub(crate) fn all(&self) -> String {
        format!("{}.*.*.*.*", self.prefix)
    }

    pub(crate) fn stream(&self, stream: &StreamId) -> String {
        format!("{}.{stream}", self.prefix)
    }

    /// The one subject that has all of what `filter` wants, and more when that is of several kinds;
    /// `None` when it contradicts itself.
    pub(crate) fn filter(&self, filter: &Filter) -> Option<String> {
        let Filter { scope, kinds, stream } = filter;
        if let Some(stream) = stream {
            return filter.matches_stream(stream).then(|| self.stream(stream));
        }
        let scope = scope.map_or("*.*".to_owned(), |s| format!("{}.{}", s.org, s.mode));
        let kind = kinds.single().map_or("*", Kind::as_str);
        Some(format!("{}.{scope}.{kind}.*", self.prefix))
    }

    /// The stream that a commit on `subject` is in.
    pub(crate) fn parse(&self, subject: &str) -> Option<StreamId> {
        subject.strip_prefix(&self.prefix)?.strip_prefix('.')?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use theazo_log::Kinds;
    use theazo_log::conformance::fixtures::{scope, session};

    use super::*;

    #[test]
    fn a_filter_is_one_subject() {
        let subjects = Subjects::new("log");
        let org = scope(0).org;
        let stream = session(scope(0), 7);
        let of_kind = Filter { kinds: Kinds::of(&[Kind::ApiKey]), ..Filter::scope(scope(0)) };
        for (filter, subject) in [
            (Filter::all(), "log.*.*.*.*".to_owned()),
            (Filter::scope(scope(0)), format!("log.{org}.live.*.*")),
            (Filter::kind(Kind::Task), "log.*.*.task.*".to_owned()),
            (Filter::kinds(&[Kind::Task, Kind::Agent]), "log.*.*.*.*".to_owned()),
            (of_kind, format!("log.{org}.live.api_key.*")),
            (Filter::stream(stream.clone()), format!("log.{stream}")),
        ] {
            assert_eq!(subjects.filter(&filter), Some(subject));
        }
        let nothing = Filter { kinds: Kinds::of(&[Kind::Task]), ..Filter::stream(stream) };
        assert_eq!(subjects.filter(&nothing), None);
    }

    #[test]
    fn a_subject_gives_its_stream_back() {
        let subjects = Subjects::new("theazo.log");
        let stream = session(scope(0), 7);
        assert_eq!(subjects.parse(&subjects.stream(&stream)), Some(stream));
        assert_eq!(subjects.parse("theazo.logs.a.live.task.b"), None);
        assert_eq!(subjects.parse("theazo.log.nothing"), None);
    }
}
