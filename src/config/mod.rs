//! Configuration: flags over environment over `theazo.toml` over defaults. Nothing outside this
//! file and `cli` reads the environment.

mod deployment;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use secrecy::SecretString;
use serde::Deserialize;
use theazo_billing::push::{Billers, Patience};
use theazo_models::net::{Client, Guard};
use theazo_models::{ModelsConfig, PlatformKey};
use theazo_workers::tools::{SearchBackend, ToolsConfig};

use crate::cli::{Global, Role, ServeArgs};

pub use deployment::{Deployment, Shared};

/// What `theazo.toml` may say. Unknown keys are an error: a typing slip must not be ignored.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<String>,
    data_dir: Option<PathBuf>,
    log: Option<String>,
    db: Option<String>,
    blobs: Option<String>,
    roles: Option<Vec<Role>>,
    host_name: Option<String>,
    /// Seconds.
    host_lease: Option<u64>,
    log_replicas: Option<usize>,
    log_synced: Option<bool>,
    public_url: Option<String>,
    workers: Option<usize>,
    allow_private_networks: Option<bool>,
    /// The platform's default model, by name.
    model: Option<String>,
}

/// The configuration of a process.
#[derive(Debug, Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: String,
    pub public_url: Option<String>,
    /// Tasks that run at the same time.
    pub workers: usize,
    pub allow_private_networks: bool,
    pub deployment: Deployment,
    file: File,
}

/// Keys set by the environment for scripted starts.
pub struct BootstrapKeys {
    pub live: Option<String>,
    pub test: Option<String>,
}

const DEFAULT_LISTEN: &str = "127.0.0.1:7070";
/// A run waits for its model most of its time and costs little while it does.
const DEFAULT_WORKERS: usize = 200;
const DEFAULT_DATA_DIR: &str = "theazo-data";

pub fn load(global: &Global) -> anyhow::Result<Config> {
    let mut file = match &global.config {
        Some(path) => read(path)?,
        None if Path::new("theazo.toml").exists() => read(Path::new("theazo.toml"))?,
        None => File::default(),
    };
    let deployment = Deployment::of(&file, global)?;
    file.log = global.log.clone().or(file.log);
    file.db = global.db.clone().or(file.db);
    let data_dir = global.data_dir.clone().or_else(|| file.data_dir.clone());
    Ok(Config {
        data_dir: data_dir.unwrap_or_else(|| PathBuf::from(DEFAULT_DATA_DIR)),
        listen: file.listen.clone().unwrap_or_else(|| DEFAULT_LISTEN.to_owned()),
        public_url: file.public_url.clone(),
        workers: file.workers.unwrap_or(DEFAULT_WORKERS),
        allow_private_networks: file.allow_private_networks.unwrap_or(false),
        deployment,
        file,
    })
}

fn read(path: &Path) -> anyhow::Result<File> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the configuration file {} cannot be read", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not as it should be", path.display()))
}

impl Config {
    /// With the flags of `serve`, checked.
    pub fn with_serve(mut self, args: &ServeArgs) -> anyhow::Result<Self> {
        self.listen = args.listen.clone().unwrap_or(self.listen);
        self.public_url = args.public_url.clone().or(self.public_url);
        self.workers = args.workers.unwrap_or(self.workers);
        self.allow_private_networks |= args.allow_private_networks;
        if self.workers == 0 {
            bail!("--workers must be at least 1");
        }
        self.deployment = self.deployment.serving(&self.file, args)?;
        Ok(self)
    }

    pub fn log_path(&self) -> PathBuf {
        self.path(self.file.log.as_deref(), "log.sqlite")
    }

    pub fn reads_path(&self) -> PathBuf {
        self.path(self.file.db.as_deref(), "reads.sqlite")
    }

    fn path(&self, url: Option<&str>, default: &str) -> PathBuf {
        match url.and_then(|url| url.strip_prefix("sqlite://")) {
            Some(path) => PathBuf::from(path),
            None => self.data_dir.join(default),
        }
    }

    /// Base64 of the master key, if the environment holds it.
    pub fn master_key(&self) -> Option<String> {
        env("THEAZO_MASTER_KEY")
    }

    /// The models of the platform. The vendors' own variables are read as their SDKs read them.
    pub fn models(&self) -> ModelsConfig {
        let vendor = |key: &str, base_url: &str| {
            let key = SecretString::from(env(key)?);
            Some(PlatformKey { key, base_url: env(base_url) })
        };
        ModelsConfig {
            anthropic: vendor("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
            openai: vendor("OPENAI_API_KEY", "OPENAI_BASE_URL"),
            default_model: env("THEAZO_MODEL").or_else(|| self.file.model.clone()),
            allow_private_networks: self.allow_private_networks,
            ..ModelsConfig::default()
        }
    }

    /// Where `web_search` searches: the first of these that is set.
    pub fn tools(&self) -> ToolsConfig {
        let brave = || env("BRAVE_API_KEY").map(|key| SearchBackend::brave(key.into()));
        let tavily = || env("TAVILY_API_KEY").map(|key| SearchBackend::tavily(key.into()));
        let searxng = env("THEAZO_SEARCH_URL").map(SearchBackend::searxng);
        ToolsConfig { search: searxng.or_else(brave).or_else(tavily) }
    }

    /// Who usage is pushed to. Their URLs are the operator's, and may be anywhere.
    pub fn billers(&self) -> anyhow::Result<Billers> {
        let url = |name, default: &str| env(name).unwrap_or_else(|| default.to_owned());
        Ok(Billers {
            client: Client::new(Guard::new(true))?,
            stripe_url: url("STRIPE_BASE_URL", Billers::STRIPE),
            metronome_url: url("METRONOME_BASE_URL", Billers::METRONOME),
            patience: Patience::default(),
        })
    }

    /// For crash tests: the process kills itself when it has appended so many commits.
    pub fn abort_after(&self) -> Option<u64> {
        env("THEAZO_ABORT_AFTER_COMMITS").and_then(|n| n.parse().ok())
    }

    pub fn bootstrap_keys(&self) -> BootstrapKeys {
        BootstrapKeys {
            live: env("THEAZO_BOOTSTRAP_LIVE_KEY"),
            test: env("THEAZO_BOOTSTRAP_TEST_KEY"),
        }
    }
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
