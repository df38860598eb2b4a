//! The proofs of a bill: the log folded from zero, against the time that its records are read in.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::ensure;
use theazo_domain::Day;

use crate::http::Connection;
use crate::server::binary;

/// Verifies through the API, and explains at the command line, beside the server.
pub async fn run(
    connection: &mut Connection,
    data_dir: &Path,
    (from, until): (Day, Day),
) -> anyhow::Result<()> {
    let began = Instant::now();
    let target = format!("/v1/billing/verify?from={from}&until={until}");
    let verified = connection.get(&target).await?;
    ensure!(verified["ok"] == true, "the bill differs: {verified}");
    let (records, took) = (&verified["records"], began.elapsed());
    said("GET /v1/billing/verify", took, &format!("{records} records"));
    let began = Instant::now();
    let explained = Command::new(binary()?)
        .args(["billing", "explain", "--depth", "1", "--data-dir"])
        .arg(data_dir)
        .args(["--from", &from.to_string(), "--until", &until.to_string()])
        .output()?;
    ensure!(explained.status.success(), "{}", String::from_utf8_lossy(&explained.stderr));
    let lines = explained.stdout.split(|byte| *byte == b'\n').count();
    said("theazo billing explain --depth 1", began.elapsed(), &format!("{lines} lines"));
    Ok(())
}

fn said(what: &str, took: Duration, size: &str) {
    println!("  {what:<38} {:.1} s, {size}", took.as_secs_f64());
}
