//! Carries out a plan, and is the supervisor meanwhile.

use std::time::{Duration, Instant};

use theazo_tests::Cluster;

use super::plan::Act;

/// How often the supervisor looks.
const LOOK: Duration = Duration::from_millis(100);

/// Returns when the plan is done; what it broke last is then mended.
pub async fn carry_out(cluster: &mut Cluster, plan: &[(Duration, Act)]) {
    let begun = Instant::now();
    for (at, act) in plan {
        while let Some(left) = at.checked_sub(begun.elapsed()) {
            cluster.tend();
            tokio::time::sleep(left.min(LOOK)).await;
        }
        eprintln!("{:6.2} s  {act:?}", begun.elapsed().as_secs_f64());
        tokio::task::block_in_place(|| carry(cluster, *act));
    }
}

fn carry(cluster: &mut Cluster, act: Act) {
    match act {
        Act::Kill(name) => cluster.kill9(name),
        Act::Revive(name) => cluster.revive(name),
        Act::Freeze(name) => cluster.freeze(name),
        Act::Thaw(name) => cluster.thaw(name),
        Act::Turn(name, way) => cluster.turn(name, way),
        Act::KillNats => cluster.kill_nats(),
        Act::StartNats => cluster.start_nats(),
        Act::StopPostgres => cluster.stop_postgres(),
        Act::StartPostgres => cluster.start_postgres(),
    }
}
