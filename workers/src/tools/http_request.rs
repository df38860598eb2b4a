//! `http_request`: one HTTP request, made by the agent's sandbox.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::http::{MAX_BODY, Reply, Request, fetch, parse_url};
use super::sandbox::{Refusal, answer, parse, tell};
use super::{Tool, ToolContext, ToolError, ToolOutput, ToolSpec};

const DEFAULT_TIMEOUT: f64 = 30.0;

static SPEC: LazyLock<ToolSpec> = LazyLock::new(|| ToolSpec {
    name: "http_request",
    description: "Make one HTTP request from your sandbox: call an API, or a server that you \
        started in the sandbox (http://localhost:PORT). You get the status, the headers and up to \
        1 MiB of text; of other content you get the size. Redirects of GET and HEAD are followed. \
        Only hosts that the sandbox may reach answer. To read a web page use fetch_page; to \
        download a file, or to use a secret, use run_code.",
    input_schema: json!({
        "type": "object",
        "properties": {
            "method": {
                "type": "string",
                "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
                "description": "GET by default."
            },
            "url": { "type": "string", "minLength": 1, "description": "http:// or https://" },
            "headers": { "type": "object", "additionalProperties": { "type": "string" } },
            "body": {
                "type": ["string", "object", "array"],
                "description": "Text as it is; an object or array is sent as JSON."
            },
            "timeout_s": {
                "type": "number", "exclusiveMinimum": 0, "maximum": 100,
                "description": "Seconds for all of it; 30 by default."
            }
        },
        "required": ["url"],
        "additionalProperties": false
    }),
    repeatable: false,
    mutates: true,
});

#[derive(Deserialize)]
struct Input {
    method: Option<String>,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    timeout_s: Option<f64>,
}

pub struct HttpRequest;

#[async_trait]
impl Tool for HttpRequest {
    fn spec(&self) -> &ToolSpec {
        &SPEC
    }

    async fn call(&self, context: &ToolContext, input: Value) -> Result<ToolOutput, ToolError> {
        answer(send(context, input).await)
    }
}

async fn send(context: &ToolContext, input: Value) -> Result<ToolOutput, Refusal> {
    let request = request(parse(input)?)?;
    let reply = fetch(context, &request).await?;
    Ok(ToolOutput::text(show(&request, &reply)))
}

fn request(input: Input) -> Result<Request, Refusal> {
    let mut url = parse_url(&input.url)?;
    let mut headers = input.headers;
    // What the script cannot decode must not be asked for.
    headers.retain(|name, _| !name.eq_ignore_ascii_case("accept-encoding"));
    add_missing(&mut headers, "User-Agent", || "Theazo-Agent/1.0".into());
    if let Some(basic) = take_credentials(&mut url) {
        add_missing(&mut headers, "Authorization", || basic);
    }
    let body = match input.body {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.into_bytes()),
        Some(value) => {
            add_missing(&mut headers, "Content-Type", || "application/json".into());
            Some(value.to_string().into_bytes())
        }
    };
    if let Some(size) = body.as_ref().map(Vec::len).filter(|size| *size > MAX_BODY) {
        return tell(format!("The body has {size} bytes; at most {MAX_BODY} can be sent."));
    }
    let timeout = Duration::try_from_secs_f64(input.timeout_s.unwrap_or(DEFAULT_TIMEOUT));
    Ok(Request {
        method: input.method.unwrap_or_else(|| "GET".into()),
        url,
        headers,
        body,
        timeout: timeout.unwrap_or(Duration::from_secs(30)),
        limit: MAX_BODY,
    })
}

fn add_missing(headers: &mut BTreeMap<String, String>, name: &str, value: impl FnOnce() -> String) {
    if !headers.keys().any(|key| key.eq_ignore_ascii_case(name)) {
        headers.insert(name.to_owned(), value());
    }
}

/// `user:password@` of a URL as the header that it stands for.
fn take_credentials(url: &mut Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let plain =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pair = format!("{}:{}", plain(url.username()), plain(url.password().unwrap_or("")));
    // They can only fail for URLs without a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(format!("Basic {}", STANDARD.encode(pair)))
}

fn show(request: &Request, reply: &Reply) -> String {
    let mut text = format!("HTTP {} {}\n", reply.status, reply.reason);
    if reply.url != request.url.as_str() {
        text.push_str(&format!("(redirected to {})\n", reply.url));
    }
    for (name, value) in &reply.headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push('\n');
    match reply.text() {
        Some(body) if body.is_empty() => text.push_str("(no body)"),
        Some(body) => text.push_str(&body),
        None => text.push_str(&format!("(binary, {} bytes)", reply.bytes)),
    }
    if reply.cut {
        text.push_str(&format!("\n(the body is cut at {MAX_BODY} bytes)"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(input: Value) -> Request {
        request(parse(input).ok().unwrap()).ok().unwrap()
    }

    #[test]
    fn an_object_is_sent_as_json() {
        let request =
            made(json!({ "method": "POST", "url": "https://a.example/", "body": {"a": 1} }));
        assert_eq!(request.body.as_deref(), Some(&b"{\"a\":1}"[..]));
        assert_eq!(request.headers["Content-Type"], "application/json");
        let request = made(json!({
            "url": "https://a.example/", "body": [1], "headers": { "content-type": "x/y" }
        }));
        assert_eq!(request.headers["content-type"], "x/y");
        assert!(!request.headers.contains_key("Content-Type"));
    }

    #[test]
    fn credentials_of_the_url_become_a_header() {
        let request = made(json!({ "url": "https://me:p%40ss@a.example/x" }));
        assert_eq!(request.url.as_str(), "https://a.example/x");
        assert_eq!(request.headers["Authorization"], "Basic bWU6cEBzcw==");
    }

    #[test]
    fn a_large_body_is_refused() {
        let input = json!({ "url": "https://a.example/", "body": "x".repeat(MAX_BODY + 1) });
        assert!(matches!(request(parse(input).ok().unwrap()), Err(Refusal::Tell(_))));
    }
}
