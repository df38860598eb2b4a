//! A driver: a program of an SDK that makes many calls, and says what came of each.

use std::collections::BTreeSet;

use serde::Deserialize;
use theazo_tests::fault_proxy::FaultProxy;
use theazo_tests::{Value, json};

use super::language::{Language, ended};

/// What became of one call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub call: usize,
    pub kind: Kind,
    pub ok: bool,
    /// Of the task or the session, or the secret's name.
    #[serde(default)]
    pub id: Option<String>,
    /// Of a stream: the ids of its events, in order, and of which type each is.
    #[serde(default)]
    pub events: Vec<String>,
    #[serde(default)]
    pub types: Vec<String>,
    /// Of a stream: all its text.
    #[serde(default)]
    pub text: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Submit,
    Session,
    Secret,
    Read,
    Exec,
    Stream,
}

/// All that a driver said.
pub struct Driven {
    lines: Vec<Line>,
}

impl Driven {
    /// Makes so many calls through the proxy. Each must end well.
    pub async fn by(
        (language, mode): (Language, &str),
        proxy: &FaultProxy,
        key: &str,
        seed: u32,
        calls: usize,
    ) -> Self {
        let mut command = language.program(language.driver());
        command
            .env("THEAZO_BASE_URL", proxy.url())
            .env("THEAZO_API_KEY", key)
            .env("FAULT_MODE", mode)
            .env("FAULT_SEED", seed.to_string())
            .env("FAULT_CALLS", calls.to_string());
        let ended = ended(command).await;
        let faults = proxy.happenings();
        eprintln!("{language:?} ({mode}): {} requests, faults: {faults:?}", proxy.requests());
        let out = ended.expect("the driver");
        let mut lines: Vec<&str> = out.lines().collect();
        let last: Value = serde_json::from_str(lines.pop().unwrap_or_default()).expect(&out);
        assert_eq!(last, json!({ "done": true }), "the driver's last line");
        let lines: Vec<Line> =
            lines.into_iter().map(|line| serde_json::from_str(line).expect(line)).collect();
        let driven = Self { lines };
        driven.must_be_whole(calls);
        driven
    }

    /// Each call has one line, and ended well; there are some of each kind.
    fn must_be_whole(&self, calls: usize) {
        let numbers: BTreeSet<usize> = self.lines.iter().map(|line| line.call).collect();
        assert_eq!((numbers.len(), self.lines.len()), (calls, calls), "each call is told of once");
        for line in &self.lines {
            assert!(line.ok, "{line:?}");
        }
        let kinds: BTreeSet<Kind> = self.lines.iter().map(|line| line.kind).collect();
        assert_eq!(kinds.len(), 6, "{kinds:?}");
    }

    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.kind == kind)
    }
}

impl Line {
    #[track_caller]
    pub fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_else(|| panic!("no id: {self:?}"))
    }
}
