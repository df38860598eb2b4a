//! How long things take, printed with `--no-capture`. The bars are in `benches/`, where the machine
//! is quiet; here only what would be a mistake and not a busy machine fails.

use std::time::{Duration, Instant};

use theazo_providers::{Lang, Provider};

use crate::support::Local;

/// `THEAZO_FIGURES_SANDBOXES` asks for more of them.
fn many() -> usize {
    let asked = std::env::var("THEAZO_FIGURES_SANDBOXES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(50)
}

fn report(what: &str, mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100];
    println!("{what}: p50 {:?}, p99 {:?}, max {:?}, n {}", at(50), at(99), at(100), times.len());
    at(50)
}

#[tokio::test(flavor = "multi_thread")]
async fn making_and_running_is_fast() {
    let local = Local::start_with(|config| config.warm_python = false).await;
    let p = &local.provider;
    let mut times = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..100 {
        let spec = local.suite.spec();
        let start = Instant::now();
        p.create(spec.clone()).await.unwrap();
        let created = start.elapsed();
        local.suite.exec(&spec.id, Lang::Bash, "true").await;
        let ran = start.elapsed();
        p.destroy(&spec.id).await.unwrap();
        let all = start.elapsed();
        for (list, time) in times.iter_mut().zip([created, ran - created, all - ran, all]) {
            list.push(time);
        }
    }
    let names = ["create", "first exec (bash true)", "destroy", "create, exec and destroy"];
    let medians: Vec<_> = names.iter().zip(times).map(|(n, t)| report(n, t)).collect();
    assert!(medians[3] < Duration::from_millis(100), "{medians:?}");
    local.provider.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_sandbox_answers_fast() {
    let one = Local::sandbox().await;
    for (lang, code, bar) in [
        (Lang::Bash, "true", 50),
        (Lang::Python, "print(1 + 1)", 50),
        (Lang::Typescript, "console.log(1 + 1)", 500),
    ] {
        one.exec(lang, code).await;
        let mut times = Vec::new();
        for _ in 0..50 {
            let start = Instant::now();
            one.exec(lang, code).await;
            times.push(start.elapsed());
        }
        let median = report(&format!("exec {lang:?}"), times);
        assert!(median < Duration::from_millis(bar), "{lang:?}: {median:?}");
    }
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_are_fine() {
    let local = Local::start().await;
    let start = Instant::now();
    let lives = (0..50).map(|_| async {
        let start = Instant::now();
        let id = local.suite.sandbox().await;
        local.suite.exec(&id, Lang::Bash, "true").await;
        (id, start.elapsed())
    });
    let made = futures::future::join_all(lives).await;
    println!("fifty at once: {:?}", start.elapsed());
    report("create and exec, of fifty at once", made.iter().map(|(_, time)| *time).collect());
    let start = Instant::now();
    futures::future::join_all(made.iter().map(|(id, _)| local.provider.destroy(id))).await;
    println!("fifty destroyed at once: {:?}", start.elapsed());
    local.provider.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_many_files_is_fast() {
    let one = Local::sandbox().await;
    let p = &one.local.provider;
    let code = "import os\nfor d in range(50):\n  os.mkdir(str(d))\n  for f in range(100):\n    \
                open(f'{d}/{f}', 'wb').write(os.urandom(16384))";
    one.prints(Lang::Python, code).await;
    let start = Instant::now();
    let snapshot = one.local.suite.snapshot_id();
    let size = p.pause(&one.id, snapshot).await.unwrap();
    println!("pause with a snapshot of 5,000 files, {} MiB: {:?}", size >> 20, start.elapsed());
    let start = Instant::now();
    p.resume(&one.id).await.unwrap();
    println!("resume: {:?}", start.elapsed());
    let mut spec = one.local.suite.spec();
    spec.snapshot = Some(snapshot);
    let start = Instant::now();
    p.create(spec).await.unwrap();
    println!("create from it: {:?}", start.elapsed());
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_over_what_a_server_left_is_fast() {
    let local = Local::start_with(|config| config.warm_python = false).await;
    let mut specs: Vec<_> = (0..many()).map(|_| local.suite.spec()).collect();
    let mut times = Vec::new();
    for spec in &mut specs {
        let start = Instant::now();
        local.provider.create(spec.clone()).await.unwrap();
        times.push(start.elapsed());
    }
    report("create", times);
    for spec in &specs {
        let code = "mkdir d; for f in 1 2 3 4 5 6 7 8; do echo $f > d/$f; done";
        local.suite.exec(&spec.id, Lang::Bash, code).await;
    }
    let snapshot = local.suite.snapshot_id();
    local.provider.pause(&specs[0].id, snapshot).await.unwrap();
    // The other half are overlays.
    for _ in 0..many() {
        let mut spec = local.suite.spec();
        spec.snapshot = Some(snapshot);
        local.provider.create(spec.clone()).await.unwrap();
        specs.push(spec);
    }
    let start = Instant::now();
    local.provider.shut_down().await.unwrap();
    println!("shut down with {} sandboxes: {:?}", specs.len(), start.elapsed());
    let folder = local.folder;
    drop((local.provider, local.suite));
    let start = Instant::now();
    let local = Local::start_on(folder, |config| config.warm_python = false).await;
    println!("start over {} sandboxes: {:?}", specs.len(), start.elapsed());
    let start = Instant::now();
    assert_eq!(local.provider.list().await.unwrap().len(), specs.len());
    println!("list of {}: {:?}", specs.len(), start.elapsed());
    let mut medians = Vec::new();
    for (what, half) in ["adopt", "adopt over a snapshot"].iter().zip(specs.chunks(many())) {
        let mut times = Vec::new();
        let all = Instant::now();
        for spec in half {
            let start = Instant::now();
            local.provider.adopt(spec.clone()).await.unwrap();
            times.push(start.elapsed());
        }
        println!("{what}, all: {:?}", all.elapsed());
        medians.push(report(what, times));
    }
    assert!(medians.iter().all(|median| *median < Duration::from_millis(100)), "{medians:?}");
    for spec in &specs {
        local.provider.destroy(&spec.id).await.unwrap();
    }
    local.provider.shut_down().await.unwrap();
}
