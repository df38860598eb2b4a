//! Streams: whoever drops and comes back is told what one that stayed was told, no more and no
//! less, whatever became of the server meanwhile. The model is held back by gates, so that clients
//! are in the middle of what it says; nothing is timed.

use std::time::Duration;

use serde_json::json;
use theazo_tests::model_server::{Gate, Reply, Script};
use theazo_tests::{Chance, Client, Runs, Task};

use listener::Listener;
use scenario::Scenario;
use story::Story;

mod listener;
pub mod reader;
mod scenario;
mod slow;
pub mod story;

/// How long a server may take to come back.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connections that are dropped.
const DROPS: usize = 200;
/// Clients at the same time.
const CROWD: usize = 60;

/// A task of the scenario, with its gates closed.
async fn begin(runs: &Runs, name: &str, scenario: &Scenario) -> Task {
    runs.code(name, scenario.script()).await
}

/// What the run came to is what the model said, whole and in order.
fn must_be_whole(story: &Story, scenario: &Scenario) {
    assert_eq!(story.said(), scenario.said());
    let steps = story.named("tool_call").len();
    assert_eq!(story.named("tool_result").len(), steps, "each tool call has its result");
    assert_eq!(story.told().last().unwrap().name, "done");
}

/// Comes back after any event that `whole` was told, and must be told exactly the rest.
async fn resume_anywhere(whole: &Listener, task: &Task, chance: &mut Chance, times: usize) {
    for _ in 0..times {
        let n = usize::try_from(chance.below(whole.heard.len() as u64 - 1)).unwrap();
        let mut again = Listener::of(task);
        for event in &whole.heard[..=n] {
            again.story.hear(event.clone());
        }
        let from = again.story.last_id.clone();
        again.finish().await;
        again.story.must_be(&whole.story, &format!("resumed after {from:?}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_drops_change_nothing() {
    let mut chance = Chance::new("streams");
    let runs = Runs::start().await;
    let scenario = Scenario::new(12);
    let task = begin(&runs, "drops-1", &scenario).await;
    let (mut steady, mut flighty) = (Listener::of(&task), Listener::of(&task));
    let mut away = 0;
    for stage in scenario.stages() {
        stage.gate.arrived().await;
        steady.until(|story| stage.is_reached(story)).await;
        // For some stages it is not there, and is told of them later, by the log.
        if away == 0 {
            flighty.flit_until(&mut chance, |story| stage.is_reached(story)).await;
            if chance.below(4) == 0 {
                flighty.disconnect();
                away = chance.below(8);
            }
        } else {
            away -= 1;
        }
        stage.gate.open();
    }
    flighty.flit_until(&mut chance, Story::is_over).await;
    steady.finish().await;
    assert_eq!(steady.connections, 1);
    must_be_whole(&steady.story, &scenario);
    flighty.story.must_be(&steady.story, "the one that dropped");
    let left = DROPS.saturating_sub(flighty.connections);
    eprintln!("{} connections of the one that dropped", flighty.connections);
    resume_anywhere(&steady, &task, &mut chance, left.max(DROPS / 4)).await;
    the_end_is_known(&steady, &task).await;
}

/// Who has everything is told that there is no more, and who asks from the start gets it all.
async fn the_end_is_known(whole: &Listener, task: &Task) {
    let path = format!("{}/stream", task.path());
    let last = whole.story.last_id.clone().unwrap();
    let over = task.client.get(&path).header("Last-Event-ID", &last).await;
    assert_eq!((over.status, over.body.len()), (204, 0), "{}", over.brief());
    let over = task.client.get(format!("{path}?lastEventId={last}")).await;
    assert_eq!(over.status, 204);
    let mut again = Listener::new(&task.client, format!("{path}?from=start"));
    again.finish().await;
    again.story.must_be(&whole.story, "from the start");
}

/// The server is killed in the middle of what the model says, more than once.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_and_repeats_nothing() {
    let mut chance = Chance::new("streams and kill -9");
    let mut runs = Runs::start().await;
    let scenario = Scenario::new(4);
    let task = begin(&runs, "killed-1", &scenario).await;
    let (mut steady, mut flighty) = (Listener::of(&task), Listener::of(&task));
    let mut kills = 0;
    for (n, stage) in scenario.stages().enumerate() {
        stage.gate.arrived().await;
        steady.until(|story| stage.is_reached(story)).await;
        if chance.below(3) > 0 {
            flighty.flit_until(&mut chance, |story| stage.is_reached(story)).await;
        }
        if n % 10 == 4 {
            runs.server.kill9();
            runs.server.start_again().await;
            kills += 1;
            steady.until(|story| story.named("status").len() > kills * 2).await;
            steady.until(|story| stage.is_reached(story)).await;
        }
        stage.gate.open();
    }
    flighty.flit_until(&mut chance, Story::is_over).await;
    steady.finish().await;
    must_be_whole(&steady.story, &scenario);
    flighty.story.must_be(&steady.story, "the one that dropped");
    assert_eq!(discarded(&steady.story), kills, "each kill broke off one call");
    assert!(steady.cuts.is_empty(), "nobody says a word before a kill: {:?}", steady.cuts);
    runs.models.assert_no_finished_call_was_repeated();
    resume_anywhere(&steady, &task, &mut chance, DROPS / 8).await;
    the_end_is_known(&steady, &task).await;
}

/// How many calls broke off.
fn discarded(story: &Story) -> usize {
    story.named("status").iter().filter(|data| data["discardedStep"].is_u64()).count()
}

/// SIGTERM: everyone is told to come back, and the stream goes on at the next start.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_says_how_to_go_on() {
    let mut runs = Runs::start().await;
    let scenario = Scenario::new(2);
    let task = begin(&runs, "stopped-1", &scenario).await;
    let agent = format!("/v1/agents/{}/stream", task.agent);
    let mut listeners = [Listener::of(&task), Listener::new(&task.client, agent)];
    let stage = scenario.stages().nth(3).unwrap();
    for (n, earlier) in scenario.stages().enumerate() {
        for listener in &mut listeners {
            listener.until(|story| earlier.is_reached(story)).await;
        }
        if n == 3 {
            break;
        }
        earlier.gate.open();
    }
    runs.server.terminate();
    for listener in &mut listeners {
        while listener.hear().await {}
        assert_eq!(listener.cuts, ["unavailable"]);
    }
    let status = runs.server.ended().await;
    assert!(status.success(), "{status}");
    runs.server.must_leave_nothing();
    runs.server.start_again().await;
    for listener in &mut listeners {
        listener.until(|story| stage.is_reached(story) && discarded(story) == 1).await;
    }
    scenario.stages().for_each(|stage| stage.gate.open());
    for listener in &mut listeners {
        listener.until(|story| !story.named("done").is_empty()).await;
        assert_eq!(listener.story.said(), scenario.said());
        assert_eq!(listener.connections, 2);
    }
    the_end_is_known(&listeners[0], &task).await;
}

/// Many clients, each of which comes and goes as it likes.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_told_the_same() {
    let mut chance = Chance::new("a crowd");
    let runs = Runs::start().await;
    let scenario = Scenario::new(4);
    let task = begin(&runs, "crowd-1", &scenario).await;
    let crowd: Vec<_> = (0..CROWD)
        .map(|_| {
            let (mut listener, mut chance) = (Listener::of(&task), chance.fork());
            tokio::spawn(async move {
                listener.flit_until(&mut chance, Story::is_over).await;
                listener.story
            })
        })
        .collect();
    let mut steady = Listener::of(&task);
    for stage in scenario.stages() {
        steady.until(|story| stage.is_reached(story)).await;
        stage.gate.open();
    }
    steady.finish().await;
    must_be_whole(&steady.story, &scenario);
    for (n, one) in crowd.into_iter().enumerate() {
        one.await.unwrap().must_be(&steady.story, &format!("client {n}"));
    }
}

/// Connected before there is a run, an agent's stream misses nothing of it, nor of the next one.
#[tokio::test(flavor = "multi_thread")]
async fn an_agents_stream_has_its_runs_from_their_beginning() {
    let runs = Runs::start().await;
    let agent = runs.client.agent(&runs.session).await;
    let mut listener = Listener::new(&runs.client, format!("/v1/agents/{agent}/stream"));
    listener.until(|story| !story.told().is_empty()).await;
    assert_eq!(listener.story.told()[0].data["status"], "idle");
    let mut tasks = Vec::new();
    for n in 0..2 {
        let script = Script::by_turn([
            Reply::call("report_progress", json!({ "progress": 0.5, "message": "half" })),
            Reply::text(format!("Run {n} is done.")).thinking("Hm."),
        ]);
        tasks.push(runs.run(&agent, &format!("agent-{n}"), script).await);
        listener.until(|story| story.named("done").len() == n + 1).await;
    }
    runs.client.post(format!("/v1/agents/{agent}/terminate"), json!({})).await.ok();
    listener.until(|story| story.told().last().unwrap().data["status"] == "terminated").await;
    while listener.hear().await {}
    assert_eq!(listener.connections, 1, "the stream ends by itself, with the agent");
    for task in &tasks {
        let mut own = Listener::of(task);
        own.finish().await;
        let of_task = |story: &Story| {
            let told = story.told().iter().filter(|told| told.data["taskId"] == *task.id);
            told.map(|told| (told.name.clone(), told.data.clone())).collect::<Vec<_>>()
        };
        assert_eq!(of_task(&listener.story), of_task(&own.story));
        assert!(own.story.told().len() >= 7, "{:#?}", own.story.told());
    }
}

/// A call that the vendor breaks off is told of, and what it had said is void.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_breaks_off_is_void() {
    let runs = Runs::start().await;
    let gate = Gate::new();
    let script = Script::replies([
        Reply::text("Never to be counted.").chunked(4).gated_at(2, &gate).cut_after(3),
        Reply::text("What counts."),
    ]);
    let task = runs.code("void-1", script).await;
    let mut listener = Listener::of(&task);
    listener.until(|story| story.said().first().is_some_and(|said| said == "Never to b")).await;
    gate.open();
    listener.finish().await;
    assert_eq!(listener.story.said(), ["What counts."]);
    assert_eq!(discarded(&listener.story), 1);
    the_end_is_known(&listener, &task).await;
}

/// Failures and cancellations are last events too.
#[tokio::test(flavor = "multi_thread")]
async fn every_end_is_the_end_of_the_stream() {
    let runs = Runs::start().await;
    let gate = Gate::new();
    let refused = Script::always(Reply::status(400).error("invalid_request_error", "Too odd."));
    let failing = runs.code("ends-1", refused).await;
    let endless = Script::always(Reply::text("Well, well.").chunked(2).gated_at(1, &gate));
    let cancelled = runs.code("ends-2", endless).await;
    let mut listener = Listener::of(&failing);
    listener.finish().await;
    let last = listener.story.told().last().unwrap().clone();
    assert_eq!((last.name.as_str(), &last.data["resumable"]), ("error", &json!(false)));
    the_end_is_known(&listener, &failing).await;

    let mut listener = Listener::of(&cancelled);
    listener.until(|story| !story.said().is_empty()).await;
    cancelled.cancel().await.ok();
    listener.finish().await;
    let last = listener.story.told().last().unwrap().clone();
    assert_eq!((last.name.as_str(), &last.data["code"]), ("error", &json!("cancelled")));
    the_end_is_known(&listener, &cancelled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_streamed_is_refused() {
    let runs = Runs::start().await;
    let task = runs.code("refused-1", Script::by_turn([Reply::text("Done.")])).await;
    task.completes().await;
    let paths = [format!("{}/stream", task.path()), format!("/v1/agents/{}/stream", task.agent)];
    for path in &paths {
        for wrong in ["x", "1.x", "-1", "01", "1-0", "1 2", "99999999999999999999", "999999999"] {
            let answer = runs.client.get(path).header("Last-Event-ID", wrong).await;
            answer.invalid("Last-Event-ID");
            let answer = runs.client.get(format!("{path}?lastEventId={wrong}").replace(' ', "+"));
            answer.await.invalid("lastEventId");
        }
        runs.client.get(format!("{path}?from=nowhere")).await.refused("unprocessable_entity");
        let other = runs.server.other_org("other", "free", "live");
        for stranger in [other, runs.server.test()] {
            stranger.get(path).await.refused("not_found");
            stranger.get(path).header("Last-Event-ID", "1").await.refused("not_found");
        }
        runs.server.anonymous().get(path).await.refused("unauthorized");
    }
    let elsewhere = Client::session(&runs.client).await;
    let path = format!("/v1/sessions/{elsewhere}/tasks/{}/stream", task.id);
    runs.client.get(path).await.refused("not_found");
}
