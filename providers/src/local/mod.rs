//! Sandboxes on this machine: Linux namespaces, seccomp and cgroups, without a container engine.
//!
//! Three kinds of process take part, and each knows as little as it can:
//!
//! ```text
//! host (tokio, LocalProvider) ──┬── control socket ──▶ spawner (one thread, no tokio)
//!                               │                         │ clone
//!                               └── one socket each ──▶ PID 1 of a sandbox ── fork, exec ──▶ code
//! ```
//!
//! - The *host* keeps folders and cgroups, reads output, serves files, DNS and egress.
//! - The *spawner* is this binary run again. It alone clones: a process with many threads cannot do
//!   that safely. When its control socket ends (the host died, however it died), it kills every
//!   sandbox, removes all they had but their files, and exits.
//! - *PID 1* builds its root and then never runs a program itself. Each exec is a fork of it, in a
//!   session of its own, without capabilities, under seccomp and rlimits.
//!
//! Isolation is a shared kernel. Every sandbox has a host uid of its own that maps to a non-zero
//! uid inside, so that whatever runs there has no capability even in its own user namespace. Below
//! the least safe set of features ([`probe`]) the provider refuses to start.
//!
//! A sandbox's files outlive the server that made it, however that ended: the next one on the same
//! data directory lists them, and [`Provider::adopt`] makes the sandbox again over them.
//!
//! A snapshot is on the host that took it, until it is exported and imported on another one; see
//! `archive` for how it travels, and why nothing in it is trusted.
//!
//! Disk: `/workspace` and `/tmp` are folders of the data directory's own file system, which has no
//! quota that every machine offers, so a watcher enforces `disk_bytes`; see `disk.rs`.
//!
//! [`Provider::adopt`]: crate::Provider::adopt

mod adopt;
mod cgroup;
mod config;
mod create;
mod destroy;
mod disk;
mod egress;
mod exec;
mod export;
mod files;
mod folder;
mod import;
mod init;
mod link;
mod making;
mod moving;
mod pause;
mod probe;
mod provider;
mod record;
mod sandbox;
mod seccomp;
mod slot;
mod snapshot;
mod spawner;
mod spawner_link;
mod sys;
mod tree;
mod typescript;
mod uids;
mod walk;
mod watch;
mod wire;

pub use config::LocalConfig;
pub use probe::{Check, Probe, probe};
pub use provider::LocalProvider;
pub use spawner::spawner_main;
