use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use theazo_commands::{Owner, Vault, VaultError};

use crate::{World, scope, session_id};

const PIECE: usize = 256 << 10;
const TAG: usize = 16;

fn owner() -> Owner {
    Owner::Session(session_id(7))
}

fn chunks(data: &[u8], size: usize) -> impl Stream<Item = Result<Bytes, VaultError>> + use<> {
    let chunks: Vec<_> = data.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    stream::iter(chunks)
}

fn plain(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at / 3 % 251) as u8).collect()
}

async fn seal(vault: &Vault, purpose: &str, data: &[u8], size: usize) -> Vec<u8> {
    let sealed = vault.seal_stream(scope(1), owner(), purpose, chunks(data, size)).await.unwrap();
    sealed.try_collect::<Vec<Bytes>>().await.unwrap().concat()
}

async fn unseal(vault: &Vault, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let opened = vault.unseal_stream(scope(1), owner(), purpose, chunks(sealed, 100_003)).await?;
    Ok(opened.try_collect::<Vec<Bytes>>().await?.concat())
}

#[tokio::test]
async fn streams_of_any_size_in_any_chunks_come_back() {
    let world = World::new().await;
    let vault = &world.commander.vault;
    for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 1_000_000] {
        for chunk in [1_009, PIECE, 3 * PIECE] {
            let sealed = seal(vault, "a", &plain(size), chunk).await;
            assert!(unseal(vault, "a", &sealed).await.unwrap() == plain(size), "{size} in {chunk}");
        }
    }
}

#[tokio::test]
async fn a_stream_opens_only_where_it_was_sealed_for() {
    let world = World::new().await;
    let vault = &world.commander.vault;
    let secret = b"a name and an address of somebody".repeat(100);
    let sealed = seal(vault, "a", &secret, 1_000).await;
    let shown = |part: &[u8]| sealed.windows(part.len()).any(|window| window == part);
    assert!(!shown(&secret[..16]), "the plain text is in it");
    let refused = unseal(vault, "b", &sealed).await;
    assert!(matches!(refused, Err(VaultError::Forged)), "another purpose: {refused:?}");
    for (scope, session) in [(scope(2), 7), (scope(1), 8)] {
        vault.seal(scope, Owner::Session(session_id(session)), "x", b"y").await.unwrap();
        let owner = Owner::Session(session_id(session));
        let refused = vault.unseal_stream(scope, owner, "a", chunks(&sealed, 9)).await.err();
        assert!(matches!(refused, Some(VaultError::Forged)), "another owner: {refused:?}");
    }
}

#[tokio::test]
async fn what_was_changed_cut_short_or_put_in_another_order_is_refused() {
    let world = World::new().await;
    let vault = &world.commander.vault;
    let whole = seal(vault, "a", &plain(3 * PIECE), PIECE).await;
    let other = seal(vault, "a", &plain(3 * PIECE), PIECE).await;
    let head = whole.len() - 3 * (PIECE + TAG);
    let (start, pieces) = whole.split_at(head);
    let pieces: Vec<&[u8]> = pieces.chunks(PIECE + TAG).collect();
    let [one, two, three] = pieces[..] else { panic!("{} pieces", pieces.len()) };
    let another = &other[head..head + PIECE + TAG];
    let mut bad: Vec<(String, Vec<u8>)> = vec![
        ("the end is gone".to_owned(), [start, one, two].concat()),
        ("only the head".to_owned(), start.to_vec()),
        ("another order".to_owned(), [start, two, one, three].concat()),
        ("one is gone".to_owned(), [start, one, three].concat()),
        ("one is there twice".to_owned(), [start, one, one, two, three].concat()),
        ("more behind the end".to_owned(), [&whole[..], b"x"].concat()),
        ("another after the end".to_owned(), [&whole[..], three].concat()),
        ("a piece of another stream".to_owned(), [start, another, two, three].concat()),
    ];
    for length in [0, 1, 16, 17, head - 1, head + 1, whole.len() - TAG, whole.len() - 1] {
        bad.push((format!("cut to {length}"), whole[..length].to_vec()));
    }
    for at in [0, 16, 20, head - 1, head, head + PIECE, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        bad.push((format!("byte {at} was changed"), changed));
    }
    for (what, sealed) in bad {
        let refused = unseal(vault, "a", &sealed).await;
        assert!(matches!(refused, Err(VaultError::Forged)), "{what}: {:?}", refused.is_ok());
    }
}

#[tokio::test]
async fn an_erased_key_makes_a_stream_unreadable() {
    let world = World::new().await;
    let vault = &world.commander.vault;
    let sealed = seal(vault, "a", b"a", 1).await;
    vault.erase(scope(1), session_id(7)).await.unwrap();
    let refused = unseal(vault, "a", &sealed).await;
    assert!(matches!(refused, Err(VaultError::Erased)), "{refused:?}");
}

#[tokio::test]
async fn a_stream_that_breaks_off_says_so_and_ends() {
    let world = World::new().await;
    let vault = &world.commander.vault;
    let broken = Err(VaultError::Blob("it broke".to_owned()));
    let data = chunks(&plain(PIECE * 2), 1_000).chain(stream::iter([broken]));
    let sealed = vault.seal_stream(scope(1), owner(), "a", data).await.unwrap();
    let all: Vec<_> = sealed.collect().await;
    assert!(matches!(all.last(), Some(Err(VaultError::Blob(_)))));
    assert_eq!(all.iter().filter(|piece| piece.is_err()).count(), 1);
}

#[tokio::test]
async fn no_more_is_read_than_is_asked_for() {
    let world = World::new().await;
    let read = Arc::new(AtomicUsize::new(0));
    let counted = read.clone();
    let chunk = Bytes::from(vec![7; 64 << 10]);
    let endless = stream::repeat_with(move || {
        counted.fetch_add(chunk.len(), Ordering::Relaxed);
        Ok::<_, VaultError>(chunk.clone())
    });
    let vault = &world.commander.vault;
    let mut sealed = vault.seal_stream(scope(1), owner(), "a", endless).await.unwrap();
    for _ in 0..20 {
        sealed.next().await.unwrap().unwrap();
    }
    let read = read.load(Ordering::Relaxed);
    assert!(read <= 20 * PIECE, "{read} bytes");
}
