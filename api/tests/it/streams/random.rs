//! Whatever happens in a run, and wherever a reader is cut off: it sees what one that was not sees.

use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use theazo_log::live::Voice;

use super::run::{Run, Speech};
use super::sse::{Event, Sse, essence};
use crate::support::App;

const WORDS: [&str; 8] =
    ["a", "Ähre ", "\n\n", "🍐🍐", "und so weiter ", "\"", "data: x\n", "0.5 "];

fn voice(random: &mut StdRng) -> Voice {
    if random.random_bool(0.3) { Voice::Reasoning } else { Voice::Text }
}

/// Sometimes gives readers the time to hear what was said.
async fn pause(random: &mut StdRng) {
    for _ in 0..random.random_range(0..200) {
        tokio::task::yield_now().await;
    }
}

async fn speak(random: &mut StdRng, speech: &mut Speech) {
    for _ in 0..random.random_range(0..5) {
        speech.say(voice(random), WORDS[random.random_range(0..WORDS.len())]);
        pause(random).await;
    }
}

/// A run in which anything may happen, to its end.
async fn live_through(random: &mut StdRng, run: &mut Run<'_>) {
    run.start().await;
    for _ in 0..random.random_range(2..7) {
        let mut speech = run.call().await;
        speak(random, &mut speech).await;
        if random.random_bool(0.3) {
            run.renew().await;
            speak(random, &mut speech).await;
        }
        match random.random_range(0..6) {
            0 => run.broke(speech).await,
            1 => {
                drop(speech);
                run.lose_worker().await;
            }
            2 => {
                // Several events in one commit, the text not the last of them.
                speech.say_unheard("at the end");
                let progress = run.progress_entry(300, "on it").await;
                let outcome = run.outcome(&speech).await;
                run.report(vec![progress.clone(), outcome, progress]).await;
            }
            _ => {
                let tools = [("web_search", "{}"), ("run_code", "{\"a\":[1]}"), ("x", "-")];
                let asked = run.heard(speech, &tools[..random.random_range(0..4)]).await;
                pause(random).await;
                let mut outcomes = Vec::new();
                for step in asked {
                    outcomes.push(run.tool_outcome(step, "a\r\nb").await);
                }
                if !outcomes.is_empty() {
                    run.report(outcomes).await;
                }
            }
        }
        pause(random).await;
    }
    run.completed("the end").await;
}

/// Reads a stream to its end, dropping it now and then and going on where it was.
async fn read_in_parts(app: &App, path: &str, mut random: StdRng, cuts: &Mutex<u32>) -> Vec<Event> {
    let mut seen: Vec<Event> = Vec::new();
    loop {
        let mut call = app.request("GET", path);
        if let Some(last) = seen.last() {
            call = call.header("last-event-id", last.id());
        }
        let mut stream = Sse::of(call).await;
        for _ in 0..random.random_range(1..4) {
            let Some(event) = stream.next().await else { return seen };
            let over = matches!(event.name.as_str(), "done");
            seen.push(event);
            if over {
                return seen;
            }
        }
        *cuts.lock() += 1;
    }
}

async fn one_run(app: &App, seed: u64) -> u32 {
    let mut random = StdRng::seed_from_u64(seed);
    let mut run = Run::queued(app).await;
    let (path, agent_path) = (run.path(), run.agent_path());
    let uncut = Sse::open(app, &path).await;
    let cuts = Arc::new(Mutex::new(0));
    let (uncut, of_agent, first, second, ()) = tokio::join!(
        uncut.rest(),
        async { Sse::open(app, &agent_path).await.until_name("done").await },
        read_in_parts(app, &path, StdRng::seed_from_u64(seed + 1), &cuts),
        read_in_parts(app, &path, StdRng::seed_from_u64(seed + 2), &cuts),
        live_through(&mut random, &mut run),
    );
    let expected = essence(&uncut);
    assert_eq!(essence(&first), expected, "seed {seed}");
    assert_eq!(essence(&second), expected, "seed {seed}");
    let task = run.task.to_string();
    let of_task: Vec<_> = of_agent.into_iter().filter(|e| e.data["taskId"] == task).collect();
    assert_eq!(essence(&of_task), expected, "seed {seed}: the agent's");
    // Afterwards, from every place there was, in live text too.
    for (n, event) in uncut.iter().enumerate().take(uncut.len() - 1) {
        let rest = Sse::resume(app, &path, event.id()).await.rest().await;
        let joined = [&uncut[..=n], &rest].concat();
        assert_eq!(essence(&joined), expected, "seed {seed}, cut at {}", event.id());
    }
    let replayed = Sse::open(app, &path).await.rest().await;
    assert_eq!(essence(&replayed), expected, "seed {seed}: from the start");
    *cuts.lock()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_is_cut_off_sees_what_one_that_was_not_sees() {
    let app = App::new().await;
    let first = rand::rng().random_range(0..1_000_000);
    let (mut cuts, mut seed) = (0, first);
    while cuts < 200 {
        cuts += one_run(&app, seed).await;
        seed += 10;
    }
    println!("{cuts} cuts, seeds from {first} on");
}
