use theazo_domain::Mode;
use theazo_log::{Filter, verify};
use theazo_projections::{ChainKey, Page};

use crate::history::{self, Things};
use crate::place::{Store, on_both};
use crate::support::{World, scope};

on_both!(the_rolling_hash_is_what_the_log_verifies_to);
async fn the_rolling_hash_is_what_the_log_verifies_to(on: Store) {
    let mut world = World::new(on).await;
    history::random(&mut world, &mut Things::default(), history::seed(), 300).await;
    world.project().await;
    let verified = verify(&*world.log, &Filter::all(), |_| {}).await.unwrap();
    assert!(verified.orgs.len() > 1);
    for (scope, chain) in &verified.orgs {
        let head = world.reads.chain_head(*scope).await.unwrap().unwrap();
        assert_eq!((head.hash, head.length), (chain.hash, chain.commits));
    }
    assert!(world.reads.chain_head(scope(99, Mode::Live)).await.unwrap().is_none());
}

on_both!(the_checkpoints_are_signed_and_at_their_places);
async fn the_checkpoints_are_signed_and_at_their_places(on: Store) {
    let mut world = World::new(on).await;
    history::random(&mut world, &mut Things::default(), history::seed(), 300).await;
    world.project().await;
    let key = ChainKey::new(vec![7; 32]);
    let mut seen = 0;
    for n in 0..3 {
        let tenant = scope(n, Mode::Live);
        let all = world.reads.chain_checkpoints(tenant, Page::first(1_000)).await.unwrap();
        let head = world.reads.chain_head(tenant).await.unwrap().unwrap();
        assert_eq!(all.len() as u64, head.length / 10);
        assert!(all.iter().all(|checkpoint| key.verify(tenant, checkpoint)));
        assert!(!all.iter().any(|checkpoint| key.verify(scope(n, Mode::Test), checkpoint)));
        // As the log verifies up to there.
        let mut chain = theazo_log::OrgChain::default();
        let mut signed = all.iter().rev();
        for commit in world.history().await.iter().filter(|c| c.stream.scope == tenant) {
            chain.fold(commit.hash);
            if chain.commits.is_multiple_of(10) {
                let checkpoint = signed.next().unwrap();
                assert_eq!(checkpoint.position, commit.position);
                assert_eq!((checkpoint.hash, checkpoint.length), (chain.hash, chain.commits));
            }
        }
        if let Some(newest) = all.first() {
            let page = Page { before: Some(newest.position.0), limit: 1_000 };
            let older = world.reads.chain_checkpoints(tenant, page).await.unwrap();
            assert_eq!(older, all[1..]);
        }
        seen += all.len();
    }
    assert!(seen > 0);
}
