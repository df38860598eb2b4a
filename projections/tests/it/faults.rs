//! A log that fails for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use theazo_log::{LogError, Position};

use crate::place::{Store, on_both};
use crate::support::{PATIENCE, Running, World, live};
use crate::watched::Watched;

async fn until_troubled(world: &World) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(trouble) = world.reads.trouble() {
            return trouble;
        }
        assert!(Instant::now() < deadline, "no trouble came");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

on_both!(a_log_that_fails_is_tried_again_until_it_is_well);
async fn a_log_that_fails_is_tried_again_until_it_is_well(on: Store) {
    let mut world = World::new(on).await;
    let broken = Arc::new(AtomicBool::new(true));
    let check = {
        let broken = broken.clone();
        move |_| match broken.load(Ordering::Acquire) {
            true => {
                Err(LogError::Corrupt { position: Position(3), reason: "a bad sector".to_owned() })
            }
            false => Ok(()),
        }
    };
    let log = Arc::new(Watched { log: world.log.clone(), most: 100, check: Arc::new(check) });
    for _ in 0..5 {
        world.session(live(1), "ann").await;
    }
    let running = Running::start(log, world.reads.clone());
    // At the start, and once more while it follows.
    for _ in 0..2 {
        assert!(until_troubled(&world).await.contains("a bad sector"));
        broken.store(false, Ordering::Release);
        assert!(world.reads.wait_for(world.head().await, PATIENCE).await);
        assert_eq!(world.reads.trouble(), None);
        broken.store(true, Ordering::Release);
        world.session(live(1), "ben").await;
    }
    running.stop().await;
}
