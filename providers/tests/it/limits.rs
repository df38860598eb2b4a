//! Code that takes more than it may. Each time the next exec works.

use std::time::{Duration, Instant};

use theazo_providers::conformance::request;
use theazo_providers::{Lang, Limits, Provider, ProviderError};

use crate::support::{Local, One, PATIENCE, text, until};

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits =
        Limits { memory_bytes: 128 << 20, pids: 64, disk_bytes: 64 << 20, ..Limits::default() };
    change(&mut limits);
    limits
}

async fn limited() -> One {
    Local::sandbox_with(|spec| spec.limits = limits(|_| {})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_is_contained() {
    let one = limited().await;
    let before = Instant::now();
    let mut bomb = request(Lang::Bash, ":(){ :|:& };:");
    bomb.timeout = Duration::from_secs(5);
    let bombed = one.try_exec(bomb).await;
    assert!(matches!(bombed, Ok(_) | Err(ProviderError::Timeout(_))), "{bombed:?}");
    one.works().await;
    let mut bomb =
        request(Lang::Python, "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass");
    bomb.timeout = Duration::from_secs(2);
    assert_eq!(one.try_exec(bomb).await, Err(ProviderError::Timeout(Duration::from_secs(2))));
    one.works().await;
    let mut bomb = request(
        Lang::Python,
        "import os\nwhile True:\n  try:\n    \
         if os.fork() == 0: os.setsid()\n  except OSError: pass",
    );
    bomb.timeout = Duration::from_secs(2);
    assert_eq!(one.try_exec(bomb).await, Err(ProviderError::Timeout(Duration::from_secs(2))));
    one.works().await;
    assert!(before.elapsed() < PATIENCE * 2, "{:?}", before.elapsed());
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_memory_ends_the_exec_and_not_the_sandbox() {
    let one = limited().await;
    for code in ["x = bytearray(1 << 30)", "x = []\nwhile True: x.append('x' * 100000)"] {
        let output = one.exec(Lang::Python, code).await;
        assert_eq!(output.exit_code, 137, "{}", text(&output));
        assert!(text(&output).contains("out of memory"), "{}", text(&output));
        one.works().await;
    }
    let code = "const x = []\nwhile (true) x.push(new Uint8Array(1e6).fill(1))";
    let output = one.exec(Lang::Typescript, code).await;
    assert_ne!(output.exit_code, 0, "{}", text(&output));
    one.works().await;
    let output =
        one.bash("cd /dev/shm; head -c 40M /dev/zero > x; head -c 40M /dev/zero > y; rm x y").await;
    assert!(text(&output).contains("No space left"), "{}", text(&output));
    one.works().await;
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_the_exec_and_not_the_sandbox() {
    let one = limited().await;
    let output = one.bash("head -c 1G /dev/zero > one-file").await;
    assert_ne!(output.exit_code, 0, "{}", text(&output));
    one.bash("rm -f one-file").await;
    for folder in ["/workspace", "/tmp"] {
        let code = format!(
            "mkdir -p {folder}/many; \
             for i in $(seq 100000); do head -c 4M /dev/zero > {folder}/many/$i; done"
        );
        let output = one.bash(&code).await;
        assert_eq!(output.exit_code, 137, "{}", text(&output));
        assert!(text(&output).contains("hold more than 64 MiB"), "{}", text(&output));
        // What does not write runs, with the disk still full; what deletes makes room again.
        one.works().await;
        let output = one.bash("echo more > more").await;
        assert!(text(&output).contains("nothing can be written"), "{}", text(&output));
        let output = one.exec(Lang::Python, "with open('more', 'w') as f: f.write('x')").await;
        assert!(text(&output).contains("File too large"), "{}", text(&output));
        let used = one.prints(Lang::Bash, &format!("du -sm {folder}/many | cut -f1")).await;
        let used: u64 = used.trim().parse().unwrap();
        assert!(used < 64 + 256, "{used} MiB were written");
        one.prints(Lang::Bash, &format!("rm -r {folder}/many")).await;
        one.prints(
            Lang::Bash,
            &format!("head -c 8M /dev/zero > {folder}/fits && rm {folder}/fits"),
        )
        .await;
    }
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_process_that_fills_the_disk_is_killed() {
    let one = limited().await;
    one.bash("(for i in $(seq 100000); do head -c 4M /dev/zero > $i; done) > /dev/null 2>&1 &")
        .await;
    let alive = async || one.bash("pgrep -c head; pgrep -c bash").await.stdout.len();
    until(
        "it stops",
        async || one.bash("pgrep -fc 'head -c 4M'").await.exit_code,
        |code| *code == 1,
    )
    .await;
    assert!(alive().await > 0);
    one.works().await;
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_output_is_dropped_and_does_not_block() {
    let one = limited().await;
    let mut endless = request(Lang::Bash, "yes");
    endless.timeout = Duration::from_secs(1);
    assert_eq!(one.try_exec(endless).await, Err(ProviderError::Timeout(Duration::from_secs(1))));
    let mut much = request(Lang::Bash, "head -c 50M /dev/zero; head -c 50M /dev/zero >&2; exit 4");
    much.output_limit = 1 << 20;
    let output = one.try_exec(much).await.unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (1 << 20, 1 << 20));
    assert_eq!((output.exit_code, output.truncated), (4, true));
    one.works().await;
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cpu_is_limited() {
    let one = Local::sandbox_with(|spec| spec.limits = limits(|l| l.cpu_millis = 200)).await;
    let code = "import time, os\nend = time.time() + 2\n\
                while time.time() < end: pass\nprint(sum(os.times()[:2]))";
    let used: f64 = one.prints(Lang::Python, code).await.trim().parse().unwrap();
    assert!(used < 1.0, "{used} s of cpu in 2 s");
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ignores_signals_or_hides_dies_at_the_timeout() {
    let one = limited().await;
    let hidden = "import os, signal, time\n\
                  for s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)\n\
                  for _ in range(3):\n    if os.fork() == 0:\n        os.setsid()\n        \
                  if os.fork() == 0:\n            os.setsid()\n            \
                  time.sleep(300)\n        \
                  os._exit(0)\n\
                  time.sleep(300)";
    let bash = "trap '' TERM INT HUP; setsid bash -c 'setsid sleep 300 & disown' ; sleep 300";
    for (lang, code) in [(Lang::Python, hidden), (Lang::Bash, bash)] {
        let mut stubborn = request(lang, code);
        stubborn.timeout = Duration::from_millis(700);
        let start = Instant::now();
        let ended = one.try_exec(stubborn).await;
        assert_eq!(ended, Err(ProviderError::Timeout(Duration::from_millis(700))));
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        // Nothing but PID 1, the interpreter that stays warm, and this.
        let code = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done";
        let seen = one.prints(Lang::Bash, code).await;
        assert!(!seen.contains("sleep"), "{seen}");
        let lines = seen.lines().filter(|line| line.contains("python")).count();
        assert!(lines <= 1, "{seen}");
    }
    one.works().await;
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_exec_is_killed() {
    let one = limited().await;
    let exec = one.try_exec(request(Lang::Bash, "exec -a dropped-exec sleep 300"));
    assert!(tokio::time::timeout(Duration::from_millis(300), exec).await.is_err());
    until(
        "it is killed",
        async || one.bash("pgrep -f dropped-exe[c]").await.exit_code,
        |code| *code == 1,
    )
    .await;
    let again = one.local.provider.health().await;
    assert!(again.healthy);
    one.end().await;
}
