//! Exposed ports: a public URL by host name and by path, into the sandbox.

use std::time::Duration;

use serde_json::json;
use theazo_tests::{Answer, Client, Method, Server, eventually};

/// Answers every request with its method, path, some headers and body.
const ECHO: &str = r#"
import http.server, json
class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length).decode()
        seen = {"method": self.command, "path": self.path, "body": body,
                "headers": {k.lower(): v for k, v in self.headers.items()}}
        out = json.dumps(seen).encode()
        self.send_response(201)
        self.send_header("X-From", "sandbox")
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)
    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Echo).serve_forever()
"#;

async fn serving(client: &Client) -> String {
    let session = client.session().await;
    let agent = client.agent(&session).await;
    client.put(format!("/v1/agents/{agent}/files?path=/workspace/echo.py"), ECHO).await.ok();
    client.bash(&agent, "setsid nohup python3 echo.py >echo.log 2>&1 </dev/null &").await;
    agent
}

/// The answer of the program in the sandbox, once it is up.
async fn reached(client: &Client, host: &str) -> Answer {
    eventually("the program answers", Duration::from_secs(20), || async {
        let answer = client.get("/hello?a=1").host(host).await;
        if answer.header("x-from").is_some() { Ok(answer) } else { Err(answer.brief()) }
    })
    .await
}

fn host_of(url: &str) -> &str {
    url.trim_start_matches("http://").trim_end_matches('/')
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_is_reached_by_host_and_by_path() {
    let server = Server::start().await;
    let client = server.live();
    let agent = serving(&client).await;
    let ports = format!("/v1/agents/{agent}/ports");
    let port = client.post(&ports, json!({ "port": 8080 })).await.expect(201);
    let (url, by_path) = (port["url"].as_str().unwrap(), port["pathUrl"].as_str().unwrap());
    assert_eq!(client.get(&ports).await.expect(200)["data"], json!([port]));

    let stranger = server.anonymous();
    let answer = reached(&stranger, host_of(url)).await;
    let seen = answer.expect(201);
    assert_eq!((&seen["method"], &seen["path"]), (&json!("GET"), &json!("/hello?a=1")));

    let path = by_path.split_once("//").unwrap().1.split_once('/').unwrap().1;
    let call = stranger.call(Method::POST, format!("/{path}form?b=2")).raw("posted", "text/plain");
    let seen = call.foreign().await.expect(201);
    assert_eq!((&seen["path"], &seen["body"]), (&json!("/form?b=2"), &json!("posted")));

    // The API's key is not for the sandbox, and the sandbox cannot speak for the API.
    let seen = client.get("/").host(host_of(url)).await.expect(201);
    assert!(!seen.to_string().contains(&server.live_key), "{seen}");
    let large = stranger.call(Method::PUT, "/large").raw(vec![b'a'; 5 << 20], "text/plain");
    assert_eq!(large.host(host_of(url)).await.expect(201)["body"].as_str().unwrap().len(), 5 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_exposed_is_not_reached() {
    let server = Server::start().await;
    let client = server.live();
    let agent = serving(&client).await;
    let ports = format!("/v1/agents/{agent}/ports");
    let host = |port: u16| {
        let label = agent.to_lowercase().replace('_', "-");
        format!("{label}-{port}.localhost:{}", client.address().port())
    };
    let ask = |port: u16| client.get("/").header("Host", host(port));
    ask(8080).await.refused("not_found");
    client.post(&ports, json!({ "port": 8080 })).await.expect(201);
    reached(&client, &host(8080)).await;
    client.post(&ports, json!({ "port": 9 })).await.expect(201);
    ask(9).await.refused("provider_error");
    ask(22).await.refused("not_found");
    for wrong in ["agt-x-8080.localhost", "agt-00000000000000000000000001-8080.localhost"] {
        client.get("/").header("Host", wrong).await.refused("not_found");
    }
    for wrong in ["", "x", "8080", "agt_00000000000000000000000001/8080/", &format!("{agent}/x/")] {
        client.get(format!("/v1/ports/{wrong}")).await.refused("not_found");
    }
    client.delete(format!("{ports}/8080")).await.ok();
    ask(8080).await.refused("not_found");
    client.delete(format!("{ports}/8080")).await.refused("not_found");
    client.delete(format!("{ports}/x")).await.refused("not_found");
    client.post(&ports, json!({ "port": 8080 })).await.expect(201);
    reached(&client, &host(8080)).await;
    client.post(format!("/v1/agents/{agent}/terminate"), json!({})).await.ok();
    let gone = ask(8080).await;
    assert!([404, 409].contains(&gone.status), "{}", gone.brief());
}

/// The other way round is shut: what runs in a sandbox does not get at the server by its port.
#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_does_not_reach_another_by_their_loopback() {
    let server = Server::start().await;
    let client = server.live();
    serving(&client).await;
    let session = client.session().await;
    let other = client.agent(&session).await;
    let code = "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:8080/', timeout=5)";
    let done = client.exec(&other, "python", code).await;
    assert_ne!(done["exitCode"], 0, "{done}");
}
