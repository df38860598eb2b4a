//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use theazo_domain::Mode;

use crate::control::{Bill, Request};

/// The control plane between companies that build AI agents and the compute that runs them.
///
/// Start with `theazo serve`, then `theazo demo` in another terminal. Every option can also be set
/// in the environment (THEAZO_LISTEN, THEAZO_DATA_DIR, …) or in theazo.toml; the flag wins.
#[derive(Debug, Parser)]
#[command(name = "theazo", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// Folder of the embedded log, read models, keys and sandboxes [default: ./theazo-data]
    #[arg(long, global = true, env = "THEAZO_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Configuration file [default: ./theazo.toml, if it is there]
    #[arg(long, global = true, env = "THEAZO_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The log: sqlite://PATH, or nats://HOST:PORT for a cluster
    /// [default: sqlite://<data-dir>/log.sqlite]
    #[arg(long, global = true, env = "THEAZO_LOG", value_name = "URL")]
    pub log: Option<String>,
    /// The read models: sqlite://PATH, or postgres://… for a cluster
    /// [default: sqlite://<data-dir>/reads.sqlite]
    #[arg(long, global = true, env = "THEAZO_DB", value_name = "URL")]
    pub db: Option<String>,
    /// Large payloads and snapshots of a cluster: s3://BUCKET/PREFIX, or file:///PATH of a folder
    /// that all its machines share [default: <data-dir>/blobs, embedded]
    #[arg(long, global = true, env = "THEAZO_BLOBS", value_name = "URL")]
    pub blobs: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(ServeArgs),
    /// Run the main job against a server: a session, an agent, code in three languages, files, and
    /// a task for a model
    Demo(DemoArgs),
    /// Give a task to an agent and watch it work
    Run(RunArgs),
    /// Watch a task from its beginning on, or an agent from the run that is under way on
    Stream(StreamArgs),
    /// Say what this machine can do, and how to mend what it cannot
    Doctor,
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Look into the log
    #[command(subcommand)]
    Log(LogCommand),
    /// Prove the bill, and say what it is made of
    #[command(subcommand)]
    Billing(BillingCommand),
    /// Move what an embedded server has to a cluster
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Look after the read models
    #[command(subcommand)]
    Projections(ProjectionsCommand),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Answers HTTP.
    Api,
    /// Holds sandboxes and reacts to the log.
    Worker,
    /// Keeps the read models.
    Projector,
    /// Gives out work, starts what is due, and looks after hosts that are lost. One leads.
    Scheduler,
}

#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Address to listen on [default: 127.0.0.1:7070]
    #[arg(long, env = "THEAZO_LISTEN", value_name = "ADDR")]
    pub listen: Option<String>,
    /// What this process does [default: all]
    #[arg(long, env = "THEAZO_ROLES", value_enum, value_delimiter = ',', value_name = "ROLES")]
    pub roles: Option<Vec<Role>>,
    /// Where callers reach this server; exposed ports are below its host
    /// [default: http://localhost:<port>]
    #[arg(long, env = "THEAZO_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// What this worker host is called for good, in a cluster [default: made at the first start and
    /// kept in the data folder]
    #[arg(long, env = "THEAZO_HOST_NAME", value_name = "NAME")]
    pub host_name: Option<String>,
    /// Seconds that a worker host may be silent before its agents are given up [default: 30]
    #[arg(long, env = "THEAZO_HOST_LEASE", value_name = "SECONDS")]
    pub host_lease: Option<u64>,
    /// Copies of the log that a cluster's NATS servers keep [default: 1]
    #[arg(long, env = "THEAZO_LOG_REPLICAS", value_name = "N")]
    pub log_replicas: Option<usize>,
    /// The NATS servers sync every message to disk (`sync_interval: always`): one copy is durable
    #[arg(long, env = "THEAZO_LOG_SYNCED")]
    pub log_synced: bool,
    /// Tasks that run at the same time [default: 200]
    #[arg(long, env = "THEAZO_WORKERS", value_name = "N")]
    pub workers: Option<usize>,
    /// Let model gateways and webhooks of AgentCo be on this machine or its network: for a server
    /// whose callers are all trusted
    #[arg(long, env = "THEAZO_ALLOW_PRIVATE_NETWORKS")]
    pub allow_private_networks: bool,
}

/// Which server, with which key.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// The server
    #[arg(long, env = "THEAZO_BASE_URL", default_value = "http://127.0.0.1:7070")]
    pub url: String,
    /// An API key; without one a key is made for this alone through the data folder's server
    #[arg(long, env = "THEAZO_API_KEY", hide_env_values = true)]
    pub key: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// What to do, in words
    pub task: String,
    /// The agent definition, by name or id
    #[arg(long, default_value = "researcher")]
    pub agent: String,
    /// Which model, in place of the definition's or the server's (`mock` needs no key)
    #[arg(long)]
    pub model: Option<String>,
    /// Whose session it runs in
    #[arg(long, default_value = "cli")]
    pub user: String,
    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Debug, Clone, Args)]
pub struct StreamArgs {
    /// An agent (agt_…) or a task (task_…)
    pub id: String,
    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanName {
    Free,
    Cloud,
    Team,
    Enterprise,
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key; it is shown once
    Create {
        /// A name to know it by
        #[arg(long, default_value = "cli")]
        name: String,
        /// `live` runs real compute, `test` the mock
        #[arg(long, default_value = "live")]
        mode: Mode,
        /// The org, by id or name; the first one when absent
        #[arg(long)]
        org: Option<String>,
        /// Make a new org of this name for it
        #[arg(long, conflicts_with = "org")]
        new_org: Option<String>,
        /// The plan of the new org
        #[arg(long, value_enum, default_value = "enterprise", requires = "new_org")]
        plan: PlanName,
    },
    /// List keys, newest first
    List {
        #[arg(long)]
        org: Option<String>,
    },
    /// Revoke a key: it stops working at once
    Revoke {
        /// The key's id (key_…)
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Print commits as they come
    Tail {
        /// Start after this position [default: the end]
        #[arg(long)]
        after: Option<u64>,
    },
    /// Print commits
    Read {
        #[arg(long, default_value_t = 0)]
        after: u64,
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Only this stream, as `read` prints it
        #[arg(long)]
        stream: Option<String>,
    },
    /// Count commits, events and streams
    Stats,
    /// Recompute every hash and name the first commit that is not what was written
    Verify,
}

#[derive(Debug, Subcommand)]
pub enum BillingCommand {
    /// Fold the log from zero, and compare with every read model that shows money and with the
    /// ledgers of what was pushed
    Verify {
        #[command(flatten)]
        bill: BillArgs,
        /// Also ask Stripe what it has of each customer; needs the secret STRIPE_API_KEY and the
        /// meter's id in the settings
        #[arg(long)]
        stripe: bool,
    },
    /// Show the bill as a tree: users, sessions, agents, what was used, single usage records
    Explain {
        #[command(flatten)]
        bill: BillArgs,
        /// Only this user of AgentCo's
        #[arg(long)]
        user: Option<String>,
        /// How far down: 1 for users, 2 for sessions, 3 for agents, 4 for what was used, 5 for
        /// single usage records
        #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=5))]
        depth: u8,
        /// Down to single usage records
        #[arg(long, conflicts_with = "depth")]
        records: bool,
    },
}

/// Whose bill, and of when.
#[derive(Debug, Args)]
pub struct BillArgs {
    /// A date, or an RFC 3339 time [default: the start of the billing period]
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// A date, whose day is included, or an RFC 3339 time [default: now]
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// The org, by id or name; the first one when absent
    #[arg(long)]
    pub org: Option<String>,
    /// `live` or `test`
    #[arg(long, default_value = "live")]
    pub mode: Mode,
}

/// Everything can be broken off and run again.
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Everything: from the data folder (--data-dir) to --log nats://…, --db postgres://… and --blobs
    All {
        /// The log, where it is not in the data folder: sqlite://PATH
        #[arg(long, value_name = "URL")]
        from: Option<String>,
        #[command(flatten)]
        replicas: ReplicasArg,
    },
    /// The log alone, compared by its hash chain
    Log {
        /// sqlite://PATH
        #[arg(long, value_name = "URL")]
        from: String,
        /// nats://HOST:PORT
        #[arg(long = "to", value_name = "URL")]
        target: String,
        /// Go on with what was broken off; so it does without this, too, when what is there is the
        /// beginning of this log
        #[arg(long)]
        resume: bool,
        #[command(flatten)]
        replicas: ReplicasArg,
    },
    /// The keys alone that payloads and secrets open with, wrapped as they are
    Keys {
        /// The embedded server's data folder
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// postgres://…
        #[arg(long = "to", value_name = "URL")]
        target: String,
    },
    /// The blobs alone: large payloads and snapshots
    Blobs {
        /// The folder `blobs` in the embedded server's data folder
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// s3://BUCKET/PREFIX or file:///PATH
        #[arg(long = "to", value_name = "URL")]
        target: String,
    },
}

#[derive(Debug, Clone, Default, Args)]
pub struct ReplicasArg {
    /// Copies of the log that the cluster's NATS servers keep, as for `serve` [default: 1]
    #[arg(long, env = "THEAZO_LOG_REPLICAS", value_name = "N")]
    pub log_replicas: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub enum ProjectionsCommand {
    /// List the read models and how far each has got
    List,
    /// Build read models again from the log, while the old ones serve
    Rebuild {
        /// Which one; all when absent
        name: Option<String>,
    },
}

impl KeysCommand {
    pub fn into_request(self) -> anyhow::Result<Request> {
        Ok(match self {
            KeysCommand::Create { name, mode, org, new_org, plan } => {
                let plan = crate::bootstrap::plan(plan);
                Request::CreateKey { name, mode, org, new_org, plan }
            }
            KeysCommand::List { org } => Request::ListKeys { org },
            KeysCommand::Revoke { id } => Request::RevokeKey {
                id: id.parse().map_err(|e| anyhow::anyhow!("{e}; `theazo keys list` has them"))?,
            },
        })
    }
}

impl LogCommand {
    pub fn into_request(self) -> Request {
        match self {
            LogCommand::Tail { after } => Request::TailLog { after },
            LogCommand::Read { after, limit, stream } => Request::ReadLog { after, limit, stream },
            LogCommand::Stats => Request::LogStats,
            LogCommand::Verify => Request::VerifyLog,
        }
    }
}

impl BillingCommand {
    pub fn into_request(self) -> Request {
        let of = |BillArgs { from, until, org, mode }| Bill { org, mode, from, until };
        match self {
            BillingCommand::Verify { bill, stripe } => {
                Request::VerifyBill { bill: of(bill), stripe }
            }
            BillingCommand::Explain { bill, user, depth, records } => {
                let depth = if records { 5 } else { depth };
                Request::ExplainBill { bill: of(bill), user, depth }
            }
        }
    }
}

impl ProjectionsCommand {
    pub fn into_request(self) -> Request {
        match self {
            ProjectionsCommand::List => Request::ListProjections,
            ProjectionsCommand::Rebuild { name } => Request::RebuildProjections { name },
        }
    }
}
