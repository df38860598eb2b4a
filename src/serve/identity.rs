//! Who a worker host is, over all its starts: its name is in its events, and what is in its folder
//! is found by it.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};
use theazo_commands::IdSource;
use theazo_domain::Timestamp;
use tokio_util::sync::CancellationToken;

/// What a host calls itself in events where it is the only one.
pub const SOLE: &str = "embedded";
/// Where sandboxes' host uids begin, how many a host has, and how many hosts have a range.
const FIRST_UID: u32 = 200_000;
const UIDS: u32 = 32_768;
const RANGES: u32 = 60_000;
const NAME: &str = "host-name";
const ALIVE: &str = "alive";
const PULSE: Duration = Duration::from_secs(1);
/// Letters of a machine's name that a host's name begins with.
const OF_MACHINE: usize = 30;

/// The name of the host with this data folder: as it was, else as `chosen`, else a new one.
///
/// # Errors
/// When it was called something else: the log would not find its agents any more.
pub fn host_name(folder: &Path, chosen: Option<&str>) -> anyhow::Result<String> {
    let path = folder.join(NAME);
    if path.exists() {
        let name = fs::read_to_string(&path).context("the host's name cannot be read")?;
        let name = name.trim().to_owned();
        ensure!(
            chosen.is_none_or(|chosen| chosen == name),
            "this data folder is of the worker host `{name}`, and its agents are known by that \
             name: leave --host-name out, or choose another --data-dir"
        );
        return Ok(name);
    }
    let name = chosen.map_or_else(new_name, str::to_owned);
    // Whole or not at all: half a name would be another one.
    let unfinished = folder.join(format!("{NAME}.new"));
    fs::write(&unfinished, &name).context("the host's name cannot be kept")?;
    File::open(&unfinished)?.sync_all()?;
    fs::rename(&unfinished, &path)?;
    File::open(folder)?.sync_all()?;
    Ok(name)
}

fn new_name() -> String {
    let machine = nix::unistd::gethostname().unwrap_or_default();
    let fit = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let machine: String = machine.to_string_lossy().chars().filter(fit).take(OF_MACHINE).collect();
    let id = IdSource::new().uuid("host").simple().to_string();
    let machine = if machine.is_empty() { "worker".to_owned() } else { machine };
    // The end of an id is the random part.
    format!("{machine}-{}", &id[id.len() - 8..])
}

/// The first host uid of the host's sandboxes. Two hosts on one machine must not give out the same
/// ones; by its name a host finds its own again, whoever was started first.
pub fn uid_base(name: &str) -> u32 {
    if name == SOLE {
        return FIRST_UID;
    }
    let digest = Sha256::digest(name.as_bytes());
    let number = digest.iter().take(4).fold(0u32, |number, byte| number << 8 | u32::from(*byte));
    FIRST_UID + UIDS * (1 + number % RANGES)
}

/// When the host with this data folder was last known to live.
pub fn last_alive(folder: &Path) -> Option<Timestamp> {
    let modified = fs::metadata(folder.join(ALIVE)).and_then(|alive| alive.modified()).ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(i64::try_from(since.as_millis()).ok()?))
}

/// Says of a host that was one alone until `at`, when it was last known to live.
pub fn was_alive(folder: &Path, at: Timestamp) -> anyhow::Result<()> {
    let millis = u64::try_from(at.as_millis()).unwrap_or_default();
    let alive = File::create(folder.join(ALIVE)).context("the sign of life cannot be written")?;
    alive.set_modified(UNIX_EPOCH + Duration::from_millis(millis))?;
    Ok(())
}

/// Says once a second that the host lives, until `stop`.
pub async fn stay_alive(folder: std::path::PathBuf, stop: CancellationToken) {
    let path = folder.join(ALIVE);
    loop {
        // The file system's clock: writing is what says when.
        let touched = fs::write(&path, b"alive");
        if let Err(error) = touched {
            tracing::warn!(%error, "the sign of life cannot be written; is the disk full?");
        }
        if stop.run_until_cancelled(tokio::time::sleep(PULSE)).await.is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_host_was_alive_is_known_to_the_millisecond() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(last_alive(dir.path()), None);
        let at = Timestamp::from_millis(1_780_000_000_123);
        was_alive(dir.path(), at).unwrap();
        assert_eq!(last_alive(dir.path()), Some(at));
    }

    #[test]
    fn a_host_keeps_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let name = host_name(dir.path(), None).unwrap();
        assert!(theazo_workers::is_host_name(&name), "{name}");
        assert_eq!(host_name(dir.path(), None).unwrap(), name);
        assert_eq!(host_name(dir.path(), Some(&name)).unwrap(), name);
        let other = host_name(dir.path(), Some("other")).unwrap_err().to_string();
        assert!(other.contains(&name), "{other}");
        let second = tempfile::tempdir().unwrap();
        assert_eq!(host_name(second.path(), Some("chosen")).unwrap(), "chosen");
        assert_ne!(new_name(), new_name());
        // A host that was the only one goes on as one of several.
        assert_eq!(uid_base(SOLE), FIRST_UID);
        assert_ne!(uid_base("worker-1"), uid_base("worker-2"));
        assert!(FIRST_UID.checked_add(UIDS * (RANGES + 1)).is_some_and(|end| end < 1 << 31));
    }
}
