//! The hashes can be recomputed from what is stored.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::join_all;

use super::Subject;
use super::fixtures::*;
use crate::{Filter, Hash, OrgChain, Position, verify, verify_stream};

pub async fn every_commit_links_to_the_one_before(subject: &dyn Subject) {
    let log = subject.open().await;
    let writers = (0..16u128).map(|n| {
        let log = Arc::clone(&log);
        // Two writers a stream, so that conflicts are part of it.
        let stream = session(scope(n % 3), n / 2);
        tokio::spawn(async move {
            for step in 0..20 {
                append(&*log, &stream, &format!("{n}/{step}")).await;
            }
        })
    });
    join_all(writers).await.into_iter().for_each(Result::unwrap);

    let mut heads: HashMap<_, (Position, Hash)> = HashMap::new();
    for commit in everything(&*log).await {
        let head = heads.entry(commit.stream.clone()).or_default();
        assert_eq!((commit.previous, commit.previous_hash), *head);
        assert_ne!(commit.hash, commit.previous_hash);
        *head = (commit.position, commit.hash);
    }
    for raw in log.read_raw(&Filter::all(), Position::START, usize::MAX).await.unwrap() {
        let content = Hash::content(raw.body.as_bytes());
        assert_eq!(raw.hash, Hash::link(raw.previous_hash, content));
    }
    let verified = verify(&*log, &Filter::all(), |_| ()).await.unwrap();
    assert_eq!(verified.commits, 320);
    assert_eq!(verified.head, log.head().await.unwrap());
    let one = verify_stream(&*log, &session(scope(0), 0)).await.unwrap();
    assert_eq!(
        one.commits,
        log.read_stream(&session(scope(0), 0), Position::START).await.unwrap().len() as u64
    );
}

pub async fn each_org_has_its_own_rolling_hash(subject: &dyn Subject) {
    let log = subject.open().await;
    for n in 0..60u128 {
        append(&*log, &session(scope(n % 3), n % 7), &n.to_string()).await;
    }
    let verified = verify(&*log, &Filter::all(), |_| ()).await.unwrap();
    assert_eq!(verified.orgs.len(), 3);
    for (scope, chain) in &verified.orgs {
        let own = log.read(&Filter::scope(*scope), Position::START, usize::MAX).await.unwrap();
        let mut folded = OrgChain::default();
        own.iter().for_each(|commit| folded.fold(commit.hash));
        assert_eq!(folded, *chain, "a fold of its commits alone gives the same");
        let alone = verify(&*log, &Filter::scope(*scope), |_| ()).await.unwrap();
        assert_eq!(alone.orgs.get(scope), Some(chain));
    }
}
