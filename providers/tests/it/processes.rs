//! Processes that outlive their exec, and those that are tampered with.

use std::time::Duration;

use theazo_providers::conformance::request;
use theazo_providers::{Lang, Provider, ProviderError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Local, One, text, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_background_process_outlives_its_exec_and_may_go_on_printing() {
    let one = Local::sandbox().await;
    let start = std::time::Instant::now();
    // It holds the exec's own stdout, and fills it many times over.
    one.bash("(while true; do head -c 100000 /dev/zero; date +%N > beat; done) &").await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let beat = async || one.bash("cat beat").await.stdout;
    let first = until("it beats", beat, |beat| !beat.is_empty()).await;
    until("it goes on", beat, |beat| !beat.is_empty() && *beat != first).await;
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_the_background_is_reached_again_and_again() {
    let one = Local::sandbox().await;
    one.bash("echo page > index.html; python3 -m http.server 8080 &").await;
    for _ in 0..5 {
        let answer = until("it answers", async || get(&one, 8080).await, Option::is_some).await;
        let answer = answer.unwrap();
        assert!(answer.ends_with("page\n"), "{answer}");
    }
    let none = one.local.provider.connect(&one.id, 8081).await.map(drop);
    assert_eq!(none.unwrap_err(), ProviderError::NoListener(8081));
    one.end().await;
}

async fn get(one: &One, port: u16) -> Option<String> {
    let mut stream = one.local.provider.connect(&one.id, port).await.ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interpreter_that_is_killed_or_stopped_is_replaced() {
    let one = Local::sandbox().await;
    for signal in ["KILL", "STOP", "TERM", "KILL"] {
        one.works().await;
        one.bash(&format!("pkill -{signal} -f theazo/python.py")).await;
        if signal == "STOP" {
            // It cannot be told from one that is slow, until the exec's time is over.
            let mut stuck = request(Lang::Python, "print(1)");
            stuck.timeout = Duration::from_millis(500);
            let timed_out = one.try_exec(stuck).await;
            assert!(matches!(timed_out, Err(ProviderError::Timeout(_))), "{timed_out:?}");
        }
    }
    one.works().await;
    let code = "import os, signal\n\
                os.kill(os.getppid(), signal.SIGKILL)\nimport time\ntime.sleep(.2)\n\
                print('alive')\nraise SystemExit(3)";
    let output = one.exec(Lang::Python, code).await;
    assert_eq!((&output.stdout[..], output.exit_code), (&b"alive\n"[..], 3), "{}", text(&output));
    one.works().await;
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn destroying_ends_what_runs() {
    let one = Local::sandbox().await;
    let running = one.try_exec(request(Lang::Bash, "sleep 300"));
    let ended = async {
        until("it runs", async || one.bash("pgrep -x sleep").await.exit_code, |code| *code == 0)
            .await;
        one.local.provider.destroy(&one.id).await
    };
    let (output, destroyed) = tokio::join!(running, ended);
    assert_eq!(output, Err(ProviderError::Gone));
    assert_eq!(destroyed, Ok(()));
    one.end().await;
}
