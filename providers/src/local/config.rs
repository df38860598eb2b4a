use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// How the local provider is set up.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// Where sandboxes' files and snapshots are kept. One provider owns it at a time.
    pub data_dir: PathBuf,
    /// The program, and its arguments, that calls [`super::spawner_main`] before it starts a
    /// thread: usually `/proc/self/exe` with a hidden argument.
    pub spawner: Vec<OsString>,
    /// The first of the 32,768 host uids that sandboxes get, one each. No account of the machine
    /// may have one of them. Without root every sandbox runs as the server's own user.
    pub uid_base: u32,
    /// Addresses that sandboxes may reach although they are not public: an internal service that
    /// the operator wants agents to use. The sandbox's own rules of domains still hold.
    pub extra_allowed: Vec<SocketAddr>,
    /// Names that are answered from here and not by the machine's resolver, as in `/etc/hosts`.
    pub hosts: BTreeMap<String, IpAddr>,
    /// Start the Python interpreter as soon as a sandbox is made, not at its first Python exec: the
    /// first snippet is then fast too, for 10 ms of cpu and 6 MiB in every sandbox, used or not.
    pub warm_python: bool,
}

impl LocalConfig {
    pub fn new(data_dir: impl Into<PathBuf>, spawner: Vec<OsString>) -> Self {
        Self {
            data_dir: data_dir.into(),
            spawner,
            uid_base: 200_000,
            extra_allowed: Vec::new(),
            hosts: BTreeMap::new(),
            warm_python: false,
        }
    }
}
