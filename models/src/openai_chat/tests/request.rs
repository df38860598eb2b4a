use serde_json::json;

use super::*;
use crate::testing::{assistant, body, prompt, results, route, user};

fn conversation() -> Vec<Turn> {
    let raw = r#"[{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"read","arguments":"{\"a\":  1.0}"}}]}]"#;
    vec![user("hi"), assistant(Wire::OpenaiChat, raw, "", &["c1"]), results(&["c1"])]
}

#[test]
fn to_openai() {
    let route = route(Wire::OpenaiChat, "openai", "gpt-6.1-sol");
    let outgoing = encode(&route, Some(&"sk-1".into()), &prompt(conversation())).unwrap();
    let sent = body(&outgoing);
    assert_eq!(outgoing.url, "https://vendor.example/base/chat/completions");
    assert_eq!(outgoing.headers["authorization"], "Bearer sk-1");
    assert_eq!(sent["max_completion_tokens"], 100);
    assert_eq!(sent["prompt_cache_key"], "run-1");
    assert_eq!(
        sent["stream_options"],
        json!({ "include_usage": true, "include_obfuscation": false })
    );
    for absent in ["max_tokens", "temperature", "tool_choice", "usage"] {
        assert!(sent.get(absent).is_none(), "{absent}");
    }
    assert_eq!(sent["messages"][0], json!({ "role": "system", "content": "be kind" }));
    assert_eq!(
        sent["messages"][3],
        json!({ "role": "tool", "tool_call_id": "c1", "content": "of c1" })
    );
    let text = String::from_utf8(outgoing.body).unwrap();
    assert!(text.contains(r#""arguments":"{\"a\":  1.0}""#), "{text}");
}

#[test]
fn to_gateways() {
    let mut route = route(Wire::OpenaiChat, "openrouter.ai", "gpt-4o");
    let prompt = prompt(conversation());
    let sent = body(&encode(&route, None, &prompt).unwrap());
    assert_eq!((&sent["max_tokens"], &sent["usage"]), (&json!(100), &json!({ "include": true })));
    assert_eq!(sent["temperature"], 0.5);
    assert_eq!(sent["stream_options"], json!({ "include_usage": true }));
    for absent in ["max_completion_tokens", "prompt_cache_key"] {
        assert!(sent.get(absent).is_none(), "{absent}");
    }
    // Nobody set a limit, and nobody knows the model's.
    let free = Prompt { max_tokens: route.max_tokens, ..prompt.clone() };
    assert!(body(&encode(&route, None, &free).unwrap()).get("max_tokens").is_none());
    route.max_tokens_by_default = false;
    assert_eq!(body(&encode(&route, None, &free).unwrap())["max_tokens"], route.max_tokens);
    route.vendor = "vllm.example".to_owned();
    assert!(body(&encode(&route, None, &prompt).unwrap()).get("usage").is_none());
}

#[test]
fn other_wires_are_translated() {
    let turns = vec![
        user("hi"),
        assistant(Wire::Anthropic, "[]", "let me", &["t:1"]),
        results(&["t:1"]),
        assistant(Wire::Anthropic, "[]", "done", &[]),
        user("more"),
    ];
    let route = route(Wire::OpenaiChat, "gw.example", "m");
    let sent = body(&encode(&route, None, &prompt(turns)).unwrap());
    let call = &sent["messages"][2];
    assert_eq!(call["content"], "let me");
    assert_eq!(call["tool_calls"][0]["function"]["arguments"], "{\"a\": 1}");
    assert_eq!(sent["messages"][3]["tool_call_id"], call["tool_calls"][0]["id"]);
    assert_eq!(sent["messages"][4], json!({ "role": "assistant", "content": "done" }));
}
