use std::path::PathBuf;
use std::time::Duration;

/// What the operator can set about the API.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The origin that callers reach this server at: `http://localhost:7070`.
    pub public_url: String,
    /// Bytes of a JSON body.
    pub json_limit: usize,
    /// Bytes of a file that is written or read.
    pub body_limit: usize,
    /// Where `idempotency.sqlite` is.
    pub data_dir: PathBuf,
    /// Until a request must have been answered: more than an exec and the wait for its sandbox.
    pub request_timeout: Duration,
    /// Until a client must have sent a request's head, from the answer before: longer than load
    /// balancers and clients keep idle connections, so that they are the ones to close them.
    pub idle_timeout: Duration,
    /// Until a client must have sent a request's body.
    pub read_timeout: Duration,
    /// How long requests in flight may go on after a shutdown began.
    pub drain_timeout: Duration,
    /// Connections at the same time; more wait to be accepted.
    pub max_connections: usize,
    /// Streams that one key may have open, on all processes that count together.
    pub max_streams_per_key: usize,
    /// A stream in which nothing happens sends a comment this often.
    pub stream_heartbeat: Duration,
    /// Until a client must have taken a byte of what is written to it.
    pub write_timeout: Duration,
    /// Whether webhooks may go to addresses of this machine and its network.
    pub allow_private_networks: bool,
}

impl ApiConfig {
    pub fn new(public_url: impl Into<String>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            public_url: public_url.into(),
            json_limit: 2 << 20,
            body_limit: 32 << 20,
            data_dir: data_dir.into(),
            request_timeout: Duration::from_secs(180),
            idle_timeout: Duration::from_secs(75),
            read_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(30),
            max_connections: 16_384,
            max_streams_per_key: 1_000,
            stream_heartbeat: Duration::from_secs(15),
            write_timeout: Duration::from_secs(30),
            allow_private_networks: false,
        }
    }
}
