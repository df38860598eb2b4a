//! `http_request` and `fetch_page`: the script under a real Python, against servers on the
//! loopback that stand for the world and for a sandbox's egress proxy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use theazo_workers::tools::ToolsConfig;

use super::Desk;
use super::machine::Machine;
use super::server::{Asked, Server, answer};

const TEXT: (&str, &str) = ("Content-Type", "text/plain; charset=utf-8");

/// `gzip -n` of `packed text`.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0x2b, 0x48, 0x4c, 0xce, 0x4e, 0x4d,
    0x51, 0x28, 0x49, 0xad, 0x28, 0x01, 0x00, 0x0c, 0xf4, 0x0a, 0xd2, 0x0b, 0x00, 0x00, 0x00,
];

fn world(asked: &Asked) -> Vec<u8> {
    let ok = "200 OK";
    let (_, path) = asked.line().split_once(' ').unwrap();
    match path {
        "/hello" => answer(ok, &[TEXT, ("X-One", "1"), ("X-One", "2")], "grüß dich"),
        "/echo" => answer("201 Created", &[("Content-Type", "application/json")], &asked.body),
        "/latin" => answer(ok, &[("Content-Type", "text/html; charset=iso-8859-1")], b"caf\xe9"),
        "/meta" => answer(
            ok,
            &[("Content-Type", "text/html")],
            b"<meta charset=shift_jis><title>\x93\xfa\x96{</title><p>x</p>",
        ),
        "/png" => answer(ok, &[("Content-Type", "image/png")], b"\x89PNG\r\n\x1a\n\0\xff"),
        "/gzip" => answer(ok, &[TEXT, ("Content-Encoding", "gzip")], GZIP),
        "/big" => answer(ok, &[TEXT], "é".repeat(1 << 20)),
        "/missing" => answer("404 Not Found", &[("Content-Type", "text/html")], "<h1>No</h1>"),
        "/silent" => vec![],
        "/empty" => answer("204 No Content", &[], ""),
        "/cut" => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec(),
        "/nonsense" => b"\x00\x01\x02\r\n\r\n".to_vec(),
        "/page" => answer(
            ok,
            &[("Content-Type", "text/html; charset=utf-8")],
            "<!doctype html><title>A page</title><nav>menu</nav><h1>Hi</h1>\
             <p>See <a href='/next'>this</a>.</p>",
        ),
        "/loop" => answer("302 Found", &[("Location", "/loop")], ""),
        "/file" => answer("302 Found", &[("Location", "file:///etc/passwd")], ""),
        "/ftp" => answer("302 Found", &[("Location", "ftp://127.0.0.1/x")], ""),
        "/to-hello" => answer("302 Found", &[("Location", "/hello")], "moved"),
        "/kept" => answer("307 Temporary Redirect", &[("Location", "/hello")], "moved"),
        other => match other.strip_prefix("/away/") {
            Some(port) => {
                let there = format!("http://127.0.0.1:{port}/hello");
                answer("302 Found", &[("Location", &there)], "")
            }
            None => answer("400 Bad Request", &[TEXT], other),
        },
    }
}

#[tokio::test]
async fn a_request_and_its_answer_are_whole() {
    let (server, desk) = (Server::start(world).await, Desk::machine().await);
    let said = desk.call("http_request", json!({ "url": server.url("/hello") })).await;
    assert!(said.starts_with("HTTP 200 OK\n"), "{said}");
    assert!(said.contains("\nX-One: 1\nX-One: 2\n") && said.ends_with("\n\ngrüß dich"), "{said}");
    let post = json!({
        "method": "POST", "url": server.url("/echo?a=b c#part"), "body": { "k": ["ü"] },
        "headers": { "X-Mine": "yes", "Accept-Encoding": "br" }
    });
    let said = desk.call("http_request", post).await;
    assert!(said.ends_with("/echo?a=b%20c"), "{said}");
    let post = json!({ "method": "PUT", "url": server.url("/echo"), "body": "plain\n" });
    assert!(desk.call("http_request", post).await.ends_with("\n\nplain\n"));
    let asked = server.asked();
    assert_eq!(asked[0].header("user-agent"), Some("Theazo-Agent/1.0"));
    assert_eq!(asked[1].line(), "POST /echo?a=b%20c");
    assert_eq!(asked[1].header("content-type"), Some("application/json"));
    assert_eq!(asked[1].header("x-mine"), Some("yes"));
    assert_eq!(asked[1].header("accept-encoding"), Some("identity"));
    assert_eq!(String::from_utf8_lossy(&asked[1].body), r#"{"k":["ü"]}"#);
    assert_eq!(asked[2].line(), "PUT /echo");
}

#[tokio::test]
async fn every_kind_of_body_is_shown_as_what_it_is() {
    let (server, desk) = (Server::start(world).await, Desk::machine().await);
    let get = async |path: &str| {
        desk.call("http_request", json!({ "url": server.url(path), "timeout_s": 20 })).await
    };
    assert!(get("/latin").await.ends_with("\n\ncafé"));
    assert!(get("/png").await.ends_with("\n\n(binary, 10 bytes)"));
    assert!(get("/gzip").await.ends_with("\n\npacked text"));
    assert!(get("/empty").await.ends_with("\n\n(no body)"));
    assert!(get("/missing").await.starts_with("HTTP 404 Not Found\n"));
    assert!(get("/cut").await.contains("\n\nhalf"));
    let big = get("/big").await;
    assert!(big.ends_with("é\n(the body is cut at 1048576 bytes)"), "{}", &big[big.len() - 99..]);
    let head = json!({ "method": "HEAD", "url": server.url("/hello") });
    assert!(desk.call("http_request", head).await.ends_with("(no body)"));
}

#[tokio::test]
async fn redirects_are_followed_without_credentials_for_others() {
    let (one, other) = (Server::start(world).await, Server::start(world).await);
    let desk = Desk::machine().await;
    let headers = json!({ "Authorization": "Bearer mine", "X-Api-Key": "mine" });
    let same = json!({ "url": one.url("/to-hello"), "headers": headers });
    let said = desk.call("http_request", same).await;
    assert!(said.contains(&format!("(redirected to {})", one.url("/hello"))), "{said}");
    assert_eq!(one.asked()[1].header("authorization"), Some("Bearer mine"));
    let away = one.url(&format!("/away/{}", other.address.port()));
    desk.call("http_request", json!({ "url": away, "headers": headers })).await;
    let asked = &other.asked()[0];
    assert_eq!((asked.header("authorization"), asked.header("x-api-key")), (None, None));
    assert_eq!(asked.header("user-agent"), Some("Theazo-Agent/1.0"));

    // A body is not sent twice, nor anything to what is not HTTP.
    let post = json!({ "method": "POST", "url": one.url("/kept"), "body": "x" });
    assert!(desk.call("http_request", post).await.starts_with("HTTP 307 "));
    assert!(
        desk.call("http_request", json!({ "url": one.url("/file") })).await.starts_with("HTTP 302")
    );
    let told = desk.refused("http_request", json!({ "url": one.url("/ftp") })).await;
    assert!(told.contains("unknown url type: ftp"), "{told}");
    assert!(
        desk.call("http_request", json!({ "url": one.url("/loop") })).await.starts_with("HTTP 302")
    );
    let loops = one.asked().iter().filter(|asked| asked.line() == "GET /loop").count();
    assert!(loops <= 11, "{loops}");
}

#[tokio::test]
async fn what_does_not_answer_is_told() {
    let (server, desk) = (Server::start(world).await, Desk::machine().await);
    let start = Instant::now();
    let silent = json!({ "url": server.url("/silent"), "timeout_s": 0.3 });
    let told = desk.refused("http_request", silent).await;
    assert!(told.ends_with("failed: no answer from 127.0.0.1 within 0.3 s"), "{told}");
    assert!(start.elapsed() < Duration::from_secs(20));
    for (url, why) in [
        ("http://127.0.0.1:1/", "refused"),
        ("http://no-such-name.invalid/", "the name no-such-name.invalid is not found"),
        (&server.url("/nonsense"), "failed: "),
        ("file:///etc/passwd", "only http and https"),
        ("example.com", "is not a URL"),
    ] {
        let told = desk.refused("http_request", json!({ "url": url, "timeout_s": 20 })).await;
        assert!(told.contains(why), "{url}: {told}");
    }
    let split = json!({ "url": server.url("/hello"), "headers": { "A": "b\r\nC: d" } });
    let told = desk.refused("http_request", split).await;
    assert!(told.contains("Invalid header value"), "{told}");
}

#[tokio::test]
async fn the_sandboxs_proxy_is_used_for_http_and_https() {
    let proxy = Server::start(|asked| match asked.line() {
        "CONNECT open.test:443" => b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec(),
        line if line.starts_with("CONNECT ") => {
            let why = "this sandbox may not reach closed.test:443\n";
            answer("403 Forbidden", &[TEXT], why)
        }
        line => answer("200 OK", &[TEXT], format!("by proxy: {line}")),
    })
    .await;
    let url = proxy.url("");
    let variables = vec![
        ("http_proxy", url.clone()),
        ("https_proxy", url.clone()),
        ("no_proxy", "localhost,127.0.0.1".to_owned()),
    ];
    let desk = Desk::on(Arc::new(Machine::new(variables)), ToolsConfig::default()).await;
    let said = desk.call("http_request", json!({ "url": "http://good.test/x" })).await;
    assert!(said.ends_with("by proxy: GET http://good.test/x"), "{said}");
    let told = desk.refused("http_request", json!({ "url": "https://closed.test/x" })).await;
    let rules = "the egress rules of this sandbox do not let it reach closed.test";
    assert!(told.ends_with(rules), "{told}");
    // The tunnel ends after the first bytes of TLS.
    desk.refused("http_request", json!({ "url": "https://open.test/x" })).await;
    let asked = proxy.asked();
    assert_eq!(asked[2].line(), "CONNECT open.test:443");
    assert_eq!(asked[3].body[..2], [0x16, 3], "{asked:?}");
    // Its own servers are reached directly.
    let own = Server::start(world).await;
    let said = desk.call("http_request", json!({ "url": own.url("/hello") })).await;
    assert!(said.ends_with("grüß dich"), "{said}");
}

#[tokio::test]
async fn the_agents_own_modules_do_not_stand_in() {
    let machine = Machine::new(vec![]);
    for name in ["json.py", "base64.py", "socket.py", "email.py", "http.py"] {
        std::fs::write(machine.folder.path().join(name), "raise SystemExit('mine')").unwrap();
    }
    let desk = Desk::on(Arc::new(machine), ToolsConfig::default()).await;
    let server = Server::start(world).await;
    let said = desk.call("http_request", json!({ "url": server.url("/hello") })).await;
    assert!(said.ends_with("grüß dich"), "{said}");
}

#[tokio::test]
async fn a_page_is_read_as_markdown() {
    let (server, desk) = (Server::start(world).await, Desk::machine().await);
    let page = desk.call("fetch_page", json!({ "url": server.url("/page") })).await;
    assert_eq!(
        page,
        format!(
            "{}\ntitle: A page\n\n# Hi\n\nSee [this]({}).",
            server.url("/page"),
            server.url("/next")
        )
    );
    let get = async |path: &str| desk.call("fetch_page", json!({ "url": server.url(path) })).await;
    assert_eq!(get("/meta").await, format!("{}\ntitle: 日本\n\nx", server.url("/meta")));
    assert_eq!(get("/hello").await, format!("{}\n\ngrüß dich", server.url("/hello")));
    assert!(get("/png").await.contains("(not text: 10 bytes of image/png;"));
    assert!(get("/big").await.ends_with("éé"), "a page may be longer than a body");
    let missing = desk.refused("fetch_page", json!({ "url": server.url("/missing") })).await;
    assert_eq!(missing, format!("{}\nHTTP 404 Not Found\n\n# No", server.url("/missing")));
}

#[tokio::test]
async fn a_test_key_reaches_nothing() {
    let desk = Desk::mock().await;
    let said = desk.call("http_request", json!({ "url": "https://a.example/x" })).await;
    assert_eq!(
        said,
        "HTTP 200 OK\nContent-Type: text/plain; charset=utf-8\n\nmock: GET https://a.example/x"
    );
    let page = desk.call("fetch_page", json!({ "url": "https://a.example/x" })).await;
    assert_eq!(page, "https://a.example/x\n\nmock: GET https://a.example/x");
    let told = desk.refused("fetch_page", json!({ "url": "file:///etc/passwd" })).await;
    assert!(told.contains("only http and https"), "{told}");
}
