//! What a sandbox reaches, through the proxy and without knowing of one. The world is a server on
//! this machine's loopback, which the operator has allowed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use theazo_providers::{Egress, Lang, Provider};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Local, One, text};

/// An address of the loopback network that nobody else uses port 80 of.
const WORLD: Ipv4Addr = Ipv4Addr::new(127, 98, 76, 54);

/// Answers every connection with the first line it got.
async fn world(port: u16) -> SocketAddr {
    let listener = TcpListener::bind((WORLD, port)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4_096];
            let length = stream.read(&mut head).await.unwrap();
            let line = String::from_utf8_lossy(&head[..length]).lines().next().unwrap().to_owned();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{line}\n",
                line.len() + 1
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

async fn sandbox(egress: Egress, allowed: SocketAddr) -> One {
    let local = Local::start_with(|config| {
        config.extra_allowed = vec![allowed];
        for name in ["good.test", "api.good.test", "bad.test", "rebound.test"] {
            config.hosts.insert(name.into(), IpAddr::V4(WORLD));
        }
        config.hosts.insert("rebound.test".into(), IpAddr::V4(Ipv4Addr::LOCALHOST));
    })
    .await;
    let mut spec = local.suite.spec();
    spec.egress = egress;
    local.provider.create(spec.clone()).await.unwrap();
    One { id: spec.id, local }
}

fn only(domains: &[&str]) -> Egress {
    Egress::Domains(domains.iter().map(|domain| (*domain).to_owned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_lets_allowed_names_through_and_no_others() {
    let address = world(0).await;
    let port = address.port();
    let one = sandbox(only(&["good.test", "rebound.test"]), address).await;
    let get = |host: &str| {
        format!(
            "import urllib.request as u\n\
             try: print(u.urlopen('http://{host}:{port}/x').read().decode())\n\
             except u.HTTPError as e: print(e.code, e.read().decode())"
        )
    };
    assert_eq!(one.prints(Lang::Python, &get("good.test")).await, "GET /x HTTP/1.1\n\n");
    let refused = one.prints(Lang::Python, &get("bad.test")).await;
    assert!(refused.starts_with("403 this sandbox may not reach bad.test"), "{refused}");
    // Allowed by name, and then it answers an address of this machine that nobody allowed.
    let refused = one.prints(Lang::Python, &get("rebound.test")).await;
    assert!(refused.starts_with("403 "), "{refused}");
    let tunnel = format!(
        "import socket\ns = socket.create_connection(('127.0.0.1', 3128), 10)\n\
         s.sendall(b'CONNECT good.test:{port} HTTP/1.1\\r\\n\\r\\n')\n\
         print(s.recv(200).decode().split()[1])\n\
         s.sendall(b'HELLO\\r\\n\\r\\n')\nprint(s.recv(200).decode().split()[-1])"
    );
    assert_eq!(one.prints(Lang::Python, &tunnel).await, "200\nHELLO\n");
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_know_no_proxy_reach_allowed_names() {
    let address = world(80).await;
    let one = sandbox(only(&["*.good.test"]), address).await;
    let direct = "import socket\ns = socket.create_connection(('api.good.test', 80), 10)\n\
                  s.sendall(b'GET /direct HTTP/1.0\\r\\n\\r\\n')\n\
                  print(s.makefile().read().split('\\n')[-2])";
    assert_eq!(one.prints(Lang::Python, direct).await, "GET /direct HTTP/1.0\n");
    let node =
        "const r = await fetch('http://api.good.test/node'); console.log((await r.text()).trim())";
    assert_eq!(one.prints(Lang::Typescript, node).await, "GET /node HTTP/1.1\n");
    for name in ["good.test", "bad.test", "no-such-name.invalid"] {
        let output = one.bash(&format!("exec 3<>/dev/tcp/{name}/80")).await;
        assert_ne!(output.exit_code, 0, "{name}");
        assert!(
            text(&output).contains("not known") || text(&output).contains("resolution"),
            "{}",
            text(&output)
        );
    }
    let tcp = "import struct, socket\nq = struct.pack('>6H', 7, 256, 1, 0, 0, 0) + \
               b'\\3api\\4good\\4test\\0\\0\\1\\0\\1'\n\
               s = socket.create_connection(('127.0.0.1', 53), 10)\n\
               s.sendall(struct.pack('>H', len(q)) + q)\nanswer = s.makefile('rb')\n\
               print(answer.read(struct.unpack('>H', answer.read(2))[0])[-4:-2])";
    assert_eq!(one.prints(Lang::Python, tcp).await, "b'\\xc6\\x12'\n");
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_egress_there_is_nothing() {
    let address = world(0).await;
    let one = sandbox(Egress::None, address).await;
    let output = one.bash("env | grep -i proxy").await;
    assert_eq!(output.exit_code, 1, "{}", text(&output));
    for target in ["127.0.0.1/3128", "127.0.0.1/53", "good.test/80", "198.18.0.1/80"] {
        let output = one.bash(&format!("exec 3<>/dev/tcp/{target}")).await;
        assert_ne!(output.exit_code, 0, "{target}");
    }
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_to_proxy_and_dns_does_no_harm() {
    let address = world(0).await;
    let one = sandbox(Egress::Public, address).await;
    let code = "import os, socket\n\
                for _ in range(50):\n\
                \x20   for port in (3128, 53, 80, 443):\n\
                \x20       s = socket.create_connection(('127.0.0.1', port), 10)\n\
                \x20       s.sendall(os.urandom(300) + b'\\r\\n\\r\\n')\n\
                \x20       s.close()\n\
                \x20   u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
                \x20   u.sendto(os.urandom(100), ('127.0.0.1', 53))\n\
                print('done')";
    assert_eq!(one.prints(Lang::Python, code).await, "done\n");
    let port = address.port();
    let code =
        format!("import urllib.request as u\nprint(u.urlopen('http://good.test:{port}/y').status)");
    assert_eq!(one.prints(Lang::Python, &code).await, "200\n");
    one.end().await;
}
