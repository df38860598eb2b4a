//! Pause and resume of what runs.

use std::time::Duration;

use theazo_providers::{Lang, Provider};

use crate::support::{Local, until};

#[tokio::test(flavor = "multi_thread")]
async fn processes_stand_still_and_go_on_where_they_were() {
    let one = Local::sandbox().await;
    let p = &one.local.provider;
    let code = "n=0; while true; do n=$((n+1)); echo $n > count.new; mv count.new count; done";
    one.bash(&format!("({code}) > /dev/null 2>&1 &")).await;
    let count = async || {
        let text = p.read_file(&one.id, "/workspace/count", 100).await.ok()?;
        String::from_utf8_lossy(&text).trim().parse::<u64>().ok()
    };
    until("it counts", count, |n| n.is_some_and(|n| n > 10)).await;
    p.pause(&one.id, one.local.suite.snapshot_id()).await.unwrap();
    let paused = count().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(count().await, paused, "it counts while paused");
    p.resume(&one.id).await.unwrap();
    until("it goes on", count, |n| *n > paused).await;
    // A paused sandbox is destroyed as well.
    p.pause(&one.id, one.local.suite.snapshot_id()).await.unwrap();
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_keeps_what_files_are() {
    let one = Local::sandbox().await;
    let p = &one.local.provider;
    one.prints(
        Lang::Bash,
        "mkdir -p d/e; echo run > d/x.sh; chmod 700 d/x.sh; ln -s d/x.sh link; mkfifo fifo; \
         truncate -s 100M sparse; echo end >> sparse; touch -d 2001-02-03 old; echo hi > 'a b'",
    )
    .await;
    let snapshot = one.local.suite.snapshot_id();
    let size = p.pause(&one.id, snapshot).await.unwrap();
    assert!(size < 1 << 20, "holes are not billed: {size}");
    p.resume(&one.id).await.unwrap();
    let list = "find . -printf '%p %y %m %l %s %u\\n' | sort; tail -c4 sparse; stat -c %Y old; \
                du -k sparse | cut -f1";
    let before = one.prints(Lang::Bash, list).await;
    let mut spec = one.local.suite.spec();
    spec.snapshot = Some(snapshot);
    p.create(spec.clone()).await.unwrap();
    let after = one.local.suite.exec(&spec.id, Lang::Bash, list).await;
    let sizes_of_folders = |text: &str| text.replace(" 4096 ", " - ");
    assert_eq!(
        sizes_of_folders(&String::from_utf8_lossy(&after.stdout)),
        sizes_of_folders(&before)
    );
    // Its own from now on: changes in one are not seen in the other.
    let code = "echo changed > d/x.sh; rm link; mv 'a b' c; rm -r d/e; echo ok";
    assert_eq!(one.local.suite.exec(&spec.id, Lang::Bash, code).await.stdout, "ok\n");
    assert_eq!(
        one.prints(Lang::Bash, "cat d/x.sh 'a b'; test -d d/e && test -L link").await,
        "run\nhi\n"
    );
    let again = one.local.suite.snapshot_id();
    p.pause(&spec.id, again).await.unwrap();
    p.destroy(&spec.id).await.unwrap();
    let mut third = one.local.suite.spec();
    third.snapshot = Some(again);
    p.create(third.clone()).await.unwrap();
    let seen = one.local.suite.exec(&third.id, Lang::Bash, "cat d/x.sh c; ls d").await;
    assert_eq!(seen.stdout, "changed\nhi\nx.sh\n");
    one.end().await;
}
