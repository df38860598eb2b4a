//! Gateways' deviations, and answers that are written by hand.

use super::*;

/// The events of a stream.
fn events(stream: &str) -> Vec<Value> {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// A stream of text, a thought and two calls, with this quirk.
async fn stream(quirk: Quirk) -> String {
    let server = ModelServer::start().await;
    let reply = Reply::text("ab")
        .thinking("Hm.")
        .tool_call("t", json!({ "a": 1 }))
        .tool_call("t", json!({ "a": 2 }))
        .chunked(2)
        .quirk(quirk);
    server.script(Script::always(reply));
    Caller::of(&server).ask(Wire::Chat, "hi", true).await.unwrap()
}

fn calls(events: &[Value]) -> Vec<&Value> {
    let deltas = events.iter().map(|event| &event["choices"][0]["delta"]["tool_calls"]);
    deltas.filter_map(|calls| calls.as_array()).flatten().collect()
}

#[tokio::test]
async fn tool_calls_lack_what_gateways_leave_out() {
    for (quirk, field) in
        [(Quirk::NoIndex, "index"), (Quirk::NoCallId, "id"), (Quirk::NoCallType, "type")]
    {
        let text = stream(quirk).await;
        let events = events(&text);
        assert!(!calls(&events).is_empty());
        assert!(calls(&events).iter().all(|call| call.get(field).is_none()), "{text}");
    }
    let text = stream(Quirk::IndexZero).await;
    assert!(calls(&events(&text)).iter().all(|call| call["index"] == 0), "{text}");
}

#[tokio::test]
async fn streams_deviate_as_a_whole() {
    let once = stream(Quirk::OneChunk).await;
    let first = &events(&once)[0]["choices"][0]["delta"];
    assert_eq!(first["content"], "ab");
    assert_eq!(first["tool_calls"][1]["function"]["arguments"], r#"{"a":2}"#);
    assert!(stream(Quirk::Comments).await.starts_with(": OPENROUTER PROCESSING\n\n"));
    assert!(!stream(Quirk::NoDone).await.contains("[DONE]"));
    assert!(stream(Quirk::CrLf).await.contains("\r\n\r\ndata: "));
    for (quirk, field) in
        [(Quirk::ReasoningContent, "reasoning_content"), (Quirk::Reasoning, "reasoning")]
    {
        let text = stream(quirk).await;
        let events = events(&text);
        let thoughts = events.iter().filter_map(|e| e["choices"][0]["delta"][field].as_str());
        assert_eq!(thoughts.collect::<String>(), "Hm.");
    }
}

#[tokio::test]
async fn usage_is_given_as_gateways_give_it() {
    let usages = |events: Vec<Value>| {
        let there = events.into_iter().map(|event| event["usage"].clone());
        there.filter(|usage| !usage.is_null()).collect::<Vec<_>>()
    };
    assert!(usages(events(&stream(Quirk::NoUsage).await)).is_empty());
    assert!(usages(events(&stream(Quirk::NullUsage).await)).is_empty());
    let every = events(&stream(Quirk::UsageInEveryChunk).await);
    assert_eq!(usages(every.clone()).len(), every.len());
    assert_eq!(every.last().unwrap()["usage"]["completion_tokens"], 20);
    let cost = usages(events(&stream(Quirk::Cost).await));
    assert_eq!(cost[0]["cost"], json!(0.0123));
}

#[tokio::test]
async fn errors_have_the_vendors_form() {
    let server = ModelServer::start().await;
    server.script(Script::replies([
        Reply::text("abc").quirk(Quirk::NumericErrorCode).error_mid_stream(1, "x", "Down"),
        Reply::status(402),
        Reply::status(429).error("insufficient_quota", "You exceeded your current quota."),
        Reply::status(502).body("<html>Bad gateway</html>").header("content-type", "text/html"),
    ]));
    let caller = Caller::of(&server);
    let broken = caller.ask(Wire::Chat, "hi", true).await.unwrap();
    let last = events(&broken).pop().unwrap();
    assert_eq!((&last["error"]["code"], &last["error"]["message"]), (&json!(500), &json!("Down")));
    let poor = caller.ask(Wire::Anthropic, "hi", true).await.unwrap();
    assert!(poor.contains("billing_error"), "{poor}");
    let body = Caller::body(Wire::Chat, "hi", true);
    let quota: Value = caller.send(Wire::Chat, &body).await.json().await.unwrap();
    assert_eq!(quota["error"]["code"], "insufficient_quota");
    let html = caller.send(Wire::Chat, &body).await;
    assert_eq!(
        (html.status().as_u16(), &html.headers()["content-type"]),
        (502, &"text/html".parse().unwrap())
    );
    assert_eq!(html.text().await.unwrap(), "<html>Bad gateway</html>");
}

#[tokio::test]
async fn each_vendor_has_its_word_for_why_the_model_stopped() {
    let table = [
        (None, "end_turn", "stop", "completed"),
        (Some(StopReason::MaxTokens), "max_tokens", "length", "max_output_tokens"),
        (
            Some(StopReason::Refusal),
            "\"category\":\"cyber\"",
            "\"refusal\":\"No",
            "\"refusal\":\"No",
        ),
        (Some(StopReason::ContentFilter), "refusal", "content_filter", "content_filter"),
        (Some(StopReason::PauseTurn), "pause_turn", "stop", "completed"),
    ];
    for (stop, anthropic, chat, responses) in table {
        let server = ModelServer::start().await;
        let reply = Reply::text("No.");
        server.script(Script::always(stop.map_or(reply.clone(), |stop| reply.stop(stop))));
        for (wire, word) in WIRES.into_iter().zip([anthropic, chat, responses]) {
            for stream in [false, true] {
                let answer = Caller::of(&server).ask(wire, "hi", stream).await.unwrap();
                assert!(answer.contains(word), "{stop:?} {wire:?}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn raw_bytes_go_out_as_they_are() {
    let server = ModelServer::start().await;
    let gate = Gate::new();
    let raw = Reply::raw_chunks(["data: {\"a\":", "1}\n\n"]).gated_at(1, &gate);
    server.script(Script::always(raw));
    let caller = Caller::of(&server);
    let mut answer = caller.send(Wire::Chat, &Caller::body(Wire::Chat, "hi", true)).await;
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: {\"a\":");
    gate.arrived().await;
    gate.open();
    assert_eq!(answer.text().await.unwrap(), "1}\n\n");
}
