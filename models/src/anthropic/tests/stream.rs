use proptest::prelude::*;

use super::*;
use crate::contract::{ModelErrorKind, SegmentKind};
use crate::testing::{Decoded, decode, sse};

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-5-5-20260901","content":[],"stop_reason":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":30,"cache_read_input_tokens":40,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":1}}}"#;

/// Thinking, text, two calls: what an agent's turn looks like.
fn tool_turn() -> Vec<u8> {
    sse(&[
        START,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"look é"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQBCg=="}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"I read "}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"both."}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"read","input":{}}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"path\": \"a"}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"\", \"n\": 1.0}"}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_2","name":"list","input":{},"caller":{"type":"direct"}}}"#,
        r#"{"type":"content_block_stop","index":3}"#,
        r#"{"type":"brand_new_event","index":9}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":89,"output_tokens_details":{"thinking_tokens":12}}}"#,
        r#"{"type":"message_stop"}"#,
    ])
}

fn run(bytes: &[u8], sizes: &[usize]) -> Decoded {
    decode(Box::<Decoder>::default(), bytes, sizes)
}

#[test]
fn a_turn_with_tools() {
    let decoded = run(&tool_turn(), &[usize::MAX]);
    assert!(decoded.whole);
    assert_eq!(decoded.text(SegmentKind::Reasoning), "Let me look é");
    assert_eq!(decoded.text(SegmentKind::Text), "I read both.");
    let answer = decoded.answer();
    assert_eq!(
        answer.raw.get(),
        r#"[{"type":"thinking","thinking":"Let me look é","signature":"EqQBCg=="},"#.to_owned()
            + r#"{"type":"text","text":"I read both."},"#
            + r#"{"type":"tool_use","id":"toolu_1","name":"read","input":{"path": "a", "n": 1.0}},"#
            + r#"{"type":"tool_use","id":"toolu_2","name":"list","input":{},"caller":{"type":"direct"}}]"#
    );
    assert_eq!(answer.finish, Finish::Tools);
    assert_eq!(answer.tool_calls[0].arguments, r#"{"path": "a", "n": 1.0}"#);
    assert_eq!((&*answer.tool_calls[1].id, &*answer.tool_calls[1].arguments), ("toolu_2", "{}"));
    assert_eq!(answer.model.as_deref(), Some("claude-sonnet-5-5-20260901"));
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input, usage.cache_read, usage.output, usage.reasoning), (25, 40, 89, 12));
    assert_eq!((usage.cache_write_short, usage.cache_write_long), (10, 20));
}

fn end(stop: &str) -> Answer {
    let delta =
        format!(r#"{{"type":"message_delta","delta":{stop},"usage":{{"output_tokens":3}}}}"#);
    run(&sse(&[START, &delta, r#"{"type":"message_stop"}"#]), &[7]).answer()
}

#[test]
fn every_reason_to_stop() {
    for (reason, finish) in [
        ("end_turn", Finish::End),
        ("stop_sequence", Finish::End),
        ("max_tokens", Finish::Length),
        ("pause_turn", Finish::Pause),
        ("refusal", Finish::Refusal),
        ("model_context_window_exceeded", Finish::ContextFull),
        ("something_new", Finish::End),
    ] {
        let answer = end(&format!(r#"{{"stop_reason":"{reason}"}}"#));
        assert_eq!((answer.finish, answer.raw.get()), (finish, "[]"), "{reason}");
    }
    let refusal = r#"{"stop_reason":"refusal","stop_details":{"category":"cyber","explanation":"no malware"}}"#;
    assert_eq!(end(refusal).explanation.as_deref(), Some("no malware"));
    let category = r#"{"stop_reason":"refusal","stop_details":{"category":"cyber"}}"#;
    assert_eq!(end(category).explanation.as_deref(), Some("cyber"));
}

#[test]
fn what_was_cut_off_is_neither_run_nor_sent_back() {
    let decoded = run(
        &sse(&[
            START,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"read","input":{}}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"x\":1}"}}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"b","name":"write","input":{}}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"content\":\"ha"}}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":3}}"#,
            r#"{"type":"message_stop"}"#,
        ]),
        &[usize::MAX],
    );
    let answer = decoded.answer();
    assert_eq!(answer.raw.get(), r#"[{"type":"tool_use","id":"a","name":"read","input":{"x":1}}]"#);
    assert_eq!((answer.tool_calls.len(), answer.finish), (1, Finish::Length));
}

#[test]
fn broken_arguments_reach_the_caller() {
    let answer = run(
        &sse(&[
            START,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"read","input":{}}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"x\": nope}"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":3}}"#,
            r#"{"type":"message_stop"}"#,
        ]),
        &[usize::MAX],
    )
    .answer();
    assert_eq!(answer.tool_calls[0].arguments, r#"{"x": nope}"#);
    assert_eq!(answer.raw.get(), r#"[{"type":"tool_use","id":"a","name":"read","input":{}}]"#);
}

#[test]
fn errors_inside_a_stream() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_9"}"#;
    let decoded = run(&sse(&[START, error]), &[11]);
    assert_eq!(decoded.error().kind, ModelErrorKind::Overloaded);
    assert_eq!(decoded.error().request_id.as_deref(), Some("req_9"));
    for odd in [
        "nonsense",
        "[]",
        r#"{"type":"content_block_delta","index":5,"delta":{"type":"text_delta","text":"x"}}"#,
    ] {
        assert_eq!(
            run(&sse(&[START, odd]), &[99]).error().kind,
            ModelErrorKind::Malformed,
            "{odd}"
        );
    }
}

#[test]
fn without_its_last_event_a_message_is_not_whole() {
    let bytes = tool_turn();
    let cut = bytes.len() - r#"data: {"type":"message_stop"}"#.len() - 2;
    let mut decoder = Decoder::default();
    let mut parser = crate::sse::SseParser::new(1 << 20);
    parser.push(&bytes[..cut]).unwrap();
    let mut transcript = Transcript::default();
    while let Some(event) = parser.next() {
        assert!(!codec::Decoder::feed(&mut decoder, &event, &mut transcript).unwrap());
    }
    assert!(!codec::Decoder::is_complete(&decoder));
    assert_eq!(codec::Decoder::usage(&decoder).unwrap().output, 89);
}

/// A block as the vendor means it, and the events that say it.
fn events_of(index: usize, kind: u8, text: &str, cut: usize) -> (serde_json::Value, Vec<String>) {
    use serde_json::json;
    let middle = text.char_indices().map(|(i, _)| i).nth(cut).unwrap_or(text.len());
    let (a, b) = text.split_at(middle);
    let input = json!({ "text": text, "n": [1.5, null] });
    let input_text = format!(" {input}");
    let (start, deltas, whole) = match kind {
        0 => (
            json!({ "type": "text", "text": "" }),
            vec![
                json!({ "type": "text_delta", "text": a }),
                json!({ "type": "text_delta", "text": b }),
            ],
            json!({ "type": "text", "text": text }),
        ),
        1 => (
            json!({ "type": "thinking", "thinking": "", "signature": "" }),
            vec![
                json!({ "type": "thinking_delta", "thinking": a }),
                json!({ "type": "thinking_delta", "thinking": b }),
                json!({ "type": "signature_delta", "signature": "S+/=" }),
            ],
            json!({ "type": "thinking", "thinking": text, "signature": "S+/=" }),
        ),
        2 => (
            json!({ "type": "redacted_thinking", "data": text }),
            vec![],
            json!({ "type": "redacted_thinking", "data": text }),
        ),
        _ => (
            json!({ "type": "tool_use", "id": format!("t{index}"), "name": "n", "input": {} }),
            vec![
                json!({ "type": "input_json_delta", "partial_json": input_text[..3] }),
                json!({ "type": "input_json_delta", "partial_json": input_text[3..] }),
            ],
            json!({ "type": "tool_use", "id": format!("t{index}"), "name": "n", "input": input }),
        ),
    };
    let start = json!({ "type": "content_block_start", "index": index, "content_block": start });
    let deltas = deltas
        .into_iter()
        .map(|delta| json!({ "type": "content_block_delta", "index": index, "delta": delta }));
    let stop = json!({ "type": "content_block_stop", "index": index });
    let events = std::iter::once(start).chain(deltas).chain([stop]);
    (whole, events.map(|e| e.to_string()).collect())
}

proptest! {
    /// What the vendor said, put together, sent back: the same blocks in the same order.
    #[test]
    fn blocks_survive_the_round_trip(
        blocks in prop::collection::vec((0u8..4, ".{1,30}", 0usize..30), 1..8),
    ) {
        let said = blocks.iter().enumerate().map(|(i, (k, text, cut))| events_of(i, *k, text, *cut));
        let (whole, events): (Vec<_>, Vec<_>) = said.unzip();
        let mut stream = vec![START.to_owned()];
        stream.extend(events.into_iter().flatten());
        stream.push(r#"{"type":"message_stop"}"#.to_owned());
        let stream: Vec<&str> = stream.iter().map(String::as_str).collect();
        let answer = run(&sse(&stream), &[13]).answer();
        let turn = crate::testing::assistant(crate::Wire::Anthropic, answer.raw.get(), "", &[]);
        let route = crate::testing::route(crate::Wire::Anthropic, "anthropic", "claude-opus-5-5");
        let prompt = crate::testing::prompt(vec![crate::testing::user("hi"), turn]);
        let outgoing = crate::anthropic::encode(&route, None, &prompt).unwrap();
        let body = crate::testing::body(&outgoing);
        prop_assert_eq!(&body["messages"][1]["content"], &serde_json::Value::Array(whole));
        let text = String::from_utf8(outgoing.body).unwrap();
        prop_assert!(text.contains(answer.raw.get()), "byte for byte");
    }

    #[test]
    fn chunks_do_not_matter(sizes in prop::collection::vec(1usize..60, 1..20)) {
        let bytes = tool_turn();
        prop_assert_eq!(run(&bytes, &sizes).debug(), run(&bytes, &[usize::MAX]).debug());
    }

    #[test]
    fn a_broken_stream_never_panics(
        cut in 0usize..2_500, flip in 0usize..2_500, byte: u8, junk in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = tool_turn();
        bytes.truncate(cut);
        if let Some(b) = bytes.get_mut(flip) { *b = byte; }
        bytes.extend_from_slice(&junk);
        run(&bytes, &[64]);
    }
}
