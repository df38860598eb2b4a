//! Holding back, cutting, falling silent, and what is noted of it.

use super::*;

#[tokio::test]
async fn a_gate_holds_back_the_whole_answer() {
    let server = ModelServer::start().await;
    let gate = Gate::new();
    server.script(Script::always(Reply::text("Hello.").gated(&gate)));
    let caller = Caller::of(&server);
    for wire in WIRES {
        let ask = caller.ask(wire, "hi", true);
        let open = async {
            gate.arrived_times(wire as usize + 1).await;
            let last = server.requests().pop().unwrap();
            assert_eq!((last.status, last.finished), (None, false));
            gate.open();
        };
        let (answer, ()) = tokio::join!(ask, open);
        assert!(answer.unwrap().contains("Hello."));
        assert!(server.requests().pop().unwrap().finished);
        gate.close();
    }
    gate.open();
}

#[tokio::test]
async fn a_gate_holds_back_one_chunk() {
    let server = ModelServer::start().await;
    let caller = Caller::of(&server);
    for wire in WIRES {
        let gate = Gate::new();
        server.script(Script::always(Reply::text("abcd").chunked(4).gated_at(2, &gate)));
        let mut answer = caller.send(wire, &Caller::body(wire, "hi", true)).await;
        gate.arrived().await;
        let mut seen = String::new();
        while !seen.contains("\"b\"") {
            seen += std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap();
        }
        assert!(seen.contains("\"a\"") && !seen.contains("\"c\""), "{seen}");
        assert!(!server.requests().pop().unwrap().finished);
        gate.open();
        let rest = answer.text().await.unwrap();
        assert!(rest.contains("\"c\"") && rest.contains("\"d\""), "{rest}");
        assert!(server.requests().pop().unwrap().finished);
    }
}

#[tokio::test]
async fn what_is_cut_is_not_finished() {
    let server = ModelServer::start().await;
    let caller = Caller::of(&server);
    for (wire, stream) in WIRES.into_iter().flat_map(|wire| [(wire, false), (wire, true)]) {
        server.script(Script::replies([
            Reply::text("abc").chunked(3).cut_after(0),
            Reply::text("abc").chunked(3).cut_after(1),
            Reply::text("abc").chunked(3).cut_before_end(),
        ]));
        for _ in 0..3 {
            assert!(caller.ask(wire, "hi", stream).await.is_err(), "{wire:?} {stream}");
            let last = server.requests().pop().unwrap();
            assert_eq!((last.finished, last.abandoned), (false, false));
        }
    }
}

#[tokio::test]
async fn a_connection_is_closed_without_an_answer() {
    let server = ModelServer::start().await;
    server.script(Script::replies([Reply::hang_up(), Reply::text("Back.")]));
    let caller = Caller::of(&server);
    let request = caller.request(Wire::Chat, Caller::body(Wire::Chat, "hi", true).to_string());
    assert!(request.send().await.is_err());
    let last = server.requests().pop().unwrap();
    assert_eq!((last.status, last.finished, last.abandoned), (None, false, false));
    assert!(caller.ask(Wire::Chat, "hi", true).await.unwrap().contains("Back."));
}

#[tokio::test]
async fn all_but_the_proof_of_the_end_comes() {
    let server = ModelServer::start().await;
    server.script(Script::always(Reply::text("abc").cut_before_end()));
    let caller = Caller::of(&server);
    let ends = ["message_stop", "[DONE]", "response.completed"];
    for (wire, end) in WIRES.into_iter().zip(ends) {
        let mut answer = caller.send(wire, &Caller::body(wire, "hi", true)).await;
        let mut seen = String::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            seen += std::str::from_utf8(&chunk).unwrap();
        }
        assert!(seen.contains("abc") && !seen.contains(end), "{seen}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_noted() {
    let server = ModelServer::start().await;
    server.script(Script::always(Reply::text("abc").chunked(3).silence_after(2)));
    let caller = Caller::of(&server);
    for wire in WIRES {
        let text = format!("leaving-{}", wire as usize);
        let mut answer = caller.send(wire, &Caller::body(wire, &text, true)).await;
        let chunk = answer.chunk().await.unwrap().unwrap();
        assert!(!chunk.is_empty());
        drop(answer);
        let left = server.until_abandoned(&text).await;
        assert_eq!((left.wire, left.finished), (wire, false));
    }
}

#[tokio::test]
async fn what_was_not_finished_gets_the_same_answer_again() {
    let tool = || Reply::call("t", json!({ "a": 1 })).thinking("Hm.");
    for (wire, stream) in WIRES.into_iter().flat_map(|wire| [(wire, false), (wire, true)]) {
        let server = ModelServer::start().await;
        let caller = Caller::of(&server);
        let text = "again";
        server.script_for(text, Script::replies([tool().cut_after(1), tool(), tool()]));
        assert!(caller.ask(wire, text, stream).await.is_err());
        let first = caller.ask(wire, text, stream).await.unwrap();
        server.assert_no_finished_call_was_repeated();
        let calls = server.calls_of(text);
        assert_eq!(calls[0].call, calls[1].call);
        assert_eq!(server.finished()[&calls[0].call], 1);
        let second = caller.ask(wire, text, stream).await.unwrap();
        assert_eq!(first, second);
        assert_eq!(server.finished()[&calls[0].call], 2);
        server.script_for("other", Script::always(tool()));
        assert_ne!(caller.ask(wire, "other", stream).await.unwrap(), first);
    }
}

#[tokio::test]
#[should_panic(expected = "asks again what call 0 had been told")]
async fn a_finished_call_that_is_repeated_is_noticed() {
    let server = ModelServer::start().await;
    server.script(Script::always(Reply::text("Hello.")));
    let caller = Caller::of(&server);
    caller.ask(Wire::Chat, "hi", true).await.unwrap();
    caller.ask(Wire::Chat, "hi", true).await.unwrap();
    server.assert_no_finished_call_was_repeated();
}

#[tokio::test]
async fn scripts_are_found_by_marker_and_model() {
    let server = ModelServer::start().await;
    server.script(Script::always(Reply::text("default")));
    server.script_model("m2", Script::always(Reply::text("by model")));
    server.script_for("task-1", Script::always(Reply::text("by marker")));
    let caller = Caller::of(&server);
    let ask = async |text: &str| caller.ask(Wire::Chat, text, false).await.unwrap();
    assert!(ask("do task-1: now").await.contains("by marker"));
    assert!(ask("do task-10: now").await.contains("default"));
    let mut body = Caller::body(Wire::Chat, "do task-10", false);
    body["model"] = json!("m2");
    let by_model = caller.send(Wire::Chat, &body).await.text().await.unwrap();
    assert!(by_model.contains("by model"));
    assert_eq!(server.calls_of("task-1").len(), 1);
}

#[tokio::test]
async fn many_conversations_run_at_once() {
    const CONVERSATIONS: usize = 200;
    let server = ModelServer::start().await;
    server
        .script(Script::brain(|request| Reply::text(format!("To {}.", request.first_user_text()))));
    let caller = Caller::of(&server);
    let asks = (0..CONVERSATIONS).map(async |n| {
        let text = format!("conversation-{n}");
        let answer = caller.ask(WIRES[n % 3], &text, n % 2 == 0).await.unwrap();
        assert!(answer.contains(&format!("To conversation-{n}.")), "{answer}");
    });
    futures::future::join_all(asks).await;
    assert_eq!(server.calls().len(), CONVERSATIONS);
    assert_eq!(server.finished().values().sum::<usize>(), CONVERSATIONS);
    assert_eq!(server.calls_of("conversation-7").len(), 1);
    server.assert_no_finished_call_was_repeated();
}
