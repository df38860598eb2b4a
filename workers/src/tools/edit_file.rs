//! `edit_file`: an exact replacement in a file of the agent's workspace.

use std::sync::LazyLock;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::locks::FileLocks;
use super::paths::absolute;
use super::read_file::read_text;
use super::sandbox::{Refusal, answer, parse, tell, within};
use super::{Tool, ToolContext, ToolError, ToolOutput, ToolSpec};

/// Replacements that are shown; more are counted.
const SHOWN: usize = 5;
/// Lines around a replacement that are shown.
const AROUND: usize = 2;
/// Lines of one replacement that are shown, of the old and of the new, each.
const MAX_LINES: usize = 40;

static SPEC: LazyLock<ToolSpec> = LazyLock::new(|| ToolSpec {
    name: "edit_file",
    description: "Replace old_text with new_text in a text file. old_text must be in the file \
        exactly as given, blanks and line breaks included, and only once unless replace_all is \
        set. Read the file first. To write a whole file use write_file.",
    input_schema: json!({
        "type": "object",
        "properties": {
            "path": {
                "type": "string", "minLength": 1,
                "description": "Below /workspace; a relative path starts there."
            },
            "old_text": {
                "type": "string", "minLength": 1,
                "description": "With enough lines around it to be unique."
            },
            "new_text": { "type": "string", "description": "May be empty, to delete." },
            "replace_all": { "type": "boolean", "description": "Replace every match." }
        },
        "required": ["path", "old_text", "new_text"],
        "additionalProperties": false
    }),
    repeatable: false,
    mutates: true,
});

#[derive(Deserialize)]
struct Input {
    path: String,
    old_text: String,
    new_text: String,
    #[serde(default)]
    replace_all: bool,
}

pub struct EditFile(pub FileLocks);

#[async_trait]
impl Tool for EditFile {
    fn spec(&self) -> &ToolSpec {
        &SPEC
    }

    async fn call(&self, context: &ToolContext, input: Value) -> Result<ToolOutput, ToolError> {
        answer(edit(&self.0, context, input).await)
    }
}

async fn edit(
    locks: &FileLocks,
    context: &ToolContext,
    input: Value,
) -> Result<ToolOutput, Refusal> {
    let input: Input = parse(input)?;
    let path = absolute(&input.path)?;
    let _guard = locks.lock(&context.sandbox, &path).await;
    let text = read_text(context, &path).await?;
    let edited = replace(&path, &text, &input)?;
    let data = Bytes::from(edited.text);
    within(context, context.provider.write_file(&context.sandbox, &path, data)).await?;
    Ok(ToolOutput::text(edited.report))
}

#[derive(Debug)]
struct Edited {
    text: String,
    /// What changed, for the model.
    report: String,
}

fn replace(path: &str, text: &str, input: &Input) -> Result<Edited, Refusal> {
    let Input { old_text, new_text, replace_all, .. } = input;
    if old_text == new_text {
        return tell("old_text and new_text are the same: nothing would change.");
    }
    let places: Vec<usize> = text.match_indices(old_text.as_str()).map(|(at, _)| at).collect();
    match places.as_slice() {
        [] => return tell(missing(path, text, old_text)),
        [_] => {}
        _ if *replace_all => {}
        [..] => {
            let lines: Vec<String> =
                places.iter().take(10).map(|at| line_of(text, *at).to_string()).collect();
            let more = if places.len() > 10 { ", …" } else { "" };
            return tell(format!(
                "old_text is in {path} {} times (at lines {}{more}). Add lines around it to make \
                 it unique, or set replace_all.",
                places.len(),
                lines.join(", ")
            ));
        }
    }
    let mut report = match places.len() {
        1 => format!("edited {path}\n"),
        n => format!("edited {path}: replaced {n} times\n"),
    };
    for at in places.iter().take(SHOWN) {
        report.push_str(&change(text, *at, old_text, new_text));
    }
    if places.len() > SHOWN {
        report.push_str(&format!("… and {} more\n", places.len() - SHOWN));
    }
    Ok(Edited { text: text.replace(old_text.as_str(), new_text), report })
}

/// The line, from 1, that holds byte `at`.
fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Why `old_text` is not found, as far as it can be guessed.
fn missing(path: &str, text: &str, old_text: &str) -> String {
    let mut message = format!("old_text is not in {path}; it must match exactly.");
    if text.contains("\r\n") && text.contains(&old_text.replace("\r\n", "\n").replace('\n', "\r\n"))
    {
        message.push_str(" The file's lines end with \\r\\n; write them so in old_text.");
        return message;
    }
    let first = old_text.lines().map(str::trim).find(|line| !line.is_empty());
    let near = first.and_then(|first| text.lines().position(|line| line.trim() == first));
    match near {
        Some(line) => message.push_str(&format!(
            " Its first line is at line {} of the file, but the blanks or what follows differ: \
             read the file again.",
            line + 1
        )),
        None => message.push_str(" Read the file again: it may have changed."),
    }
    message
}

/// One replacement as a diff of whole lines.
fn change(text: &str, at: usize, old_text: &str, new_text: &str) -> String {
    let end = at + old_text.len();
    let start_of_line = text[..at].rfind('\n').map_or(0, |cut| cut + 1);
    // A match that ends with its line has none of the next.
    let end_of_line = match old_text.ends_with('\n') {
        true => end - 1,
        false => text[end..].find('\n').map_or(text.len(), |cut| end + cut),
    };
    let old = &text[start_of_line..end_of_line];
    let rest = if old_text.ends_with('\n') { "" } else { &text[end..end_of_line] };
    let new = format!("{}{new_text}{rest}", &text[start_of_line..at]);
    let new = if old_text.ends_with('\n') { new.strip_suffix('\n').unwrap_or(&new) } else { &new };
    let before: Vec<&str> = text[..start_of_line].lines().rev().take(AROUND).collect();
    let after = text.get(end_of_line + 1..).unwrap_or_default();

    let mut diff = format!("@@ line {} @@\n", line_of(text, at));
    for line in before.iter().rev() {
        diff.push_str(&format!(" {line}\n"));
    }
    push_lines(&mut diff, '-', old);
    if !(new.is_empty() && new_text.is_empty()) {
        push_lines(&mut diff, '+', new);
    }
    for line in after.lines().take(AROUND) {
        diff.push_str(&format!(" {line}\n"));
    }
    diff
}

fn push_lines(diff: &mut String, sign: char, text: &str) {
    let mut lines = text.split('\n');
    for line in lines.by_ref().take(MAX_LINES) {
        diff.push_str(&format!("{sign}{line}\n"));
    }
    let more = lines.count();
    if more > 0 {
        diff.push_str(&format!("{sign}… {more} more lines\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(text: &str, old: &str, new: &str, all: bool) -> Result<(String, String), String> {
        let input = Input {
            path: String::new(),
            old_text: old.into(),
            new_text: new.into(),
            replace_all: all,
        };
        match replace("/workspace/x", text, &input) {
            Ok(edited) => Ok((edited.text, edited.report)),
            Err(Refusal::Tell(message)) => Err(message),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_match_is_replaced_and_shown() {
        let (text, report) = replaced("a\nb\nc = 1\nd\ne\nf\n", "= 1", "= 2", false).unwrap();
        assert_eq!(text, "a\nb\nc = 2\nd\ne\nf\n");
        let diff = "edited /workspace/x\n@@ line 3 @@\n a\n b\n-c = 1\n+c = 2\n d\n e\n";
        assert_eq!(report, diff);
    }

    #[test]
    fn whole_lines_are_shown_as_such() {
        let (text, report) = replaced("a\nb\nc\n", "b\n", "", false).unwrap();
        assert_eq!(text, "a\nc\n");
        assert_eq!(report, "edited /workspace/x\n@@ line 2 @@\n a\n-b\n c\n");
        let (_, report) = replaced("a\nb\nc\n", "b\n", "x\ny\n", false).unwrap();
        assert_eq!(report, "edited /workspace/x\n@@ line 2 @@\n a\n-b\n+x\n+y\n c\n");
        let (text, report) = replaced("über", "ü", "ö", false).unwrap();
        assert_eq!(
            (text.as_str(), report.as_str()),
            ("öber", "edited /workspace/x\n@@ line 1 @@\n-über\n+öber\n")
        );
    }

    #[test]
    fn more_matches_need_a_word() {
        let refused = replaced("x\ny\nx\n", "x", "z", false).unwrap_err();
        assert!(refused.starts_with("old_text is in /workspace/x 2 times (at lines 1, 3)."));
        let (text, report) = replaced("x\ny\nx\n", "x", "z", true).unwrap();
        assert_eq!(text, "z\ny\nz\n");
        assert!(report.starts_with("edited /workspace/x: replaced 2 times\n@@ line 1 @@\n"));
        let (_, report) = replaced(&"x\n".repeat(9), "x", "z", true).unwrap();
        assert!(report.ends_with("… and 4 more\n"));
    }

    #[test]
    fn what_is_missing_is_explained() {
        let refused = |text, old| replaced(text, old, "z", false).unwrap_err();
        assert!(refused("a\n\tb\n", "  b").contains("at line 2 of the file"));
        assert!(refused("a\r\nb\r\n", "a\nb").contains("\\r\\n"));
        assert!(refused("a", "q").contains("it may have changed"));
        assert!(replaced("a", "a", "a", false).unwrap_err().contains("the same"));
    }
}
