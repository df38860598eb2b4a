use theazo_commands::vault::{open_payload, seal_payload};
use theazo_commands::{Blobs, MasterKey, Owner, VaultError};

use crate::{World, master, open_vault, scope, session_id};

#[tokio::test]
async fn what_is_sealed_opens_only_where_it_was_sealed_for() {
    let world = World::new().await;
    let vault = &world.commander.vault;
    let owner = Owner::Session(session_id(7));
    let sealed = vault.seal(scope(1), owner, "code", b"print(1)").await.unwrap();
    assert!(!sealed.data.contains("print"));
    assert_eq!(&*vault.unseal(scope(1), "code", &sealed).await.unwrap(), b"print(1)");
    assert!(matches!(vault.unseal(scope(1), "stdout", &sealed).await, Err(VaultError::Forged)));
    assert!(matches!(vault.unseal(scope(2), "code", &sealed).await, Err(VaultError::Forged)));
    let mut changed = sealed.clone();
    changed.data.replace_range(20..21, if &changed.data[20..21] == "A" { "B" } else { "A" });
    assert!(matches!(vault.unseal(scope(1), "code", &changed).await, Err(VaultError::Forged)));
}

#[tokio::test]
async fn erasing_a_sessions_key_makes_its_payloads_unreadable_for_ever() {
    let world = World::new().await;
    let vault = &world.commander.vault;
    let (mine, other) = (session_id(7), session_id(8));
    let sealed = vault.seal(scope(1), Owner::Session(mine), "code", b"a").await.unwrap();
    let kept = vault.seal(scope(1), Owner::Session(other), "code", b"b").await.unwrap();
    vault.erase(scope(1), mine).await.unwrap();
    assert!(matches!(vault.unseal(scope(1), "code", &sealed).await, Err(VaultError::Erased)));
    let again = open_vault(&world.folder, &master(1)).await.unwrap();
    assert!(matches!(again.unseal(scope(1), "code", &sealed).await, Err(VaultError::Erased)));
    assert_eq!(&*again.unseal(scope(1), "code", &kept).await.unwrap(), b"b");
}

#[tokio::test]
async fn another_master_key_is_refused_when_the_store_is_opened() {
    let world = World::new().await;
    world.commander.vault.seal(scope(1), Owner::Org, "x", b"y").await.unwrap();
    let refused = open_vault(&world.folder, &master(2)).await.err();
    assert!(matches!(refused, Some(VaultError::Master(_))), "{refused:?}");
}

#[tokio::test]
async fn racing_seals_agree_on_one_key() {
    let world = World::new().await;
    let vault = world.commander.vault.clone();
    let tasks: Vec<_> = (0..32)
        .map(|i: u32| {
            let vault = vault.clone();
            let owner = Owner::Session(session_id(1));
            tokio::spawn(async move {
                vault.seal(scope(1), owner, "p", &i.to_be_bytes()).await.unwrap()
            })
        })
        .collect();
    let again = open_vault(&world.folder, &master(1)).await.unwrap();
    for (i, task) in tasks.into_iter().enumerate() {
        let sealed = task.await.unwrap();
        let plain = again.unseal(scope(1), "p", &sealed).await.unwrap();
        assert_eq!(&*plain, &u32::try_from(i).unwrap().to_be_bytes());
    }
}

#[tokio::test]
async fn large_payloads_go_to_the_blob_store_sealed() {
    let world = World::new().await;
    let (vault, blobs) = (&world.commander.vault, &world.commander.blobs);
    let plain = vec![b'x'; 200_000];
    let owner = (scope(1), session_id(3));
    let payload = seal_payload(vault, blobs, owner, "stdout", &plain).await.unwrap();
    let event = serde_json::to_string(&payload).unwrap();
    assert!(event.len() < 1_000, "{event}");
    let opened = open_payload(vault, blobs, scope(1), "stdout", &payload).await.unwrap();
    assert_eq!(*opened, plain);
    let folder = Blobs::in_folder(&world.folder.path().join("blobs")).unwrap();
    let theazo_domain::Payload::Blob { blob, .. } = &payload else { panic!("{payload:?}") };
    let stored = folder.get(blob).await.unwrap();
    assert!(!stored.windows(20).any(|w| w == &plain[..20]));
}

#[test]
fn the_master_key_is_made_once_and_only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("master.key");
    let first = MasterKey::load_or_create(&file).unwrap();
    let again = MasterKey::load_or_create(&file).unwrap();
    assert_eq!(first.derive("x"), again.derive("x"));
    assert_ne!(first.derive("x"), first.derive("y"));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(format!("{first:?}"), "MasterKey(…)");
}

#[test]
fn a_wrong_master_key_is_refused_and_not_repeated() {
    for text in ["", "short", "bm90IDMyIGJ5dGVz"] {
        let error = MasterKey::parse(text).err().unwrap().to_string();
        assert!(error.contains("openssl rand -base64 32"), "{error}");
        assert!(text.is_empty() || !error.contains(text), "{error}");
    }
}
