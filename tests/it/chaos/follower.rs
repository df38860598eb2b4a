//! A client of a stream that comes back after whatever, to any of the API's processes.

use std::time::Duration;

use theazo_tests::Client;

use crate::streams::reader::Lines;
use crate::streams::story::Story;

const PAUSE: Duration = Duration::from_millis(50);
/// How long nothing may come, heartbeats included (15 s), before it tries another process.
const SILENCE: Duration = Duration::from_secs(20);

/// Follows the stream at `path` to the end of the task that it is of.
pub async fn follow(client: Client, path: String) -> Story {
    let mut story = Story::default();
    while !story.is_over() {
        if !listen(&client, &path, &mut story).await {
            tokio::time::sleep(PAUSE).await;
        }
    }
    story
}

/// One connection; whether there was one.
async fn listen(client: &Client, path: &str, story: &mut Story) -> bool {
    let mut call = client.get(path);
    if let Some(id) = &story.last_id {
        call = call.header("Last-Event-ID", id);
    }
    let Ok(mut response) = call.open().await else { return false };
    match response.status().as_u16() {
        200 => {}
        429 | 500 | 503 => return false,
        other => {
            let text = response.text().await.unwrap_or_default();
            panic!("{path} after {:?}: {other} {text}", story.last_id);
        }
    }
    let mut lines = Lines::default();
    loop {
        while let Some(event) = lines.event() {
            story.hear(event);
            if story.is_over() {
                return true;
            }
        }
        match tokio::time::timeout(SILENCE, response.chunk()).await {
            Ok(Ok(Some(bytes))) => lines.add(&bytes),
            Ok(Ok(None) | Err(_)) | Err(_) => return true,
        }
    }
}
