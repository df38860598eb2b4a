//! The HTTP proxy (CONNECT and plain requests), and the ports of those who know of no proxy.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::dial::{Refused, dial};
use super::names::FakeNames;
use super::policy::Policy;

/// The most of a request before its body.
const MAX_HEAD: usize = 32 << 10;
const HEAD_TIME: Duration = Duration::from_secs(30);

/// Serves one connection to the proxy's port.
pub async fn serve(mut client: TcpStream, policy: Arc<Policy>) -> io::Result<()> {
    let Ok(read) = timeout(HEAD_TIME, read_head(&mut client)).await else { return Ok(()) };
    let Some((head, rest)) = read? else {
        return refuse(&mut client, "400 Bad Request", "this is a proxy for HTTP").await;
    };
    let Some(request) = Request::parse(&head) else {
        return refuse(&mut client, "400 Bad Request", "this is a proxy for HTTP").await;
    };
    let mut server = match dial(&policy, &request.host, request.port).await {
        Ok(server) => server,
        Err(Refused::Forbidden) => {
            let why = format!("this sandbox may not reach {}:{}", request.host, request.port);
            return refuse(&mut client, "403 Forbidden", &why).await;
        }
        Err(Refused::Unreachable) => {
            let why = format!("{}:{} cannot be reached", request.host, request.port);
            return refuse(&mut client, "502 Bad Gateway", &why).await;
        }
    };
    match request.forward {
        None => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?,
        Some(head) => server.write_all(head.as_bytes()).await?,
    }
    server.write_all(&rest).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// Serves one connection to an address that DNS made up: to the name it stands for, same port.
pub async fn pass_through(
    mut client: TcpStream,
    policy: Arc<Policy>,
    names: Arc<FakeNames>,
) -> io::Result<()> {
    let local = client.local_addr()?;
    let IpAddr::V4(address) = local.ip() else { return Ok(()) };
    let Some(name) = names.name(address) else { return Ok(()) };
    // Whoever may not reach it sees the connection closed, as with a firewall that rejects.
    let Ok(mut server) = dial(&policy, &name, local.port()).await else { return Ok(()) };
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// Reads up to the empty line; `None` when there is none, or it comes too late.
async fn read_head(client: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::with_capacity(1_024);
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok(String::from_utf8(bytes).ok().map(|head| (head, rest)));
        }
        if bytes.len() > MAX_HEAD || client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
}

async fn refuse(client: &mut TcpStream, status: &str, why: &str) -> io::Result<()> {
    let length = why.len() + 1;
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{why}\n"
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}

/// What a client asks of a proxy.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    host: String,
    port: u16,
    /// The head to send on; `None` for a tunnel.
    forward: Option<String>,
}

impl Request {
    fn parse(head: &str) -> Option<Self> {
        let (line, headers) = head.split_once("\r\n")?;
        let mut words = line.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if method == "CONNECT" {
            let (host, port) = split_port(target)?;
            return Some(Self { host: host.to_owned(), port: port?, forward: None });
        }
        let rest = target.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://"));
        let rest = &target[rest?.len()..];
        let (authority, path) = match rest.find(['/', '?']) {
            Some(cut) if rest[cut..].starts_with('/') => (&rest[..cut], rest[cut..].to_owned()),
            Some(cut) => (&rest[..cut], format!("/{}", &rest[cut..])),
            None => (rest, "/".to_owned()),
        };
        let authority = authority.rsplit('@').next()?;
        let (host, port) = split_port(authority)?;
        let mut forward = format!("{method} {path} {version}\r\n");
        for header in headers.split("\r\n").filter(|header| !header.is_empty()) {
            let name = header.split(':').next()?.trim().to_ascii_lowercase();
            // The connection ends with its answer: the next request may be for another host.
            if !name.starts_with("proxy-") && !["connection", "keep-alive"].contains(&&*name) {
                forward.push_str(header);
                forward.push_str("\r\n");
            }
        }
        forward.push_str("Connection: close\r\n\r\n");
        let port = port.unwrap_or(80);
        Some(Self { host: host.to_owned(), port, forward: Some(forward) })
    }
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        None => None,
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
    };
    (!host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_names_host_and_port() {
        let request = Request::parse("CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n");
        let wanted = Request { host: "example.com".into(), port: 443, forward: None };
        assert_eq!(request, Some(wanted));
        let v6 = Request::parse("CONNECT [::1]:80 HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!((v6.host.as_str(), v6.port), ("::1", 80));
        assert_eq!(Request::parse("CONNECT example.com HTTP/1.1\r\n\r\n"), None);
    }

    #[test]
    fn a_plain_request_is_sent_on_without_what_is_the_proxys() {
        let head = "GET http://a.example:8080/x?y HTTP/1.1\r\nHost: a.example:8080\r\n\
                    Proxy-Authorization: secret\r\nConnection: keep-alive\r\n\r\n";
        let request = Request::parse(head).unwrap();
        assert_eq!((request.host.as_str(), request.port), ("a.example", 8080));
        let sent = "GET /x?y HTTP/1.1\r\nHost: a.example:8080\r\nConnection: close\r\n\r\n";
        assert_eq!(request.forward.as_deref(), Some(sent));
    }

    #[test]
    fn nonsense_is_refused() {
        for head in ["", "GET / HTTP/1.1\r\n\r\n", "GET ftp://x/ HTTP/1.1\r\n\r\n", "x\r\n\r\n"] {
            assert_eq!(Request::parse(head), None, "{head:?}");
        }
        assert_eq!(Request::parse("CONNECT é:99999 HTTP/1.1\r\n\r\n"), None);
    }
}
