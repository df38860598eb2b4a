//! A real S3-compatible server on a free port: moto, at the path in `THEAZO_TEST_S3_SERVER`.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(60);

/// Ends with its value.
pub struct S3Server {
    _process: Child,
    address: String,
}

impl S3Server {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A server that looks at keys, and knows none.
    pub async fn that_knows_nobody() -> Self {
        // The one request that is not looked at makes the bucket.
        Self::with(&[("INITIAL_NO_AUTH_ACTION_COUNT", "1")]).await
    }

    async fn with(variables: &[(&str, &str)]) -> Self {
        let program = std::env::var("THEAZO_TEST_S3_SERVER").expect(
            "THEAZO_TEST_S3_SERVER is not set; scripts/test installs an S3 server and sets it",
        );
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", &free.port().to_string()])
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e}; scripts/test installs it"));
        let server = Self { _process: process, address: free.to_string() };
        let began = Instant::now();
        while TcpStream::connect(&server.address).await.is_err() {
            assert!(began.elapsed() < PATIENCE, "{program} does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server.make_bucket().await;
        server
    }

    async fn make_bucket(&self) {
        let mut connection = TcpStream::connect(&self.address).await.unwrap();
        let head = "PUT /bucket HTTP/1.1\r\nhost: s3.amazonaws.com\r\ncontent-length: 0\r\n\
                    connection: close\r\n\r\n";
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Of something in it: `bucket/prefix`.
    pub fn url(&self, place: &str) -> String {
        let address = &self.address;
        format!("s3://{place}?endpoint=http://{address}&allow_http=true&region=eu-central-1")
    }
}

/// Of somebody.
pub fn credentials() -> Vec<(String, String)> {
    [("AWS_ACCESS_KEY_ID", "AKIATEST"), ("AWS_SECRET_ACCESS_KEY", "secret")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}
