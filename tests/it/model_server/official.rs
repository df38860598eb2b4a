//! The vendors' own clients, against each wire format.

use std::time::Duration;

use super::*;

/// The model server that the clients' scenarios expect.
async fn start() -> ModelServer {
    let server = ModelServer::start().await;
    server.script_for("round", round());
    server.models(&["model-a", "model-b"]);
    server
}

#[tokio::test]
async fn anthropics_client_understands_messages() {
    let server = start().await;
    for (scenario, stream) in [("messages", false), ("messages-stream", true)] {
        let seen = official(&server, scenario);
        let first = &seen["first"]["message"];
        assert!(first["id"].as_str().unwrap().starts_with("msg_01"), "{first}");
        assert_eq!(first["stop_reason"], "tool_use");
        assert_eq!(first["model"], "claude-sonnet-5-5");
        let content = first["content"].as_array().unwrap();
        assert_eq!(content[0]["type"], "thinking");
        assert_eq!(content[0]["thinking"], "They want two things: \"a\" — and b.");
        assert!(content[0]["signature"].as_str().unwrap().len() > 80);
        assert_eq!(content[1]["text"], "Let me look.");
        assert_eq!(content[2]["name"], "read_file");
        assert_eq!(content[2]["input"], json!({ "path": "b/ä.txt", "n": [1, 2] }));
        assert!(content[2]["id"].as_str().unwrap().starts_with("toolu_01"));
        assert_eq!(content[3]["input"], json!({}));
        let usage = &first["usage"];
        assert_eq!(usage["input_tokens"], 11);
        assert_eq!(usage["cache_read_input_tokens"], 5);
        assert_eq!(usage["cache_creation_input_tokens"], 3);
        assert_eq!(usage["output_tokens"], 20);
        assert_eq!(usage["output_tokens_details"]["thinking_tokens"], 7);
        let second = &seen["second"]["message"];
        assert_eq!(second["content"][0]["text"], "Here it is: 🦀 done.");
        assert_eq!(second["stop_reason"], "end_turn");
        assert_eq!(second["usage"]["output_tokens"], 6);
        if stream {
            assert_eq!(seen["second"]["deltas"].as_array().unwrap().len(), 4);
            assert_eq!(seen["first"]["thoughts"].as_array().unwrap().len(), 3);
        } else {
            assert!(seen["requestId"].as_str().unwrap().starts_with("req_"));
        }
    }
    assert_eq!(server.calls_of("round").len(), 4);
    let last = &server.requests()[3];
    assert_eq!((last.answers, last.finished, last.api_key()), (1, true, "sk-ant-test"));
}

#[tokio::test]
async fn openais_client_understands_chat_completions() {
    let server = start().await;
    for (scenario, stream) in [("chat", false), ("chat-stream", true)] {
        let seen = official(&server, scenario);
        let first = &seen["first"]["completion"];
        assert!(first["id"].as_str().unwrap().starts_with("chatcmpl-"), "{first}");
        let choice = &first["choices"][0];
        assert_eq!(choice["finish_reason"], "tool_calls");
        assert_eq!(choice["message"]["content"], "Let me look.");
        let calls = choice["message"]["tool_calls"].as_array().unwrap();
        assert_eq!(calls.len(), 2);
        assert!(calls[0]["id"].as_str().unwrap().starts_with("call_"));
        assert_eq!(calls[0]["function"]["name"], "read_file");
        assert_eq!(calls[0]["function"]["arguments"], r#"{"path":"b/ä.txt","n":[1,2]}"#);
        assert_eq!(calls[1]["function"]["arguments"], "{}");
        let usage = &first["usage"];
        assert_eq!(usage["prompt_tokens"], 19);
        assert_eq!(usage["completion_tokens"], 20);
        assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 5);
        assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 7);
        let second = &seen["second"]["completion"];
        assert_eq!(second["choices"][0]["message"]["content"], "Here it is: 🦀 done.");
        assert_eq!(second["choices"][0]["finish_reason"], "stop");
        if stream {
            assert_eq!(seen["second"]["deltas"].as_array().unwrap().len(), 4);
        } else {
            assert!(seen["requestId"].as_str().unwrap().starts_with("req_"));
        }
    }
    assert_eq!(server.calls_of("round").len(), 4);
}

#[tokio::test]
async fn openais_client_understands_responses() {
    let server = start().await;
    for (scenario, stream) in [("responses", false), ("responses-stream", true)] {
        let seen = official(&server, scenario);
        let first = &seen["first"]["response"];
        assert!(first["id"].as_str().unwrap().starts_with("resp_"), "{first}");
        assert_eq!(first["status"], "completed");
        let output = first["output"].as_array().unwrap();
        assert_eq!(output[0]["type"], "reasoning");
        assert_eq!(output[0]["summary"][0]["text"], "They want two things: \"a\" — and b.");
        assert!(output[0]["encrypted_content"].as_str().unwrap().starts_with("gAAAAAB"));
        assert_eq!(output[1]["content"][0]["text"], "Let me look.");
        assert_eq!(output[2]["arguments"], r#"{"path":"b/ä.txt","n":[1,2]}"#);
        assert!(output[2]["call_id"].as_str().unwrap().starts_with("call_"));
        assert_eq!(output[3]["name"], "list_files");
        let usage = &first["usage"];
        assert_eq!(usage["input_tokens"], 19);
        assert_eq!(usage["input_tokens_details"]["cached_tokens"], 5);
        assert_eq!(usage["output_tokens_details"]["reasoning_tokens"], 7);
        let second = &seen["second"]["response"];
        assert_eq!(second["output"][0]["content"][0]["text"], "Here it is: 🦀 done.");
        if stream {
            assert_eq!(seen["second"]["deltas"].as_array().unwrap().len(), 4);
            let sequence = seen["first"]["sequence"].as_array().unwrap();
            let expected: Vec<usize> = (0..sequence.len()).collect();
            assert_eq!(*sequence, json!(expected).as_array().unwrap().clone());
            assert_eq!(seen["first"]["kinds"][0], "response.created");
        } else {
            assert_eq!(second["output_text"], "Here it is: 🦀 done.");
            assert!(seen["requestId"].as_str().unwrap().starts_with("req_"));
        }
    }
    assert_eq!(server.calls_of("round").len(), 4);
}

#[tokio::test]
async fn the_vendors_clients_retry_and_raise_as_they_should() {
    let server = start().await;
    for wire in ["anthropic", "chat", "responses"] {
        let (limited, overloaded) = match wire {
            "anthropic" => (429, 529),
            _ => (429, 503),
        };
        let soon = Duration::from_millis(20);
        let replies = [
            Reply::status(limited).retry_after("1"),
            Reply::status(overloaded).retry_after_ms(soon),
            Reply::text("At last."),
        ];
        server.script_for(&format!("limited {wire}"), Script::replies(replies));
        let refused = Reply::status(401);
        server.script_for(&format!("refused {wire}"), Script::always(refused));
        let long = || Reply::text("This will not be all.").chunked(4);
        let broken = long().error_mid_stream(2, "overloaded_error", "Overloaded now");
        server.script_for(&format!("broken {wire}"), Script::always(broken));
        server.script_for(&format!("cut {wire}"), Script::always(long().cut_after(2)));
        let full = Reply::empty().stop(StopReason::ContextWindowExceeded);
        server.script_for(&format!("full {wire}"), Script::always(full));
    }
    let seen = official(&server, "failing");

    let limited = &seen["limited"];
    assert_eq!(limited["anthropic"]["value"]["message"]["content"][0]["text"], "At last.");
    let completion = &limited["chat"]["value"]["completion"];
    assert_eq!(completion["choices"][0]["message"]["content"], "At last.");
    let response = &limited["responses"]["value"]["response"];
    assert_eq!(response["output"][0]["content"][0]["text"], "At last.");
    for wire in ["anthropic", "chat", "responses"] {
        let calls = server.calls_of(&format!("limited {wire}"));
        let statuses: Vec<_> = calls.iter().map(|call| call.status.unwrap()).collect();
        let overloaded = if wire == "anthropic" { 529 } else { 503 };
        assert_eq!(statuses, [429, overloaded, 200], "{wire}");
        assert!(calls[1].at - calls[0].at >= Duration::from_millis(950), "retry-after is obeyed");
        assert_eq!(calls.iter().map(|c| c.finished).collect::<Vec<_>>(), [false, false, true]);

        let refused = &seen["refused"][wire];
        assert_eq!(refused["error"], "AuthenticationError", "{refused}");
        assert_eq!(refused["status"], 401);
        let broken = &seen["broken"][wire];
        assert!(broken["message"].as_str().unwrap().contains("Overloaded now"), "{broken}");
        let cut = &seen["cut"][wire];
        assert!(cut["error"].is_string(), "{cut}");
        assert!(!server.calls_of(&format!("cut {wire}"))[0].finished);
    }
    assert_eq!(seen["broken"]["anthropic"]["type"], "overloaded_error");
    let full = &seen["full"];
    let stop = &full["anthropic"]["value"]["message"]["stop_reason"];
    assert_eq!(*stop, "model_context_window_exceeded");
    assert_eq!(full["chat"]["code"], "context_length_exceeded", "{full}");
    assert_eq!(full["responses"]["status"], 400);
}

#[tokio::test]
async fn the_vendors_clients_list_models_and_count_tokens() {
    let server = start().await;
    let seen = official(&server, "others");
    assert_eq!(seen["anthropicModels"], json!(["model-a", "model-b"]));
    assert_eq!(seen["openaiModels"], json!(["model-a", "model-b"]));
    assert!(seen["tokens"]["input_tokens"].as_u64().unwrap() > 5, "{seen}");
}
