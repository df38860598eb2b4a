//! The SDKs' code keeps to the same sizes and words, in its own languages.

use crate::source::{files, read};

const FILE_LIMIT: usize = 400;
const COLUMNS: usize = 100;

/// Written apart, so that this file does not have them.
const BANNED: &[(&str, &str, &str)] = &[
    ("TO", "DO", "do it, or open an issue"),
    ("FIX", "ME", "fix it"),
    ("XX", "X:", "say what it is"),
    (".sk", "ip(", "a test runs, or says what the machine lacks"),
    (".on", "ly(", "all tests run"),
    ("mark.", "skip", "a test runs, or says what the machine lacks"),
    ("@ts-", "ignore", "give it its type"),
    ("@ts-", "nocheck", "give it its type"),
];

/// What is written by hand: paths and texts.
fn written() -> Vec<(String, String)> {
    let paths = ["ts", "mjs", "js", "py"].into_iter().flat_map(files);
    let ours = paths.filter(|path| path.starts_with("sdk/"));
    let found = ours.map(|path| {
        let text = read(&path);
        (path, text)
    });
    found.filter(|(_, text)| !is_generated(text)).collect()
}

/// A generator says so at the beginning of what it writes.
fn is_generated(text: &str) -> bool {
    text.lines().take(4).any(|line| line.contains("do not edit"))
}

#[test]
fn no_file_of_the_sdks_is_too_long_or_too_wide() {
    let mut wrong = Vec::new();
    let written = written();
    assert!(written.len() > 20, "are the SDKs elsewhere now?");
    for (path, text) in written {
        let lines = text.lines().count();
        if lines > FILE_LIMIT {
            wrong.push(format!("{path}: {lines} lines; split it below {FILE_LIMIT}"));
        }
        for (number, line) in text.lines().enumerate() {
            // A URL cannot be broken.
            if line.chars().count() > COLUMNS && !line.contains("://") {
                wrong.push(format!("{path}:{}: wider than {COLUMNS} columns", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_banned_word_is_in_the_sdks() {
    let mut wrong = Vec::new();
    for (path, text) in written() {
        for (number, line) in text.lines().enumerate() {
            for (a, b, instead) in BANNED {
                if line.contains(&format!("{a}{b}")) {
                    wrong.push(format!("{path}:{}: {a}{b}: {instead}", number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
