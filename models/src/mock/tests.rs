use tokio::sync::mpsc;

use super::*;
use crate::contract::{ModelErrorKind, ToolResult};

fn user(text: &str) -> Arc<Turn> {
    Arc::new(Turn::User { results: Vec::new(), text: Some(text.to_owned()) })
}

fn prompt(turns: Vec<Arc<Turn>>) -> Prompt {
    Prompt {
        system: None,
        turns,
        tools: Arc::new([]),
        max_tokens: 1_000,
        temperature: None,
        cache_key: None,
    }
}

/// The deltas and the end of one call.
async fn ask(mock: &Mock, prompt: &Prompt) -> (Vec<String>, Result<TurnResult, Failure>) {
    let (events, mut receiver) = mpsc::channel(1_000);
    let outcome = mock.answer(0, prompt, &events).await;
    drop(events);
    let mut deltas = Vec::new();
    while let Some(event) = receiver.recv().await {
        match event.unwrap() {
            ModelEvent::Text(text) => deltas.push(text),
            ModelEvent::Reasoning(text) => deltas.push(format!("({text})")),
            ModelEvent::Done(result) => return (deltas, Ok(*result)),
        }
    }
    (deltas, Err(outcome.unwrap_err()))
}

#[tokio::test]
async fn a_whole_conversation() {
    let mock = Mock::default();
    let mut turns = vec![user("@think a b\n@tool t {\"x\": 1}\n@tool u\n@echo\n@say end")];
    let (deltas, result) = ask(&mock, &prompt(turns.clone())).await;
    let result = result.unwrap();
    assert_eq!(deltas, ["(a )", "(b)"]);
    assert_eq!(result.finish, Finish::Tools);
    let ids: Vec<&str> = result.tool_calls.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, ["call_0_0", "call_0_1"]);
    assert_eq!(result.tool_calls[0].arguments, "{\"x\": 1}");

    turns.push(Arc::new(Turn::Assistant(result.to_turn())));
    let results = result.tool_calls.iter().map(|call| ToolResult {
        call_id: call.id.clone(),
        name: call.name.clone(),
        output: format!("of {}", call.name),
        is_error: false,
    });
    turns.push(Arc::new(Turn::User { results: results.collect(), text: None }));
    let (deltas, result) = ask(&mock, &prompt(turns)).await;
    let result = result.unwrap();
    assert_eq!(deltas.concat(), "of u\nend");
    assert_eq!((result.finish, result.text()), (Finish::End, "of u\nend".to_owned()));
    assert!(result.usage.input > 0 && result.usage.output > 0 && !result.usage.estimated);
}

#[tokio::test]
async fn answers_are_the_same_every_time() {
    let prompt = prompt(vec![user("hello you")]);
    let (_, first) = ask(&Mock::default(), &prompt).await;
    let (_, second) = ask(&Mock::default(), &prompt).await;
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.raw.get(), second.raw.get());
    assert_eq!(first.usage, second.usage);
    assert_eq!(first.text(), "mock: hello you");
}

#[tokio::test]
async fn a_script_goes_on_after_a_word_in_between() {
    let mock = Mock::default();
    let mut turns = vec![user("@say a\n@max_tokens\n@say b")];
    let cut = ask(&mock, &prompt(turns.clone())).await.1.unwrap();
    assert_eq!((cut.finish, cut.text().as_str()), (Finish::Length, "a"));
    turns.extend([Arc::new(Turn::Assistant(cut.to_turn())), user("go on")]);
    assert_eq!(ask(&mock, &prompt(turns.clone())).await.1.unwrap().text(), "b");
    turns.push(user("@say c"));
    assert_eq!(ask(&mock, &prompt(turns)).await.1.unwrap().text(), "c");
}

#[tokio::test]
async fn failures() {
    let mock = Mock::default();
    let (deltas, failed) = ask(&mock, &prompt(vec![user("@say half\n@fail network cut")])).await;
    let failure = failed.unwrap_err();
    assert_eq!(deltas, ["half"]);
    assert!(failure.told && failure.error.usage.is_some());
    assert_eq!(failure.error.kind, ModelErrorKind::Network);

    let once = prompt(vec![user("@fail-once 429 slow down\n@say ok")]);
    for _ in 0..2 {
        let failure = ask(&mock, &once).await.1.unwrap_err();
        assert_eq!((failure.error.status, failure.told), (Some(429), false));
        assert_eq!(failure.error.message, "slow down");
        assert_eq!(ask(&mock, &once).await.1.unwrap().text(), "ok");
    }
}

#[tokio::test(start_paused = true)]
async fn slowness_is_before_each_chunk() {
    let began = Instant::now();
    let slow = prompt(vec![user("@slow 100\n@say a b c")]);
    let result = ask(&Mock::default(), &slow).await.1.unwrap();
    assert_eq!(began.elapsed(), Duration::from_millis(300));
    assert_eq!((result.first_delta_ms, result.total_ms), (100, 300));
}

#[tokio::test]
async fn endings() {
    let finish = async |text: &str| {
        let result = ask(&Mock::default(), &prompt(vec![user(text)])).await.1.unwrap();
        (result.finish, result.explanation, result.usage.output)
    };
    assert_eq!(finish("@refuse no").await.0, Finish::Refusal);
    assert_eq!(finish("@refuse no").await.1.as_deref(), Some("no"));
    assert_eq!(finish("@say x\n@max_tokens\n@usage 1 2").await.0, Finish::Length);
    assert_eq!(finish("@pause").await.0, Finish::Pause);
    assert_eq!(finish("@usage 5 7\n@say x").await.2, 7);
}
