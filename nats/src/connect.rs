//! The connection to NATS, which the log and the bus share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{ConnectErrorKind, ConnectOptions, ServerAddr};
use tokio::time::Instant;

use crate::link::{Link, Signal};
use crate::version::Version;

/// Where NATS is, and who we are to it.
#[derive(Debug, Clone)]
pub struct NatsOptions {
    /// `nats://host:4222` or `tls://…`, several with commas between them. They may hold
    /// `user:password@` or `token@`, which then holds for all.
    pub servers: String,
    /// A `.creds` file with a JWT and its key.
    pub credentials: Option<PathBuf>,
    /// A PEM file with the authorities that signed the servers' certificates, when the machine
    /// does not know them.
    pub root_certificates: Option<PathBuf>,
    /// The PEM files of a certificate and its key, when the servers ask for one.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// What the servers call this connection.
    pub name: String,
    /// How long to go on trying until there is a connection.
    pub patience: Duration,
}

impl NatsOptions {
    pub fn new(servers: impl Into<String>) -> Self {
        Self { servers: servers.into(), ..Self::default() }
    }
}

impl Default for NatsOptions {
    fn default() -> Self {
        Self {
            servers: "nats://127.0.0.1:4222".to_owned(),
            credentials: None,
            root_certificates: None,
            client_certificate: None,
            name: "theazo".to_owned(),
            patience: Duration::from_secs(10),
        }
    }
}

/// Why there is no connection, or no log on it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NatsError {
    #[error("`{0}` is not where a NATS server is: {1}")]
    Address(String, String),
    #[error("the credentials in {0} cannot be read: {1}")]
    Credentials(PathBuf, String),
    #[error("NATS at {0} cannot be reached: {1}")]
    Unreachable(String, String),
    #[error("NATS at {0} does not let us in: {1}")]
    Refused(String, String),
    #[error("{0}")]
    Server(String),
    #[error("the NATS stream {stream} is not as the log needs it: {}", .differences.join("; "))]
    Definition { stream: String, differences: Vec<String> },
}

/// A connection to NATS. Cheap to clone; it ends when the last clone is dropped.
#[derive(Clone)]
pub struct Nats(pub(crate) Arc<Link>);

impl Nats {
    /// # Errors
    /// When no server can be reached in time, or none lets us in.
    pub async fn connect(options: NatsOptions) -> Result<Self, NatsError> {
        let addresses = addresses(&options.servers)?;
        let signal = Signal::default();
        let connect = configure(&options, &addresses, &signal).await?;
        let shown = shown(&addresses);
        let deadline = Instant::now() + options.patience;
        let mut pause = Duration::from_millis(20);
        loop {
            let error = match connect.clone().connect(addresses.clone()).await {
                Ok(client) => return Ok(Self(Arc::new(Link::new(client, &signal).await))),
                Err(error) => error,
            };
            let reason = error.to_string();
            match error.kind() {
                ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                    return Err(NatsError::Refused(shown, reason));
                }
                ConnectErrorKind::Tls | ConnectErrorKind::ServerParse => {
                    return Err(NatsError::Unreachable(shown, reason));
                }
                _ if Instant::now() + pause >= deadline => {
                    return Err(NatsError::Unreachable(shown, reason));
                }
                _ => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Whether there is a connection right now.
    pub fn is_connected(&self) -> bool {
        self.0.connected_since().is_some()
    }

    /// The version of the server that we are connected to, as it says it.
    pub fn server_version(&self) -> String {
        self.0.client.server_info().version
    }

    pub(crate) fn version(&self) -> Result<Version, NatsError> {
        let text = self.server_version();
        Version::parse(&text)
            .ok_or_else(|| NatsError::Server(format!("`{text}` is not the version of a server")))
    }
}

fn addresses(servers: &str) -> Result<Vec<ServerAddr>, NatsError> {
    let urls = servers.split(',').map(str::trim).filter(|url| !url.is_empty());
    let parse = |url: &str| {
        url.parse::<ServerAddr>().map_err(|e| NatsError::Address(hide(url), e.to_string()))
    };
    let addresses = urls.map(parse).collect::<Result<Vec<_>, _>>()?;
    match addresses.is_empty() {
        true => Err(NatsError::Address(servers.to_owned(), "it is empty".to_owned())),
        false => Ok(addresses),
    }
}

/// `url` without what is secret in it.
fn hide(url: &str) -> String {
    url.rsplit_once('@').map_or(url, |(_, host)| host).to_owned()
}

fn shown(addresses: &[ServerAddr]) -> String {
    let host = |address: &ServerAddr| format!("{}:{}", address.host(), address.port());
    addresses.iter().map(host).collect::<Vec<_>>().join(", ")
}

async fn configure(
    options: &NatsOptions,
    addresses: &[ServerAddr],
    signal: &Signal,
) -> Result<ConnectOptions, NatsError> {
    let mut connect = match &options.credentials {
        Some(path) => ConnectOptions::with_credentials_file(path)
            .await
            .map_err(|e| NatsError::Credentials(path.clone(), e.to_string()))?,
        None => ConnectOptions::new(),
    };
    let told = addresses.iter().find_map(|a| Some((decoded(a.username()?), a.password())));
    connect = match told {
        Some((user, Some(password))) => connect.user_and_password(user, decoded(password)),
        Some((token, None)) => connect.token(token),
        None => connect,
    };
    if let Some(path) = &options.root_certificates {
        connect = connect.add_root_certificates(path.clone());
    }
    if let Some((certificate, key)) = &options.client_certificate {
        connect = connect.add_client_certificate(certificate.clone(), key.clone());
    }
    let signal = signal.clone();
    Ok(connect
        .name(&options.name)
        .ping_interval(Duration::from_secs(5))
        .client_capacity(16_384)
        .reconnect_delay_callback(|attempts| {
            Duration::from_millis(20 * attempts as u64).min(Duration::from_millis(500))
        })
        .event_callback(move |event| {
            signal.hear(&event);
            std::future::ready(())
        }))
}

/// What a URL holds with `%40` and the like in it.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_servers_have_commas_between_them() {
        let two = addresses("nats://a:4222, nats://b:4333").unwrap();
        assert_eq!(shown(&two), "a:4222, b:4333");
        assert!(addresses(" ,").is_err());
    }

    #[test]
    fn an_error_does_not_tell_the_password() {
        let error = addresses("http://user:hidden@host:4222").unwrap_err().to_string();
        assert!(error.contains("host:4222") && !error.contains("hidden"), "{error}");
        let two = addresses("nats://user:hidden@a:4222").unwrap();
        assert_eq!(shown(&two), "a:4222");
    }

    #[test]
    fn a_password_may_have_any_character() {
        assert_eq!(decoded("p%40ss%3aword%"), "p@ss:word%");
    }
}
