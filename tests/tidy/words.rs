//! Words that must not be in the code, with what to do instead.

use crate::source::{files, read, sources};

/// Written apart, so that this file does not have them.
const BANNED: &[(&str, &str, &str)] = &[
    ("to", "do!(", "do it"),
    ("unimple", "mented!(", "implement it, or do not offer it"),
    ("FIX", "ME", "fix it"),
    ("TO", "DO", "do it, or open an issue"),
    ("XX", "X:", "say what it is"),
    ("dbg", "!(", "use tracing"),
    ("print", "ln!(\"DEBUG", "use tracing"),
    ("#[ign", "ore", "a test runs, or says what the machine lacks"),
];

#[test]
fn no_banned_word_is_in_the_code() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            for (a, b, instead) in BANNED {
                if line.contains(&format!("{a}{b}")) {
                    wrong.push(format!("{}:{}: {a}{b}: {instead}", source.path, number + 1));
                }
            }
        }
    }
    for path in files("sh").iter().chain(&files("toml")) {
        if read(path).contains(concat!("FIX", "ME")) {
            wrong.push(format!("{path}: {}", concat!("FIX", "ME")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A lint that is switched off says why.
#[test]
fn every_lint_that_is_switched_off_has_a_reason() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let text = source.code();
        for (at, _) in text.match_indices("#[expect(").chain(text.match_indices("#[allow(")) {
            let attribute = text[at..].split(")]").next().unwrap_or_default();
            if !attribute.contains("reason") {
                let line = text[..at].lines().count();
                wrong.push(format!("{}:{line}: {attribute})]", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "say why, with `reason = \"…\"`:\n{}", wrong.join("\n"));
}
