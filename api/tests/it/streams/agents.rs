//! The stream of one agent, over its tasks.

use axum::http::StatusCode;
use serde_json::json;
use theazo_log::live::Voice;

use super::run::Run;
use super::sse::{Event, Sse, essence, names};
use crate::support::App;

/// A short run, to its end.
async fn work(run: &mut Run<'_>, word: &str) {
    run.start().await;
    let mut speech = run.call().await;
    speech.say(Voice::Text, word);
    let tools = run.heard(speech, &[("run_code", "{\"code\":1}")]).await;
    run.tool_done(tools[0], "1").await;
    run.completed(word).await;
}

fn is(status: &'static str) -> impl Fn(&Event) -> bool {
    move |event| event.data["status"] == status && event.data["agentId"].is_string()
}

#[tokio::test]
async fn who_connects_before_the_run_misses_nothing() {
    let app = App::new().await;
    let mut run = Run::queued(&app).await;
    let mut stream = Sse::open(&app, &run.agent_path()).await;
    let idle = stream.next().await.unwrap();
    let agent = run.agent.to_string();
    assert_eq!(idle.data, json!({ "status": "idle", "agentId": agent }));
    work(&mut run, "first").await;
    let events = stream.until(is("idle")).await;
    let expected = [
        "status",
        "status",
        "status",
        "text",
        "tool_call",
        "tool_result",
        "output",
        "done",
        "status",
    ];
    assert_eq!(names(&events), expected);
    let statuses: Vec<_> = events.iter().filter_map(|e| e.data["status"].as_str()).collect();
    assert_eq!(statuses, ["queued", "running", "running", "idle"]);
    assert_eq!(events[7].data["result"]["output"], "first");

    let mut next = Run::another(&app, run.session, run.agent).await;
    work(&mut next, "second").await;
    let second = stream.until(is("idle")).await;
    assert_eq!(names(&second), expected);
    assert!(second.iter().all(|event| event.data["taskId"] != run.task.to_string()));

    run.terminate_agent().await;
    let end = stream.rest().await;
    assert_eq!(end.last().unwrap().data["status"], "terminated");

    let whole = Sse::open(&app, &format!("{}?from=start", run.agent_path())).await.rest().await;
    assert_eq!(whole[0].data["status"], "provisioning");
    let all: Vec<_> = [events, second, end].concat();
    assert_eq!(essence(&whole[2..]), essence(&all));
    // Any place in it is one to go on from.
    for (n, event) in whole.iter().enumerate() {
        let call = app.request("GET", &run.agent_path()).header("last-event-id", event.id());
        if n + 1 == whole.len() {
            call.send().await.is(StatusCode::NO_CONTENT);
        } else {
            assert_eq!(Sse::of(call).await.rest().await, whole[n + 1..], "{}", event.id());
        }
    }
    // An agent that has ended says so, and no more.
    let newest = Sse::open(&app, &run.agent_path()).await.rest().await;
    assert_eq!(newest, whole[whole.len() - 1..]);
}

#[tokio::test]
async fn who_connects_during_a_run_gets_all_of_it() {
    let app = App::new().await;
    let mut before = Run::queued(&app).await;
    work(&mut before, "past").await;
    let mut run = Run::another(&app, before.session, before.agent).await;
    run.start().await;
    let mut speech = run.call().await;
    speech.say(Voice::Text, "now ");
    let mut stream = Sse::open(&app, &run.agent_path()).await;
    let events = stream.until_text("now ").await;
    assert_eq!(names(&events), ["status", "status", "status", "text"]);
    // A second reader, in the middle of what is being said.
    let (commit, _) = events[3].id().split_once('.').unwrap();
    let mut second = Sse::resume(&app, &run.agent_path(), &format!("{commit}.2")).await;
    second.until_text("w ").await;
    speech.say(Voice::Text, "then");
    stream.until_text("then").await;
    second.until_text("then").await;
    run.heard(speech, &[]).await;
    run.completed("now then").await;
    let rest = stream.until(is("idle")).await;
    assert_eq!(second.until(is("idle")).await, rest);
    assert_eq!(names(&rest), ["output", "done", "status"]);
}

/// The agent ends before its task does: the stream tells both.
#[tokio::test]
async fn the_last_word_is_the_tasks() {
    let app = App::new().await;
    let run = Run::started(&app).await;
    let mut stream = Sse::open(&app, &run.agent_path()).await;
    run.terminate_agent().await;
    stream.until(is("terminated")).await;
    let reason = "its agent was terminated".to_owned();
    run.ended(theazo_domain::task::Ending::Cancelled { reason }).await;
    let end = stream.rest().await;
    assert_eq!(names(&end), ["error"]);
    assert_eq!(end[0].data["code"], "cancelled");
}
