//! The stream of one task.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use theazo_domain::agent::Failure;
use theazo_domain::task::{Ending, TaskCommand};
use theazo_log::live::Voice;

use super::run::Run;
use super::sse::{Event, Item, Sse, essence, names, text};
use crate::support::App;

/// A run of two model calls and two tool calls, which has ended.
async fn ended(app: &App) -> Run<'_> {
    let mut run = Run::started(app).await;
    let mut speech = run.call().await;
    speech.say(Voice::Reasoning, "Let me see. ");
    speech.say(Voice::Text, "I look it up: ");
    let input = "{\n  \"query\": \"a\\nb\"\n}";
    let tools = run.heard(speech, &[("web_search", input), ("read_file", "no json")]).await;
    run.progress(650, "Searching the web...").await;
    for step in tools {
        run.tool_done(step, &format!("result {step}")).await;
    }
    let mut speech = run.call().await;
    speech.say(Voice::Text, "It is ");
    speech.say(Voice::Text, "42.");
    run.heard(speech, &[]).await;
    run.completed("It is 42.").await;
    run
}

#[tokio::test]
async fn the_whole_history_then_the_end() {
    let app = App::new().await;
    let run = ended(&app).await;
    let stream = Sse::open(&app, &run.path()).await;
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(stream.headers[name], value);
    }
    let events = stream.rest().await;
    let expected = [
        "status",
        "status",
        "thinking",
        "text",
        "tool_call",
        "tool_call",
        "progress",
        "tool_result",
        "tool_result",
        "text",
        "output",
        "done",
    ];
    assert_eq!(names(&events), expected);
    let task = run.task.to_string();
    assert!(events.iter().all(|event| event.data["taskId"] == task), "{events:#?}");
    let data = |n: usize| events[n].data.clone();
    assert_eq!(data(0), json!({ "status": "queued", "taskId": task }));
    assert_eq!(data(1), json!({ "status": "running", "attempt": 1, "taskId": task }));
    assert_eq!(data(2), json!({ "text": "Let me see. ", "step": 0, "taskId": task }));
    assert_eq!(data(3), json!({ "delta": "I look it up: ", "step": 0, "taskId": task }));
    let call = json!({ "id": "call_0_0", "tool": "web_search", "input": { "query": "a\nb" },
        "step": 1, "taskId": task });
    assert_eq!(data(4), call);
    assert_eq!(data(5)["input"], "no json");
    let progress = json!({ "progress": 0.65, "message": "Searching the web...", "taskId": task });
    assert_eq!(data(6), progress);
    let result = json!({ "id": "call_0_1", "tool": "read_file", "output": "result 2",
        "isError": false, "durationMs": 3, "step": 2, "taskId": task });
    assert_eq!(data(8), result);
    assert_eq!(data(10)["text"], "It is 42.");
    assert_eq!(data(10)["cost"]["currency"], "usd");
    let result = &data(11)["result"];
    assert_eq!(result["output"], "It is 42.");
    assert_eq!(result["toolCalls"].as_array().unwrap().len(), 2);
    assert_eq!(result["taskId"], task);
    let again = Sse::open(&app, &format!("{}?from=start", run.path())).await.rest().await;
    assert_eq!(again, events);
}

#[tokio::test]
async fn it_goes_on_after_any_event() {
    let app = App::new().await;
    let run = ended(&app).await;
    let events = Sse::open(&app, &run.path()).await.rest().await;
    for (n, event) in events.iter().enumerate() {
        let last = n + 1 == events.len();
        let resume = app.request("GET", &run.path()).header("last-event-id", event.id());
        if last {
            let answer = resume.send().await.is(StatusCode::NO_CONTENT);
            assert!(answer.bytes.is_empty());
            continue;
        }
        let rest = Sse::of(resume).await.rest().await;
        assert_eq!(rest, events[n + 1..], "after {}", event.id());
        let query = format!("{}?lastEventId={}&from=start", run.path(), event.id());
        assert_eq!(Sse::open(&app, &query).await.rest().await, rest);
    }
    // Within a text: to the byte, and to the character.
    let thinking = events.iter().find(|event| event.name == "thinking").unwrap();
    let (commit, offset) = thinking.id().split_once('.').unwrap();
    assert_eq!(offset, "12");
    for offset in 1..12 {
        let rest = Sse::resume(&app, &run.path(), &format!("{commit}.{offset}")).await;
        let rest = rest.rest().await;
        assert_eq!(rest[0].words().unwrap(), &"Let me see. "[offset..]);
        assert_eq!(rest[1..], events[3..]);
    }
}

#[tokio::test]
async fn what_happens_is_told_at_once() {
    let app = App::new().await;
    let mut run = Run::queued(&app).await;
    let mut stream = Sse::open(&app, &run.path()).await;
    assert_eq!(stream.item().await, Some(Item::Other("connected\nretry: 1000".to_owned())));
    assert_eq!(stream.next().await.unwrap().data["status"], "queued");
    run.start().await;
    assert_eq!(stream.next().await.unwrap().data["status"], "running");
    let mut speech = run.call().await;
    let mut said = String::new();
    for word in ["Äpfel ", "und ", "Birnen", ", 🍐"] {
        speech.say(Voice::Text, word);
        said.push_str(word);
        // Each is heard before the next is said.
        let heard = stream.until_text(word).await;
        assert!(heard.last().unwrap().id().ends_with(&format!(".{}", said.len())));
    }
    // A commit while it speaks takes nothing away.
    run.renew().await;
    run.command(TaskCommand::RequestCancel { reason: "enough".to_owned() }).await;
    let cancelling = stream.next().await.unwrap();
    assert_eq!(cancelling.data["status"], "cancelling");
    assert!(cancelling.id().ends_with(&format!(".{}", said.len())), "{cancelling:?}");
    speech.say(Voice::Text, " heard");
    stream.until_text(" heard").await;
    speech.say_unheard(" unheard");
    run.heard(speech, &[]).await;
    stream.until_text(" unheard").await;
    run.ended(Ending::Cancelled { reason: "enough".to_owned() }).await;
    let end = stream.next().await.unwrap();
    let task = run.task.to_string();
    let error = json!({ "code": "cancelled", "message": "enough", "resumable": false,
        "taskId": task });
    assert_eq!((end.name.as_str(), &end.data), ("error", &error));
    assert_eq!(stream.next().await, None);
}

/// While a call speaks, when it has ended, and when it has broken off.
#[tokio::test]
async fn it_goes_on_within_a_text() {
    let app = App::new().await;
    let mut run = Run::started(&app).await;
    let mut speech = run.call().await;
    speech.say(Voice::Reasoning, "one ");
    speech.say(Voice::Text, "two ");
    let mut first = Sse::open(&app, &run.path()).await;
    let before = first.until_text("one two ").await;
    let id = before.last().unwrap().id().to_owned();
    speech.say(Voice::Text, "three ");
    let mut during = Sse::resume(&app, &run.path(), &id).await;
    during.until_text("three ").await;
    first.until_text("three ").await;
    // Within what all have had; the others stay.
    let (commit, _) = id.split_once('.').unwrap();
    let mut within = Sse::resume(&app, &run.path(), &format!("{commit}.2")).await;
    within.until_text("e two three ").await;
    speech.say(Voice::Text, "four");
    for stream in [&mut first, &mut during, &mut within] {
        stream.until_text("four").await;
    }
    run.heard(speech, &[]).await;
    drop((first, during, within));
    let mut after = Sse::resume(&app, &run.path(), &id).await;
    after.until_text("three four").await;

    let mut broken = run.call().await;
    broken.say(Voice::Text, "void");
    let heard = after.until_text("void").await;
    let (id, step) = (heard.last().unwrap().id().to_owned(), broken.step);
    run.broke(broken).await;
    let discarded = after.next().await.unwrap();
    let task = run.task.to_string();
    let status = json!({ "status": "running", "reason": "It broke.", "discardedStep": step,
        "taskId": task });
    assert_eq!(discarded.data, status);
    let again = Sse::resume(&app, &run.path(), &id).await.next().await.unwrap();
    assert_eq!(again, discarded);
    run.ended(Ending::Failed {
        failure: Failure { code: "provider_error".to_owned(), message: "Down.".to_owned() },
        output: None,
        artifacts: vec![],
    })
    .await;
    let end = after.rest().await;
    assert_eq!((end[0].name.as_str(), &end[0].data["code"]), ("error", &json!("provider_error")));
    assert_eq!(end.len(), 1);
}

/// The worker dies while the model speaks: what it said is void, and said to be.
#[tokio::test]
async fn a_call_that_is_lost_is_discarded() {
    let app = App::new().await;
    let mut run = Run::started(&app).await;
    let mut stream = Sse::open(&app, &run.path()).await;
    let mut lost = run.call().await;
    lost.say(Voice::Text, "half a sen");
    stream.until_text("half a sen").await;
    drop(lost);
    run.lose_worker().await;
    let mut speech = run.call().await;
    speech.say(Voice::Text, "A sentence.");
    let events = stream.until_text("A sentence.").await;
    assert_eq!(names(&events), ["status", "status", "status", "text"]);
    let reasons: Vec<_> = events.iter().map(|event| event.data["reason"].clone()).collect();
    assert_eq!(reasons[0], "worker_lost");
    assert_eq!(events[2].data["discardedStep"], 0);
    assert_eq!(events[3].data["step"], 1);
    run.heard(speech, &[]).await;
    run.completed("A sentence.").await;
    let uncut = Sse::open(&app, &run.path()).await.rest().await;
    assert_eq!(text(&uncut), "A sentence.", "what is void is not in the history");
}

/// A reader that is behind what all have had, of a call that nobody can hear any more and whose
/// outcome is not in the log yet, waits for it: nothing is left out.
#[tokio::test]
async fn a_late_reader_waits_for_what_is_out_of_reach() {
    let app = App::new().await;
    let mut run = Run::started(&app).await;
    let mut first = Sse::open(&app, &run.path()).await;
    let mut speech = run.call().await;
    speech.say(Voice::Text, "before ");
    let heard = first.until_text("before ").await;
    speech.fall_silent();
    let (commit, _) = heard.last().unwrap().id().split_once('.').unwrap();
    let mut late = Sse::resume(&app, &run.path(), &format!("{commit}.3")).await;
    run.heard(speech, &[]).await;
    late.until_text("ore ").await;
    run.completed("before ").await;
    assert_eq!(essence(&late.rest().await), essence(&first.rest().await));
}

/// One that reads nothing while much happens is told so, and goes on where it was.
#[tokio::test]
async fn a_reader_that_falls_too_far_behind_is_cut_off() {
    let app = App::new().await;
    let mut run = Run::started(&app).await;
    let mut slow = Sse::open(&app, &run.path()).await;
    let mut fast = Sse::open(&app, &run.path()).await;
    let running = |event: &Event| event.data["status"] == "running";
    let before = slow.until(running).await;
    fast.until(running).await;
    // It is live, and its next event is one of these.
    run.progress(0, "first").await;
    let mut seen = vec![slow.next().await.unwrap()];
    for n in 1..=200 {
        run.progress(n, "more").await;
    }
    fast.until(|event| event.data["progress"] == 0.2).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    run.progress(201, "late").await;
    let late = fast.until(|event| event.data["message"] == "late").await;
    assert_eq!(late.len(), 1);
    let cut = loop {
        let event = slow.next().await.unwrap();
        if event.name == "error" {
            break event;
        }
        seen.push(event);
    };
    assert_eq!((&cut.data["code"], &cut.id), (&json!("slow_reader"), &None));
    assert_eq!(cut.data["resumable"], true);
    assert_eq!(slow.next().await, None);
    run.completed("done").await;
    let id = seen.last().unwrap().id().to_owned();
    let rest = Sse::resume(&app, &run.path(), &id).await.rest().await;
    let whole = Sse::open(&app, &run.path()).await.rest().await;
    assert_eq!([before, seen, rest].concat(), whole);
    assert_eq!(names(&fast.rest().await), ["output", "done"]);
}

/// Two readers at different speeds see the same.
#[tokio::test]
async fn readers_do_not_mind_each_other() {
    let app = App::new().await;
    let mut run = Run::started(&app).await;
    let mut fast = Sse::open(&app, &run.path()).await;
    let slow = Sse::open(&app, &run.path()).await;
    let mut seen = Vec::new();
    for n in 0..5 {
        let mut speech = run.call().await;
        for word in ["a", "b", "c"] {
            let word = format!("{word}{n} ");
            speech.say(Voice::Text, &word);
            seen.extend(fast.until_text(&word).await);
        }
        run.heard(speech, &[]).await;
    }
    run.completed("all").await;
    seen.extend(fast.rest().await);
    let slow = slow.rest().await;
    assert_eq!(essence(&slow), essence(&seen));
}

#[tokio::test]
async fn a_stream_in_which_nothing_happens_is_kept_open() {
    let app = App::with(|config| config.stream_heartbeat = Duration::from_millis(20)).await;
    let run = Run::queued(&app).await;
    let mut stream = Sse::open(&app, &run.path()).await;
    let mut comments = 0;
    while comments < 3 {
        match stream.item().await.unwrap() {
            Item::Other(comment) if comment == "ping" => comments += 1,
            Item::Other(greeting) => assert!(greeting.starts_with("connected")),
            Item::Event(event) => assert_eq!(event.data["status"], "queued"),
        }
    }
}

#[tokio::test]
async fn others_see_nothing() {
    let app = App::new().await;
    let run = ended(&app).await;
    for key in [&app.test, &app.other] {
        for path in [run.path(), run.agent_path()] {
            let call = app.anonymous("GET", &path).key(key);
            call.send().await.fails(404, "not_found");
        }
    }
    app.anonymous("GET", &run.path()).send().await.fails(401, "unauthorized");
    let foreign = app.session("another").await;
    let path = format!("/v1/sessions/{foreign}/tasks/{}/stream", run.task);
    app.get(&path).await.fails(404, "not_found");
    let nobody = "/v1/agents/agt_01HX0000000000000000000000/stream";
    app.get(nobody).await.fails(404, "not_found");
    app.get("/v1/agents/x/stream").await.fails(404, "not_found");
}

#[tokio::test]
async fn an_id_that_is_not_ours_is_refused() {
    let app = App::new().await;
    let run = ended(&app).await;
    for path in [run.path(), run.agent_path()] {
        for id in ["x", "-1", "1.", "1-0", "999999999", "1.2.3", "1e3", "٣"] {
            let call = app.request("GET", &path).header("last-event-id", id);
            call.send().await.wrong_field("Last-Event-ID");
        }
        app.get(&format!("{path}?lastEventId=x")).await.wrong_field("lastEventId");
        app.get(&format!("{path}?from=end")).await.wrong_field("from");
        app.get(&format!("{path}?since=1")).await.wrong_field("since");
    }
    // What a client sends that has had no event yet.
    let call = app.request("GET", &run.path()).header("last-event-id", "");
    assert_eq!(Sse::of(call).await.rest().await.len(), 12);
    // Places that there are not, in a log that goes further: nothing breaks.
    let head: u64 = app.commander.log().head().await.unwrap().0;
    for n in 0..=head {
        for id in [format!("{n}-7"), format!("{n}.100000"), format!("{n}-1.3")] {
            let call = app.request("GET", &run.path()).header("last-event-id", &id);
            let answer = call.send().await;
            assert!(answer.status.is_success(), "{id}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn a_key_has_only_so_many_open() {
    let app = App::with(|config| config.max_streams_per_key = 2).await;
    let run = Run::queued(&app).await;
    let first = Sse::open(&app, &run.path()).await;
    let _second = Sse::open(&app, &run.agent_path()).await;
    let refused = app.get(&run.path()).await.fails(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "5");
    drop(first);
    Sse::open(&app, &run.path()).await.until(|event: &Event| event.name == "status").await;
}
