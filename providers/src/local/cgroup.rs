//! cgroups, of version 1 or 2 or both beside each other, as the machine has them.
//!
//! Every provider has one group per hierarchy, named after its data directory, and every sandbox a
//! group below that. A version 2 hierarchy without controllers still freezes.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::wire::Fallback;
use crate::contract::Limits;

/// One scheduling period of the cpu limit, in microseconds.
const CPU_PERIOD: u64 = 100_000;
/// How long the kernel gets to freeze, or to let go of a group whose processes were killed.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_micros(200);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Hierarchy {
    /// This provider's group in it.
    base: PathBuf,
    unified: bool,
    memory: bool,
    cpu: bool,
    pids: bool,
    freezer: bool,
}

/// The hierarchies that sandboxes are put into.
#[derive(Debug, Clone, Default)]
pub struct Cgroups {
    hierarchies: Vec<Hierarchy>,
}

impl Cgroups {
    /// Finds what the machine has and makes the groups called `name`. What cannot be used is left
    /// out; [`Self::fallback`] says what that leaves to rlimits.
    pub fn detect(name: &str) -> Self {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let mut hierarchies: Vec<Hierarchy> = Vec::new();
        // Version 2 first: what it controls is not looked for in version 1.
        for unified in [true, false] {
            for (mountpoint, options) in cgroup_mounts(&mounts, unified) {
                let have = |wanted: fn(&Hierarchy) -> bool| hierarchies.iter().any(wanted);
                let mut offer = if unified {
                    unified_controllers(&mountpoint)
                } else {
                    offered(&options.split(',').collect::<Vec<_>>())
                };
                offer.memory &= !have(|h| h.memory);
                offer.cpu &= !have(|h| h.cpu);
                offer.pids &= !have(|h| h.pids);
                offer.freezer &= !have(|h| h.freezer);
                let useful = offer.memory || offer.cpu || offer.pids || offer.freezer;
                offer.unified = unified;
                offer.base = mountpoint.join(name);
                if useful && make_base(&offer).is_ok() && !hierarchies.iter().any(|h| h == &offer) {
                    hierarchies.push(offer);
                }
            }
        }
        Self { hierarchies }
    }

    pub fn memory(&self) -> bool {
        self.hierarchies.iter().any(|h| h.memory)
    }

    pub fn cpu(&self) -> bool {
        self.hierarchies.iter().any(|h| h.cpu)
    }

    pub fn pids(&self) -> bool {
        self.hierarchies.iter().any(|h| h.pids)
    }

    pub fn freezer(&self) -> bool {
        self.hierarchies.iter().any(|h| h.freezer)
    }

    pub fn fallback(&self) -> Fallback {
        Fallback { memory: !self.memory(), pids: !self.pids() }
    }

    /// Makes the groups of one sandbox and answers their folders.
    pub fn create(&self, id: &str, limits: &Limits) -> io::Result<Vec<PathBuf>> {
        self.hierarchies
            .iter()
            .map(|hierarchy| {
                let group = hierarchy.base.join(id);
                match make(&group) {
                    // A spawner that ended has swept the provider's own group too.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        make_base(hierarchy)?;
                        make(&group)?;
                    }
                    other => other?,
                }
                limit(hierarchy, &group, limits)?;
                Ok(group)
            })
            .collect()
    }

    /// Stops every process of a sandbox where it is; when this returns none of them runs.
    pub fn freeze(&self, id: &str) -> io::Result<()> {
        self.set_frozen(id, true)
    }

    pub fn thaw(&self, id: &str) -> io::Result<()> {
        self.set_frozen(id, false)
    }

    fn set_frozen(&self, id: &str, frozen: bool) -> io::Result<()> {
        let hierarchy = self.hierarchies.iter().find(|h| h.freezer);
        let Some(hierarchy) = hierarchy else { return Ok(()) };
        set_frozen(&hierarchy.base.join(id), hierarchy.unified, frozen)
    }

    /// How many processes of a sandbox were killed because its memory ran out.
    pub fn out_of_memory_kills(&self, id: &str) -> Option<u64> {
        let hierarchy = self.hierarchies.iter().find(|h| h.memory)?;
        let file = if hierarchy.unified { "memory.events" } else { "memory.oom_control" };
        let text = std::fs::read_to_string(hierarchy.base.join(id).join(file)).ok()?;
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
    }

    /// Removes the groups of a sandbox whose processes have ended.
    pub fn remove(&self, id: &str) -> io::Result<()> {
        self.hierarchies.iter().try_for_each(|h| remove_group(&h.base.join(id)))
    }

    /// The provider's own group in each hierarchy.
    pub fn bases(&self) -> Vec<PathBuf> {
        self.hierarchies.iter().map(|hierarchy| hierarchy.base.clone()).collect()
    }
}

/// Kills and removes every sandbox below the provider's own groups.
pub fn sweep(bases: &[PathBuf]) -> io::Result<()> {
    let mut groups = Vec::new();
    for base in bases {
        for entry in std::fs::read_dir(base)? {
            groups.push(entry?.path());
        }
    }
    groups.retain(|path| path.is_dir());
    // Everything is killed before anything is removed: a process is in a group of each hierarchy,
    // and dies only once it is thawed in one of them.
    groups.iter().try_for_each(|group| kill_group(group))?;
    groups.iter().try_for_each(|group| remove_group(group))
}

/// Removes the provider's own groups; [`Cgroups::detect`] makes them again.
pub fn remove_bases(bases: &[PathBuf]) {
    for base in bases {
        if let Err(error) = std::fs::remove_dir(base) {
            tracing::debug!(%error, "a cgroup of the local provider could not be removed");
        }
    }
}

/// Kills what runs in a group, frozen or not.
pub fn kill_group(group: &Path) -> io::Result<()> {
    let unified = group.join("cgroup.freeze").exists();
    if unified || group.join("freezer.state").exists() {
        set_frozen(group, unified, false)?;
    }
    let procs = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    for pid in procs.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 1) {
        match kill(Pid::from_raw(pid), Signal::SIGKILL) {
            Ok(()) | Err(nix::Error::ESRCH) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Puts a process into a group.
pub fn enter(group: &Path, pid: i32) -> io::Result<()> {
    write(&group.join("cgroup.procs"), pid)
}

/// Removes a group whose processes are on their way out, or have ended.
pub fn remove_group(group: &Path) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match std::fs::remove_dir(group) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error)
                if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline =>
            {
                std::thread::sleep(POLL);
            }
            Err(error) => return Err(error),
        }
    }
}

fn set_frozen(group: &Path, unified: bool, frozen: bool) -> io::Result<()> {
    let (file, value) = match (unified, frozen) {
        (true, true) => ("cgroup.freeze", "1"),
        (true, false) => ("cgroup.freeze", "0"),
        (false, true) => ("freezer.state", "FROZEN"),
        (false, false) => ("freezer.state", "THAWED"),
    };
    match write(&group.join(file), value) {
        Err(error) if !frozen && error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    }
    let (state, reached) = match (unified, frozen) {
        (true, true) => ("cgroup.events", "frozen 1"),
        (true, false) => ("cgroup.events", "frozen 0"),
        (false, _) => ("freezer.state", value),
    };
    let deadline = Instant::now() + PATIENCE;
    while !std::fs::read_to_string(group.join(state))?.contains(reached) {
        if Instant::now() > deadline {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the kernel did not freeze it"));
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

fn limit(hierarchy: &Hierarchy, group: &Path, limits: &Limits) -> io::Result<()> {
    let quota = (u64::from(limits.cpu_millis) * CPU_PERIOD / 1_000).max(1_000);
    // PID 1 is not the tenant's.
    let pids = u64::from(limits.pids) + 1;
    let set = |file: &str, value: String| write(&group.join(file), value);
    if hierarchy.unified {
        if hierarchy.memory {
            set("memory.max", limits.memory_bytes.to_string())?;
            // Absent where the kernel has no swap accounting.
            let _ = set("memory.swap.max", "0".into());
        }
        if hierarchy.cpu {
            set("cpu.max", format!("{quota} {CPU_PERIOD}"))?;
        }
    } else {
        if hierarchy.memory {
            set("memory.limit_in_bytes", limits.memory_bytes.to_string())?;
            let _ = set("memory.memsw.limit_in_bytes", limits.memory_bytes.to_string());
        }
        if hierarchy.cpu {
            set("cpu.cfs_period_us", CPU_PERIOD.to_string())?;
            set("cpu.cfs_quota_us", quota.to_string())?;
        }
    }
    if hierarchy.pids {
        set("pids.max", pids.to_string())?;
    }
    Ok(())
}

fn write(file: &Path, value: impl ToString) -> io::Result<()> {
    // Not `fs::write`: it would create the file where the control is missing.
    let mut file = std::fs::OpenOptions::new().write(true).open(file)?;
    io::Write::write_all(&mut file, value.to_string().as_bytes())
}

fn offered(controllers: &[&str]) -> Hierarchy {
    Hierarchy {
        memory: controllers.contains(&"memory"),
        cpu: controllers.contains(&"cpu"),
        pids: controllers.contains(&"pids"),
        freezer: controllers.contains(&"freezer"),
        ..Hierarchy::default()
    }
}

/// Version 2 freezes without any controller; the others must be turned on for its children.
fn unified_controllers(mountpoint: &Path) -> Hierarchy {
    let read = |file: &str| std::fs::read_to_string(mountpoint.join(file)).unwrap_or_default();
    let available = read("cgroup.controllers");
    for name in available.split_whitespace().filter(|n| ["memory", "cpu", "pids"].contains(n)) {
        // Refused where this is not the hierarchy's root and processes are in it; read back below.
        let _ = write(&mountpoint.join("cgroup.subtree_control"), format!("+{name}"));
    }
    let enabled = read("cgroup.subtree_control");
    Hierarchy { freezer: true, ..offered(&enabled.split_whitespace().collect::<Vec<_>>()) }
}

/// Makes a group that may be there.
fn make(group: &Path) -> io::Result<()> {
    match std::fs::create_dir(group) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn make_base(hierarchy: &Hierarchy) -> io::Result<()> {
    make(&hierarchy.base)?;
    if hierarchy.unified {
        let wanted =
            [("memory", hierarchy.memory), ("cpu", hierarchy.cpu), ("pids", hierarchy.pids)];
        for (name, _) in wanted.iter().filter(|(_, wanted)| *wanted) {
            write(&hierarchy.base.join("cgroup.subtree_control"), format!("+{name}"))?;
        }
    }
    Ok(())
}

/// Mount points and options of the cgroup file systems of one version, from `mountinfo`.
fn cgroup_mounts(mountinfo: &str, unified: bool) -> Vec<(PathBuf, String)> {
    let kind = if unified { "cgroup2" } else { "cgroup" };
    mountinfo
        .lines()
        .filter_map(|line| {
            let (mount, source) = line.split_once(" - ")?;
            let mut source = source.split(' ');
            (source.next()? == kind).then_some(())?;
            let options = source.nth(1)?.to_owned();
            Some((PathBuf::from(mount.split(' ').nth(4)?), options))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_both_versions_are_found() {
        let text = "30 22 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
                    31 22 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n\
                    32 22 0:28 / /tmp rw - tmpfs tmpfs rw\n";
        let version1 = cgroup_mounts(text, false);
        assert_eq!(version1, [(PathBuf::from("/sys/fs/cgroup/memory"), "rw,memory".to_owned())]);
        assert_eq!(cgroup_mounts(text, true)[0].0, Path::new("/sys/fs/cgroup/unified"));
    }
}
