//! Commands per second through the API, against raw acknowledged publishes on the same server.
//!
//! Bar: at 64 in flight at least 60 %.

use std::time::Duration;

use super::processes::{Processes, Turns};
use super::raw::{Raw, Shape, message_size};
use super::{Options, median};
use crate::stats::verdict;

const IN_FLIGHT: [usize; 3] = [1, 16, 64];
const WARM_UP: Duration = Duration::from_millis(500);
const BAR: f64 = 0.60;

pub async fn run(options: &Options, time: Duration, rounds: usize) -> anyhow::Result<()> {
    println!("Commands through the API on JetStream ({:?}), one API process", options.durability);
    let mut processes = Processes::start(options, 1, 0).await?;
    processes.load(64, WARM_UP * 2).await?;
    let size = message_size(&processes.stores).await?;
    println!("  against raw acknowledged publishes of {size} bytes");
    let raw = Raw::new(&processes.stores, size).await?;
    for elsewhere in [false, true] {
        if elsewhere {
            processes.project_elsewhere().await?;
            println!("  the same with no projector on this machine");
        }
        for in_flight in IN_FLIGHT {
            compare(&processes, &raw, in_flight, (time, rounds), elsewhere).await?;
        }
    }
    processes.stop().await
}

async fn compare(
    processes: &Processes,
    raw: &Raw,
    in_flight: usize,
    (time, rounds): (Duration, usize),
    elsewhere: bool,
) -> anyhow::Result<()> {
    let (mut plain, mut guarded, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    let mut ratios = Vec::new();
    let mut spent = None;
    for _ in 0..rounds {
        let before = raw.load(Shape::Plain, in_flight, time / 2).await?;
        guarded.push(raw.load(Shape::Guarded, in_flight, time / 2).await?);
        processes.load(in_flight, WARM_UP).await?;
        let meter = processes.meter()?;
        let load = processes.load(in_flight, time).await?;
        spent = Some(meter.each(load.latencies.len())?);
        if !elsewhere {
            processes.caught_up().await?;
        }
        let after = raw.load(Shape::Plain, in_flight, time / 2).await?;
        ratios.push(load.per_second * 2.0 / (before.per_second + after.per_second));
        plain.extend([before, after]);
        ours.push(load);
    }
    let (plain, guarded, ours) = (Turns::of(plain), Turns::of(guarded), Turns::of(ours));
    let ratio = median(ratios);
    let tell = if in_flight == 64 { format!("  {}", verdict(ratio >= BAR)) } else { String::new() };
    println!(
        "  {in_flight:>2} in flight: API {:>6.0}/s ({}); raw {:>6.0}/s ({}); {:.0} %{tell}",
        ours.per_second,
        ours.latencies.summary(),
        plain.per_second,
        plain.latencies.summary(),
        ratio * 100.0,
    );
    println!(
        "     raw with id, revision and a subject of its own {:.0}/s ({})",
        guarded.per_second,
        guarded.latencies.summary(),
    );
    if let Some(spent) = spent {
        println!("     processor time for each command: {spent}");
    }
    Ok(())
}
