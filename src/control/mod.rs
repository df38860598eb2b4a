//! The command line's requests. The server that owns the data folder carries them out, over a
//! Unix socket in it; when none runs, this process takes the folder and does it itself. Either way
//! it is the same code and the same answer.
//!
//! On the socket: one line of JSON with the request, then a line of JSON for each [`Reply`].

mod billing;
mod keys;
mod log;
mod projections;
mod server;

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use theazo_domain::org::Plan;
use theazo_domain::{ApiKeyId, Mode};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::folder::Folder;
use crate::runtime::Runtime;

pub use billing::Bill;
pub use server::serve;

#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    CreateKey {
        name: String,
        mode: Mode,
        /// Of this org, by id or name; the first one when absent.
        org: Option<String>,
        /// Of a new org of this name and plan.
        new_org: Option<String>,
        plan: Plan,
    },
    ListKeys {
        org: Option<String>,
    },
    RevokeKey {
        id: ApiKeyId,
    },
    TailLog {
        after: Option<u64>,
    },
    ReadLog {
        after: u64,
        limit: usize,
        stream: Option<String>,
    },
    LogStats,
    VerifyLog,
    VerifyBill {
        bill: Bill,
        /// Stripe's own sums, too.
        stripe: bool,
    },
    ExplainBill {
        bill: Bill,
        user: Option<String>,
        /// 1 for users to 5 for single records.
        depth: u8,
    },
    ListProjections,
    RebuildProjections {
        name: Option<String>,
    },
}

/// One step of an answer.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// To be printed.
    Line(String),
    /// How far a long work has got.
    Progress { what: String, done: u64, total: u64 },
    /// It did not succeed; the last reply.
    Failed(String),
}

/// Where the replies go; closed when nobody listens any more.
pub type Replies = mpsc::Sender<Reply>;

/// Carries out one request.
async fn handle(runtime: &Runtime, request: Request, to: &Replies) -> anyhow::Result<()> {
    match request {
        Request::CreateKey { name, mode, org, new_org, plan } => {
            keys::create(runtime, to, &name, mode, org, new_org, plan).await
        }
        Request::ListKeys { org } => keys::list(runtime, to, org).await,
        Request::RevokeKey { id } => keys::revoke(runtime, to, id).await,
        Request::TailLog { after } => log::tail(runtime, to, after).await,
        Request::ReadLog { after, limit, stream } => {
            log::read(runtime, to, after, limit, stream).await
        }
        Request::LogStats => log::stats(runtime, to).await,
        Request::VerifyLog => log::verify(runtime, to).await,
        Request::VerifyBill { bill, stripe } => {
            billing::verify_bill(runtime, to, &bill, stripe).await
        }
        Request::ExplainBill { bill, user, depth } => {
            billing::explain_bill(runtime, to, &bill, user.as_deref(), depth).await
        }
        Request::ListProjections => projections::list(runtime, to).await,
        Request::RebuildProjections { name } => projections::rebuild(runtime, to, name).await,
    }
}

/// Runs `request` and closes `to` with what it came to.
async fn answer(runtime: &Runtime, request: Request, to: Replies) {
    if let Err(error) = handle(runtime, request, &to).await {
        // Nobody may be listening any more, and then there is nobody to tell.
        to.send(Reply::Failed(format!("{error:#}"))).await.ok();
    }
}

/// The client side: prints the answer.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<ExitCode> {
    let (to, mut replies) = mpsc::channel(64);
    if let Some(server) = connect(&config.data_dir).await {
        let ((), code) = tokio::join!(relay(server, request, to), print(&mut replies));
        return Ok(code);
    }
    let runtime = Runtime::open(config).await?;
    let ((), code) = tokio::join!(answer(&runtime, request, to), print(&mut replies));
    runtime.close().await?;
    Ok(code)
}

/// The whole answer of a request to a running server, as lines.
pub async fn ask(config: &Config, request: Request) -> anyhow::Result<Vec<String>> {
    let server = connect(&config.data_dir).await.with_context(|| {
        format!("no server runs on the data folder {}", config.data_dir.display())
    })?;
    let (to, mut replies) = mpsc::channel(64);
    tokio::spawn(relay(server, request, to));
    let mut lines = Vec::new();
    while let Some(reply) = replies.recv().await {
        match reply {
            Reply::Line(line) => lines.push(line),
            Reply::Progress { .. } => {}
            Reply::Failed(error) => anyhow::bail!(error),
        }
    }
    Ok(lines)
}

async fn connect(data_dir: &Path) -> Option<UnixStream> {
    UnixStream::connect(Folder::socket(data_dir)).await.ok()
}

async fn relay(mut server: UnixStream, request: Request, to: Replies) {
    let talk = async {
        let mut line = serde_json::to_vec(&request)?;
        line.push(b'\n');
        server.write_all(&line).await?;
        let mut lines = BufReader::new(server).lines();
        while let Some(line) = lines.next_line().await? {
            if to.send(serde_json::from_str(&line)?).await.is_err() {
                break;
            }
        }
        anyhow::Ok(())
    };
    if let Err(error) = talk.await {
        to.send(Reply::Failed(format!("the server went away: {error}"))).await.ok();
    }
}

/// Shows replies until they end.
pub async fn print(replies: &mut mpsc::Receiver<Reply>) -> ExitCode {
    let mut bar: Option<ProgressBar> = None;
    let mut code = ExitCode::SUCCESS;
    while let Some(reply) = replies.recv().await {
        match reply {
            Reply::Line(line) => {
                let shown = match &bar {
                    // Above the bar, and also where there is no terminal to draw one.
                    Some(bar) => bar.suspend(|| show(&line)),
                    None => show(&line),
                };
                if let Err(error) = shown {
                    if error.kind() != ErrorKind::BrokenPipe {
                        eprintln!("error: the answer cannot be written: {error}");
                        code = ExitCode::FAILURE;
                    }
                    break;
                }
            }
            Reply::Progress { what, done, total } => {
                let bar = bar.get_or_insert_with(|| ProgressBar::new(total).with_style(style()));
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(what);
            }
            Reply::Failed(error) => {
                eprintln!("error: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    // Whoever read the answer may have had enough (`| head`): then no more of it is asked for.
    replies.close();
    if let Some(bar) = bar {
        bar.finish();
    }
    code
}

fn show(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} ({per_sec}, {eta})")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
