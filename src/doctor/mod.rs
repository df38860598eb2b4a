//! `theazo doctor`: what this machine can do, and the mend for what it cannot.

mod cluster;

use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;

use nix::sys::statvfs::statvfs;

use crate::config::Config;
use crate::folder::Folder;

/// Below this the disk will be full soon, in bytes.
const MIN_FREE_BYTES: u64 = 2 << 30;

struct Check {
    name: String,
    /// `None`: not needed, only good to know.
    ok: Option<bool>,
    detail: String,
    mend: String,
}

pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let mut checks: Vec<Check> = theazo_providers::local::probe()
        .checks
        .into_iter()
        .map(|check| Check {
            name: check.name.to_owned(),
            ok: if check.ok { Some(true) } else { check.required.then_some(false) },
            detail: check.detail,
            mend: check.mend.unwrap_or_default(),
        })
        .collect();
    checks.push(listen(config));
    checks.push(disk(&config.data_dir));
    if let Some(shared) = &config.deployment.shared {
        checks.extend(cluster::checks(config, shared).await);
    }
    let mut broken = 0;
    for check in &checks {
        let mark = match check.ok {
            Some(true) => "ok",
            None => "--",
            Some(false) => {
                broken += 1;
                "NO"
            }
        };
        println!("{mark}  {:<22} {}", check.name, check.detail);
        if check.ok != Some(true) && !check.mend.is_empty() {
            println!("    {:<22} → {}", "", check.mend);
        }
    }
    if broken == 0 {
        println!("\nThis machine can run agents on the `local` provider.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("\n{broken} of {} need mending before agents can run here.", checks.len());
    Ok(ExitCode::FAILURE)
}

fn listen(config: &Config) -> Check {
    let served = Folder::socket(&config.data_dir).exists();
    let (ok, detail) = match TcpListener::bind(&config.listen) {
        Ok(_) => (Some(true), format!("{} is free", config.listen)),
        Err(_) if served => (Some(true), format!("{} is served by theazo", config.listen)),
        Err(error) => (Some(false), format!("{}: {error}", config.listen)),
    };
    Check {
        name: "port".to_owned(),
        ok,
        detail,
        mend: "stop what listens there, or choose another with --listen".to_owned(),
    }
}

fn disk(data_dir: &Path) -> Check {
    // The folder may not be there yet: its nearest parent is on the same disk.
    let there = data_dir.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let (ok, detail) = match statvfs(there) {
        Ok(stat) => {
            let free = stat.blocks_available() * stat.fragment_size();
            (Some(free >= MIN_FREE_BYTES), format!("{} GiB free for the data folder", free >> 30))
        }
        Err(error) => (Some(false), format!("{}: {error}", there.display())),
    };
    let mend = "free at least 2 GiB, or choose another disk with --data-dir".to_owned();
    Check { name: "disk".to_owned(), ok, detail, mend }
}
