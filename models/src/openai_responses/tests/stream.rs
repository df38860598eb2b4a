use proptest::prelude::*;

use super::*;
use crate::contract::SegmentKind;
use crate::testing::{Decoded, decode, sse};

const REASONING: &str = r#"{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"gAAA\u003d="}"#;
const CALL: &str = r#"{"id":"fc_1","type":"function_call","status":"completed","arguments":"{\"a\":  1.0}","call_id":"call_1","name":"read"}"#;

fn run(bytes: &[u8], sizes: &[usize]) -> Decoded {
    decode(Box::<Decoder>::default(), bytes, sizes)
}

fn tool_turn() -> Vec<u8> {
    let done = |index: u8, item: &str| {
        format!(
            r#"{{"type":"response.output_item.done","sequence_number":9,"output_index":{index},"item":{item}}}"#
        )
    };
    sse(&[
        r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","model":"gpt-6.1-sol-2026-09-29","output":[],"usage":null,"error":null}}"#,
        r#"{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_1","output":[]}}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}"#,
        r#"{"type":"response.reasoning_summary_part.added","summary_index":0}"#,
        r#"{"type":"response.reasoning_summary_text.delta","delta":"hm"}"#,
        r#"{"type":"response.reasoning_summary_part.added","summary_index":1}"#,
        r#"{"type":"response.reasoning_summary_text.delta","delta":"yes"}"#,
        &done(0, REASONING),
        r#"{"type":"response.output_text.delta","item_id":"m","output_index":1,"content_index":0,"delta":"I re"}"#,
        r#"{"type":"response.output_text.delta","item_id":"m","output_index":1,"content_index":0,"delta":"ad é."}"#,
        r#"{"type":"response.brand_new.event","delta":{"not":"a string"}}"#,
        &done(
            1,
            r#"{"id":"m","type":"message","role":"assistant","content":[{"type":"output_text","text":"I read é.","annotations":[]}]}"#,
        ),
        r#"{"type":"response.function_call_arguments.delta","output_index":2,"delta":"{\"a"}"#,
        &done(2, CALL),
        r#"{"type":"response.completed","response":{"id":"resp_1","model":"gpt-6.1-sol-2026-09-29","status":"completed","output":[{"other":1}],"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":60,"cache_write_tokens":10},"output_tokens":20,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":120}}}"#,
    ])
}

#[test]
fn a_turn_with_tools() {
    let decoded = run(&tool_turn(), &[usize::MAX]);
    assert!(decoded.whole);
    assert_eq!(decoded.text(SegmentKind::Text), "I read é.");
    assert_eq!(decoded.text(SegmentKind::Reasoning), "hm\n\nyes");
    let answer = decoded.answer();
    assert!(answer.raw.get().starts_with(&format!("[{REASONING},")), "{}", answer.raw);
    assert!(answer.raw.get().ends_with(&format!(",{CALL}]")), "{}", answer.raw);
    assert_eq!(answer.finish, Finish::Tools);
    let call = &answer.tool_calls[0];
    assert_eq!((&*call.id, &*call.name, &*call.arguments), ("call_1", "read", "{\"a\":  1.0}"));
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input, usage.cache_read, usage.cache_write_short), (30, 60, 10));
    assert_eq!((usage.output, usage.reasoning), (20, 5));
    assert_eq!(answer.model.as_deref(), Some("gpt-6.1-sol-2026-09-29"));
    assert_eq!(answer.request_id.as_deref(), Some("resp_1"));
}

#[test]
fn what_was_cut_off_is_neither_run_nor_sent_back() {
    let incomplete = |reason: &str| {
        let half = CALL.replace(r#"{\"a\":  1.0}"#, r#"{\"a"#);
        let output = format!(r#"[{{"type":"message","content":[]}},{REASONING},{half}]"#);
        let event = format!(
            r#"{{"type":"response.incomplete","response":{{"id":"r","output":{output},"incomplete_details":{{"reason":"{reason}"}}}}}}"#
        );
        run(&sse(&[&event]), &[usize::MAX]).answer()
    };
    let cut = incomplete("max_output_tokens");
    assert_eq!((cut.finish, cut.tool_calls.len()), (Finish::Length, 0));
    assert_eq!(cut.raw.get(), r#"[{"type":"message","content":[]}]"#);
    assert_eq!(incomplete("content_filter").finish, Finish::Filter);
}

#[test]
fn items_may_come_only_at_the_end() {
    let event =
        format!(r#"{{"type":"response.completed","response":{{"id":"r","output":[{CALL}]}}}}"#);
    let answer = run(&sse(&[&event, "[DONE]"]), &[usize::MAX]).answer();
    assert_eq!(answer.raw.get(), format!("[{CALL}]"));
    assert!(answer.usage.is_none());
}

#[test]
fn failures() {
    let kind = |data: &str| run(&sse(&[data]), &[9]).error().kind;
    use crate::contract::ModelErrorKind::*;
    let failed = |code: &str| {
        kind(&format!(
            r#"{{"type":"response.failed","response":{{"id":"r","error":{{"code":"{code}","message":"m"}}}}}}"#
        ))
    };
    assert_eq!(failed("server_error"), Server);
    assert_eq!(failed("rate_limit_exceeded"), RateLimited);
    assert_eq!(failed("invalid_prompt"), Invalid);
    assert_eq!(failed("context_length_exceeded"), ContextFull);
    assert_eq!(kind(r#"{"type":"response.failed"}"#), Server);
    assert_eq!(kind(r#"{"type":"response.cancelled","response":{}}"#), Server);
    let top = r#"{"type":"error","code":"insufficient_quota","message":"pay","param":null}"#;
    assert_eq!(kind(top), Billing);
    let nested = r#"{"type":"error","error":{"type":"server_error","code":null,"message":"m"}}"#;
    assert_eq!(kind(nested), Server);
    assert_eq!(kind(r#"{"error":{"message":"m","type":"authentication_error"}}"#), Auth);
    assert_eq!(kind("nonsense"), Malformed);
}

#[test]
fn refusals() {
    let decoded = run(
        &sse(&[
            r#"{"type":"response.refusal.delta","delta":"I won't"}"#,
            r#"{"type":"response.completed","response":{"output":[{"type":"message"}]}}"#,
        ]),
        &[3],
    );
    let answer = decoded.answer();
    assert_eq!((answer.finish, answer.explanation.as_deref()), (Finish::Refusal, Some("I won't")));
}

proptest! {
    #[test]
    fn chunks_do_not_matter(sizes in prop::collection::vec(1usize..60, 1..20)) {
        let bytes = tool_turn();
        prop_assert_eq!(run(&bytes, &sizes).debug(), run(&bytes, &[usize::MAX]).debug());
    }

    #[test]
    fn a_broken_stream_never_panics(
        cut in 0usize..2_800, flip in 0usize..2_800, byte: u8, junk in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = tool_turn();
        bytes.truncate(cut);
        if let Some(b) = bytes.get_mut(flip) { *b = byte; }
        bytes.extend_from_slice(&junk);
        run(&bytes, &[64]);
    }
}
