//! Nothing but files is left behind, however the host ends.

use std::path::Path;

use bytes::Bytes;
use theazo_providers::local::{LocalConfig, LocalProvider};
use theazo_providers::{Provider, ProviderError, SandboxId, SandboxSpec};

use crate::host::Host;
use crate::support::{Local, SPAWNER, cgroups, leftovers, running, until};

/// A host with three sandboxes, one of them paused.
fn host(folder: &Path) -> Host {
    let mut host = Host::start(folder);
    for sandbox in 1..=3 {
        host.create(sandbox);
        host.bash(sandbox, "setsid sleep 300 > /dev/null 2>&1 & echo kept > file");
    }
    host.pause(3, 1);
    assert!(running(folder).len() > 3, "the sandboxes are seen: {:?}", running(folder));
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_leaves_nothing_but_files() {
    let folder = tempfile::tempdir().unwrap();
    host(folder.path()).kill();
    let seen = async || running(folder.path());
    until("all that ran is gone", seen, Vec::is_empty).await;
    they_can_be_destroyed(Local::start_on(folder, |_| {}).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_killed_with_its_spawner_leaves_nothing_but_files_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    host(folder.path()).kill_with_spawner();
    let local = Local::start_on(folder, |_| {}).await;
    assert_eq!(running_but_the_spawner(&local), Vec::<String>::new());
    they_can_be_destroyed(local).await;
}

fn running_but_the_spawner(local: &Local) -> Vec<String> {
    let found = running(local.folder.path()).into_iter();
    let spawner = children_of_this_process();
    let is_spawner =
        |line: &String| spawner.iter().any(|pid| line.starts_with(&format!("/proc/{pid} ")));
    found.filter(|line| !is_spawner(line)).collect()
}

/// They are listed, and gone after a destroy, with the snapshot untouched.
async fn they_can_be_destroyed(local: Local) {
    let listed = local.provider.list().await.unwrap();
    assert_eq!(listed.len(), 3);
    for sandbox in listed {
        local.provider.destroy(&sandbox.id).await.unwrap();
        local.provider.destroy(&sandbox.id).await.unwrap();
    }
    assert_eq!(local.provider.list().await, Ok(vec![]));
    let snapshots = std::fs::read_dir(local.folder.path().join("snapshots")).unwrap().count();
    assert_eq!(snapshots, 1);
    local.provider.shut_down().await.unwrap();
    assert_eq!(leftovers(local.folder.path()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spawner_that_is_killed_is_replaced() {
    let local = Local::start().await;
    let spec = local.suite.spec();
    let id = made(&local, &spec).await;
    let other = made(&local, &local.suite.spec()).await;
    let spawner = children_of_this_process()
        .into_iter()
        .find(|pid| command(*pid).contains("theazo-sandbox"))
        .unwrap();
    let spawner = nix::unistd::Pid::from_raw(spawner);
    nix::sys::signal::kill(spawner, nix::sys::signal::Signal::SIGKILL).unwrap();
    let health = async || local.provider.health().await.healthy;
    until("it is noticed", health, |healthy| !healthy).await;
    let code = theazo_providers::conformance::request(theazo_providers::Lang::Bash, "true");
    let _ = until(
        "the sandbox is gone",
        async || local.provider.exec(&id, code.clone()).await,
        |answer| *answer == Err(ProviderError::Gone),
    )
    .await;
    local.provider.destroy(&other).await.unwrap();
    // It has lost its processes and nothing else.
    local.provider.adopt(spec).await.unwrap();
    assert_eq!(local.suite.exec(&id, code.lang, "cat file").await.stdout, "kept");
    local.provider.destroy(&id).await.unwrap();
    local.suite.every_language_answers().await;
    assert!(local.provider.health().await.healthy);
    local.provider.shut_down().await.unwrap();
    assert_eq!(leftovers(local.folder.path()), Vec::<String>::new());
}

async fn made(local: &Local, spec: &SandboxSpec) -> SandboxId {
    local.provider.create(spec.clone()).await.unwrap();
    let kept = Bytes::from("kept");
    local.provider.write_file(&spec.id, "/workspace/file", kept).await.unwrap();
    spec.id.clone()
}

fn children_of_this_process() -> Vec<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|text| text.split_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<_>>())
        .collect()
}

fn command(pid: i32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_has_one_server() {
    let local = Local::start().await;
    let folder = local.folder.path().to_owned();
    let config = LocalConfig::new(&folder, vec![SPAWNER.into()]);
    let second = tokio::spawn(LocalProvider::start(config));
    local.suite.it_is_healthy().await;
    // It gets the folder as soon as the first lets go.
    local.provider.shut_down().await.unwrap();
    drop(local.provider);
    drop(local.suite);
    let second = second.await.unwrap().unwrap();
    second.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_no_spawner_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (program, unsupported) in [("/no/such/program", true), ("/bin/true", false)] {
        let config = LocalConfig::new(folder.path(), vec![program.into()]);
        let refused = LocalProvider::start(config).await.map(drop).unwrap_err();
        assert_eq!(matches!(refused, ProviderError::Unsupported(_)), unsupported, "{refused:?}");
        assert_eq!(cgroups(folder.path()), Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn the_probe_says_what_the_machine_has() {
    let probe = theazo_providers::local::probe();
    assert!(probe.is_safe(), "{:?}", probe.missing());
    for check in &probe.checks {
        assert!(check.ok || check.mend.is_some(), "{check:?}");
    }
}
