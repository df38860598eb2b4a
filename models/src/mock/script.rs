//! From a user's text to what the mock does in each turn.

use std::time::Duration;

use crate::contract::ModelErrorKind;

/// The longest wait before a chunk.
const MAX_SLOW: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Say(String),
    Think(String),
    Echo,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Ending {
    /// With its calls, or with what was said.
    #[default]
    Normal,
    Fail(Fail),
    Refuse(String),
    MaxTokens,
    Pause,
}

/// A failure to order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fail {
    pub kind: ModelErrorKind,
    pub status: Option<u16>,
    pub message: String,
}

/// One turn of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    pub pieces: Vec<Piece>,
    /// Names and arguments.
    pub calls: Vec<(String, String)>,
    pub ending: Ending,
    /// After so many pieces it fails; asked again, it does the whole turn.
    pub fail_once: Option<(usize, Fail)>,
    /// It is the last one, and comes again and again.
    pub forever: bool,
    pub slow: Duration,
    /// Tokens in and out.
    pub usage: Option<(u64, u64)>,
}

impl Step {
    fn say(text: impl Into<String>) -> Self {
        Self { pieces: vec![Piece::Say(text.into())], ..Self::default() }
    }

    fn is_over(&self) -> bool {
        self.ending != Ending::Normal || self.forever
    }

    fn is_blank(&self) -> bool {
        let says = !self.pieces.is_empty() || !self.calls.is_empty() || self.is_over();
        !says && self.fail_once.is_none()
    }
}

/// What is to be done in the turn after `answers` answers to `text`.
pub fn step(text: &str, answers: usize) -> Step {
    let Some(script) = parse(text) else {
        return Step::say(plain(text));
    };
    let last = script.last().cloned().unwrap_or_default();
    match script.into_iter().nth(answers) {
        Some(step) => step,
        None if last.forever => last,
        None => Step { slow: last.slow, usage: last.usage, ..Step::say("mock: done") },
    }
}

fn plain(text: &str) -> String {
    const WORDS: usize = 12;
    let mut words = text.split_whitespace();
    let first: Vec<&str> = words.by_ref().take(WORDS).collect();
    let more = if words.next().is_some() { " …" } else { "" };
    format!("mock: {}{more}", first.join(" "))
}

/// `None` when the text has no directive.
fn parse(text: &str) -> Option<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut step = Step::default();
    let mut found = false;
    for line in text.lines() {
        let Some((directive, rest)) = directive(line) else { continue };
        found = true;
        let after_calls = !step.calls.is_empty() && directive != "tool";
        if !step.is_blank() && (after_calls || step.is_over() || directive == "then") {
            let next = Step { slow: step.slow, usage: step.usage, ..Step::default() };
            steps.push(std::mem::replace(&mut step, next));
        }
        apply(&mut step, directive, rest);
        if step.forever {
            break;
        }
    }
    if !step.is_blank() {
        steps.push(step);
    } else if steps.is_empty() && found {
        // Only settings: they hold for the answer.
        steps.push(Step { pieces: vec![Piece::Say("mock: done".to_owned())], ..step });
    }
    found.then_some(steps)
}

/// Whether a text tells the mock what to do.
pub fn is_script(text: &str) -> bool {
    text.lines().any(|line| directive(line).is_some())
}

fn directive(line: &str) -> Option<(&str, &str)> {
    const ALL: [&str; 14] = [
        "say",
        "think",
        "echo",
        "tool",
        "forever",
        "then",
        "fail",
        "fail-once",
        "fail_once",
        "refuse",
        "max_tokens",
        "pause",
        "slow",
        "usage",
    ];
    let line = line.trim().strip_prefix('@')?;
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    ALL.contains(&word).then(|| (word, rest.trim()))
}

fn apply(step: &mut Step, directive: &str, rest: &str) {
    let call = || {
        let (name, json) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let json = json.trim();
        (name.to_owned(), if json.is_empty() { "{}" } else { json }.to_owned())
    };
    match directive {
        "say" => step.pieces.push(Piece::Say(rest.to_owned())),
        "think" => step.pieces.push(Piece::Think(rest.to_owned())),
        "echo" => step.pieces.push(Piece::Echo),
        "tool" => step.calls.push(call()),
        "forever" => {
            step.calls.push(call());
            step.forever = true;
        }
        "fail" => step.ending = Ending::Fail(fail(rest)),
        "fail-once" | "fail_once" => step.fail_once = Some((step.pieces.len(), fail(rest))),
        "refuse" => step.ending = Ending::Refuse(rest.to_owned()),
        "max_tokens" => step.ending = Ending::MaxTokens,
        "pause" => step.ending = Ending::Pause,
        "slow" => {
            step.slow = Duration::from_millis(rest.parse().unwrap_or(0)).min(MAX_SLOW);
        }
        "usage" => {
            let mut numbers = rest.split_whitespace().map_while(|n| n.parse().ok());
            step.usage = numbers.next().zip(numbers.next());
        }
        // `@then` has done its work.
        _ => {}
    }
}

fn fail(rest: &str) -> Fail {
    let (code, message) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (kind, status) = match code {
        "400" => (ModelErrorKind::Invalid, Some(400)),
        "401" | "403" => (ModelErrorKind::Auth, code.parse().ok()),
        "402" => (ModelErrorKind::Billing, Some(402)),
        "404" => (ModelErrorKind::NoModel, Some(404)),
        "408" => (ModelErrorKind::Timeout, Some(408)),
        "413" => (ModelErrorKind::ContextFull, Some(413)),
        "429" => (ModelErrorKind::RateLimited, Some(429)),
        "500" | "502" => (ModelErrorKind::Server, code.parse().ok()),
        "503" | "529" => (ModelErrorKind::Overloaded, code.parse().ok()),
        name => match serde_json::from_value(name.into()) {
            Ok(kind) => (kind, None),
            Err(_) => {
                let message = format!("mock: `{name}` is not an error that it knows");
                return Fail { kind: ModelErrorKind::Invalid, status: None, message };
            }
        },
    };
    let message = if message.is_empty() { format!("mock: {code}") } else { message.to_owned() };
    Fail { kind, status, message }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(name: &str, json: &str) -> (String, String) {
        (name.to_owned(), json.to_owned())
    }

    #[test]
    fn plain_text_is_answered_with_its_first_words() {
        assert_eq!(step("hello  there\nyou", 0), Step::say("mock: hello there you"));
        let long = "w ".repeat(20);
        assert_eq!(step(&long, 0).pieces, [Piece::Say(format!("mock: {}…", "w ".repeat(12)))]);
        assert_eq!(step("@john, hello", 3), Step::say("mock: @john, hello"));
    }

    #[test]
    fn the_example_of_the_documentation() {
        let text = "do:\n@tool read_file {\"path\": \"a\"}\n@tool read_file {\"path\": \"b\"}\n\
            @then\n  @tool write_file {\"path\": \"c\"}\n@say written";
        let reads = [call("read_file", r#"{"path": "a"}"#), call("read_file", r#"{"path": "b"}"#)];
        assert_eq!(step(text, 0).calls, reads);
        assert_eq!(step(text, 1).calls, [call("write_file", r#"{"path": "c"}"#)]);
        assert_eq!(step(text, 2), Step::say("written"));
        assert_eq!(step(text, 3), Step::say("mock: done"));
    }

    #[test]
    fn text_may_come_before_calls_and_endings() {
        let text =
            "@slow 5\n@think hm\n@say a\n@tool t\n@echo\n@fail 529 busy\n@max_tokens\n@pause";
        let first = step(text, 0);
        assert_eq!(first.pieces, [Piece::Think("hm".into()), Piece::Say("a".into())]);
        assert_eq!(first.calls, [call("t", "{}")]);
        let second = step(text, 1);
        assert_eq!((&second.pieces[..], second.slow.as_millis()), (&[Piece::Echo][..], 5));
        let Ending::Fail(Fail { kind, status, message }) = second.ending else { panic!() };
        assert_eq!((kind, status), (ModelErrorKind::Overloaded, Some(529)));
        assert_eq!(message, "busy");
        assert_eq!(step(text, 2).ending, Ending::MaxTokens);
        assert_eq!(step(text, 3).ending, Ending::Pause);
    }

    #[test]
    fn for_ever_is_for_ever() {
        let text = "@say x\n@then\n@forever t {\"a\":1}\n@say never";
        assert_eq!(step(text, 0), Step::say("x"));
        for answers in [1, 2, 50] {
            assert_eq!(step(text, answers).calls, [call("t", "{\"a\":1}")]);
        }
    }

    #[test]
    fn settings_alone_are_a_script() {
        let done = step("@slow 7\n@usage 10 20", 0);
        assert_eq!((done.slow.as_millis(), done.usage), (7, Some((10, 20))));
        assert_eq!(done.pieces, [Piece::Say("mock: done".into())]);
        assert_eq!(step("@usage 10 20\n@say x", 1).usage, Some((10, 20)));
        let Ending::Fail(fail) = step("@fail nonsense", 0).ending else { panic!() };
        assert_eq!(fail.kind, ModelErrorKind::Invalid);
        let once = step("@say a\n@fail-once timeout\n@say b", 0);
        let (after, fail) = once.fail_once.unwrap();
        assert_eq!((after, fail.kind, once.pieces.len()), (1, ModelErrorKind::Timeout, 2));
    }

    proptest! {
        #[test]
        fn never_panics(
            lines in prop::collection::vec("@?(say|tool|forever|then|fail|slow|usage|é)? ?.{0,9}", 0..9),
            answers in 0usize..9,
        ) {
            step(&lines.join("\n"), answers);
        }
    }
}
