//! Ending an exec with everything it started, however it tried to get away.

use std::collections::{HashMap, HashSet};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How often the process table is read before everything is killed instead.
const ROUNDS: usize = 64;

const STOP_POLL: std::time::Duration = std::time::Duration::from_millis(2);

/// A line of the process table.
struct Process {
    pid: i32,
    parent: i32,
    session: i32,
    dead: bool,
    stopped: bool,
}

/// Kills `main` with all its descendants. `main` adopts what is orphaned below it, so while it
/// lives nothing can leave its tree: everything is stopped, until no new process is found, and only
/// then killed, `main` last.
pub fn tree(main: Pid) {
    let found = stop_until_quiet(|processes| descendants(processes, main.as_raw()));
    match found {
        Some(found) => {
            found.into_iter().for_each(|pid| signal(pid, Signal::SIGKILL));
            signal(main.as_raw(), Signal::SIGKILL);
        }
        None => everything(),
    }
}

/// Kills what is left of the session of an exec whose main process has ended.
pub fn session(leader: Pid) {
    let found = stop_until_quiet(|processes| {
        processes.iter().filter(|p| p.session == leader.as_raw()).map(|p| p.pid).collect()
    });
    match found {
        Some(found) => found.into_iter().for_each(|pid| signal(pid, Signal::SIGKILL)),
        None => everything(),
    }
}

/// Kills everything but these processes and their descendants.
pub fn all_but(kept: &[Pid]) {
    let found = stop_until_quiet(|processes| {
        let mut keep: HashSet<i32> = kept.iter().map(|pid| pid.as_raw()).collect();
        for pid in kept {
            keep.extend(descendants(processes, pid.as_raw()));
        }
        processes.iter().map(|p| p.pid).filter(|pid| !keep.contains(pid)).collect()
    });
    match found {
        Some(found) => found.into_iter().for_each(|pid| signal(pid, Signal::SIGKILL)),
        None => everything(),
    }
}

/// Kills every process of the sandbox but PID 1, at once: nothing can fork past it.
pub fn everything() {
    // ESRCH when there is none.
    let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
}

/// Stops every process of the sandbox but PID 1, and answers whether all of them stand still.
pub fn stop_everything() -> bool {
    let _ = kill(Pid::from_raw(-1), Signal::SIGSTOP);
    // A signal is seen by a process that runs within a tick; one in a long write finishes it.
    for _ in 0..ROUNDS * 16 {
        if table().iter().all(|process| process.stopped) {
            return true;
        }
        std::thread::sleep(STOP_POLL);
    }
    go_on();
    false
}

pub fn go_on() -> bool {
    matches!(kill(Pid::from_raw(-1), Signal::SIGCONT), Ok(()) | Err(nix::errno::Errno::ESRCH))
}

/// Stops what `select` picks until it picks nothing new; `None` when that never happens.
fn stop_until_quiet(select: impl Fn(&[Process]) -> Vec<i32>) -> Option<HashSet<i32>> {
    let mut stopped = HashSet::new();
    for _ in 0..ROUNDS {
        let new: Vec<i32> =
            select(&table()).into_iter().filter(|pid| !stopped.contains(pid)).collect();
        if new.is_empty() {
            return Some(stopped);
        }
        for pid in new {
            signal(pid, Signal::SIGSTOP);
            stopped.insert(pid);
        }
    }
    None
}

fn signal(pid: i32, signal: Signal) {
    // ESRCH: it has ended by itself.
    let _ = kill(Pid::from_raw(pid), signal);
}

fn descendants(processes: &[Process], main: i32) -> Vec<i32> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for process in processes {
        children.entry(process.parent).or_default().push(process.pid);
    }
    let mut found = Vec::new();
    let mut open = vec![main];
    while let Some(pid) = open.pop() {
        for child in children.get(&pid).into_iter().flatten() {
            found.push(*child);
            open.push(*child);
        }
    }
    found
}

/// Every process of the sandbox but PID 1 that has not ended.
fn table() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| *pid != 1)
        .filter_map(|pid| parse(pid, &std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?))
        .filter(|process| !process.dead)
        .collect()
}

/// State, parent and session of a `stat`. The name before them may hold anything.
fn parse(pid: i32, stat: &str) -> Option<Process> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    let (dead, stopped) = (matches!(state, "Z" | "X"), matches!(state, "T" | "t"));
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    Some(Process { pid, parent, session, dead, stopped })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_read_past() {
        let process = parse(7, "7 (a) R 1 (b)) S 3 9 5 0 -1 4194304").unwrap();
        assert_eq!((process.parent, process.session, process.dead), (3, 5, false));
    }

    #[test]
    fn descendants_are_found_at_any_depth() {
        let process =
            |pid, parent| Process { pid, parent, session: 0, dead: false, stopped: false };
        let all = [process(2, 1), process(3, 2), process(4, 3), process(5, 1)];
        let mut found = descendants(&all, 2);
        found.sort_unstable();
        assert_eq!(found, [3, 4]);
    }
}
