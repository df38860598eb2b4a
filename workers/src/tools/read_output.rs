//! `read_output`: the rest of an output that was shown shortened.

use std::sync::LazyLock;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::sandbox::{Refusal, answer, parse, tell};
use super::shorten::SHOWN;
use super::{Tool, ToolContext, ToolError, ToolOutput, ToolSpec};

/// The most that is read at once, in bytes: with the line that says how to go on it is not
/// shortened itself.
const MAX_PART: usize = SHOWN - 256;

static SPEC: LazyLock<ToolSpec> = LazyLock::new(|| ToolSpec {
    name: "read_output",
    description: "Read a part of an earlier tool output of this task that was too long to be shown \
        whole. The note in the shortened output says which step it is.",
    input_schema: json!({
        "type": "object",
        "properties": {
            "step": {
                "type": "integer", "minimum": 0,
                "description": "The number in the note of the shortened output."
            },
            "offset": {
                "type": "integer", "minimum": 0,
                "description": "The byte to start at; 0 by default."
            },
            "limit": {
                "type": "integer", "minimum": 1, "maximum": MAX_PART,
                "description": "Bytes to read; as many as possible by default."
            }
        },
        "required": ["step"],
        "additionalProperties": false
    }),
    repeatable: true,
    mutates: false,
});

#[derive(Deserialize)]
struct Input {
    step: u32,
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

pub struct ReadOutput;

#[async_trait]
impl Tool for ReadOutput {
    fn spec(&self) -> &ToolSpec {
        &SPEC
    }

    async fn call(&self, context: &ToolContext, input: Value) -> Result<ToolOutput, ToolError> {
        answer(read(context, input).await)
    }
}

async fn read(context: &ToolContext, input: Value) -> Result<ToolOutput, Refusal> {
    let Input { step, offset, limit } = parse(input)?;
    let whole = tokio::time::timeout(context.patience, context.outputs.whole(step)).await;
    let Ok(whole) = whole else {
        return tell("The output could not be read in time; try again.");
    };
    match whole? {
        None => tell(format!("There is no tool output of step {step} in this task.")),
        Some(text) => part(step, &text, offset, limit.unwrap_or(MAX_PART)).map(ToolOutput::text),
    }
}

fn part(step: u32, text: &str, offset: usize, limit: usize) -> Result<String, Refusal> {
    let size = text.len();
    if offset >= size && size > 0 {
        return tell(format!("The output of step {step} has {size} bytes; none is at {offset}."));
    }
    let from = text.floor_char_boundary(offset);
    let mut to = text.floor_char_boundary(from.saturating_add(limit.clamp(1, MAX_PART)));
    if to == from {
        // One sign of several bytes is shown, whatever the limit: else it would never go on.
        to = text.ceil_char_boundary((from + 1).min(size));
    }
    let go_on = match to < size {
        true => format!("; go on with \"offset\": {to}"),
        false => "; this is the end".to_owned(),
    };
    Ok(format!("{}\n[bytes {from} to {to} of {size}{go_on}]", &text[from..to]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_the_whole() {
        let text = "abc é 界 🦀\n".repeat(9_000);
        for limit in [1, 2, 1_000, MAX_PART] {
            let (mut offset, mut whole) = (0, String::new());
            // Byte by byte is enough of the start.
            while offset < text.len().min(limit * 500) {
                let shown = part(4, &text, offset, limit).ok().unwrap();
                assert!(shown.len() <= SHOWN);
                let cut = shown.rfind("\n[bytes ").unwrap();
                whole.push_str(&shown[..cut]);
                offset += cut;
            }
            assert!(text.starts_with(&whole) && whole.len() == offset, "{limit}");
        }
    }

    #[test]
    fn the_end_is_told() {
        assert_eq!(part(4, "abc", 1, 9).unwrap(), "bc\n[bytes 1 to 3 of 3; this is the end]");
        assert_eq!(
            part(4, "abc", 0, 2).unwrap(),
            "ab\n[bytes 0 to 2 of 3; go on with \"offset\": 2]"
        );
        assert!(part(4, "", 0, 2).is_ok());
        assert!(matches!(part(4, "abc", 3, 2), Err(Refusal::Tell(_))));
        assert!(matches!(part(4, "abc", usize::MAX, usize::MAX), Err(Refusal::Tell(_))));
    }
}
