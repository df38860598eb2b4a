//! `read_file`: text from a file of the agent's workspace.

use std::sync::LazyLock;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use theazo_providers::ProviderError;

use super::paths::absolute;
use super::sandbox::{Refusal, answer, parse, tell, within};
use super::{Tool, ToolContext, ToolError, ToolOutput, ToolSpec};

/// The largest file that is read.
const MAX_BYTES: u64 = 8 << 20;
/// Lines that are shown when the model does not say how many.
const DEFAULT_LINES: usize = 2_000;

static SPEC: LazyLock<ToolSpec> = LazyLock::new(|| ToolSpec {
    name: "read_file",
    description: "Read a text file, or some of its lines. It shows 2000 lines unless limit says \
        otherwise, and says when there are more. Files that are not text, or have more than \
        8 MiB, are for run_code.",
    input_schema: json!({
        "type": "object",
        "properties": {
            "path": {
                "type": "string", "minLength": 1,
                "description": "Below /workspace; a relative path starts there."
            },
            "offset": {
                "type": "integer", "minimum": 1,
                "description": "The first line to show; 1 is the file's first."
            },
            "limit": {
                "type": "integer", "minimum": 1, "description": "How many lines to show."
            }
        },
        "required": ["path"],
        "additionalProperties": false
    }),
    repeatable: true,
    mutates: false,
});

#[derive(Deserialize)]
struct Input {
    path: String,
    offset: Option<usize>,
    limit: Option<usize>,
}

pub struct ReadFile;

#[async_trait]
impl Tool for ReadFile {
    fn spec(&self) -> &ToolSpec {
        &SPEC
    }

    async fn call(&self, context: &ToolContext, input: Value) -> Result<ToolOutput, ToolError> {
        answer(read(context, input).await)
    }
}

async fn read(context: &ToolContext, input: Value) -> Result<ToolOutput, Refusal> {
    let Input { path, offset, limit } = parse(input)?;
    let path = absolute(&path)?;
    let text = read_text(context, &path).await?;
    show(&path, &text, offset.unwrap_or(1).max(1), limit.unwrap_or(DEFAULT_LINES).max(1))
        .map(ToolOutput::text)
}

/// The whole file, if it is text.
///
/// # Errors
/// [`Refusal::Tell`] for a file that is too large or is not text.
pub async fn read_text(context: &ToolContext, path: &str) -> Result<String, Refusal> {
    let call = context.provider.read_file(&context.sandbox, path, MAX_BYTES);
    // Not through `within`'s own words: those of too large a file say what to do instead.
    let call = async { Ok(call.await) };
    let data = match within(context, call).await? {
        Err(ProviderError::TooLarge { size, .. }) => {
            return tell(format!(
                "{path} has {size} bytes, and at most {MAX_BYTES} can be read. Use run_code with \
                 head, sed or grep to see parts of it."
            ));
        }
        other => other?,
    };
    let size = data.len();
    text_of(data).ok_or_else(|| {
        Refusal::Tell(format!("{path} is not text: {size} bytes of binary data. Use run_code."))
    })
}

/// The data as text, if that is what it is.
fn text_of(data: Bytes) -> Option<String> {
    let text = String::from_utf8(data.into()).ok()?;
    (!text.contains('\0')).then_some(text)
}

fn show(path: &str, text: &str, first: usize, limit: usize) -> Result<String, Refusal> {
    if text.is_empty() {
        return Ok(format!("({path} is empty)"));
    }
    let lines = text.split_inclusive('\n').count();
    if first > lines {
        return tell(format!("{path} has {lines} lines; there is no line {first}."));
    }
    let shown: String = text.split_inclusive('\n').skip(first - 1).take(limit).collect();
    let last = lines.min(first.saturating_add(limit - 1));
    let mut shown = shown;
    if first == 1 && last == lines {
        return Ok(shown);
    }
    if !shown.ends_with('\n') {
        shown.push('\n');
    }
    shown.push_str(&format!("(lines {first} to {last} of {lines}"));
    if last < lines {
        shown.push_str(&format!("; go on with \"offset\": {}", last + 1));
    }
    shown.push(')');
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, first: usize, limit: usize) -> String {
        match show("/workspace/x", text, first, limit) {
            Ok(text) => text,
            Err(refusal) => format!("{refusal:?}"),
        }
    }

    #[test]
    fn a_part_says_what_is_missing() {
        assert_eq!(shown("a\nb\nc\n", 1, 2_000), "a\nb\nc\n");
        assert_eq!(shown("a\nb\nc", 1, 3), "a\nb\nc");
        assert_eq!(shown("a\nb\nc", 2, 1), "b\n(lines 2 to 2 of 3; go on with \"offset\": 3)");
        assert_eq!(shown("a\nb\nc", 3, usize::MAX), "c\n(lines 3 to 3 of 3)");
        assert_eq!(shown("a\n", 2, 1), r#"Tell("/workspace/x has 1 lines; there is no line 2.")"#);
        assert_eq!(shown("", 1, 1), "(/workspace/x is empty)");
    }

    #[test]
    fn binary_is_not_text() {
        assert_eq!(text_of(Bytes::from_static(b"\x89PNG\xff")), None);
        assert_eq!(text_of(Bytes::from_static(b"a\0b")), None);
        assert_eq!(text_of(Bytes::from_static("grüß".as_bytes())).as_deref(), Some("grüß"));
    }
}
