//! Where the two SDKs are, and how their programs are run.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use theazo_tests::Client;
use tokio::process::Command;

/// Whose SDK it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    TypeScript,
    Python,
}

/// A program that has ended.
pub struct Ended {
    pub out: String,
    pub err: String,
    pub ok: bool,
}

impl Ended {
    /// What it printed; it must have ended well.
    #[track_caller]
    pub fn expect(self, what: &str) -> String {
        assert!(self.ok, "{what} failed:\n{}\n{}", self.out, self.err);
        self.out
    }
}

impl Language {
    /// The folder of its SDK.
    pub fn folder(self) -> PathBuf {
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("sdk");
        sdk.join(match self {
            Language::TypeScript => "typescript",
            Language::Python => "python",
        })
    }

    /// Its driver of the fault suite.
    pub fn driver(self) -> PathBuf {
        self.folder().join("tests/faults").join(match self {
            Language::TypeScript => "driver.mjs",
            Language::Python => "driver.py",
        })
    }

    /// What runs its programs.
    pub fn interpreter(self) -> PathBuf {
        match self {
            Language::TypeScript => {
                let built = self.folder().join("node_modules/typescript").exists()
                    && self.folder().join("dist").exists();
                assert!(built, "the TypeScript SDK is not built: run `scripts/test`");
                PathBuf::from("node")
            }
            Language::Python => {
                let python = target().join("sdk-python/bin/python");
                assert!(python.exists(), "{} is not there: run `scripts/test`", python.display());
                python
            }
        }
    }

    /// One of its programs.
    pub fn program(self, script: impl AsRef<Path>) -> Command {
        self.command(&[script.as_ref().to_str().unwrap()])
    }

    /// Its interpreter with these arguments, and its folder as the current one.
    pub fn command(self, args: &[&str]) -> Command {
        let mut command = Command::new(self.interpreter());
        command.args(args).current_dir(self.folder());
        // What is only of this run must not come from the one who runs the tests.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("THEAZO_") {
                command.env_remove(name);
            }
        }
        command.env("NO_PROXY", "127.0.0.1,localhost");
        command.env("PYTHONPATH", Language::Python.folder()).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// Cargo's folder of what is built.
pub fn target() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(3).unwrap().to_owned()
}

/// Runs a program to its end. It is killed when the test ends before it.
pub async fn ended(mut command: Command) -> Ended {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.kill_on_drop(true).spawn().unwrap().wait_with_output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { out: text(&output.stdout), err: text(&output.stderr), ok: output.status.success() }
}

/// For `THEAZO_BASE_URL`.
pub fn base_url(client: &Client) -> String {
    format!("http://{}", client.address())
}
