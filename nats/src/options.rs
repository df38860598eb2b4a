use std::time::Duration;

use theazo_log::Upcasters;

/// How a [`JetStreamLog`](crate::JetStreamLog) is opened. The defaults fit a server.
#[derive(Debug, Clone)]
pub struct JetStreamOptions {
    /// The JetStream stream; made when it is not there.
    pub stream: String,
    /// What its subjects begin with.
    pub prefix: String,
    /// Servers that each keep a copy: 1, or 3 or 5 in a NATS cluster.
    pub replicas: usize,
    /// The servers are configured with `sync_interval: always`, which they do not tell.
    pub assume_synced: bool,
    /// Commit ids of all streams that stay in memory, so that an append asks the server once.
    pub ids: usize,
    /// Commits that stay decoded in memory for those who read the end of the log.
    pub recent: usize,
    /// Commits that may wait for one subscriber; past it the subscriber re-reads from the server.
    pub subscriber_buffer: usize,
    /// Commits of one stream that are read one by one, or in one batch, before a consumer is made.
    pub direct: usize,
    /// How long the server may take to acknowledge, before it is asked again.
    pub ack_wait: Duration,
    /// How long an append or a read goes on trying in all.
    pub patience: Duration,
    pub upcasters: Upcasters,
}

impl Default for JetStreamOptions {
    fn default() -> Self {
        Self {
            stream: "THEAZO_LOG".to_owned(),
            prefix: "theazo.log".to_owned(),
            replicas: 1,
            assume_synced: false,
            ids: 200_000,
            recent: 4_096,
            subscriber_buffer: 256,
            direct: 64,
            ack_wait: Duration::from_secs(4),
            patience: Duration::from_secs(10),
            upcasters: Upcasters::default(),
        }
    }
}
