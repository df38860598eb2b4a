//! One exec, from code to output.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;
use secrecy::ExposeSecret;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use super::sandbox::{Control, Running};
use super::wire::{Ended, How, Payload};
use super::{sys, typescript};
use crate::contract::{ExecOutput, ExecRequest, Lang, ProviderError, Result};

/// The most a pipe holds: what a program wrote before its end is in there, and no more.
const PIPE_BYTES: usize = 64 << 10;
/// Larger code is transformed on a thread where that may take its time.
const INLINE_CODE: usize = 32 << 10;

/// Bash reads the code from stdin, which it then closes for the code itself.
const BASH: &[&str] = &["/bin/bash", "-c", r#"eval "exec </dev/null; $(</dev/stdin)""#, "bash"];
const NODE_ARGS: &[&str] = &["--require", "/opt/theazo/require.cjs", "--input-type=module", "-"];
const PYTHON_ARGS: &[&str] = &["/opt/theazo/python.py", "--once"];

/// The interpreters of this machine that a sandbox sees.
#[derive(Debug, Clone, Default)]
pub struct Runtimes {
    pub python: Option<String>,
    pub node: Option<String>,
    pub bash: bool,
}

impl Runtimes {
    pub fn find() -> Self {
        Self { python: find("python3"), node: find("node"), bash: Path::new("/bin/bash").exists() }
    }
}

/// A program in the folders that are shown to sandboxes, if it is there and not a link out of them.
fn find(name: &str) -> Option<String> {
    ["/usr/local/bin", "/usr/bin"]
        .iter()
        .map(|folder| PathBuf::from(folder).join(name))
        .find(|path| path.canonicalize().is_ok_and(|real| real.starts_with("/usr")))
        .and_then(|path| path.into_os_string().into_string().ok())
}

/// What is run, once the language is dealt with.
struct Program<'a> {
    how: How,
    args: Vec<&'a str>,
    stdin: Vec<u8>,
    writable: bool,
}

/// The answer of code that did not compile.
fn not_compiled(message: String, request: &ExecRequest, start: Instant) -> ExecOutput {
    let mut stderr = message.into_bytes();
    let truncated = stderr.len() > request.output_limit;
    stderr.truncate(request.output_limit);
    ExecOutput {
        stdout: Bytes::new(),
        stderr: stderr.into(),
        exit_code: 1,
        duration: start.elapsed(),
        truncated,
    }
}

/// How an exec came out.
pub struct Outcome {
    pub output: ExecOutput,
    /// Whether its leftovers were killed because they filled the process table.
    pub swept: bool,
}

/// Runs code in a sandbox. Dropping the future kills it.
pub async fn run(
    control: &std::sync::Arc<Control>,
    runtimes: &Runtimes,
    env: &[(String, String)],
    writable: bool,
    request: &ExecRequest,
) -> Result<Outcome> {
    let start = Instant::now();
    check_env(request)?;
    let program = match prepare(runtimes, request).await? {
        Ok(program) => program,
        Err(message) => {
            let output = not_compiled(message, request, start);
            return Ok(Outcome { output, swept: false });
        }
    };
    let program = Program { writable, ..program };
    let (mut running, mut stdout, mut stderr) = spawn(control, env, request, program).await?;
    let left = request.timeout.saturating_sub(start.elapsed());
    let ended = tokio::select! {
        ended = running.ended() => Some(ended?),
        () = read_both(&mut stdout, &mut stderr) => None,
        () = tokio::time::sleep(left) => None,
    };
    let Some(Ended { code, swept }) = ended else {
        running.kill().await;
        return Err(ProviderError::Timeout(request.timeout));
    };
    let truncated = stdout.finish() | stderr.finish();
    let output = ExecOutput {
        stdout: stdout.kept.into(),
        stderr: stderr.kept.into(),
        exit_code: code,
        duration: start.elapsed(),
        truncated,
    };
    Ok(Outcome { output, swept })
}

fn check_env(request: &ExecRequest) -> Result<()> {
    for (name, value) in &request.env {
        let bad_name = name.is_empty() || name.contains(['=', '\0']);
        if bad_name || value.expose_secret().contains('\0') {
            return Err(ProviderError::failed(format!(
                "the variable {name:?} cannot be passed to a program"
            )));
        }
    }
    Ok(())
}

/// The program for the language, or what its compiler says.
async fn prepare<'a>(
    runtimes: &'a Runtimes,
    request: &ExecRequest,
) -> Result<std::result::Result<Program<'a>, String>> {
    let missing = |what: &str, package: &str| {
        ProviderError::Unsupported(format!(
            "{what} is not installed under /usr on this machine; install it, on Debian with \
             `apt-get install {package}`, and restart the server"
        ))
    };
    let program = |how, program: &'a str, args: &'a [&'a str], stdin: Vec<u8>| Program {
        how,
        args: std::iter::once(program).chain(args.iter().copied()).collect(),
        stdin,
        writable: true,
    };
    let code = request.code.clone();
    match request.lang {
        Lang::Bash if !runtimes.bash => Err(missing("bash", "bash")),
        Lang::Bash => Ok(Ok(program(How::Program, BASH[0], &BASH[1..], code.into_bytes()))),
        Lang::Python => {
            let python = runtimes.python.as_deref();
            let python = python.ok_or_else(|| missing("python3", "python3"))?;
            // Variables that the interpreter reads when it starts reach only a fresh one.
            let fresh = request.env.keys().any(|n| n.starts_with("PYTHON") || n.starts_with("LD_"));
            let how = if fresh { How::Program } else { How::Python };
            Ok(Ok(program(how, python, PYTHON_ARGS, code.into_bytes())))
        }
        Lang::Typescript => {
            let node = runtimes.node.as_deref().ok_or_else(|| missing("node", "nodejs"))?;
            let script = if code.len() <= INLINE_CODE {
                typescript::to_javascript(&code)
            } else {
                tokio::task::spawn_blocking(move || typescript::to_javascript(&code))
                    .await
                    .map_err(|_| ProviderError::failed("the TypeScript could not be transformed"))?
            };
            Ok(script.map(|script| program(How::Program, node, NODE_ARGS, script.into_bytes())))
        }
    }
}

async fn spawn(
    control: &std::sync::Arc<Control>,
    env: &[(String, String)],
    request: &ExecRequest,
    program: Program<'_>,
) -> Result<(Running, Capture, Capture)> {
    let failed = |error: io::Error| {
        tracing::error!(%error, "an exec could not be started");
        ProviderError::Failed { message: "the code could not be started".into(), retryable: true }
    };
    let own = env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let own = own.filter(|(name, _)| !request.env.contains_key(*name));
    let given = request.env.iter().map(|(name, value)| (name.as_str(), value.expose_secret()));
    let payload = Payload::encode(program.args.iter().copied(), own.chain(given));
    let payload = sys::memfd(&payload).map_err(failed)?;
    let stdin = sys::memfd(&program.stdin).map_err(failed)?;
    let (stdout, out) = Capture::new(request.output_limit).map_err(failed)?;
    let (stderr, err) = Capture::new(request.output_limit).map_err(failed)?;
    let fds = [stdin.as_raw_fd(), out.as_raw_fd(), err.as_raw_fd(), payload.as_raw_fd()];
    // The warm interpreter may write.
    let how = if program.writable { program.how } else { How::Program };
    let running = control.exec(how, program.writable, fds).await?;
    Ok((running, stdout, stderr))
}

/// Reads both for as long as it is polled.
async fn read_both(stdout: &mut Capture, stderr: &mut Capture) {
    tokio::join!(stdout.read(), stderr.read());
    std::future::pending().await
}

/// What a program writes to one of its outputs.
struct Capture {
    from: Option<Receiver>,
    kept: Vec<u8>,
    limit: usize,
    truncated: bool,
}

impl Capture {
    /// The capture and the end to write to.
    fn new(limit: usize) -> io::Result<(Self, OwnedFd)> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&read, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let from = Some(Receiver::from_owned_fd(read)?);
        Ok((Self { from, kept: Vec::new(), limit, truncated: false }, write))
    }

    /// Reads until every writer has closed it.
    async fn read(&mut self) {
        let mut buffer = [0; 16 << 10];
        while let Some(from) = &mut self.from {
            match from.read(&mut buffer).await {
                Ok(0) | Err(_) => self.from = None,
                Ok(length) => self.keep(&buffer[..length]),
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.limit - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.truncated |= bytes.len() > room;
    }

    /// Takes what is there now that the program has ended, and answers whether anything was cut
    /// off. What it left running may hold the other end: it is read on and dropped, since a server
    /// that logs to a closed pipe would die of it.
    fn finish(&mut self) -> bool {
        let Some(mut from) = self.from.take() else { return self.truncated };
        let mut buffer = [0; 16 << 10];
        let mut left = PIPE_BYTES;
        while left > 0 {
            // Not through tokio, which reads only once it has heard that there is something.
            let most = left.min(buffer.len());
            match nix::unistd::read(&from, &mut buffer[..most]) {
                Ok(0) => return self.truncated,
                Ok(length) => {
                    self.keep(&buffer[..length]);
                    left -= length;
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(_) => return self.truncated,
            }
        }
        tokio::spawn(async move {
            let mut buffer = [0; 4 << 10];
            while matches!(from.read(&mut buffer).await, Ok(length) if length > 0) {}
        });
        self.truncated
    }
}

/// The variables every program of a sandbox gets.
pub fn base_env(egress: bool) -> Vec<(String, String)> {
    let mut env = vec![
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/theazo/bin"),
        ("HOME", "/workspace"),
        ("USER", "agent"),
        ("LANG", "C.UTF-8"),
        ("SHELL", "/bin/bash"),
    ];
    if egress {
        for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
            env.push((name, "http://127.0.0.1:3128"));
        }
        for name in ["no_proxy", "NO_PROXY"] {
            env.push((name, "localhost,127.0.0.1"));
        }
    }
    env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
