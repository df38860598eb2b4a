//! Measures the SQLite log: `cargo run --release -p theazo-log --example bench_log [FOLDER]`, or
//! `… bench_log read FILE` to only read a log that is there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use theazo_log::bench::{self, BenchError, Figures};
use theazo_log::{EventLog, Filter, LogError, SqliteLog, SqliteOptions, Verifier};

/// How long each number of appends in flight is held.
const TIME: Duration = Duration::from_secs(4);

/// What `theazo` itself allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), BenchError> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    if folder.as_os_str() == "read" {
        return read(&args.next().map_or_else(PathBuf::new, PathBuf::from)).await;
    }
    let path = folder.join(format!("bench-log-{}.db", std::process::id()));
    let result = match write(&path).await {
        Ok(()) => read(&path).await,
        failed => failed,
    };
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    result
}

async fn write(path: &Path) -> Result<(), BenchError> {
    let opened = SqliteLog::open(SqliteOptions::new(path)).await?;
    let log: Arc<dyn EventLog> = opened.clone();
    println!("{:<28}{:>12}{:>12}{:>12}", "append, in flight", "commits/s", "p50 ms", "p99 ms");
    for (in_flight, round) in [1, 16, 64, 256, 64, 1].into_iter().zip(0..) {
        let figures = bench::append(&log, in_flight, TIME, round).await?;
        print(&in_flight.to_string(), figures);
    }
    opened.close().await;
    Ok(())
}

async fn read(path: &Path) -> Result<(), BenchError> {
    let started = Instant::now();
    let opened = SqliteLog::open(SqliteOptions::new(path)).await?;
    let log: Arc<dyn EventLog> = opened.clone();
    println!("open: {} commits in {:.1} ms", log.head().await?, millis(started.elapsed()));
    print("replay, decoded", bench::replay(&log, Filter::all()).await?);
    let scope = theazo_log::conformance::fixtures::scope(0);
    print("replay of an org, decoded", bench::replay(&log, Filter::scope(scope)).await?);
    print("read, as stored", bench::read_raw(&log, |_| ()).await?);
    let mut verifier = Verifier::default();
    let mut broken = None;
    let verified = bench::read_raw(&log, |raw| {
        if let Err(error) = verifier.check(raw) {
            broken.get_or_insert(error);
        }
    });
    print("read and verified", verified.await?);
    if let Some(broken) = broken {
        return Err(LogError::Unavailable(broken.to_string()).into());
    }
    opened.close().await;
    Ok(())
}

fn print(what: &str, figures: Figures) {
    let rate = figures.per_second();
    println!("{what:<28}{rate:>12.0}{:>12.3}{:>12.3}", millis(figures.p50), millis(figures.p99));
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
