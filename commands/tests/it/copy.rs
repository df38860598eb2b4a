//! Keys and blobs that are copied to where a cluster has them.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use theazo_commands::{BlobError, Blobs, Copied, Owner, Vault, VaultError};

use crate::postgres::TestDatabase;
use crate::s3::{S3Server, credentials};
use crate::{World, master, scope, session_id};

async fn shared(database: &TestDatabase, n: u8) -> Vault {
    Vault::open_postgres(database.pool().await, &master(n)).await.unwrap()
}

async fn seal(vault: &Vault, n: u128) -> theazo_domain::Sealed {
    let owner = Owner::Session(session_id(n));
    vault.seal(scope(n % 3), owner, "p", &n.to_be_bytes()).await.unwrap()
}

#[tokio::test]
async fn what_was_sealed_before_the_copy_opens_after_it() {
    let (world, database) = (World::new().await, TestDatabase::new().await);
    let (here, there) = (&world.commander.vault, shared(&database, 1).await);
    let mut sealed = Vec::new();
    // More than are copied together.
    for n in 0..1_203 {
        sealed.push(seal(here, n).await);
    }
    let mut heard = Vec::new();
    let copied = here.copy_keys(&there, |done| heard.push(done)).await.unwrap();
    // One more: each store has a check of its own.
    assert_eq!((copied, here.keys().await.unwrap()), (1_204, 1_204));
    assert!(heard.is_sorted() && heard.len() > 2, "{heard:?}");
    assert_eq!(there.keys().await.unwrap(), 1_204);
    for (n, sealed) in (0..).zip(&sealed) {
        let plain = there.unseal(scope(n % 3), "p", sealed).await.unwrap();
        assert_eq!(*plain, n.to_be_bytes());
    }
    // What broke off goes on.
    sealed.push(seal(here, 5_000).await);
    assert_eq!(here.copy_keys(&there, |_| ()).await.unwrap(), 1_205);
    there.unseal(scope(5_000 % 3), "p", sealed.last().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_store_that_has_other_keys_is_left_as_it_is() {
    let (world, database) = (World::new().await, TestDatabase::new().await);
    let (here, there) = (&world.commander.vault, shared(&database, 1).await);
    seal(here, 1).await;
    let theirs = seal(&there, 1).await;
    let refused = here.copy_keys(&there, |_| ()).await;
    assert!(matches!(&refused, Err(VaultError::Copy(_))), "{refused:?}");
    there.unseal(scope(1), "p", &theirs).await.unwrap();
    assert_eq!(there.keys().await.unwrap(), 2);
}

/// What is erased stays so: a copy that was made before does not bring it back.
#[tokio::test]
async fn a_key_that_was_erased_since_is_not_passed_over() {
    let (world, database) = (World::new().await, TestDatabase::new().await);
    let (here, there) = (&world.commander.vault, shared(&database, 1).await);
    seal(here, 1).await;
    here.copy_keys(&there, |_| ()).await.unwrap();
    here.erase(scope(1), session_id(1)).await.unwrap();
    let refused = here.copy_keys(&there, |_| ()).await.unwrap_err().to_string();
    assert!(refused.contains("erased") && refused.contains("empty one"), "{refused}");
}

fn named_by_hash(text: &str) -> (String, Bytes) {
    let name = format!("org_1/live/ses_1/{}", hex::encode(Sha256::digest(text)));
    (name, Bytes::copy_from_slice(text.as_bytes()))
}

async fn are_copied(to: &Blobs) {
    let folder = tempfile::tempdir().unwrap();
    let from = Blobs::in_folder(folder.path()).unwrap();
    let mut all = vec![
        ("org_1/live/snapshots/snp_1".to_owned(), Bytes::from(vec![7; 9 << 20])),
        ("empty".to_owned(), Bytes::new()),
    ];
    all.extend((0..40).map(|n| named_by_hash(&"x".repeat(n * 1_000))));
    for (name, data) in &all {
        from.put(name, data.clone()).await.unwrap();
    }
    let bytes = all.iter().map(|(_, data)| data.len() as u64).sum();
    assert_eq!(from.total().await.unwrap(), (42, bytes));
    let mut heard = 0;
    let copied = from.copy_all(to, |done| heard = done).await.unwrap();
    assert_eq!((copied, heard), (Copied { blobs: 42, bytes, there: 0 }, 42));
    for (name, data) in &all {
        assert_eq!(to.get(name).await.unwrap(), data, "{name}");
    }
    to.delete(&all[9].0).await.unwrap();
    let again = from.copy_all(to, |_| ()).await.unwrap();
    assert_eq!(again, Copied { there: 41, ..copied });
}

#[tokio::test]
async fn blobs_are_copied_to_another_folder() {
    let folder = tempfile::tempdir().unwrap();
    are_copied(&Blobs::in_folder(folder.path()).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_are_copied_to_s3() {
    let server = S3Server::start().await;
    let url = server.url("bucket/moved");
    are_copied(&Blobs::open_with(&url, credentials()).await.unwrap()).await;
}

#[tokio::test]
async fn a_blob_that_is_not_what_its_name_says_is_named_and_not_copied() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let from = Blobs::in_folder(here.path()).unwrap();
    let to = Blobs::in_folder(there.path()).unwrap();
    let (name, _) = named_by_hash("what it was");
    from.put(&name, Bytes::from_static(b"what it is")).await.unwrap();
    let refused = from.copy_all(&to, |_| ()).await;
    assert!(matches!(&refused, Err(BlobError::Changed(at)) if *at == name), "{refused:?}");
    assert!(matches!(to.get(&name).await, Err(BlobError::Missing(_))));
}
