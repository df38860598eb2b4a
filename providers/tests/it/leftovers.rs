//! Nothing is left behind, however the host ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use theazo_providers::local::{LocalConfig, LocalProvider};
use theazo_providers::{Provider, ProviderError};

use crate::support::{HOST, Local, SPAWNER, leftovers, until};

/// A host with three sandboxes, one of them paused, in a process of its own.
fn host(folder: &Path) -> Child {
    let mut host =
        Command::new(HOST).arg(folder).arg(SPAWNER).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    assert!(leftovers(folder).len() > 3, "the sandboxes are seen: {:?}", leftovers(folder));
    host
}

fn spawner_of(host: &Child) -> nix::unistd::Pid {
    let children = format!("/proc/{0}/task/{0}/children", host.id());
    let children = std::fs::read_to_string(children).unwrap();
    nix::unistd::Pid::from_raw(children.split_whitespace().next().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = host(folder.path());
    host.kill().unwrap();
    host.wait().unwrap();
    let seen = async || leftovers(folder.path());
    until("all is removed", seen, Vec::is_empty).await;
    // The next server has the folder, and the snapshot is still there.
    let config = LocalConfig::new(folder.path(), vec![SPAWNER.into()]);
    let provider = LocalProvider::start(config).await.unwrap();
    let snapshots = std::fs::read_dir(folder.path().join("snapshots")).unwrap().count();
    assert_eq!(snapshots, 1);
    provider.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_killed_with_its_spawner_leaves_nothing_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = host(folder.path());
    let spawner = spawner_of(&host);
    host.kill().unwrap();
    nix::sys::signal::kill(spawner, nix::sys::signal::Signal::SIGKILL).unwrap();
    host.wait().unwrap();
    let config = LocalConfig::new(folder.path(), vec![SPAWNER.into()]);
    let provider = LocalProvider::start(config).await.unwrap();
    assert_eq!(provider.list().await, Ok(vec![]));
    provider.shut_down().await.unwrap();
    until("all is removed", async || leftovers(folder.path()), Vec::is_empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spawner_that_is_killed_is_replaced() {
    let local = Local::start().await;
    let id = local.suite.sandbox().await;
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
    local.provider.destroy(&id).await.unwrap();
    local.suite.every_language_answers().await;
    assert!(local.provider.health().await.healthy);
    local.provider.shut_down().await.unwrap();
    assert_eq!(leftovers(local.folder.path()), Vec::<String>::new());
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
