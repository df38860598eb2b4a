use theazo_billing::{Depth, Node, Place, explain, records};
use theazo_domain::Pico;

use crate::support::{World, at, may, scope};

/// Each of them a third of a cent and more, so that rounding row by row would not add up.
async fn world() -> World {
    let mut world = World::new().await;
    let (ours, time) = (scope(1), at("2026-05-03T12:00:00Z"));
    for (n, user) in [(1, "ann"), (2, "ann"), (3, "bob\u{7}"), (4, "cat")] {
        world.session(ours, n, user, None).await;
        for step in 0..7 {
            let cost = Pico(3_333_333_333 + i128::from(step) * 1_111_111_111);
            world.call(ours, (n, step), time, time, cost).await;
        }
    }
    world.compute(ours, 4, (time, at("2026-05-04T12:00:00Z")), at("2026-06-09T00:00:00Z")).await;
    world.storage(ours, 1, time.day(), at("2026-05-04T00:01:00Z")).await;
    world
}

async fn tree(world: &World, user: Option<&str>, depth: Depth) -> Node {
    let records = records(world.log(), scope(1), Place::START, may());
    explain(records, user, depth, |_| ()).await.unwrap()
}

/// The level and the cents of a line.
fn row(line: &str) -> (usize, i64) {
    let start = line.chars().position(char::is_alphanumeric).unwrap();
    let amount = line.split(" $").nth(1).unwrap();
    let amount = amount.split_whitespace().next().unwrap().replace('.', "");
    (start / 3, amount.parse().unwrap())
}

#[tokio::test]
async fn every_part_is_the_sum_of_its_parts() {
    let world = world().await;
    for depth in [Depth::Users, Depth::Sessions, Depth::Agents, Depth::Meters] {
        let tree = tree(&world, None, depth).await;
        let lines = tree.lines();
        let rows: Vec<(usize, i64)> = lines.iter().map(|line| row(line)).collect();
        assert_eq!(rows[0], (0, tree.cost.to_cents()), "{lines:#?}");
        for (n, (level, cents)) in rows.iter().enumerate() {
            let below = rows[n + 1..].iter().take_while(|(l, _)| l > level);
            let children: Vec<i64> =
                below.filter(|(l, _)| *l == level + 1).map(|(_, cents)| *cents).collect();
            if !children.is_empty() {
                assert_eq!(children.iter().sum::<i64>(), *cents, "below {}", lines[n]);
            }
        }
        assert_eq!(rows.iter().map(|(level, _)| level).max(), Some(&(depth as usize)));
    }
}

#[tokio::test]
async fn it_goes_down_to_the_single_records() {
    let world = world().await;
    let all = tree(&world, None, Depth::Records).await;
    let text = all.lines().join("\n");
    let records = world.records(scope(1), Place::START, may()).await;
    assert_eq!(all.records, records.len() as u64);
    for record in &records {
        assert!(text.contains(record.record().id()), "{text}");
        assert!(text.contains(&record.place.to_string()));
    }
    assert!(!text.contains('\u{7}'), "a terminal is not rung");
    assert!(text.contains("recorded late") && text.contains("2026-06-09"), "{text}");

    let ann = tree(&world, Some("ann"), Depth::Records).await;
    assert_eq!(ann.records, 15);
    assert!(!ann.lines().join("\n").contains("cat"));
    let nobody = tree(&world, Some("nobody"), Depth::Users).await;
    assert_eq!(nobody.lines(), ["total of 0 usage records       $0.00"]);
}
