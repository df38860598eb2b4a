use serde_json::json;

use super::*;
use crate::testing::{assistant, body, prompt, results, route, user};

const RAW: &str = r#"[{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"gA\u003d="},{"type":"function_call","call_id":"c1","name":"read","arguments":"{}"}]"#;

#[test]
fn a_request() {
    let route = route(Wire::OpenaiResponses, "openai", "gpt-6.1-sol");
    let turns =
        vec![user("hi"), assistant(Wire::OpenaiResponses, RAW, "", &["c1"]), results(&["c1"])];
    let outgoing = encode(&route, Some(&"sk-1".into()), &prompt(turns)).unwrap();
    let sent = body(&outgoing);
    assert_eq!(outgoing.url, "https://vendor.example/base/responses");
    assert_eq!((&sent["store"], &sent["stream"]), (&json!(false), &json!(true)));
    assert_eq!(sent["include"], json!(["reasoning.encrypted_content"]));
    assert_eq!(
        (&sent["instructions"], &sent["max_output_tokens"]),
        (&json!("be kind"), &json!(100))
    );
    assert!(sent.get("temperature").is_none());
    assert_eq!(
        sent["tools"][0],
        json!({ "type": "function", "name": "read", "description": "reads",
            "parameters": { "type": "object" }, "strict": false })
    );
    assert_eq!(sent["input"][0], json!({ "role": "user", "content": "hi" }));
    assert_eq!(
        sent["input"][3],
        json!({ "type": "function_call_output", "call_id": "c1", "output": "of c1" })
    );
    let text = String::from_utf8(outgoing.body).unwrap();
    assert!(text.contains(&RAW[1..RAW.len() - 1]), "{text}");
}

#[test]
fn models_that_do_not_reason() {
    let route = route(Wire::OpenaiResponses, "openai", "gpt-4o");
    let sent = body(&encode(&route, None, &prompt(vec![user("hi")])).unwrap());
    assert!(sent.get("include").is_none());
    assert_eq!(sent["temperature"], 0.5);
}

#[test]
fn other_wires_are_translated() {
    let turns = vec![
        user("hi"),
        assistant(Wire::Anthropic, "[]", "let me", &["toolu_1"]),
        results(&["toolu_1"]),
    ];
    let route = route(Wire::OpenaiResponses, "openai", "gpt-6.1-sol");
    let sent = body(&encode(&route, None, &prompt(turns)).unwrap());
    assert_eq!(sent["input"][1], json!({ "role": "assistant", "content": "let me" }));
    assert_eq!(
        sent["input"][2],
        json!({ "type": "function_call", "call_id": "toolu_1", "name": "read",
            "arguments": "{\"a\": 1}" })
    );
    assert_eq!(sent["input"][3]["call_id"], "toolu_1");
}
