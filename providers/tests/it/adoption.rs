//! Sandboxes whose server was killed, under the next one.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use bytes::Bytes;
use serde_json::json;
use tempfile::TempDir;
use theazo_providers::conformance::request;
use theazo_providers::{Lang, Provider, ProviderError, Sandbox};

use crate::host::{Host, snapshot, spec};
use crate::support::{Local, running};

const LIMIT: u64 = 1 << 20;

/// Everything about the files of a workspace but the size of folders.
const LIST: &str = "find . -printf '%p %y %m %l %u %g %n ' \\( -type d -printf '\\n' -o \
                    -printf '%s %T@\\n' \\) | sort; find . -type f | sort | xargs -r md5sum";

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn one_line(text: &Bytes) -> String {
    String::from_utf8_lossy(text).replace('\n', " ").trim().to_owned()
}

/// The next server, which knows nothing yet of what the last one held.
async fn next(folder: TempDir) -> Local {
    Local::start_on(folder, |_| {}).await
}

impl Local {
    async fn adopt(&self, sandbox: u64) {
        self.provider.adopt(spec(sandbox)).await.unwrap();
    }

    async fn bash(&self, sandbox: u64, code: &str) -> String {
        let output = self.suite.exec(&spec(sandbox).id, Lang::Bash, code).await;
        assert_eq!(output.exit_code, 0, "{code}: {output:?}");
        one_line(&output.stdout)
    }
}

fn listed(sandboxes: &[u64]) -> Vec<Sandbox> {
    let mut listed: Vec<Sandbox> = sandboxes
        .iter()
        .map(|number| Sandbox { id: spec(*number).id, labels: spec(*number).labels })
        .collect();
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    listed
}

const VARIETY: &str = "mkdir -p d/e f/g; echo run > d/x.sh; chmod 750 d/x.sh; ln -s d/x.sh link; \
                       ln -s /nowhere dangling; ln d/x.sh hard; mkfifo fifo; chmod 2711 d/e; \
                       truncate -s 10M sparse; echo end >> sparse; touch -d 2001-02-03 old; \
                       echo hi > 'a b'; echo secret > s; chmod 000 s; echo gone > gone; rm gone; \
                       echo t > /tmp/t; setsid sleep 300 > /dev/null 2>&1 & true";

#[tokio::test(flavor = "multi_thread")]
async fn files_are_as_they_were_and_processes_are_gone() {
    for with_spawner in [false, true] {
        let folder = folder();
        let mut host = Host::start(folder.path());
        host.create(1);
        host.bash(1, VARIETY);
        let before = host.bash(1, &format!("chmod 400 s; {LIST}; chmod 000 s"));
        if with_spawner {
            host.kill_with_spawner()
        } else {
            host.kill()
        }
        // Of a write that was cut short.
        let workspace = folder.path().join("sandboxes").join(spec(1).id.0).join("workspace");
        std::fs::write(workspace.join(".theazo-writing-1-1"), "half").unwrap();
        std::fs::create_dir(workspace.join(".theazo-writing-1-2")).unwrap();
        let local = next(folder).await;
        assert_eq!(local.provider.list().await, Ok(listed(&[1])));
        local.adopt(1).await;
        let list = format!("chmod 400 s; {LIST}; chmod 000 s");
        assert_eq!(local.bash(1, &list).await, before);
        assert_eq!(local.bash(1, "ls -A /tmp; pgrep -x sleep || true").await, "");
        assert_eq!(local.provider.list().await, Ok(listed(&[1])));
        // They are its own, for its programs and for the file calls.
        local.bash(1, "echo more >> d/x.sh; rm -r f; echo t > /tmp/t; mkdir d/e/new").await;
        let p = &local.provider;
        let id = spec(1).id;
        assert_eq!(p.read_file(&id, "/workspace/a b", LIMIT).await.unwrap(), "hi\n");
        p.write_file(&id, "/workspace/d/e/new/file", Bytes::from("x")).await.unwrap();
        local.bash(1, "test -O d/e/new/file && echo y >> d/e/new/file").await;
        let python = local.suite.exec(&id, Lang::Python, "print(open('a b').read())").await;
        assert_eq!(python.stdout, "hi\n\n");
        local.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_over_a_snapshot_are_as_they_were() {
    let folder = folder();
    let mut host = Host::start(folder.path());
    host.create(1);
    host.bash(1, VARIETY);
    host.pause(1, 7);
    host.create_from(2, 7);
    let change = "rm 'a b' dangling; rm -r d/e; mkdir d/e; echo opaque > d/e/new; chmod 700 old; \
                  echo changed >> d/x.sh; mv f moved; rm link; ln -s old link; rm fifo";
    host.bash(2, change);
    let list = format!("chmod 400 s; {LIST}; chmod 000 s");
    let before = host.bash(2, &list);
    // Nobody can start from it any more, but the one that lies on it.
    assert_eq!(host.ask(&json!({"DeleteSnapshot": {"snapshot": 7}})), "deleted");
    host.kill();
    let local = next(folder).await;
    let p = &local.provider;
    local.adopt(2).await;
    assert_eq!(local.bash(2, &list).await, before);
    local.bash(2, "test ! -e 'a b' && test ! -L dangling && ls d/e && rm d/x.sh").await;
    let mut third = spec(3);
    third.snapshot = Some(snapshot(7));
    assert_eq!(p.create(third.clone()).await, Err(ProviderError::NoSnapshot));
    // Another snapshot of it holds all of it.
    p.pause(&spec(2).id, snapshot(8)).await.unwrap();
    p.destroy(&spec(2).id).await.unwrap();
    let base = local.folder.path().join("snapshots").join(snapshot(7).to_string());
    assert!(!base.exists(), "a deleted snapshot goes with the last that lies on it");
    third.snapshot = Some(snapshot(8));
    p.create(third).await.unwrap();
    assert_eq!(local.bash(3, "cat d/e/new; ls d").await, "opaque e");
    local.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_survives_again_and_again() {
    let folder = folder();
    let mut host = Host::start(folder.path());
    host.create(1);
    host.bash(1, "echo 0 > base");
    host.pause(1, 7);
    host.create_from(2, 7);
    for round in 1..=5 {
        host.bash(2, &format!("echo {round} > {round}; rm -f {}; echo {round} >> base", round - 1));
        if round % 2 == 0 {
            host.kill()
        } else {
            host.kill_with_spawner()
        }
        host = Host::start(folder.path());
        assert_eq!(host.ask(&json!({"Adopt": {"sandbox": 2}})), "adopted");
    }
    assert_eq!(host.bash(2, "ls; cat base 5"), "5 base 0 1 2 3 4 5 5");
    host.kill();
    next(folder).await.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leftover_can_be_listed_adopted_or_destroyed_and_nothing_else() {
    let folder = folder();
    let mut host = Host::start(folder.path());
    host.create(1);
    host.create(2);
    host.bash(1, "echo kept > file");
    host.pause(1, 7);
    host.pause(2, 8);
    host.kill();
    let local = next(folder).await;
    let (p, id) = (&local.provider, spec(1).id);
    let refused = [
        p.exec(&id, request(Lang::Bash, "true")).await.map(drop),
        p.read_file(&id, "/workspace/file", LIMIT).await.map(drop),
        p.write_file(&id, "/workspace/file", Bytes::new()).await,
        p.connect(&id, 80).await.map(drop),
        p.pause(&id, snapshot(9)).await.map(drop),
        p.resume(&id).await,
    ];
    for answer in refused {
        assert_eq!(answer, Err(ProviderError::NoSandbox));
    }
    let taken = p.create(spec(1)).await;
    assert!(matches!(taken, Err(ProviderError::Conflict(_))), "{taken:?}");
    let mut foreign = spec(1);
    foreign.labels.agent = spec(2).labels.agent;
    let taken = p.adopt(foreign).await;
    assert!(matches!(taken, Err(ProviderError::Conflict(_))), "{taken:?}");
    // As a resume does it that finds no live sandbox.
    p.destroy(&id).await.unwrap();
    let mut again = spec(1);
    again.snapshot = Some(snapshot(7));
    p.create(again).await.unwrap();
    assert_eq!(local.bash(1, "cat file").await, "kept");
    // One that was paused can be adopted as well; then it runs.
    let both = tokio::join!(p.adopt(spec(2)), p.adopt(spec(2)));
    assert_eq!(both, (Ok(()), Ok(())));
    assert_eq!(local.bash(2, "echo on").await, "on");
    local.end().await;
}

fn owner(folder: &Path, sandbox: u64) -> u32 {
    let own = folder.join("sandboxes").join(spec(sandbox).id.0).join("workspace");
    own.metadata().unwrap().uid()
}

#[tokio::test(flavor = "multi_thread")]
async fn user_ids_of_leftovers_are_not_given_to_others() {
    let folder = folder();
    let mut host = Host::start(folder.path());
    for sandbox in 1..=3 {
        host.create(sandbox);
    }
    host.kill();
    let local = next(folder).await;
    let path = local.folder.path();
    let (first, second) = (owner(path, 1), owner(path, 2));
    local.provider.create(spec(4)).await.unwrap();
    assert!((1..=3).all(|sandbox| owner(path, sandbox) != owner(path, 4)));
    local.adopt(1).await;
    local.bash(1, "echo mine > file; chmod 600 file").await;
    assert_eq!(owner(path, 1), first);
    // Free again once it is destroyed, adopted or not.
    local.provider.destroy(&spec(2).id).await.unwrap();
    local.provider.create(spec(5)).await.unwrap();
    assert_eq!(owner(path, 5), second);
    local.provider.shut_down().await.unwrap();
    let folder = local.folder;
    drop((local.provider, local.suite));
    // A server with other ids cannot have it; one with the right ones still can.
    let other = Local::start_on(folder, |config| config.uid_base = 500_000).await;
    let refused = other.provider.adopt(spec(1)).await;
    assert!(matches!(refused, Err(ProviderError::Failed { retryable: false, .. })), "{refused:?}");
    other.provider.shut_down().await.unwrap();
    let folder = other.folder;
    drop((other.provider, other.suite));
    let local = next(folder).await;
    local.adopt(1).await;
    assert_eq!(local.bash(1, "cat file").await, "mine");
    local.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_limit_counts_what_is_there() {
    let folder = folder();
    let mut host = Host::start(folder.path());
    let limit: u64 = 32 << 20;
    for sandbox in 1..=3 {
        let create = json!({"sandbox": sandbox, "disk_bytes": limit});
        assert_eq!(host.ask(&json!({ "Create": create })), "created");
        host.bash(sandbox, "head -c 24M /dev/urandom > a; head -c 4M /dev/zero > /tmp/b");
    }
    host.kill();
    let local = next(folder).await;
    let limited = |sandbox, disk_bytes| {
        let mut spec = spec(sandbox);
        spec.limits.disk_bytes = disk_bytes;
        spec
    };
    let (p, first, second) = (&local.provider, spec(1).id, spec(2).id);
    p.adopt(limited(1, limit)).await.unwrap();
    let ten = Bytes::from(vec![1; 10 << 20]);
    assert_eq!(
        p.write_file(&first, "/workspace/c", ten.clone()).await,
        Err(ProviderError::DiskFull)
    );
    // What was in /tmp is gone and does not count.
    p.write_file(&first, "/workspace/c", ten.slice(..6 << 20)).await.unwrap();
    p.adopt(limited(2, limit)).await.unwrap();
    let fill = "for i in $(seq 64); do head -c 4M /dev/zero > f$i; done";
    let output = local.suite.exec(&second, Lang::Bash, fill).await;
    assert_eq!(output.exit_code, 137, "{output:?}");
    // One that holds more than it may from the start: it can read and delete.
    p.adopt(limited(3, 16 << 20)).await.unwrap();
    let output = local.suite.exec(&spec(3).id, Lang::Bash, "echo x > new").await;
    assert_ne!(output.exit_code, 0, "{output:?}");
    local.bash(3, "rm a").await;
    local.bash(3, "echo x > new").await;
    local.end().await;
}

const COUNT: u64 = 16;
const ROUNDS: usize = 6;
/// So many that to remove them takes as long as all else.
const FILES: u64 = 100;

/// Has the host do something to [`COUNT`] sandboxes at once.
fn many(host: &mut Host, what: &str) {
    host.order(&json!({"Many": {"what": what, "from": 1, "count": COUNT}}));
}

/// Kills the host in the middle of that, a little later in each round; answers those that were
/// done.
fn kill_while(mut host: Host, what: &str, round: usize) -> Vec<u64> {
    many(&mut host, what);
    let done = (0..round).map(|_| host.line()["done ".len()..].parse().unwrap()).collect();
    if round.is_multiple_of(2) {
        host.kill()
    } else {
        host.kill_with_spawner()
    }
    done
}

/// A host that holds [`COUNT`] sandboxes with [`FILES`] files each.
fn host_of_many(folder: &Path) -> Host {
    let mut host = Host::start(folder);
    many(&mut host, "Create");
    while host.line() != "done all" {}
    for sandbox in 1..=COUNT {
        host.bash(sandbox, &format!("for n in $(seq {FILES}); do : > $n; done"));
    }
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_creates_leaves_whole_sandboxes_or_none() {
    for round in 0..ROUNDS {
        let folder = folder();
        let created = kill_while(Host::start(folder.path()), "Create", round);
        let local = next(folder).await;
        let listed = local.provider.list().await.unwrap();
        for number in 1..=COUNT {
            let spec = spec(number);
            if listed.iter().any(|sandbox| sandbox.id == spec.id) {
                local.adopt(number).await;
            } else {
                assert!(!created.contains(&number), "{number} is lost");
                let none = local.provider.adopt(spec.clone()).await;
                assert_eq!(none, Err(ProviderError::NoSandbox));
                local.provider.create(spec).await.unwrap();
            }
            assert_eq!(local.bash(number, "echo works; ls").await, "works");
        }
        local.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_adoptions_loses_nothing() {
    for round in 0..ROUNDS {
        let folder = folder();
        host_of_many(folder.path()).kill_with_spawner();
        kill_while(Host::start(folder.path()), "Adopt", round);
        let local = next(folder).await;
        for number in 1..=COUNT {
            local.adopt(number).await;
            assert_eq!(local.bash(number, "ls | wc -l").await, FILES.to_string());
        }
        local.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_destroys_leaves_whole_sandboxes_or_none() {
    for round in 0..ROUNDS {
        let folder = folder();
        let destroyed = kill_while(host_of_many(folder.path()), "Destroy", round);
        let local = next(folder).await;
        let listed = local.provider.list().await.unwrap();
        for number in 1..=COUNT {
            if listed.iter().any(|sandbox| sandbox.id == spec(number).id) {
                assert!(!destroyed.contains(&number), "{number} is back");
                local.adopt(number).await;
                assert_eq!(local.bash(number, "ls | wc -l").await, FILES.to_string());
            } else {
                local.provider.create(spec(number)).await.unwrap();
            }
        }
        local.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_sandbox_is_removed() {
    let folder = folder();
    let half = folder.path().join("sandboxes").join(spec(1).id.0);
    std::fs::create_dir_all(half.join("workspace")).unwrap();
    std::fs::write(half.join("record.new"), "{}").unwrap();
    // Of a machine that lost its power.
    let empty = folder.path().join("sandboxes").join(spec(2).id.0);
    std::fs::create_dir_all(empty.join("workspace")).unwrap();
    std::fs::write(empty.join("record.json"), "").unwrap();
    let local = next(folder).await;
    assert_eq!(local.provider.list().await, Ok(vec![]));
    assert!(!half.exists() && !empty.exists());
    assert_eq!(local.provider.adopt(spec(1)).await, Err(ProviderError::NoSandbox));
    local.provider.create(spec(1)).await.unwrap();
    local.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_keeps_files() {
    let folder = folder();
    let mut host = Host::start(folder.path());
    host.create(1);
    host.create(2);
    host.bash(1, "echo kept > file; setsid sleep 300 > /dev/null 2>&1 &");
    host.pause(2, 7);
    host.shut_down();
    assert_eq!(running(folder.path()), Vec::<String>::new());
    let local = next(folder).await;
    assert_eq!(local.provider.list().await, Ok(listed(&[1, 2])));
    local.adopt(1).await;
    assert_eq!(local.bash(1, "cat file; pgrep -x sleep || true").await, "kept");
    local.end().await;
}
