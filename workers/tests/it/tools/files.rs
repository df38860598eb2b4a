//! `write_file`, `read_file`, `list_files`, `edit_file`.

use std::sync::Arc;

use serde_json::json;
use theazo_workers::tools::{ToolError, ToolsConfig};

use super::machine::Machine;
use super::{Desk, gone};

#[tokio::test]
async fn a_file_is_written_read_edited_and_listed() {
    let desk = Desk::mock().await;
    let wrote =
        desk.call("write_file", json!({ "path": "src/a.py", "content": "x = 1\ny = 2\n" })).await;
    assert_eq!(wrote, "wrote /workspace/src/a.py: 2 lines, 12 bytes");
    let edit = json!({ "path": "/workspace/src/a.py", "old_text": "y = 2", "new_text": "y = 3" });
    let edited = desk.call("edit_file", edit.clone()).await;
    assert_eq!(edited, "edited /workspace/src/a.py\n@@ line 2 @@\n x = 1\n-y = 2\n+y = 3\n");
    let read = desk.call("read_file", json!({ "path": "src/../src/a.py" })).await;
    assert_eq!(read, "x = 1\ny = 3\n");
    let part = desk.call("read_file", json!({ "path": "src/a.py", "offset": 2.0 })).await;
    assert_eq!(part, "y = 3\n(lines 2 to 2 of 2)");
    assert_eq!(desk.call("list_files", json!({})).await, "/workspace has 1 entries:\nsrc/\n");
    assert_eq!(
        desk.call("list_files", json!({ "path": "src" })).await,
        "/workspace/src has 1 entries:\na.py  12 bytes\n"
    );
    let again = desk.refused("edit_file", edit).await;
    assert!(again.starts_with("old_text is not in /workspace/src/a.py"), "{again}");
}

#[tokio::test]
async fn what_the_model_gets_wrong_it_is_told() {
    let desk = Desk::mock().await;
    desk.call("write_file", json!({ "path": "x", "content": "a\na\n" })).await;
    let data = bytes::Bytes::from_static(b"\x89PNG\x00\xff");
    let (provider, sandbox) = (&desk.context.provider, &desk.context.sandbox);
    provider.write_file(sandbox, "/workspace/x.png", data).await.unwrap();
    for (tool, input, told) in [
        ("read_file", json!({ "path": "none" }), "no file is at /workspace/none"),
        ("read_file", json!({ "path": "../etc/passwd" }), "outside /workspace"),
        ("read_file", json!({ "path": "x.png" }), "is not text: 6 bytes"),
        ("read_file", json!({ "path": "x", "offset": 3 }), "has 2 lines"),
        ("read_file", json!({ "path": "x", "offset": 0 }), "/offset: 0 is less than the minimum"),
        ("read_file", json!({ "file": "x" }), "\"path\" is a required property"),
        ("list_files", json!({ "path": "x" }), "/workspace/x"),
        ("write_file", json!({ "path": "/tmp/x", "content": "" }), "outside /workspace"),
        ("write_file", json!({ "path": "new/", "content": "" }), "is a directory"),
        (
            "edit_file",
            json!({ "path": "x", "old_text": "a", "new_text": "b" }),
            "2 times (at lines 1, 2)",
        ),
        ("declare_artifact", json!({ "path": "none" }), "no file is at"),
    ] {
        let said = desk.refused(tool, input).await;
        assert!(said.contains(told), "{tool}: {said}");
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_for_code() {
    let desk = Desk::mock().await;
    let data = bytes::Bytes::from(vec![b'x'; (8 << 20) + 1]);
    let (provider, sandbox) = (&desk.context.provider, &desk.context.sandbox);
    provider.write_file(sandbox, "/workspace/big", data).await.unwrap();
    let told = desk.refused("read_file", json!({ "path": "big" })).await;
    assert!(told.contains("has 8388609 bytes") && told.contains("Use run_code"), "{told}");
}

#[tokio::test]
async fn edits_of_one_file_at_once_lose_nothing() {
    let provider = Arc::new(Machine::new(vec![]));
    let desk = Desk::on(provider, ToolsConfig::default()).await;
    let content: String = (0..20).map(|n| format!("line {n};\n")).collect();
    desk.call("write_file", json!({ "path": "x", "content": content })).await;
    let edits = (0..20).map(|n| {
        let (old, new) = (format!("line {n};"), format!("edit {n};"));
        desk.call("edit_file", json!({ "path": "x", "old_text": old, "new_text": new }))
    });
    futures::future::join_all(edits).await;
    let content = desk.call("read_file", json!({ "path": "./x" })).await;
    let wanted: String = (0..20).map(|n| format!("edit {n};\n")).collect();
    assert_eq!(content, wanted);
}

#[tokio::test]
async fn a_sandbox_that_is_gone_ends_the_run() {
    let desk = gone().await;
    for (tool, input) in [
        ("read_file", json!({ "path": "x" })),
        ("write_file", json!({ "path": "x", "content": "" })),
        ("list_files", json!({})),
        ("edit_file", json!({ "path": "x", "old_text": "a", "new_text": "b" })),
        ("run_code", json!({ "lang": "bash", "code": "true" })),
        ("declare_artifact", json!({ "path": "x" })),
    ] {
        let ended = desk.try_call(tool, input).await;
        assert!(matches!(ended, Err(ToolError::Gone)), "{tool}: {ended:?}");
    }
}
