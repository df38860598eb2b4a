//! `run_code`: code in the agent's sandbox.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use theazo_providers::{ExecOutput, Lang};

use super::sandbox::{self, EXEC_LIMIT, Limits, Refusal, answer, parse, seconds, tell};
use super::secrets::mask;
use super::{Tool, ToolContext, ToolError, ToolOutput, ToolSpec};

/// Bytes kept of stdout and of stderr, each.
const OUTPUT_LIMIT: usize = 1 << 20;

static SPEC: LazyLock<ToolSpec> = LazyLock::new(|| ToolSpec {
    name: "run_code",
    description: "Run code in your sandbox and get its exit code, stdout and stderr. Each call is \
        a new process in /workspace: files stay between calls, variables do not. Print what you \
        want to see. Python has its standard library and the packages that you install; \
        TypeScript runs on Node as a module; bash is for commands. It is stopped after timeout_s; \
        for longer work start it in the background with its output sent to a file, and look at \
        the file later. Your secrets are environment variables; never print them.",
    input_schema: json!({
        "type": "object",
        "properties": {
            "lang": { "type": "string", "enum": ["python", "typescript", "bash"] },
            "code": { "type": "string", "minLength": 1, "description": "The whole program." },
            "timeout_s": {
                "type": "number", "exclusiveMinimum": 0, "maximum": 120,
                "description": "Seconds after which it is stopped; 120 by default, and at most."
            }
        },
        "required": ["lang", "code"],
        "additionalProperties": false
    }),
    repeatable: false,
    mutates: true,
});

#[derive(Deserialize)]
struct Input {
    lang: Lang,
    code: String,
    timeout_s: Option<f64>,
}

pub struct RunCode;

#[async_trait]
impl Tool for RunCode {
    fn spec(&self) -> &ToolSpec {
        &SPEC
    }

    async fn call(&self, context: &ToolContext, input: Value) -> Result<ToolOutput, ToolError> {
        answer(run(context, input).await)
    }
}

async fn run(context: &ToolContext, input: Value) -> Result<ToolOutput, Refusal> {
    let Input { lang, code, timeout_s } = parse(input)?;
    let asked = timeout_s.and_then(|s| Duration::try_from_secs_f64(s).ok());
    let timeout = asked.unwrap_or(EXEC_LIMIT);
    let limits = Limits { timeout, output: OUTPUT_LIMIT, secrets: true };
    let ran = match sandbox::exec(context, lang, code, limits).await {
        Err(Refusal::TimedOut(after)) => {
            return tell(format!(
                "It ran longer than {} and was stopped; what it had printed is lost. Give it a \
                 longer timeout_s (120 at most), do less at once, or start it in the background \
                 with its output sent to a file.",
                seconds(after)
            ));
        }
        other => other?,
    };
    Ok(ToolOutput {
        text: mask(report(&ran), &context.env),
        is_error: ran.exit_code != 0,
        notes: vec![],
    })
}

/// How a program ended and what it said.
fn report(ran: &ExecOutput) -> String {
    let mut text = format!("exit code: {}\n", ran.exit_code);
    for (name, bytes) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        if !bytes.is_empty() {
            let said = String::from_utf8_lossy(bytes);
            text.push_str(&format!("{name}:\n{}\n", said.strip_suffix('\n').unwrap_or(&said)));
        }
    }
    if ran.stdout.is_empty() && ran.stderr.is_empty() {
        text.push_str("(it printed nothing)\n");
    }
    if ran.truncated {
        text.push_str("(what it printed beyond 1 MiB is lost; print less, or write to a file)\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_report_has_what_was_printed_and_no_more() {
        let output = |stdout: &'static str, stderr: &'static str, truncated| ExecOutput {
            stdout: Bytes::from(stdout),
            stderr: Bytes::from(stderr),
            exit_code: 3,
            duration: Duration::from_millis(5),
            truncated,
        };
        assert_eq!(report(&output("", "", false)), "exit code: 3\n(it printed nothing)\n");
        assert_eq!(
            report(&output("a\n\n", "b", false)),
            "exit code: 3\nstdout:\na\n\nstderr:\nb\n"
        );
        assert!(report(&output("a", "", true)).ends_with("write to a file)\n"));
    }
}
