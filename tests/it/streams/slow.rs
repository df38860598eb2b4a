//! A client that does not read is cut off, told how to go on, and keeps nobody waiting.

use std::time::{Duration, Instant};

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::TcpMaxSeg;
use theazo_tests::model_server::{Reply, Script};
use theazo_tests::{Client, Runs};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::listener::Listener;
use super::reader::Lines;
use super::story::Story;

/// Runs in which the model says a lot, and how much. An event stream has it three times: as it is
/// said, as the output, and in the result. Together that is more than the kernel holds between the
/// server and a client that takes small segments, and has little room.
const LONG_RUNS: usize = 12;
const LENGTH: usize = 64 << 10;
const SEGMENT: u32 = 1_400;
const ROOM: u32 = 16 << 10;
/// What it takes at a time: it is not gone, only slow.
const SIP: usize = 8 << 10;
/// Longer than the server keeps events for those who are behind.
const KEPT: Duration = Duration::from_secs(11);

/// A client with little room for what it is sent.
async fn connect(client: &Client, key: &str, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(ROOM).unwrap();
    setsockopt(&socket, TcpMaxSeg, &SEGMENT).unwrap();
    let mut stream = socket.connect(client.address()).await.unwrap();
    // Without chunks, so that what comes is the events and nothing else.
    let request = format!("GET {path} HTTP/1.0\r\nAuthorization: Bearer {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_read_is_cut_off_and_keeps_nobody_waiting() {
    let runs = Runs::start().await;
    let words = "All work and no play. ".repeat(LENGTH / 22);
    runs.models.script(Script::always(Reply::text("Play.")));
    let agent = runs.client.agent(&runs.session).await;
    let path = format!("/v1/agents/{agent}/stream?from=start");
    let mut slow = connect(&runs.client, &runs.server.live_key, &path).await;
    let mut received = Vec::new();
    let mut steady = Listener::new(&runs.client, &path);
    let mut done = 0;
    for n in 0..LONG_RUNS {
        let script = Script::always(Reply::text(words.clone()).chunked(32));
        runs.run(&agent, &format!("long-{n}"), script).await;
        done += 1;
        steady.until(|story| story.named("done").len() == done).await;
        let mut sip = vec![0; SIP];
        let length = slow.read(&mut sip).await.unwrap();
        received.extend_from_slice(&sip[..length]);
    }
    let long = Instant::now();
    while long.elapsed() < KEPT {
        runs.client.run(&runs.session, &agent, "short").await;
        done += 1;
        steady.until(|story| story.named("done").len() == done).await;
    }
    assert_eq!(steady.connections, 1, "the others were told everything meanwhile");

    slow.read_to_end(&mut received).await.unwrap();
    let (story, cuts) = heard(&received);
    assert_eq!(cuts, ["slow_reader"], "after {} bytes", received.len());
    assert!(story.named("done").len() < LONG_RUNS, "it was cut off before the end");

    // Where it was told to go on, it is told the rest.
    let mut again = Listener::new(&runs.client, &path);
    again.story = story;
    again.until(|story| story.last_id == steady.story.last_id).await;
    again.story.must_be(&steady.story, "the slow one");
}

/// What an answer of HTTP/1.0 told, and why the server ended it.
fn heard(answer: &[u8]) -> (Story, Vec<String>) {
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let mut lines = Lines::default();
    lines.add(&answer[head..]);
    let (mut story, mut cuts) = (Story::default(), Vec::new());
    while let Some(event) = lines.event() {
        cuts.extend(story.hear(event));
    }
    (story, cuts)
}
