use proptest::prelude::*;

use super::*;
use crate::contract::SegmentKind;
use crate::testing::{Decoded, decode, sse};

fn run(bytes: &[u8], sizes: &[usize]) -> Decoded {
    decode(Box::new(Decoder::new(0xabc)), bytes, sizes)
}

/// Chunks with these deltas and this end, and nothing after it.
fn deltas(deltas: &[&str], finish: &str) -> Answer {
    stream(deltas, finish).answer()
}

fn stream(deltas: &[&str], finish: &str) -> Decoded {
    let chunk =
        |delta: &&str| format!(r#"{{"id":"c1","choices":[{{"index":0,"delta":{delta}}}]}}"#);
    let mut chunks: Vec<String> = deltas.iter().map(chunk).collect();
    chunks.push(format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{finish}"}}]}}"#));
    run(&sse(&chunks.iter().map(String::as_str).collect::<Vec<_>>()), &[usize::MAX])
}

fn calls(answer: &Answer) -> Vec<(&str, &str, &str)> {
    let calls = answer.tool_calls.iter();
    calls.map(|c| (c.id.as_str(), c.name.as_str(), c.arguments.as_str())).collect()
}

fn tool_turn() -> Vec<u8> {
    let mut bytes = b": OPENROUTER PROCESSING\n\n".to_vec();
    bytes.extend(sse(&[
        r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-6.1-sol","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}],"usage":null,"obfuscation":"xx"}"#,
        r#"{"id":"c1","model":"gpt-6.1-sol","choices":[{"index":0,"delta":{"content":"I re"}}]}"#,
        r#"{"id":"c1","model":"gpt-6.1-sol","choices":[{"index":0,"delta":{"content":"ad é."}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"read","arguments":""}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"path\": "}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"list","arguments":"{}"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"a\"}"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":10},"completion_tokens_details":{"reasoning_tokens":5},"cost":0.00014235}}"#,
        "[DONE]",
    ]));
    bytes
}

#[test]
fn a_turn_with_tools() {
    let decoded = run(&tool_turn(), &[usize::MAX]);
    assert!(decoded.whole);
    assert_eq!(decoded.text(SegmentKind::Text), "I read é.");
    let answer = decoded.answer();
    assert_eq!(calls(&answer), [("call_a", "read", r#"{"path": "a"}"#), ("call_b", "list", "{}")]);
    assert_eq!(answer.finish, Finish::Tools);
    assert_eq!(
        answer.raw.get(),
        r#"[{"role":"assistant","content":"I read é.","tool_calls":["#.to_owned()
            + r#"{"id":"call_a","type":"function","function":{"name":"read","arguments":"{\"path\": \"a\"}"}},"#
            + r#"{"id":"call_b","type":"function","function":{"name":"list","arguments":"{}"}}]}]"#
    );
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input, usage.cache_read, usage.cache_write_short), (30, 60, 10));
    assert_eq!((usage.output, usage.reasoning), (20, 5));
    assert_eq!(answer.charged, Some(Pico(142_350_000)));
    assert_eq!(
        (answer.model.as_deref(), answer.request_id.as_deref()),
        (Some("gpt-6.1-sol"), Some("c1"))
    );
}

#[test]
fn index_missing_or_always_zero() {
    for index in ["", r#""index":0,"#] {
        let call = |id: &str, name: &str, n: u8| {
            format!(
                r#"{{"tool_calls":[{{{index}{id}"function":{{"name":"{name}","arguments":"{{\"n\":{n}}}"}}}}]}}"#
            )
        };
        let with_ids = [call(r#""id":"x","#, "read", 1), call(r#""id":"y","#, "read", 2)];
        let answer = deltas(&with_ids.each_ref().map(String::as_str), "tool_calls");
        assert_eq!(calls(&answer), [("x", "read", r#"{"n":1}"#), ("y", "read", r#"{"n":2}"#)]);
        let without = [call("", "read", 1), call("", "list", 2), call("", "list", 3)];
        let answer = deltas(&without.each_ref().map(String::as_str), "tool_calls");
        let names: Vec<&str> = answer.tool_calls.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["read", "list", "list"], "{index}");
    }
    // In one delta, all at once.
    let one = r#"{"tool_calls":[{"index":0,"id":"x","function":{"name":"a","arguments":"{}"}},{"index":0,"id":"y","function":{"name":"b","arguments":"{}"}}]}"#;
    assert_eq!(deltas(&[one], "stop").tool_calls.len(), 2);
}

#[test]
fn pieces_without_an_index_belong_to_the_last_call() {
    let answer = deltas(
        &[
            r#"{"tool_calls":[{"id":"x","function":{"name":"read","arguments":"{\"a\""}}]}"#,
            r#"{"tool_calls":[{"function":{"arguments":":1}"}}]}"#,
        ],
        "tool_calls",
    );
    assert_eq!(calls(&answer), [("x", "read", r#"{"a":1}"#)]);
}

#[test]
fn ids_and_names_that_are_repeated_begin_nothing() {
    let piece = |args: &str| {
        format!(
            r#"{{"tool_calls":[{{"index":0,"id":"x","function":{{"name":"read","arguments":"{args}"}}}}]}}"#
        )
    };
    let pieces = [piece("{}"), piece("")];
    assert_eq!(
        calls(&deltas(&pieces.each_ref().map(String::as_str), "stop")),
        [("x", "read", "{}")]
    );
    let piece = |args: &str| {
        format!(
            r#"{{"tool_calls":[{{"index":0,"function":{{"name":"read","arguments":"{args}"}}}}]}}"#
        )
    };
    let pieces = [piece(""), piece("{"), piece("}"), piece("")];
    let answer = deltas(&pieces.each_ref().map(String::as_str), "stop");
    assert_eq!(answer.tool_calls.len(), 1);
    assert_eq!(answer.tool_calls[0].arguments, "{}");
}

#[test]
fn ids_are_made_up_where_they_are_missing_or_not_unique() {
    let call = |id: &str| {
        format!(r#"{{"tool_calls":[{{{id}"function":{{"name":"t","arguments":"{{\"n\":1}}"}}}}]}}"#)
    };
    let answer = deltas(&[&call(""), &call("")], "tool_calls");
    assert_eq!(answer.tool_calls[0].id, "call_0000000000000abc_0");
    assert_eq!(answer.tool_calls[1].id, "call_0000000000000abc_1");
    let same = |index: u8| call(&format!(r#""index":{index},"id":"0","#));
    let answer = deltas(&[&same(0), &same(1)], "tool_calls");
    assert_eq!(answer.tool_calls.len(), 2);
    assert_ne!(answer.tool_calls[0].id, answer.tool_calls[1].id);
    assert!(answer.raw.get().contains(&answer.tool_calls[1].id));
}

#[test]
fn arguments_as_an_object_missing_or_not_json() {
    let call = |args: &str| {
        let delta = format!(r#"{{"tool_calls":[{{"id":"x","function":{{"name":"t"{args}}}}}]}}"#);
        let answer = deltas(&[&delta], "tool_calls");
        (answer.tool_calls[0].arguments.clone(), answer.raw.get().contains(r#""arguments":"{}""#))
    };
    assert_eq!(call(r#","arguments":{"a": 1.0}"#), (r#"{"a": 1.0}"#.to_owned(), false));
    assert_eq!(call(""), ("{}".to_owned(), true));
    assert_eq!(call(r#","arguments":null"#), ("{}".to_owned(), true));
    assert_eq!(call(r#","arguments":"{oops""#), ("{oops".to_owned(), true));
}

#[test]
fn what_only_the_vendor_understands_goes_back() {
    let extra = r#"{"google":{"thought_signature":"A\u003d="}}"#;
    let call = format!(
        r#"{{"tool_calls":[{{"id":"x","extra_content":{extra},"function":{{"name":"t","arguments":"{{}}"}}}}]}}"#
    );
    let answer = deltas(&[&call], "tool_calls");
    assert!(answer.raw.get().contains(&format!(r#""extra_content":{extra}"#)), "{}", answer.raw);
}

#[test]
fn calls_without_names() {
    let nothing = r#"{"tool_calls":[{"index":0,"id":"x","function":{}}]}"#;
    assert_eq!(deltas(&[nothing], "stop").finish, Finish::End);
    let unnamed = r#"{"tool_calls":[{"id":"x","function":{"arguments":"{}"}}]}"#;
    assert_eq!(calls(&deltas(&[unnamed], "stop")), [("x", "unnamed", "{}")]);
}

#[test]
fn ids_may_be_numbers() {
    let call = r#"{"tool_calls":[{"id":7,"function":{"name":"t","arguments":"{}"}}]}"#;
    assert_eq!(calls(&deltas(&[call], "stop")), [("7", "t", "{}")]);
}

#[test]
fn usage_null_zero_or_everywhere() {
    let usages = |usages: &[&str]| {
        let chunk = |usage: &&str| {
            format!(r#"{{"choices":[{{"delta":{{"content":"x"}}}}],"usage":{usage}}}"#)
        };
        let mut chunks: Vec<String> = usages.iter().map(chunk).collect();
        chunks.push(r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#.to_owned());
        let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
        run(&sse(&chunks), &[usize::MAX]).answer().usage.map(|u| (u.input, u.output))
    };
    let usage = |n: u8| format!(r#"{{"prompt_tokens":9,"completion_tokens":{n}}}"#);
    assert_eq!(usages(&[&usage(1), &usage(2), "null"]), Some((9, 2)));
    assert_eq!(usages(&["null", "null"]), None);
    assert_eq!(usages(&[r#"{"prompt_tokens":null}"#]), None);
}

#[test]
fn errors_inside_a_stream() {
    let kind = |data: &str| run(&sse(&[data]), &[9]).error().kind;
    let numeric = r#"{"id":"x","error":{"code":429,"message":"slow"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#;
    assert_eq!(kind(numeric), ModelErrorKind::RateLimited);
    let choice = r#"{"choices":[{"delta":{},"finish_reason":"error"}]}"#;
    assert_eq!(kind(choice), ModelErrorKind::Server);
    assert_eq!(kind(r#"{"error":{"code":402,"message":"no credits"}}"#), ModelErrorKind::Billing);
    assert_eq!(
        kind(r#"{"error":{"code":502,"message":"down"},"choices":[]}"#),
        ModelErrorKind::Server
    );
    assert_eq!(
        kind(r#"{"choices":[{"error":{"code":503,"message":"x"}}]}"#),
        ModelErrorKind::Overloaded
    );
    assert_eq!(kind("{not json"), ModelErrorKind::Malformed);
    let named =
        b"event: error\ndata: {\"error\":{\"message\":\"m\",\"type\":\"server_error\"}}\n\n";
    assert_eq!(run(named, &[5]).error().kind, ModelErrorKind::Server);
}

#[test]
fn reasoning_is_never_text() {
    for field in ["reasoning_content", "reasoning"] {
        let delta = format!(r#"{{"{field}":"hm"}}"#);
        let decoded = stream(&[&delta, r#"{"content":"yes"}"#], "stop");
        assert_eq!(decoded.text(SegmentKind::Reasoning), "hm");
        assert_eq!(decoded.text(SegmentKind::Text), "yes");
        assert_eq!(decoded.answer().raw.get(), r#"[{"role":"assistant","content":"yes"}]"#);
    }
    let parts = r#"{"content":[{"type":"thinking","thinking":[]},{"type":"text","text":"yes"}]}"#;
    assert_eq!(stream(&[parts], "stop").text(SegmentKind::Text), "yes");
    // With calls it goes back, as DeepSeek demands.
    let call = r#"{"tool_calls":[{"id":"x","function":{"name":"t","arguments":"{}"}}]}"#;
    let answer = deltas(&[r#"{"reasoning_content":"hm"}"#, call], "tool_calls");
    assert!(answer.raw.get().contains(r#""content":null,"reasoning_content":"hm","tool_calls""#));
}

#[test]
fn reasoning_details_are_put_together() {
    let detail = |text: &str, more: &str| {
        format!(
            r#"{{"reasoning_details":[{{"type":"reasoning.text","index":0,"text":"{text}"{more}}}]}}"#
        )
    };
    let encrypted =
        r#"{"reasoning_details":[{"type":"reasoning.encrypted","index":1,"data":"A=="}]}"#;
    let answer = deltas(
        &[&detail("a", ""), &detail("b", r#","signature":"S""#), encrypted, r#"{"content":"x"}"#],
        "stop",
    );
    let expected = r#""reasoning_details":[{"index":0,"signature":"S","text":"ab","type":"reasoning.text"},{"type":"reasoning.encrypted","index":1,"data":"A=="}]"#;
    assert!(answer.raw.get().contains(expected), "{}", answer.raw);
}

#[test]
fn ends() {
    assert_eq!(deltas(&[r#"{"content":"x"}"#], "stop").finish, Finish::End);
    assert_eq!(deltas(&[r#"{"content":"x"}"#], "length").finish, Finish::Length);
    assert_eq!(deltas(&[r#"{"content":"x"}"#], "content_filter").finish, Finish::Filter);
    let refused = deltas(&[r#"{"refusal":"I "}"#, r#"{"refusal":"won't"}"#], "stop");
    assert_eq!(
        (refused.finish, refused.explanation.as_deref()),
        (Finish::Refusal, Some("I won't"))
    );
    assert_eq!(deltas(&[], "stop").raw.get(), "[]");
    let cut = r#"{"tool_calls":[{"id":"x","function":{"name":"t","arguments":"{\"a"}}]}"#;
    assert!(deltas(&[cut], "length").tool_calls.is_empty());
}

#[test]
fn wholeness() {
    let text = r#"{"choices":[{"delta":{"content":"x"}}]}"#;
    let stop = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    assert!(run(&sse(&[text, stop]), &[9]).whole, "no [DONE]");
    assert!(run(&sse(&[text, "[DONE]"]), &[9]).whole, "no finish_reason");
    assert!(!run(&sse(&[text]), &[9]).whole);
    let whole = r#"{"choices":[{"message":{"role":"assistant","content":"all"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
    let decoded = run(&sse(&[whole]), &[9]);
    assert!(decoded.whole);
    assert_eq!(decoded.text(SegmentKind::Text), "all");
}

proptest! {
    #[test]
    fn chunks_do_not_matter(sizes in prop::collection::vec(1usize..60, 1..20)) {
        let bytes = tool_turn();
        prop_assert_eq!(run(&bytes, &sizes).debug(), run(&bytes, &[usize::MAX]).debug());
    }

    #[test]
    fn a_broken_stream_never_panics(
        cut in 0usize..1_800, flip in 0usize..1_800, byte: u8, junk in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = tool_turn();
        bytes.truncate(cut);
        if let Some(b) = bytes.get_mut(flip) { *b = byte; }
        bytes.extend_from_slice(&junk);
        run(&bytes, &[64]);
    }

    #[test]
    fn ids_are_always_unique(
        pieces in prop::collection::vec((prop::option::of(0u8..3), "[ab]?", "[fg]?", r#"(\{\}|\{"a":1\}|\{|)"#), 1..12),
    ) {
        let delta = |(index, id, name, args): &(Option<u8>, String, String, String)| {
            let index = index.map_or(String::new(), |i| format!(r#""index":{i},"#));
            let args = serde_json::to_string(args).unwrap();
            format!(r#"{{"tool_calls":[{{{index}"id":"{id}","function":{{"name":"{name}","arguments":{args}}}}}]}}"#)
        };
        let all: Vec<String> = pieces.iter().map(delta).collect();
        let answer = deltas(&all.iter().map(String::as_str).collect::<Vec<_>>(), "stop");
        let ids: std::collections::HashSet<_> = answer.tool_calls.iter().map(|c| &c.id).collect();
        prop_assert_eq!(ids.len(), answer.tool_calls.len());
    }
}
