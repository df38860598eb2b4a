//! What a command and a step cost with more processes: on two cores nothing can become faster, but
//! nothing may become dearer either.

use std::time::Duration;

use super::Options;
use super::processes::Processes;
use crate::http::drive;
use crate::steps;

const IN_FLIGHT: usize = 16;
const WARM_UP: Duration = Duration::from_secs(1);

pub async fn run(
    options: &Options,
    (api_counts, worker_counts): (&[usize], &[usize]),
    time: Duration,
) -> anyhow::Result<()> {
    println!("Scaling ({:?}): processor time, by more processes", options.durability);
    for count in api_counts {
        apis(options, *count, time).await?;
    }
    for count in worker_counts {
        workers(options, *count, time).await?;
    }
    Ok(())
}

async fn apis(options: &Options, count: usize, time: Duration) -> anyhow::Result<()> {
    let processes = Processes::start(options, count, 0).await?;
    processes.load(IN_FLIGHT * 4, WARM_UP).await?;
    processes.caught_up().await?;
    let meter = processes.meter()?;
    let load = processes.load(IN_FLIGHT * 4, time).await?;
    processes.caught_up().await?;
    let spent = meter.each(load.latencies.len())?;
    println!(
        "  {count} API processes: {:.0} commands/s ({}); a command: {spent}",
        load.per_second,
        load.latencies.summary()
    );
    processes.stop().await
}

async fn workers(options: &Options, count: usize, time: Duration) -> anyhow::Result<()> {
    let processes = Processes::start(options, 1, count).await?;
    let runs = steps::runs(&processes.apis[0], IN_FLIGHT).await?;
    let runs = drive(runs, WARM_UP).await?.1;
    processes.caught_up().await?;
    let meter = processes.meter()?;
    let load = drive(runs, time).await?.0;
    processes.caught_up().await?;
    let steps_done = load.latencies.len() * steps::STEPS as usize;
    println!(
        "  {count} workers: {:.0} steps/s; run {}; a step: {}",
        load.per_second * f64::from(steps::STEPS),
        load.latencies.summary(),
        meter.each(steps_done)?,
    );
    processes.stop().await
}
