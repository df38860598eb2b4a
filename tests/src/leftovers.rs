//! What a server left behind: processes, mounts and cgroups.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpid};

/// Servers of this process that run: what is below them is theirs.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Makes orphans of servers children of this process, so that they can be found.
pub(crate) fn adopt_orphans() {
    nix::sys::prctl::set_child_subreaper(true).unwrap();
}

pub(crate) fn started(server: u32) {
    RUNNING.lock().unwrap().insert(server);
}

pub(crate) fn ended(server: u32) {
    RUNNING.lock().unwrap().remove(&server);
}

/// What is there that should not be. Empty when all is well.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Leftovers(pub Vec<String>);

impl Leftovers {
    /// Of servers of this process that have ended, over the data folder `data`.
    pub fn of(data: &Path) -> Self {
        let mut found = Vec::new();
        orphans(&mut found);
        mounts(data, &mut found);
        cgroups(data, &mut found);
        Self(found)
    }

    /// Processes of servers of this process that have ended.
    pub fn processes() -> Self {
        let mut found = Vec::new();
        orphans(&mut found);
        Self(found)
    }

    /// The sandboxes' folders below `data`, which must be gone once every agent has ended.
    pub fn sandbox_folders(data: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(data.join("sandboxes/sandboxes")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One line of the process table.
struct Process {
    parent: i32,
    zombie: bool,
    command: String,
}

fn processes() -> BTreeMap<i32, Process> {
    let mut table = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process may end while we look; then it is not left over.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((head, tail)) = stat.rsplit_once(") ") else { continue };
        let mut fields = tail.split(' ');
        let state = fields.next().unwrap_or_default();
        let parent = fields.next().and_then(|text| text.parse().ok()).unwrap_or(0);
        let name = head.split_once('(').map_or(head, |(_, name)| name);
        let arguments = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        let command = format!("{name} [{}]", arguments.replace('\0', " ").trim());
        table.insert(pid, Process { parent, zombie: state == "Z", command });
    }
    table
}

/// Descendants of this process that belong to no server that runs.
fn orphans(found: &mut Vec<String>) {
    let table = processes();
    let running = RUNNING.lock().unwrap().clone();
    let own = getpid().as_raw();
    for (pid, process) in &table {
        let mut ancestor = *pid;
        let ours = loop {
            if running.contains(&u32::try_from(ancestor).unwrap_or(0)) {
                break false;
            }
            match table.get(&ancestor) {
                Some(process) if process.parent == own => break true,
                Some(process) if process.parent > 1 => ancestor = process.parent,
                _ => break false,
            }
        };
        if !ours || running.contains(&u32::try_from(ancestor).unwrap_or(0)) {
            continue;
        }
        if process.zombie {
            // Ended, and nobody but us is left to take note of it.
            let _ = waitpid(Pid::from_raw(*pid), Some(WaitPidFlag::WNOHANG));
        } else {
            found.push(format!("process {pid} {}", process.command));
        }
    }
}

fn mounts(data: &Path, found: &mut Vec<String>) {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let data = data.to_string_lossy();
    found.extend(table.lines().filter(|line| line.contains(&*data)).map(|m| format!("mount {m}")));
}

/// The local provider names its groups after the device and inode of its folder.
fn cgroups(data: &Path, found: &mut Vec<String>) {
    let Ok(meta) = data.join("sandboxes").metadata() else { return };
    let own = format!("theazo-{:x}-{:x}", meta.dev(), meta.ino());
    for group in folders(Path::new("/sys/fs/cgroup"), 4) {
        if group.file_name().is_some_and(|name| *name == *own) {
            found.push(format!("cgroup {}", group.display()));
        }
    }
}

/// The folders below `root`, `depth` levels deep.
fn folders(root: &Path, depth: u32) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if depth == 0 {
        return found;
    }
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(folders(&entry.path(), depth - 1));
            found.push(entry.path());
        }
    }
    found
}
