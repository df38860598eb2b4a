//! What this machine offers for sandboxes, found by trying.

use std::ffi::CStr;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use serde::Serialize;

use super::cgroup::{self, Cgroups};
use super::exec::Runtimes;
use super::seccomp::Filters;
use super::sys;

/// One thing that sandboxes need or use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub name: &'static str,
    pub ok: bool,
    /// Whether the local provider refuses to start without it.
    pub required: bool,
    /// What was found.
    pub detail: String,
    /// What to do where it is not `ok`.
    pub mend: Option<String>,
}

/// Everything that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probe {
    pub checks: Vec<Check>,
}

impl Probe {
    /// Whether the local provider can start.
    pub fn is_safe(&self) -> bool {
        self.checks.iter().all(|check| check.ok || !check.required)
    }

    /// Why it cannot, with the mends; `None` when it can.
    pub fn missing(&self) -> Option<String> {
        let missing: Vec<String> = self
            .checks
            .iter()
            .filter(|check| check.required && !check.ok)
            .map(|check| {
                let mend = check.mend.as_deref().map(|mend| format!("; {mend}"));
                format!("{} ({}{})", check.name, check.detail, mend.unwrap_or_default())
            })
            .collect();
        match missing.is_empty() {
            true => None,
            false => Some(format!(
                "this machine cannot isolate sandboxes, and code is never run unconfined. Missing: \
                 {}",
                missing.join("; ")
            )),
        }
    }
}

const CONTAINER: &str = "in a Docker container, start it with `--security-opt \
                         seccomp=unconfined --security-opt systempaths=unconfined`; on a host, set \
                         `sysctl user.max_user_namespaces=65536` and, where they exist, \
                         `kernel.unprivileged_userns_clone=1` and \
                         `kernel.apparmor_restrict_unprivileged_userns=0`";

/// Tries every feature. It starts short-lived processes, makes and removes cgroups, and blocks for
/// some milliseconds.
pub fn probe() -> Probe {
    let root = nix::unistd::geteuid().is_root();
    let mut checks = vec![kernel(), namespaces(), seccomp(), own_uid(root)];
    checks.extend(cgroups(root));
    checks.push(snapshots_as_layers(root));
    checks.extend(runtimes());
    Probe { checks }
}

fn check(name: &'static str, required: bool, found: Result<String, (String, String)>) -> Check {
    match found {
        Ok(detail) => Check { name, ok: true, required, detail, mend: None },
        Err((detail, mend)) => Check { name, ok: false, required, detail, mend: Some(mend) },
    }
}

fn kernel() -> Check {
    let release = nix::sys::utsname::uname().map(|name| name.release().to_owned());
    let release = release.map(|r| r.to_string_lossy().into_owned()).unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let found = match version >= (5, 12) {
        true => Ok(format!("Linux {release}")),
        false => Err((format!("Linux {release}"), "use Linux 5.12 or newer".into())),
    };
    check("kernel", true, found)
}

fn namespaces() -> Check {
    let found = match in_namespaces(mount_things) {
        Ok(()) => Ok("user, pid, mount, network, ipc and uts".to_owned()),
        Err(error) => Err((error.to_string(), CONTAINER.to_owned())),
    };
    check("namespaces", true, found)
}

fn seccomp() -> Check {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = match (status.contains("\nSeccomp:"), Filters::compile()) {
        (true, Ok(_)) => Ok("filters".to_owned()),
        (false, _) => {
            Err(("the kernel has none".into(), "use a kernel with CONFIG_SECCOMP_FILTER".into()))
        }
        (true, Err(error)) => Err((error, "use an x86-64 or arm64 machine".into())),
    };
    check("seccomp", true, found)
}

fn own_uid(root: bool) -> Check {
    let found = match root {
        true => Ok("every sandbox has a host uid of its own".to_owned()),
        false => Err((
            "sandboxes share the server's uid".into(),
            "run the server as root; sandboxes never run as root".into(),
        )),
    };
    check("uid per sandbox", false, found)
}

fn cgroups(root: bool) -> Vec<Check> {
    let name = format!("theazo-probe-{}", std::process::id());
    let cgroups = Cgroups::detect(&name);
    cgroup::remove_bases(&cgroups.bases());
    let mend = match root {
        true => "mount the controller, of cgroup version 1 or 2, writable".to_owned(),
        false => "run the server as root".to_owned(),
    };
    let one = |name, there: bool, without: &str| {
        let found = match there {
            true => Ok("a cgroup limits it".to_owned()),
            false => Err((without.to_owned(), mend.clone())),
        };
        check(name, false, found)
    };
    vec![
        one("memory limit", cgroups.memory(), "an rlimit per process limits it"),
        one("process limit", cgroups.pids(), "an rlimit limits it"),
        one("cpu limit", cgroups.cpu(), "nothing limits it"),
        one("freezer", cgroups.freezer(), "signals stop a paused sandbox"),
    ]
}

fn snapshots_as_layers(root: bool) -> Check {
    let filesystems = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let overlay = filesystems.lines().any(|line| line.ends_with("\toverlay"))
        || Path::new("/sys/module/overlay").exists();
    let found = match (overlay, root) {
        (true, true) => Ok("a sandbox starts from a snapshot without copying it".to_owned()),
        (false, true) => {
            Err(("the kernel has no overlay file system".into(), "run `modprobe overlay`".into()))
        }
        (_, false) => Err(("snapshots are copied".into(), "run the server as root".into())),
    };
    check("snapshot layers", false, found)
}

fn runtimes() -> Vec<Check> {
    let runtimes = Runtimes::find();
    let one = |name, found: Option<String>, package: &str| {
        let found = found.ok_or_else(|| {
            ("not under /usr or /usr/local".to_owned(), format!("apt-get install {package}"))
        });
        check(name, false, found)
    };
    let bash = runtimes.bash.then(|| "/bin/bash".to_owned());
    let certificates = "/etc/ssl/certs/ca-certificates.crt";
    let certificates = Path::new(certificates).exists().then(|| certificates.to_owned());
    vec![
        one("python", runtimes.python, "python3"),
        one("node", runtimes.node, "nodejs"),
        one("bash", bash, "bash"),
        one("certificates", certificates, "ca-certificates"),
    ]
}

/// The steps of [`mount_things`], by the status that says where it ended.
const STEPS: &[&str] = &["", "uid map", "/proc", "tmpfs", "bind mount"];

/// Runs a probe in the namespaces of a sandbox. This process may have other threads, so that the
/// child makes system calls and nothing else.
fn in_namespaces(steps: fn() -> i32) -> io::Result<()> {
    let namespaces = libc::CLONE_NEWUSER
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS;
    // SAFETY: the child of a process with threads only makes system calls until it exits; it does
    // not allocate, lock or unwind.
    match unsafe { sys::clone_into(namespaces) }.map_err(explained)? {
        None => {
            let status = steps();
            // SAFETY: ends the child.
            unsafe { libc::_exit(status) }
        }
        Some(pid) => match waitpid(Pid::from_raw(pid), None)? {
            WaitStatus::Exited(_, 0) => Ok(()),
            WaitStatus::Exited(_, step) => {
                let step = usize::try_from(step).ok().and_then(|step| STEPS.get(step));
                Err(io::Error::other(format!("{} is refused", step.unwrap_or(&"a step"))))
            }
            other => Err(io::Error::other(format!("the probe ended with {other:?}"))),
        },
    }
}

fn explained(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("new namespaces are refused: {error}"))
}

/// What a sandbox mounts.
fn mount_things() -> i32 {
    let mount = |source: &CStr, target: &CStr, kind: &CStr, flags: libc::c_ulong| {
        // SAFETY: C strings that live across the call, and no data.
        let done = unsafe {
            libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, std::ptr::null())
        };
        Errno::result(done).is_ok()
    };
    if !mount(c"none", c"/", c"", libc::MS_REC | libc::MS_PRIVATE) {
        return 4;
    }
    // Bind first: what is mounted over `/usr` hides it.
    if !mount(c"/usr", c"/usr", c"", libc::MS_BIND | libc::MS_REC) {
        return 4;
    }
    if !mount(c"tmpfs", c"/usr", c"tmpfs", libc::MS_NOSUID | libc::MS_NODEV) {
        return 3;
    }
    if !mount(c"proc", c"/usr", c"proc", libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC) {
        return 2;
    }
    0
}
