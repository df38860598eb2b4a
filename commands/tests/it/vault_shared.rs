//! A vault in Postgres, which several processes have open.

use std::time::Duration;

use theazo_commands::{Owner, Vault, VaultError};

use crate::postgres::TestDatabase;
use crate::{master, scope, session_id};

async fn open(database: &TestDatabase) -> Vault {
    Vault::open_postgres(database.pool().await, &master(1)).await.unwrap()
}

#[tokio::test]
async fn what_one_process_seals_another_opens() {
    let database = TestDatabase::new().await;
    let (one, other) = (open(&database).await, open(&database).await);
    let owner = Owner::Session(session_id(7));
    let sealed = one.seal(scope(1), owner, "code", b"print(1)").await.unwrap();
    assert_eq!(&*other.unseal(scope(1), "code", &sealed).await.unwrap(), b"print(1)");
    assert!(matches!(other.unseal(scope(1), "x", &sealed).await, Err(VaultError::Forged)));
    assert!(matches!(other.unseal(scope(2), "code", &sealed).await, Err(VaultError::Forged)));
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_processes_may_start_at_once() {
    let database = TestDatabase::new().await;
    let starts = (0..16).map(|_| open(&database));
    let vaults = futures::future::join_all(starts).await;
    assert_eq!(vaults.len(), 16);
}

#[tokio::test]
async fn another_master_key_is_refused_on_postgres_too() {
    let database = TestDatabase::new().await;
    open(&database).await;
    let refused = Vault::open_postgres(database.pool().await, &master(2)).await.err();
    assert!(matches!(refused, Some(VaultError::Master(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_processes_agree_on_one_key() {
    let database = TestDatabase::new().await;
    let vaults = [open(&database).await, open(&database).await, open(&database).await];
    let sealing: Vec<_> = (0..48u32)
        .map(|i| {
            let vault = vaults[i as usize % vaults.len()].clone();
            let owner = Owner::Session(session_id(1));
            tokio::spawn(async move {
                vault.seal(scope(1), owner, "p", &i.to_be_bytes()).await.unwrap()
            })
        })
        .collect();
    let reader = open(&database).await;
    for (i, sealing) in sealing.into_iter().enumerate() {
        let sealed = sealing.await.unwrap();
        let plain = reader.unseal(scope(1), "p", &sealed).await.unwrap();
        assert_eq!(&*plain, &u32::try_from(i).unwrap().to_be_bytes());
    }
}

#[tokio::test]
async fn an_erasure_is_honoured_by_every_process_within_a_minute() {
    let database = TestDatabase::new().await;
    let (one, other) = (open(&database).await, open(&database).await);
    let owner = Owner::Session(session_id(7));
    let sealed = one.seal(scope(1), owner, "code", b"a").await.unwrap();
    // Both have the key in memory.
    one.unseal(scope(1), "code", &sealed).await.unwrap();
    other.unseal(scope(1), "code", &sealed).await.unwrap();
    one.erase(scope(1), session_id(7)).await.unwrap();
    let here = one.unseal(scope(1), "code", &sealed).await;
    assert!(matches!(here, Err(VaultError::Erased)), "{here:?}");
    // Connections have deadlines of their own, so the clock stands only for this moment.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(60)).await;
    tokio::time::resume();
    let there = other.unseal(scope(1), "code", &sealed).await;
    assert!(matches!(there, Err(VaultError::Erased)), "{there:?}");
}

#[tokio::test]
async fn a_restart_of_the_database_is_no_error() {
    let database = TestDatabase::new().await;
    let vault = open(&database).await;
    for n in 0..8 {
        database.cut_connections().await;
        vault.seal(scope(1), Owner::Session(session_id(n)), "p", b"x").await.unwrap();
    }
}
