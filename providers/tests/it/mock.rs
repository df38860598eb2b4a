//! The mock on a folder, across processes. Nothing is in a buffer of the process when a call is
//! answered, so that one that is forgotten is like one that was killed.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use theazo_providers::conformance::request;
use theazo_providers::{Lang, MockProvider, Provider, ProviderError};

use crate::host::{snapshot, spec};

const LIMIT: u64 = 64 << 20;

fn next(folder: &Path, last: MockProvider) -> MockProvider {
    std::mem::forget(last);
    MockProvider::open(folder).unwrap()
}

async fn write(mock: &MockProvider, sandbox: u64, path: &str, data: &'static str) {
    mock.write_file(&spec(sandbox).id, path, Bytes::from(data)).await.unwrap();
}

async fn read(mock: &MockProvider, sandbox: u64, path: &str) -> Bytes {
    mock.read_file(&spec(sandbox).id, path, LIMIT).await.unwrap()
}

#[tokio::test]
async fn files_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::open(folder.path()).unwrap();
    let id = spec(1).id;
    mock.create(spec(1)).await.unwrap();
    write(&mock, 1, "/workspace/d/e/file", "one").await;
    write(&mock, 1, "/workspace/d/e/file", "two").await;
    write(&mock, 1, "/workspace/gone/file", "x").await;
    write(&mock, 1, "/workspace/empty/file", "x").await;
    write(&mock, 1, "/workspace/record.json", "{}").await;
    mock.delete_file(&id, "/workspace/gone").await.unwrap();
    mock.delete_file(&id, "/workspace/empty/file").await.unwrap();
    let refused = mock.write_file(&id, "/workspace/d/e", Bytes::new()).await;
    assert!(matches!(refused, Err(ProviderError::BadPath(_))), "{refused:?}");

    let mock = next(folder.path(), mock);
    let listed = mock.list().await.unwrap();
    assert_eq!((listed.len(), &listed[0].labels), (1, &spec(1).labels));
    let before = mock.exec(&id, request(Lang::Bash, "echo x")).await;
    assert_eq!(before, Err(ProviderError::NoSandbox));
    assert!(matches!(mock.create(spec(1)).await, Err(ProviderError::Conflict(_))));
    let mut foreign = spec(1);
    foreign.labels.agent = spec(2).labels.agent;
    assert!(matches!(mock.adopt(foreign).await, Err(ProviderError::Conflict(_))));
    let mut smaller = spec(1);
    smaller.limits.disk_bytes = 8;
    mock.adopt(smaller).await.unwrap();
    assert_eq!(read(&mock, 1, "/workspace/d/e/file").await, "two");
    let top = mock.list_files(&id, "/workspace").await.unwrap();
    let top: Vec<&str> = top.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(top, ["d", "empty", "record.json"]);
    assert_eq!(mock.list_files(&id, "/workspace/empty").await, Ok(vec![]));
    let full = mock.write_file(&id, "/workspace/new", Bytes::from("1234")).await;
    assert_eq!(full, Err(ProviderError::DiskFull), "what is there counts");
    mock.destroy(&id).await.unwrap();

    let mock = next(folder.path(), mock);
    assert_eq!(mock.list().await, Ok(vec![]));
    assert_eq!(mock.adopt(spec(1)).await, Err(ProviderError::NoSandbox));
}

#[tokio::test]
async fn snapshots_outlive_the_process_and_what_they_were_taken_of() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::open(folder.path()).unwrap();
    mock.create(spec(1)).await.unwrap();
    write(&mock, 1, "/workspace/d/file", "old").await;
    assert_eq!(mock.pause(&spec(1).id, snapshot(7)).await, Ok(3));
    mock.resume(&spec(1).id).await.unwrap();
    write(&mock, 1, "/workspace/d/file", "newer").await;

    let mock = next(folder.path(), mock);
    // As a resume does it that finds no live sandbox.
    assert_eq!(mock.resume(&spec(1).id).await, Err(ProviderError::NoSandbox));
    mock.adopt(spec(1)).await.unwrap();
    assert_eq!(mock.pause(&spec(1).id, snapshot(7)).await, Ok(3), "it was taken before");
    mock.destroy(&spec(1).id).await.unwrap();
    let mut from = spec(2);
    from.snapshot = Some(snapshot(7));
    mock.create(from.clone()).await.unwrap();
    assert_eq!(read(&mock, 2, "/workspace/d/file").await, "old");
    write(&mock, 2, "/workspace/d/file", "changed").await;

    let mock = next(folder.path(), mock);
    mock.adopt(from.clone()).await.unwrap();
    assert_eq!(read(&mock, 2, "/workspace/d/file").await, "changed");
    from.id = spec(3).id;
    mock.create(from.clone()).await.unwrap();
    assert_eq!(read(&mock, 3, "/workspace/d/file").await, "old", "untouched by others");
    mock.delete_snapshot(snapshot(7)).await.unwrap();
    mock.delete_snapshot(snapshot(7)).await.unwrap();

    let mock = next(folder.path(), mock);
    from.id = spec(4).id;
    assert_eq!(mock.create(from).await, Err(ProviderError::NoSnapshot));
    assert_eq!(mock.list().await.unwrap().len(), 2);
}

#[tokio::test]
async fn half_a_sandbox_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::open(folder.path()).unwrap();
    let half = folder.path().join("sandboxes").join(spec(1).id.0);
    std::fs::create_dir_all(half.join("files/d")).unwrap();
    std::fs::create_dir_all(folder.path().join("new/d")).unwrap();
    let mock = next(folder.path(), mock);
    assert!(!half.exists() && !folder.path().join("new").exists());
    mock.create(spec(1)).await.unwrap();
    write(&mock, 1, "/workspace/file", "x").await;
}

#[tokio::test]
async fn writing_is_fast() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::open(folder.path()).unwrap();
    mock.create(spec(1)).await.unwrap();
    let data = Bytes::from(vec![7; 16 << 10]);
    let mut times: Vec<Duration> = Vec::new();
    for number in 0..500 {
        let path = format!("/workspace/{}/{number}", number % 10);
        let start = Instant::now();
        mock.write_file(&spec(1).id, &path, data.clone()).await.unwrap();
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!("mock write of 16 KiB: p50 {:?}, p99 {:?}", times[250], times[494]);
    assert!(times[250] < Duration::from_millis(5), "{:?}", times[250]);
    let mock = next(folder.path(), mock);
    let start = Instant::now();
    mock.adopt(spec(1)).await.unwrap();
    println!("mock adopt of 500 files: {:?}", start.elapsed());
}
