//! One suite for blobs in a folder and on a real S3-compatible server, and what each says when it
//! is not set up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use theazo_commands::{BlobError, Blobs};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::s3::{S3Server, credentials};

/// More than two parts, and no whole number of them.
const LARGE: usize = 21_000_001;

async fn suite(blobs: &Blobs) {
    what_is_stored_is_read(blobs).await;
    what_is_not_there_is_missing(blobs).await;
    the_same_name_may_be_stored_again(blobs).await;
    streams_of_any_size_come_back(blobs).await;
    a_stream_that_breaks_off_stores_nothing(blobs).await;
}

async fn what_is_stored_is_read(blobs: &Blobs) {
    let name = "org_1/live/ses_1/abc";
    blobs.put(name, Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(blobs.get(name).await.unwrap(), "hello");
    blobs.put("empty", Bytes::new()).await.unwrap();
    assert_eq!(blobs.get("empty").await.unwrap(), "");
}

async fn what_is_not_there_is_missing(blobs: &Blobs) {
    let missing = |result: Result<(), BlobError>| {
        assert!(
            matches!(&result, Err(BlobError::Missing(name)) if name == "no/such"),
            "{result:?}"
        );
    };
    missing(blobs.get("no/such").await.map(|_| ()));
    missing(blobs.get_stream("no/such").await.map(|_| ()));
    blobs.delete("no/such").await.unwrap();
    blobs.put("no/such", Bytes::from_static(b"x")).await.unwrap();
    blobs.delete("no/such").await.unwrap();
    missing(blobs.get("no/such").await.map(|_| ()));
}

async fn the_same_name_may_be_stored_again(blobs: &Blobs) {
    let puts = (0..8).map(|_| blobs.put("same", Bytes::from_static(b"the same bytes")));
    for put in futures::future::join_all(puts).await {
        put.unwrap();
    }
    assert_eq!(blobs.get("same").await.unwrap(), "the same bytes");
    blobs.put("same", Bytes::from_static(b"others")).await.unwrap();
    assert_eq!(blobs.get("same").await.unwrap(), "others");
}

/// `size` bytes that say where they are, in uneven pieces.
fn pieces(size: usize) -> Vec<Result<Bytes, std::io::Error>> {
    let bytes: Vec<u8> = (0..size).map(|at| (at / 7 % 251) as u8).collect();
    bytes.chunks(1_000_003).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect()
}

async fn streams_of_any_size_come_back(blobs: &Blobs) {
    for size in [0, 1, 5 << 20, 8 << 20, LARGE] {
        let name = format!("streams/{size}");
        let stored = blobs.put_stream(&name, stream::iter(pieces(size))).await.unwrap();
        assert_eq!(stored, size as u64);
        let read = blobs.get_stream(&name).await.unwrap();
        let read: Vec<Bytes> = read.try_collect().await.unwrap();
        let expected: Vec<Bytes> = pieces(size).into_iter().map(Result::unwrap).collect();
        assert!(read.concat() == expected.concat(), "{size}");
    }
}

async fn a_stream_that_breaks_off_stores_nothing(blobs: &Blobs) {
    for size in [10, LARGE] {
        let broken = Err(std::io::Error::other("the sandbox is gone"));
        let data = stream::iter(pieces(size)).chain(stream::iter([broken]));
        let result = blobs.put_stream("broken", data).await;
        let Err(BlobError::BrokeOff(why)) = &result else { panic!("{result:?}") };
        assert_eq!(why, "the sandbox is gone");
        assert!(matches!(blobs.get("broken").await, Err(BlobError::Missing(_))));
    }
}

#[tokio::test]
async fn blobs_in_a_folder_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blobs");
    suite(&Blobs::open(path.to_str().unwrap()).await.unwrap()).await;
    let again = Blobs::open(&format!("file://{}", path.display())).await.unwrap();
    assert_eq!(again.get("same").await.unwrap(), "others");
    // Nothing of the stream that broke off is left.
    let names = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name());
    let broken = names.filter(|name| name.to_string_lossy().starts_with("broken"));
    assert_eq!(broken.collect::<Vec<_>>(), Vec::<std::ffi::OsString>::new());
}

#[tokio::test]
async fn blobs_on_s3_keep_the_contract() {
    let server = S3Server::start().await;
    let open = async |place| Blobs::open_with(&server.url(place), credentials()).await.unwrap();
    let (blobs, others) = (open("bucket/ours").await, open("bucket/theirs").await);
    suite(&blobs).await;
    // Under its prefix, and nowhere else.
    assert!(matches!(others.get("same").await, Err(BlobError::Missing(_))));
    assert_eq!(open("bucket").await.get("ours/same").await.unwrap(), "others");
}

async fn refusal(url: &str) -> String {
    match Blobs::open_with(url, credentials()).await {
        Err(BlobError::Setup(message)) => message,
        other => panic!("{:?}", other.map(|_| ())),
    }
}

#[tokio::test]
async fn what_is_set_wrongly_is_said() {
    for (url, says) in [
        ("gs://bucket", "s3://bucket/prefix"),
        ("file://host/path", "three slashes"),
        ("s3:///prefix", "s3://bucket/prefix"),
        ("s3://key:hunter2@bucket", "AWS_SECRET_ACCESS_KEY"),
        ("s3://bucket?endpoint=http://127.0.0.1:1", "allow_http=true"),
        ("s3://bucket?secret_access_key=hunter2", "endpoint, region"),
        ("s3://bucket?endpoint=http://127.0.0.1:1&allow_http=true", "?endpoint="),
        ("/proc/version/blobs", "/proc/version/blobs"),
    ] {
        let message = refusal(url).await;
        assert!(message.contains(says), "{url}: {message}");
        assert!(!message.contains("hunter2"), "{url}: {message}");
    }
    let server = S3Server::start().await;
    let message = refusal(&server.url("nobody-made-it")).await;
    assert!(message.contains("there is no bucket nobody-made-it at http://"), "{message}");
}

#[tokio::test]
async fn a_key_that_is_refused_is_said_without_its_secret() {
    let server = S3Server::that_knows_nobody().await;
    let message = refusal(&server.url("bucket")).await;
    assert!(message.contains("AWS_ACCESS_KEY_ID"), "{message}");
    assert!(message.contains("refuses bucket"), "{message}");
}

/// Answers each request with the next status, and the last one for ever.
async fn moody(statuses: &'static [&'static str]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let n = counter.fetch_add(1, Ordering::SeqCst).min(statuses.len() - 1);
            let mut head = [0; 16_384];
            let _ = connection.read(&mut head).await;
            let status = statuses[n];
            let answer = format!(
                "HTTP/1.1 {status}\r\netag: \"e\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    (format!("s3://bucket?endpoint=http://{address}&allow_http=true"), asked)
}

#[tokio::test]
async fn a_store_that_is_overloaded_is_asked_again_and_one_that_is_broken_not_for_ever() {
    let (url, asked) = moody(&["503 Slow Down", "500 Oops", "200 OK"]).await;
    Blobs::open_with(&url, credentials()).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    let (url, asked) = moody(&["503 Slow Down"]).await;
    let message = refusal(&url).await;
    assert!(message.contains("503"), "{message}");
    assert_eq!(asked.load(Ordering::SeqCst), 6);
}
