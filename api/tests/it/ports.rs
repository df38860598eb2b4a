//! Exposed ports: which there are, and what reaches them by host name and by path.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use futures::{StreamExt, channel::mpsc};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::agents::{NOBODY, idle_agent};
use crate::support::App;

/// The API on a socket, with an agent that has exposed port 8080.
struct Served {
    app: App,
    agent: String,
    address: SocketAddr,
    _stop: DropGuard,
}

async fn served() -> Served {
    let app = App::new().await;
    let agent = idle_agent(&app).await;
    let expose = app.post(&format!("/v1/agents/{agent}/ports"), json!({ "port": 8080 })).await;
    expose.is(StatusCode::CREATED);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(theazo_api::serve(listener, app.state.clone(), stop.clone()));
    Served { app, agent, address, _stop: stop.drop_guard() }
}

impl Served {
    /// Lets `program` listen on port 8080 of the sandbox.
    async fn listens(self, program: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, program).await.unwrap() });
        self.app.sandboxes.listen(self.agent.parse().unwrap(), 8080, address);
        self
    }

    /// Whoever connects to port 8080 of the sandbox gets `answer`, once the request's head is read.
    async fn listens_raw(self, answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                stream.write_all(answer).await.unwrap();
            }
        });
        self.app.sandboxes.listen(self.agent.parse().unwrap(), 8080, address);
        self
    }

    fn host(&self) -> String {
        format!("{}-8080.localhost:7070", self.agent.to_lowercase().replace('_', "-"))
    }

    fn prefix(&self) -> String {
        format!("/v1/ports/{}/8080", self.agent)
    }

    async fn send(&self, host: &str, mut request: Request) -> hyper::Response<Incoming> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        request.headers_mut().insert(header::HOST, host.parse().unwrap());
        sender.send_request(request).await.unwrap()
    }

    async fn get(&self, host: &str, target: &str) -> hyper::Response<Incoming> {
        self.send(host, Request::get(target).body(Body::empty()).unwrap()).await
    }
}

async fn text(response: hyper::Response<Incoming>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn json_of(response: hyper::Response<Incoming>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

async fn fails(response: hyper::Response<Incoming>, status: u16, code: &str) -> String {
    assert_eq!(response.status().as_u16(), status);
    let request_id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let error = json_of(response).await["error"].clone();
    assert_eq!((&error["code"], &error["requestId"]), (&json!(code), &json!(request_id)));
    error["message"].as_str().unwrap().to_owned()
}

/// Answers with what it was asked.
async fn mirror(request: Request) -> Response {
    let headers: Vec<[String; 2]> = request
        .headers()
        .iter()
        .map(|(name, value)| [name.to_string(), value.to_str().unwrap().to_owned()])
        .collect();
    let (method, uri) = (request.method().to_string(), request.uri().to_string());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let seen = json!({
        "method": method,
        "uri": uri,
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    });
    let mut answer = HeaderMap::new();
    answer.insert("x-from", "sandbox".parse().unwrap());
    answer.insert("set-cookie", "a=1; Domain=localhost".parse().unwrap());
    answer.insert("location", "/next".parse().unwrap());
    (StatusCode::CREATED, answer, seen.to_string()).into_response()
}

fn header_of<'a>(seen: &'a Value, name: &str) -> Option<&'a str> {
    let headers = seen["headers"].as_array().unwrap().iter();
    headers.filter(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap()).next()
}

#[tokio::test]
async fn ports_are_exposed_listed_and_closed() {
    let app = App::new().await;
    let agent = idle_agent(&app).await;
    let ports = format!("/v1/agents/{agent}/ports");
    let label = agent.to_lowercase().replace('_', "-");
    let shown = |port: u16| {
        json!({
            "port": port,
            "url": format!("http://{label}-{port}.localhost:7070"),
            "pathUrl": format!("http://localhost:7070/v1/ports/{agent}/{port}/"),
        })
    };
    for port in [8080, 3000, 8080] {
        let exposed = app.post(&ports, json!({ "port": port })).await.is(StatusCode::CREATED);
        assert_eq!(exposed.json, shown(port));
    }
    let listed = app.get(&ports).await.is(StatusCode::OK);
    assert_eq!(listed.json, json!({ "data": [shown(3000), shown(8080)], "hasMore": false }));
    let closed = app.delete(&format!("{ports}/8080")).await.is(StatusCode::OK);
    assert_eq!(closed.json, json!({ "ok": true }));
    for gone in ["8080", "9999", "0", "70000", "http", "-1"] {
        app.delete(&format!("{ports}/{gone}")).await.fails(404, "not_found");
    }
    assert_eq!(app.get(&ports).await.json["data"], json!([shown(3000)]));
}

#[tokio::test]
async fn a_port_that_is_none_is_named() {
    let app = App::new().await;
    let agent = idle_agent(&app).await;
    let ports = format!("/v1/agents/{agent}/ports");
    for port in [json!(0), json!(-1), json!(65_536), json!(80.5), json!("80"), json!(null)] {
        app.post(&ports, json!({ "port": port })).await.wrong_field("port");
    }
    app.post(&ports, json!({})).await.wrong_field("port");
    app.post(&ports, json!({ "port": 80, "host": "x" })).await.wrong_field("host");
    for port in 1..=20 {
        app.post(&ports, json!({ "port": port })).await.is(StatusCode::CREATED);
    }
    app.post(&ports, json!({ "port": 21 })).await.fails(409, "conflict");
}

#[tokio::test]
async fn by_host_a_request_reaches_the_sandbox_as_it_is() {
    let served = served().await.listens(Router::new().fallback(any(mirror))).await;
    let secret = &served.app.live.secret;
    let request = Request::put("/v1/agents/a%20b?c=d")
        .header("authorization", format!("Bearer {secret}"))
        .header("connection", "x-hop")
        .header("x-hop", "1")
        .header("cookie", "of=the-app")
        .header("x-own", "2")
        .body(Body::from("payload"))
        .unwrap();
    let answer = served.send(&served.host(), request).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["x-from"], "sandbox");
    assert_eq!(answer.headers()["set-cookie"], "a=1");
    assert_eq!(answer.headers()["location"], "/next");
    assert!(answer.headers().contains_key("x-request-id"));
    assert!(!answer.headers().contains_key("content-security-policy"));
    let seen = json_of(answer).await;
    assert_eq!((&seen["method"], &seen["body"]), (&json!("PUT"), &json!("payload")));
    assert_eq!(seen["uri"], "/v1/agents/a%20b?c=d");
    for (name, value) in [
        ("authorization", None),
        ("x-hop", None),
        ("x-own", Some("2")),
        ("cookie", Some("of=the-app")),
        ("host", Some(served.host().as_str())),
        ("x-forwarded-host", Some(served.host().as_str())),
        ("x-forwarded-for", Some("127.0.0.1")),
        ("x-forwarded-proto", Some("http")),
        ("content-length", Some("7")),
        ("transfer-encoding", None),
    ] {
        assert_eq!(header_of(&seen, name), value, "{name}");
    }
}

#[tokio::test]
async fn by_path_a_request_reaches_the_sandbox_below_its_prefix() {
    let served = served().await.listens(Router::new().fallback(any(mirror))).await;
    let prefix = served.prefix();
    let bare = served.get("localhost:7070", &format!("{prefix}?a=1")).await;
    assert_eq!(bare.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(bare.headers()["location"].to_str().unwrap(), format!("{prefix}/?a=1"));
    let request = Request::post(format!("{prefix}/a/b?c=d"))
        .header("cookie", "of=the-dashboard")
        .body(Body::empty())
        .unwrap();
    let answer = served.send("localhost:7070", request).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert!(!answer.headers().contains_key("set-cookie"));
    assert_eq!(answer.headers()["location"].to_str().unwrap(), format!("{prefix}/next"));
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("sandbox ") && !policy.contains("allow-same-origin"), "{policy}");
    let seen = json_of(answer).await;
    assert_eq!(seen["uri"], "/a/b?c=d");
    assert_eq!(header_of(&seen, "x-forwarded-prefix"), Some(prefix.as_str()));
    assert_eq!(header_of(&seen, "cookie"), None);
}

#[tokio::test]
async fn bodies_stream_both_ways_at_the_same_time() {
    let echo = any(|request: Request| async move { Response::new(request.into_body()) });
    let served = served().await.listens(Router::new().fallback(echo)).await;
    let (parts, received) = mpsc::unbounded::<Result<Bytes, std::convert::Infallible>>();
    let request = Request::post("/").body(Body::from_stream(received)).unwrap();
    parts.unbounded_send(Ok(Bytes::from_static(b"first"))).unwrap();
    let answer = served.send(&served.host(), request).await;
    let mut body = answer.into_body().into_data_stream();
    assert_eq!(body.next().await.unwrap().unwrap(), "first");
    for part in ["second", "third"] {
        parts.unbounded_send(Ok(Bytes::from(part))).unwrap();
        assert_eq!(body.next().await.unwrap().unwrap(), part);
    }
    drop(parts);
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn a_body_larger_than_any_of_the_apis_passes() {
    let count = any(|request: Request| async move {
        let mut body = request.into_body().into_data_stream();
        let mut bytes = 0;
        while let Some(part) = body.next().await {
            bytes += part.unwrap().len();
        }
        bytes.to_string()
    });
    let served = served().await.listens(Router::new().fallback(count)).await;
    let request = Request::post("/").body(Body::from(vec![7; 48 << 20])).unwrap();
    assert_eq!(text(served.send(&served.host(), request).await).await, (48 << 20).to_string());
}

/// Changes to the protocol `shout`, which answers every byte in upper case.
async fn shout(mut request: Request) -> Response {
    if request.headers().get("upgrade").is_none_or(|protocol| protocol != "shout") {
        return StatusCode::UPGRADE_REQUIRED.into_response();
    }
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgrade.await.unwrap());
        while let Ok(byte) = stream.read_u8().await {
            stream.write_all(&[byte.to_ascii_uppercase()]).await.unwrap();
        }
    });
    let headers = [("connection", "upgrade"), ("upgrade", "shout")];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

#[tokio::test]
async fn a_changed_protocol_passes_both_ways() {
    let served = served().await.listens(Router::new().route("/ws", get(shout))).await;
    let by_path = (String::from("localhost:7070"), format!("{}/ws", served.prefix()));
    for (host, target) in [(served.host(), "/ws".to_owned()), by_path] {
        let request = Request::get(target)
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "shout")
            .body(Body::empty())
            .unwrap();
        let answer = served.send(&host, request).await;
        assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(answer.headers()["upgrade"], "shout");
        let mut stream = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
        for word in ["hello", "again"] {
            stream.write_all(word.as_bytes()).await.unwrap();
            let mut heard = vec![0; word.len()];
            stream.read_exact(&mut heard).await.unwrap();
            assert_eq!(heard, word.to_uppercase().as_bytes());
        }
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    }
    let refused = served.get(&served.host(), "/ws").await;
    assert_eq!(refused.status(), StatusCode::UPGRADE_REQUIRED);
}

#[tokio::test]
async fn an_old_program_is_understood() {
    let answer = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>hi</h1>";
    let served = served().await.listens_raw(answer).await;
    let answer = served.get(&served.host(), "/").await;
    assert_eq!(answer.version(), hyper::Version::HTTP_11);
    assert_eq!(text(answer).await, "<h1>hi</h1>");
}

#[tokio::test]
async fn what_does_not_speak_http_is_a_502() {
    let served = served().await.listens_raw(b"SSH-2.0-OpenSSH_9.9\r\n").await;
    let answer = served.get(&served.host(), "/").await;
    let message = fails(answer, 502, "provider_error").await;
    assert!(message.contains("8080"), "{message}");
}

#[tokio::test]
async fn what_nobody_exposed_or_asked_for_is_said() {
    let served = served().await;
    let (host, label) = (served.host(), served.agent.to_lowercase().replace('_', "-"));
    let message = fails(served.get(&host, "/").await, 502, "provider_error").await;
    assert!(
        message.contains("nothing listens") || message.contains("Nothing listens"),
        "{message}"
    );

    let nobody = NOBODY.to_lowercase().replace('_', "-");
    for host in [
        format!("{label}-9090.localhost"),
        format!("{label}.localhost"),
        format!("{label}-0.localhost:7070"),
        format!("{nobody}-8080.localhost"),
        "agt-x-80.localhost".to_owned(),
    ] {
        fails(served.get(&host, "/").await, 404, "not_found").await;
    }
    for path in [
        format!("/v1/ports/{}/9090/", served.agent),
        format!("/v1/ports/{}/", served.agent),
        format!("/v1/ports/{NOBODY}/8080/"),
        "/v1/ports/x".to_owned(),
    ] {
        fails(served.get("localhost", &path).await, 404, "not_found").await;
    }
    let close = served.app.delete(&format!("/v1/agents/{}/ports/8080", served.agent)).await;
    close.is(StatusCode::OK);
    fails(served.get(&host, "/").await, 404, "not_found").await;
}

#[tokio::test]
async fn a_paused_agents_port_is_a_conflict_and_a_terminated_ones_is_gone() {
    let served = served().await.listens(Router::new().fallback(any(mirror))).await;
    let ask = |what: &str| {
        let target = format!("/v1/agents/{}/{what}", served.agent);
        served.app.request("POST", &target).send()
    };
    ask("pause").await.is(StatusCode::OK);
    fails(served.get(&served.host(), "/").await, 409, "conflict").await;
    ask("resume").await.is(StatusCode::OK);
    assert_eq!(served.get(&served.host(), "/").await.status(), StatusCode::CREATED);
    ask("terminate").await.is(StatusCode::OK);
    fails(served.get(&served.host(), "/").await, 409, "conflict").await;
}

#[tokio::test]
async fn the_api_is_still_there_on_its_own_host() {
    let served = served().await.listens(Router::new().fallback(any(mirror))).await;
    for host in ["localhost:7070", "127.0.0.1:7070", "theazo.example.com", "dash.localhost"] {
        let request = Request::get(format!("/v1/agents/{}", served.agent))
            .header("authorization", format!("Bearer {}", served.app.live.secret))
            .body(Body::empty())
            .unwrap();
        let answer = served.send(host, request).await;
        assert_eq!(answer.status(), StatusCode::OK, "{host}");
        assert_eq!(json_of(answer).await["id"], json!(served.agent));
    }
}
