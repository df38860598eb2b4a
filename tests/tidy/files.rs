//! How long files, functions and lines are.

use crate::source::{Source, sources};

/// Without tests.
const FILE_LIMIT: usize = 800;
/// From here on a file is asked why.
const FILE_ASK: usize = 400;
const FUNCTION_LIMIT: usize = 70;
const COLUMNS: usize = 100;

/// Files above [`FILE_ASK`] lines that have a reason to be.
const LARGE: &[&str] = &[];

#[test]
fn no_file_is_too_long() {
    let mut wrong = Vec::new();
    for source in sources() {
        let lines = source.code().lines().count();
        let listed = LARGE.contains(&source.path.as_str());
        if lines > FILE_LIMIT {
            wrong.push(format!("{}: {lines} lines; at most {FILE_LIMIT}: split it", source.path));
        } else if lines > FILE_ASK && !listed {
            wrong.push(format!("{}: {lines} lines; split it below {FILE_ASK}", source.path));
        } else if lines <= FILE_ASK && listed {
            wrong.push(format!("{}: {lines} lines now: take it off LARGE", source.path));
        }
    }
    for path in LARGE {
        if !sources().iter().any(|source| source.path == *path) {
            wrong.push(format!("{path} is gone: take it off LARGE"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_function_is_too_long() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (line, name, length) in functions(&source) {
            if length > FUNCTION_LIMIT {
                let path = &source.path;
                wrong.push(format!("{path}:{line}: {name} has {length} lines: take parts out"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_line_is_too_wide() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.code().lines().enumerate() {
            // A URL cannot be broken.
            if line.chars().count() > COLUMNS && !line.contains("://") {
                wrong.push(format!("{}:{}", source.path, number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "wider than {COLUMNS} columns:\n{}", wrong.join("\n"));
}

/// The functions of formatted code: line, name, lines. A body ends with the `}` that is indented
/// like its `fn`.
fn functions(source: &Source) -> Vec<(usize, String, usize)> {
    let lines: Vec<&str> = source.code().lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let head = lines[start..].iter().position(|l| l.ends_with(['{', ';', '}']));
        let Some(open) = head.map(|offset| start + offset) else { continue };
        if !lines[open].ends_with('{') {
            continue;
        }
        let close = lines[open..].iter().position(|l| *l == format!("{indent}}}"));
        if let Some(close) = close {
            found.push((start + 1, name, close + 1));
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let modifier = |word: &str| {
        matches!(word, "pub" | "const" | "async" | "unsafe" | "extern" | "\"C\"")
            || word.starts_with("pub(")
    };
    words.by_ref().find(|word| !modifier(word)).filter(|word| *word == "fn")?;
    let name = words.next()?;
    Some(name.split(['(', '<']).next().unwrap_or(name).to_owned())
}

#[test]
fn functions_are_found() {
    let text = r"impl A {
    pub async fn a(
        b: u8,
    ) -> u8 {
        b
    }

    fn c();
}
";
    let source = Source { path: "a.rs".to_owned(), text: text.to_owned() };
    assert_eq!(functions(&source), [(2, "a".to_owned(), 3)]);
}
