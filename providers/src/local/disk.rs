//! The limit on what a sandbox writes under `/workspace` and `/tmp`.
//!
//! No quota works on every file system and without root, and a disk image per sandbox costs more
//! than all the rest of making one. So usage is watched: every [`TICK`] one `statfs` tells how much
//! the file system has filled since, whoever filled it. A sandbox is measured when that could have
//! taken it past its limit; and, since what others free hides what it writes, every now and then
//! besides: often while its usage changes, ever more seldom while it does not. Past it, everything
//! that runs in it is killed, which the exec's answer says. What was written stays, and until some
//! of it is deleted execs run with a file size limit of zero: they read, compute and delete, but
//! write nothing. Where even that grows (empty files and folders cost a little too) until [`HARD`]
//! times the limit, no exec is run at all, and only the file calls can make room.
//!
//! The files of a snapshot that a sandbox lies on count once they are changed.
//!
//! The limit is so passed by what can be written in one tick and one measurement, some ten
//! megabytes; a single file never passes it (`RLIMIT_FSIZE`).

use std::collections::HashSet;
use std::ffi::CStr;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::sys::stat::FileStat;
use nix::sys::statvfs::statvfs;
use parking_lot::Mutex;

use super::walk::{self, Visitor};

/// How often the file system is asked.
pub const TICK: Duration = Duration::from_millis(10);
/// A measurement that took long is not repeated before this many times as long.
const REST: u32 = 4;
/// How often a sandbox whose usage changes is measured whatever the file system says.
const OFTEN: Duration = Duration::from_secs(1);
/// The same for one whose usage stays as it is.
const SELDOM: Duration = Duration::from_secs(60);
/// How many times the limit is the end of all execs.
const HARD: u64 = 2;
/// What a file costs even when it is empty.
const INODE_BYTES: u64 = 256;

/// How much has been written to the data directory's file system, at least, since the start.
pub struct Filled {
    data_dir: PathBuf,
    free: Mutex<u64>,
    total: AtomicU64,
}

impl Filled {
    pub fn new(data_dir: PathBuf) -> io::Result<Self> {
        let free = free_bytes(&data_dir)?;
        Ok(Self { data_dir, free: Mutex::new(free), total: AtomicU64::new(0) })
    }

    /// The total as of now.
    pub fn sample(&self) -> io::Result<u64> {
        let mut last = self.free.lock();
        let free = free_bytes(&self.data_dir)?;
        let fell = last.saturating_sub(free);
        *last = free;
        Ok(self.total.fetch_add(fell, Ordering::Relaxed) + fell)
    }
}

fn free_bytes(path: &std::path::Path) -> io::Result<u64> {
    let stat = statvfs(path)?;
    Ok(stat.blocks_free() * stat.fragment_size())
}

/// One sandbox's account.
pub struct Quota {
    limit: u64,
    folders: Vec<PathBuf>,
    state: Mutex<State>,
}

struct State {
    used: u64,
    /// What had been written to the file system when `used` was measured.
    filled: u64,
    measured_at: Instant,
    not_before: Option<Instant>,
    /// An exec was begun or ended since it was measured.
    unseen: bool,
    /// When it is measured again, if nothing makes it due before.
    every: Duration,
}

/// What an exec may do with the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Writable,
    /// Past the limit: nothing more may be written.
    ReadOnly,
    /// Far past it: nothing may run.
    Full,
}

impl Quota {
    pub fn new(limit: u64, folders: Vec<PathBuf>, filled: u64) -> Arc<Self> {
        let state = State {
            used: 0,
            filled,
            measured_at: Instant::now(),
            not_before: None,
            unseen: false,
            every: SELDOM,
        };
        Arc::new(Self { limit, folders, state: Mutex::new(state) })
    }

    /// The account of a sandbox that has files already. Until it is measured, which the first exec
    /// or write does, it counts as past its limit: to read a large tree takes longer than all the
    /// rest of adopting one.
    pub fn over_files(limit: u64, folders: Vec<PathBuf>, filled: u64) -> Arc<Self> {
        let quota = Self::new(limit, folders, filled);
        quota.state.lock().used = limit.saturating_add(1);
        quota
    }

    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// An exec begins or has ended: it may write, or has written, what nobody has seen.
    pub fn note_exec(&self) {
        let mut state = self.state.lock();
        state.unseen = true;
        state.every = OFTEN;
    }

    /// What was found last.
    pub fn standing(&self) -> Standing {
        match self.state.lock().used {
            used if used <= self.limit => Standing::Writable,
            used if used / HARD <= self.limit => Standing::ReadOnly,
            _ => Standing::Full,
        }
    }

    /// Whether it could be past its limit, now that `filled` has been written in all.
    pub fn is_due(&self, filled: u64) -> bool {
        let state = self.state.lock();
        let room = self.limit.saturating_sub(state.used);
        let due = filled.saturating_sub(state.filled) > room
            || state.measured_at.elapsed() >= state.every;
        due && state.not_before.is_none_or(|time| time <= Instant::now())
    }

    /// Measures, and answers how things stand. Blocks for as long as reading the tree takes.
    pub fn measure(&self, filled: u64) -> io::Result<Standing> {
        let start = Instant::now();
        let used = self
            .folders
            .iter()
            .try_fold(0, |sum, folder| Ok::<_, io::Error>(sum + usage(folder)?))?;
        {
            let mut state = self.state.lock();
            state.every = match state.used == used {
                true => (state.every * 2).min(SELDOM),
                false => OFTEN,
            };
            state.used = used;
            state.filled = filled;
            state.measured_at = Instant::now();
            state.unseen = false;
            state.not_before = Some(Instant::now() + start.elapsed() * REST);
        }
        Ok(self.standing())
    }

    /// Whether `bytes` more fit. Measures when that is not certain.
    pub fn has_room(&self, bytes: u64, filled: u64) -> io::Result<bool> {
        let fits = |state: &State, filled: u64| {
            let written = filled.saturating_sub(state.filled);
            state.used.saturating_add(written).saturating_add(bytes) <= self.limit
        };
        let certain = |state: &State| !state.unseen && fits(state, filled);
        if certain(&self.state.lock()) {
            return Ok(true);
        }
        self.measure(filled)?;
        Ok(fits(&self.state.lock(), filled))
    }
}

#[derive(Default)]
struct Sum {
    bytes: u64,
    /// Files with several names, so that they count once.
    seen: HashSet<u64>,
}

impl Sum {
    fn add(&mut self, stat: &FileStat) {
        self.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512 + INODE_BYTES;
    }
}

impl Visitor for Sum {
    fn file(&mut self, _: BorrowedFd<'_>, _: &CStr, stat: &FileStat) -> io::Result<()> {
        if stat.st_nlink < 2 || self.seen.insert(stat.st_ino) {
            self.add(stat);
        }
        Ok(())
    }

    fn enter(&mut self, _: BorrowedFd<'_>, _: &CStr, stat: &FileStat) -> io::Result<()> {
        self.add(stat);
        Ok(())
    }
}

fn usage(folder: &std::path::Path) -> io::Result<u64> {
    let mut sum = Sum::default();
    let top = match walk::open(folder) {
        // The sandbox has just been destroyed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    match walk::walk(top, &mut sum) {
        // It changed under the walk: what was seen is a lower bound, and there is a next time.
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(sum.bytes),
        other => other.map(|()| sum.bytes),
    }
}
