//! The processor time that processes take.

use std::fmt;
use std::time::Duration;

use anyhow::Context;

use crate::server::family;

/// Clock ticks of `/proc`, which are the same on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Processes with one name, and what their clocks showed.
pub struct Meter(Vec<(&'static str, Vec<u32>, Duration)>);

/// Processor time for one of many.
pub struct Each(Vec<(&'static str, Duration)>);

impl Meter {
    /// Starts to count for groups of processes.
    pub fn start(groups: Vec<(&'static str, Vec<u32>)>) -> anyhow::Result<Self> {
        let read = |(name, pids): (_, Vec<u32>)| total(&pids).map(|at| (name, pids, at));
        Ok(Self(groups.into_iter().map(read).collect::<Result<_, _>>()?))
    }

    /// What each of `count` has taken since the start.
    pub fn each(&self, count: usize) -> anyhow::Result<Each> {
        let count = u32::try_from(count.max(1))?;
        let spent = |(name, pids, before): &(&'static str, Vec<u32>, Duration)| {
            total(pids).map(|now| (*name, now.saturating_sub(*before) / count))
        };
        Ok(Each(self.0.iter().map(spent).collect::<Result<_, _>>()?))
    }
}

impl fmt::Display for Each {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (name, spent)) in self.0.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            write!(f, "{comma}{name} {} µs", spent.as_micros())?;
        }
        Ok(())
    }
}

fn total(pids: &[u32]) -> anyhow::Result<Duration> {
    pids.iter().map(|pid| spent(*pid)).sum()
}

/// What a process has taken, with its children; of this one, without.
fn spent(pid: u32) -> anyhow::Result<Duration> {
    let own = pid == std::process::id();
    let (members, counted) = if own { (vec![pid], 11..13) } else { (family(pid)?, 11..15) };
    let mut ticks = 0;
    for member in members {
        // One that ended meanwhile is in its parent's count.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{member}/stat")) else { continue };
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let fields = fields.get(counted.clone()).context("/proc/…/stat is not as it was")?;
        for field in fields {
            ticks += field.parse::<u32>()?;
        }
    }
    Ok(TICK * ticks)
}
