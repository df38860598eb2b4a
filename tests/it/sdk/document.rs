//! What the SDKs' types are made from is what the server says, and they have been made from it.

use std::path::{Path, PathBuf};

use theazo_tests::Server;

use super::language::{Language, ended};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("sdk/openapi.json")
}

/// `THEAZO_NEW_GOLDEN=1` writes it.
#[tokio::test(flavor = "multi_thread")]
async fn the_committed_document_is_what_the_server_says() {
    let server = Server::start().await;
    let served = indented(&server.anonymous().get("/openapi.json").await.text());
    if std::env::var("THEAZO_NEW_GOLDEN").is_ok() {
        std::fs::write(committed(), &served).unwrap();
    }
    let there = std::fs::read_to_string(committed()).unwrap();
    let differs = there.lines().zip(served.lines()).position(|(there, served)| there != served);
    assert!(
        there == served,
        "sdk/openapi.json is not what the server says, from line {:?} on: write it with \
         THEAZO_NEW_GOLDEN=1, then generate the types of both SDKs anew",
        differs.map(|line| line + 1)
    );
}

/// Each generator is asked whether it would write anything else.
#[tokio::test(flavor = "multi_thread")]
async fn the_types_are_made_from_the_document() {
    for (language, generator) in [
        (Language::TypeScript, "scripts/generate.mjs"),
        (Language::Python, "tools/generate_types.py"),
        // The client that waits is made from the one that is awaited.
        (Language::Python, "tools/unasync.py"),
    ] {
        let mut command = language.program(generator);
        command.arg("--check");
        ended(command).await.expect(&format!("sdk: {generator} --check"));
    }
}

/// JSON with a line for each value, in the order in which it came.
fn indented(json: &str) -> String {
    let (mut out, mut depth, mut in_text, mut escaped) = (String::new(), 0, false, false);
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        if in_text {
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' if matches!(chars.peek(), Some('}' | ']')) => {
                out.extend([c, chars.next().unwrap()]);
            }
            '{' | '[' | ',' | '}' | ']' => {
                depth = match c {
                    '{' | '[' => depth + 1,
                    '}' | ']' => depth - 1,
                    _ => depth,
                };
                let line = format!("\n{}", "  ".repeat(depth));
                match c {
                    '}' | ']' => out.extend([line, c.to_string()]),
                    _ => out.extend([c.to_string(), line]),
                }
            }
            ':' => out.push_str(": "),
            c => {
                in_text = c == '"';
                out.push(c);
            }
        }
    }
    out + "\n"
}

#[test]
fn json_is_indented_as_others_do_it() {
    let value = serde_json::json!({ "a": [1, { "b": "x\"{,:\\" }, [], {}], "c": null });
    let pretty = format!("{}\n", serde_json::to_string_pretty(&value).unwrap());
    assert_eq!(indented(&value.to_string()), pretty);
}
