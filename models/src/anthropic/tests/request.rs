use secrecy::ExposeSecret;
use serde_json::json;

use super::*;
use crate::testing::{assistant, body, prompt, results, route, user};

const RAW: &str = r#"[{"type":"thinking","thinking":"a\u00e9","signature":"Eq=="},{"type":"tool_use","id":"t1","name":"read","input":{"n": 1.0,  "b":[1e3]}}]"#;

fn sent(model: &str, turns: Vec<Turn>) -> (Outgoing, serde_json::Value) {
    let route = route(Wire::Anthropic, "anthropic", model);
    let outgoing = encode(&route, Some(&" sk-ant-1\n".into()), &prompt(turns)).unwrap();
    let body = body(&outgoing);
    (outgoing, body)
}

#[test]
fn a_request() {
    let turns = vec![user("hi"), assistant(Wire::Anthropic, RAW, "", &["t1"]), results(&["t1"])];
    let (outgoing, body) = sent("claude-sonnet-5-5", turns);
    assert_eq!(outgoing.url, "https://vendor.example/base/v1/messages");
    assert_eq!(outgoing.headers["x-api-key"], "sk-ant-1");
    assert_eq!(outgoing.headers["anthropic-version"], "2023-06-01");
    assert!(!format!("{:?}", outgoing.headers).contains("sk-ant"));
    assert_eq!(body["thinking"], json!({ "type": "adaptive", "display": "summarized" }));
    assert_eq!(body["cache_control"], json!({ "type": "ephemeral" }));
    assert_eq!((&body["stream"], &body["max_tokens"]), (&json!(true), &json!(100)));
    for refused in ["temperature", "tool_choice", "top_p", "budget_tokens"] {
        assert!(body.get(refused).is_none(), "{refused}");
    }
    assert_eq!(
        body["messages"][2],
        json!({ "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "t1", "content": "of t1" },
        ] })
    );
    assert_eq!(body["tools"][0]["input_schema"], json!({ "type": "object" }));
}

#[test]
fn blocks_go_back_byte_for_byte() {
    let (outgoing, _) = sent(
        "claude-sonnet-5-5",
        vec![user("hi"), assistant(Wire::Anthropic, RAW, "", &["t1"]), results(&["t1"])],
    );
    let text = String::from_utf8(outgoing.body).unwrap();
    assert!(text.contains(&RAW[1..RAW.len() - 1]), "{text}");
}

#[test]
fn old_models_get_what_they_take() {
    let (_, body) = sent("claude-sonnet-4-5", vec![user("hi")]);
    assert!(body.get("thinking").is_none());
    assert_eq!(body["temperature"], 0.5);
}

#[test]
fn other_wires_are_translated() {
    let turns = vec![
        user("hi"),
        assistant(Wire::OpenaiChat, "[]", "let me", &["functions.read:0"]),
        results(&["functions.read:0"]),
    ];
    let (_, body) = sent("claude-sonnet-5-5", turns);
    let id = body["messages"][1]["content"][1]["id"].clone();
    assert_eq!(body["messages"][1]["content"][0], json!({ "type": "text", "text": "let me" }));
    assert_eq!(body["messages"][1]["content"][1]["input"], json!({ "a": 1 }));
    assert_eq!(body["messages"][2]["content"][0]["tool_use_id"], id);
    assert!(!id.as_str().unwrap().contains([':', '.']));
}

#[test]
fn nothing_that_is_refused_goes_out() {
    let empty_text = r#"[{"type":"text","text":""},{"type":"text","text":"x"}]"#;
    let turns = vec![
        user("hi"),
        assistant(Wire::Anthropic, "[]", "", &[]),
        user("go on"),
        assistant(Wire::Anthropic, empty_text, "x", &[]),
        user("and"),
        assistant(Wire::Anthropic, RAW, "", &["t1"]),
    ];
    let (_, body) = sent("claude-sonnet-5-5", turns);
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<&str> = messages.iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant", "user"]);
    assert_eq!(messages[0]["content"].as_array().unwrap().len(), 2);
    assert_eq!(messages[1]["content"], json!([{ "type": "text", "text": "x" }]));
    assert_eq!(messages[4]["content"][0]["is_error"], true);
}

#[test]
fn a_key_that_is_none() {
    let key = SecretString::from("sk-\u{e9}\nx");
    let route = route(Wire::Anthropic, "anthropic", "claude-opus-5-5");
    let error = encode(&route, Some(&key), &prompt(vec![user("hi")])).err().unwrap();
    assert_eq!(error.kind, crate::ModelErrorKind::Auth);
    assert!(!error.message.contains(key.expose_secret()));
}
