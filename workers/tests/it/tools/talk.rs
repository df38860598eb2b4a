//! `report_progress`, `declare_artifact`, `read_output`: what a run says about itself.

use serde_json::json;
use theazo_workers::tools::{Note, SHOWN, ToolError, shorten};

use super::Desk;

#[tokio::test]
async fn progress_and_artifacts_are_notes() {
    let desk = Desk::mock().await;
    let input = json!({ "progress": 0.25, "message": "reading" });
    let output = desk.try_call("report_progress", input).await.unwrap();
    let note = Note::Progress { progress: Some(250), message: Some("reading".to_owned()) };
    assert_eq!(output.notes, [note]);
    let wrong = desk.refused("report_progress", json!({ "progress": 40 })).await;
    assert!(wrong.contains("/progress: 40 is greater than the maximum of 1"), "{wrong}");

    desk.call("write_file", json!({ "path": "out/r.md", "content": "hi" })).await;
    desk.call("write_file", json!({ "path": "empty", "content": "" })).await;
    for (path, absolute, size) in
        [("out/r.md", "/workspace/out/r.md", 2), ("empty", "/workspace/empty", 0)]
    {
        let output = desk.try_call("declare_artifact", json!({ "path": path })).await.unwrap();
        assert_eq!(output.text, format!("{absolute} ({size} bytes) is an artifact of the task"));
        assert_eq!(output.notes, [Note::Artifact(absolute.to_owned())]);
    }
}

#[tokio::test]
async fn a_long_output_is_read_to_its_end_as_its_note_says() {
    let desk = Desk::mock().await;
    let whole = "0123456789".repeat(10_000);
    let (shown, cut) = shorten(7, &whole);
    assert!(cut);
    let mut offset: usize = number_after(&shown, "\"offset\": ");
    let mut read = shown[..offset].to_owned();
    loop {
        let part = desk.call("read_output", json!({ "step": 7, "offset": offset })).await;
        assert!(part.len() <= SHOWN, "{}", part.len());
        let end = part.rfind("\n[bytes ").unwrap();
        read.push_str(&part[..end]);
        if part.ends_with("this is the end]") {
            break;
        }
        offset = number_after(&part[end..], "\"offset\": ");
    }
    assert_eq!(read, whole);
    let none = desk.refused("read_output", json!({ "step": 3 })).await;
    assert_eq!(none, "There is no tool output of step 3 in this task.");
    let ended = desk.try_call("read_output", json!({ "step": 9 })).await;
    assert!(matches!(ended, Err(ToolError::Unavailable(_))), "{ended:?}");
}

fn number_after(text: &str, what: &str) -> usize {
    let rest = &text[text.rfind(what).unwrap() + what.len()..];
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}
