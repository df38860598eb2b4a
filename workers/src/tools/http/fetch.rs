//! Running the script.

use std::time::Duration;

use serde::Deserialize;
use theazo_providers::{ExecOutput, Lang};

use super::{Reply, Request};
use crate::tools::ToolContext;
use crate::tools::sandbox::{self, Limits, Refusal, tell};

/// What runs in the sandbox, after a line that sets `REQUEST`.
pub const SCRIPT: &str = include_str!("fetch.py");
/// The interpreter's own time, beside the request's.
const START: Duration = Duration::from_secs(5);
/// The most of an answer beside its body: headers, and what JSON adds to them.
const HEADERS: usize = 512 << 10;
/// How much of what went wrong is told, in bytes.
const MAX_COMPLAINT: usize = 1_000;

/// The script for one request.
pub fn script(request: &Request) -> String {
    format!("REQUEST = '{}'\n{SCRIPT}", request.encode())
}

/// Makes the request in the agent's sandbox.
///
/// # Errors
/// [`Refusal::Tell`] when there was no answer, with why.
pub async fn fetch(context: &ToolContext, request: &Request) -> Result<Reply, Refusal> {
    if context.provider.name() == "mock" {
        return Ok(Reply::mock(request));
    }
    // The body comes in base64.
    let output = request.limit / 3 * 4 + HEADERS;
    // What the model asks for needs none of the agent's secrets.
    let limits = Limits { timeout: request.timeout + START, output, secrets: false };
    let ran = sandbox::exec(context, Lang::Python, script(request), limits).await?;
    read(request, &ran)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Failed { error: String },
    Answered(Reply),
}

/// The script's answer. The sandbox is the agent's, so that it may be anything.
fn read(request: &Request, ran: &ExecOutput) -> Result<Reply, Refusal> {
    let failed = |why: &str| {
        let why = &why[..why.floor_char_boundary(MAX_COMPLAINT)];
        tell(format!("{} {} failed: {why}", request.method, request.url))
    };
    match serde_json::from_slice(&ran.stdout) {
        Ok(Said::Answered(reply)) => Ok(reply),
        Ok(Said::Failed { error }) => failed(&error),
        Err(_) => {
            let said = String::from_utf8_lossy(&ran.stderr);
            let last = said.trim_end().lines().next_back().unwrap_or("it said nothing");
            failed(&format!("the sandbox's Python ended with status {} ({last})", ran.exit_code))
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::parse_url;
    use super::*;

    fn said(stdout: &'static str, stderr: &'static str) -> Result<Reply, String> {
        let url = parse_url("https://a.example/x").ok().unwrap();
        let ran = ExecOutput {
            stdout: Bytes::from(stdout),
            stderr: Bytes::from(stderr),
            exit_code: 1,
            duration: Duration::ZERO,
            truncated: false,
        };
        match read(&Request::get(url, START), &ran) {
            Ok(reply) => Ok(reply),
            Err(Refusal::Tell(message)) => Err(message),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn whatever_the_sandbox_says_is_read_or_told() {
        let reply = said(
            r#"{"status":200,"reason":"OK","url":"https://a.example/x","headers":[["A","b"]],
                "bytes":2,"cut":false,"body":"aGk="}"#,
            "",
        )
        .unwrap();
        assert_eq!((reply.text().as_deref(), reply.header("a")), (Some("hi"), Some("b")));
        assert_eq!(
            said(r#"{"error":"no"}"#, "").unwrap_err(),
            "GET https://a.example/x failed: no"
        );
        let told = said("", "Traceback\n  x\nNameError: y\n").unwrap_err();
        assert!(told.contains("status 1 (NameError: y)"), "{told}");
        for nonsense in ["{}", "[]", "{\"status\":99999}", "null", "{\"status\":200"] {
            assert!(said(nonsense, "").unwrap_err().contains("said nothing"), "{nonsense}");
        }
    }
}
