//! The read-only root that every sandbox sees: the machine's `/usr`, devices that hold nothing, and
//! an `/etc` of our own. It is built once, and each sandbox gets a copy of its mounts.

use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::local::sys::{self, ATTR_NODEV, ATTR_NOEXEC, ATTR_NOSUID, ATTR_RDONLY};

/// Folders that are links into `/usr` on most machines and folders of their own on others.
const TOP: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// Parts of the machine's `/etc` that say nothing about it and that programs do not run without.
const ETC: &[&str] = &[
    "alternatives",
    "ca-certificates.conf",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "mime.types",
    "protocols",
    "python3",
    "python3.11",
    "python3.12",
    "python3.13",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
];

const FILES: &[(&str, &str)] = &[
    ("etc/passwd", "agent:x:1000:1000::/workspace:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n"),
    ("etc/group", "agent:x:1000:\nnogroup:x:65534:\n"),
    ("etc/hosts", "127.0.0.1 localhost sandbox\n"),
    ("etc/hostname", "sandbox\n"),
    ("etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:10 attempts:1\n"),
    ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    ("opt/theazo/python.py", include_str!("../assets/python.py")),
    ("opt/theazo/require.cjs", include_str!("../assets/require.cjs")),
];

const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];

const LINKS: &[(&str, &str)] = &[
    ("dev/fd", "/proc/self/fd"),
    ("dev/stdin", "/proc/self/fd/0"),
    ("dev/stdout", "/proc/self/fd/1"),
    ("dev/stderr", "/proc/self/fd/2"),
    ("dev/ptmx", "pts/ptmx"),
    ("var/tmp", "/tmp"),
    ("etc/mtab", "/proc/self/mounts"),
];

/// Builds the root at `at`, in the mount namespace of the caller.
pub fn build(at: &Path) -> io::Result<()> {
    let options: &[(&std::ffi::CStr, Option<&std::ffi::CStr>)] =
        &[(c"mode", Some(c"0755")), (c"size", Some(c"64m"))];
    let tree = sys::new_mount(c"tmpfs", options, ATTR_NOSUID | ATTR_NODEV)?;
    sys::attach(tree.as_fd(), &sys::c_path(at)?)?;
    for folder in ["proc", "sys", "run", "workspace", "tmp", "dev/pts", "dev/shm", "opt/theazo/bin"]
    {
        std::fs::create_dir_all(at.join(folder))?;
    }
    std::fs::create_dir_all(at.join("var"))?;
    std::fs::create_dir_all(at.join("etc"))?;
    for (name, text) in FILES {
        std::fs::write(at.join(name), text)?;
    }
    for (name, target) in LINKS {
        symlink(target, at.join(name))?;
    }
    for name in ETC {
        copy(&Path::new("/etc").join(name), &at.join("etc").join(name))?;
    }
    system_folders(at)?;
    devices(at)?;
    python_alias(at)?;
    sys::restrict(tree.as_fd(), ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, false)
}

fn system_folders(at: &Path) -> io::Result<()> {
    show(Path::new("/usr"), &at.join("usr"))?;
    for name in TOP {
        let host = Path::new("/").join(name);
        match std::fs::symlink_metadata(&host) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(meta) if meta.is_symlink() => {
                symlink(std::fs::read_link(&host)?, at.join(name))?;
            }
            Ok(_) => show(&host, &at.join(name))?,
        }
    }
    Ok(())
}

/// A folder of the machine, read-only.
fn show(host: &Path, at: &Path) -> io::Result<()> {
    std::fs::create_dir(at)?;
    let tree = sys::clone_tree(host, true)?;
    sys::restrict(tree.as_fd(), ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, true)?;
    sys::attach(tree.as_fd(), &sys::c_path(at)?)
}

fn devices(at: &Path) -> io::Result<()> {
    for name in DEVICES {
        let place = at.join("dev").join(name);
        std::fs::write(&place, "")?;
        let tree = sys::clone_tree(&Path::new("/dev").join(name), false)?;
        sys::restrict(tree.as_fd(), ATTR_NOSUID | ATTR_NOEXEC, false)?;
        sys::attach(tree.as_fd(), &sys::c_path(&place)?)?;
    }
    Ok(())
}

/// Debian calls it `python3` only; half of what models write calls it `python`.
fn python_alias(at: &Path) -> io::Result<()> {
    let exists = |name: &str| {
        ["/usr/local/bin", "/usr/bin"]
            .iter()
            .map(|dir| Path::new(dir).join(name))
            .find(|p| p.exists())
    };
    if let (None, Some(python3)) = (exists("python"), exists("python3")) {
        symlink(python3, at.join("opt/theazo/bin/python"))?;
    }
    Ok(())
}

/// Copies a file, a link or a folder that may not be there; what cannot be read is left out.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let meta = match std::fs::symlink_metadata(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent)?;
    }
    if meta.is_symlink() {
        return symlink(std::fs::read_link(from)?, to);
    }
    if meta.is_dir() {
        std::fs::create_dir_all(to)?;
        for entry in std::fs::read_dir(from)? {
            let name = entry?.file_name();
            copy(&from.join(&name), &to.join(&name))?;
        }
        return Ok(());
    }
    match std::fs::read(from) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
        Ok(bytes) => {
            std::fs::write(to, bytes)?;
            std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o644))
        }
    }
}

/// The C strings of an overlay's options, relative to the data directory: an absolute path could
/// hold the characters that separate layers.
pub struct Layers {
    pub upper: CString,
    pub work: CString,
}

impl Layers {
    pub fn of(data_dir: &Path, folder: &Path) -> io::Result<Self> {
        let relative: PathBuf = folder
            .strip_prefix(data_dir)
            .map_err(|_| io::Error::other("a sandbox's folder is outside the data directory"))?
            .to_owned();
        Ok(Self {
            upper: sys::c_path(&relative.join("upper"))?,
            work: sys::c_path(&relative.join("work"))?,
        })
    }
}
