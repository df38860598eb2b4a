//! Files of an agent, as raw bytes, inside `/workspace` and nowhere else.

use futures::future::join_all;
use serde_json::json;
use theazo_tests::{Client, Server};

async fn agent(client: &Client) -> String {
    let session = client.session().await;
    client.agent(&session).await
}

fn at(agent: &str, path: &str) -> String {
    format!("/v1/agents/{agent}/files?path={path}")
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_come_back_as_they_went() {
    let server = Server::start().await;
    for client in [server.live(), server.test()] {
        let agent = agent(&client).await;
        let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        let path = at(&agent, "/workspace/deep/folder/all.bin");
        client.get(&path).await.refused("not_found");
        let written = client.put(&path, all.clone()).await.expect(200);
        assert_eq!(written, json!({ "path": "/workspace/deep/folder/all.bin", "size": 100_000 }));
        let read = client.get(&path).await;
        assert_eq!(read.header("content-type"), Some("application/octet-stream"));
        assert!(read.body == all, "{} bytes came back", read.body.len());
        client.put(&path, "short").await.ok();
        assert_eq!(client.get(&path).await.text(), "short", "it is replaced whole");
        client.put(&path, "").await.ok();
        assert_eq!(client.get(&path).await.text(), "");

        let list = format!("/v1/agents/{agent}/files/list?path=/workspace/deep");
        let listed = client.get(&list).await.expect(200)["data"].clone();
        assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
        assert_eq!(listed[0]["name"], "folder");
        client.delete(&path).await.ok();
        client.get(&path).await.refused("not_found");
        client.delete(&path).await.refused("not_found");
        client.delete(at(&agent, "/workspace/deep")).await.ok();
        client.get(&list).await.refused("not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_may_be_anything_that_is_a_name() {
    let server = Server::start().await;
    let client = server.live();
    let agent = agent(&client).await;
    for name in ["a%20b", "%C3%A9", "%E2%9C%93", "-rf", ".hidden", "a%5Cb", "%27%22%24x", "a%0Ab"] {
        let path = at(&agent, &format!("/workspace/names/{name}"));
        client.put(&path, name).await.ok();
        assert_eq!(client.get(&path).await.text(), name);
    }
    assert_eq!(client.bash(&agent, "ls names -A | wc -l").await, "9\n", "one has two lines");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_outside_of_the_workspace_is_refused() {
    let server = Server::start().await;
    for client in [server.live(), server.test()] {
        let agent = agent(&client).await;
        for path in [
            "/etc/passwd",
            "/workspace/../etc/passwd",
            "/workspace/a/../../etc/passwd",
            "/workspacex/a",
            "/proc/self/environ",
            "/",
            "",
            "/workspace/%00",
        ] {
            let path = at(&agent, path);
            client.get(&path).await.invalid("path");
            client.put(&path, "x").await.invalid("path");
            client.delete(&path).await.invalid("path");
        }
        client.get(format!("/v1/agents/{agent}/files/list?path=/etc")).await.invalid("path");
        client.get(format!("/v1/agents/{agent}/files")).await.invalid("path");
        client.delete(at(&agent, "/workspace")).await.invalid("path");
        client.put(at(&agent, "/workspace"), "x").await.invalid("path");
        client
            .put(at(&agent, &format!("/workspace/{}", "x".repeat(300))), "x")
            .await
            .invalid("path");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_leads_out_is_refused() {
    let server = Server::start().await;
    let client = server.live();
    let agent = agent(&client).await;
    let links = "ln -s /etc/passwd file; ln -s / all; ln -s ../etc up; ln -s loop loop; \
                 mkdir in; echo fine > in/a; ln -s in inside; ln -s /workspace/in/a absolute; \
                 mkfifo pipe";
    client.bash(&agent, links).await;
    for path in ["file", "all/etc/passwd", "up/passwd", "loop"] {
        let path = at(&agent, &format!("/workspace/{path}"));
        client.get(&path).await.invalid("path");
        client.put(&path, "x").await.invalid("path");
    }
    let new = at(&agent, "/workspace/all/tmp/x");
    client.put(&new, "x").await.invalid("path");
    assert_ne!(client.get(&new).await.status, 200);
    assert_eq!(client.bash(&agent, "ls /tmp").await, "");
    client.get(format!("/v1/agents/{agent}/files/list?path=/workspace/all")).await.invalid("path");
    assert_eq!(client.get(at(&agent, "/workspace/inside/a")).await.text(), "fine\n");
    assert_eq!(client.get(at(&agent, "/workspace/absolute")).await.text(), "fine\n");
    // A directory, or what is no file at all, is not read; a pipe must not hold the request.
    client.get(at(&agent, "/workspace/in")).await.invalid("path");
    client.get(at(&agent, "/workspace/pipe")).await.invalid("path");
    client.put(at(&agent, "/workspace/in"), "x").await.invalid("path");
    client.put(at(&agent, "/workspace/in/a/b"), "x").await.invalid("path");
    client.get(format!("/v1/agents/{agent}/files/list?path=/workspace/in/a")).await.invalid("path");
    // Deleting a link deletes the link, not what it leads to.
    client.delete(at(&agent, "/workspace/inside")).await.ok();
    assert_eq!(client.bash(&agent, "cat in/a").await, "fine\n");
    client.delete(at(&agent, "/workspace/all")).await.ok();
    client.bash(&agent, "ls /etc >/dev/null").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_too_large_is_a_413() {
    let server = Server::start().await;
    let client = server.live();
    let agent = agent(&client).await;
    let path = at(&agent, "/workspace/large");
    client.put(&path, vec![0; (32 << 20) + 1]).await.refused("payload_too_large");
    client.get(&path).await.refused("not_found");
    client.put(&path, vec![0; 32 << 20]).await.ok();
    assert_eq!(client.get(&path).await.body.len(), 32 << 20);
    client.bash(&agent, "truncate -s 40M large").await;
    client.get(&path).await.refused("payload_too_large");
}

/// A write is there whole or not at all, whoever looks.
#[tokio::test(flavor = "multi_thread")]
async fn writers_at_once_leave_one_whole_file() {
    let server = Server::start().await;
    let client = server.live();
    let agent = agent(&client).await;
    let path = at(&agent, "/workspace/raced");
    client.put(&path, "z".repeat(200_000)).await.ok();
    let writers = ["a", "b", "c", "d"].map(|c| client.put(&path, c.repeat(200_000)).send());
    let readers = (0..20).map(|_| client.get(&path).send());
    let (written, read) = tokio::join!(join_all(writers), join_all(readers));
    written.into_iter().for_each(|answer| drop(answer.unwrap().ok()));
    for answer in read {
        let text = answer.unwrap().text();
        let first = text.chars().next();
        assert!(text.len() == 200_000 && text.chars().all(|c| Some(c) == first));
    }
}

/// What code writes and what the API writes are the same files, with the same owner.
#[tokio::test(flavor = "multi_thread")]
async fn code_and_the_api_see_the_same_files() {
    let server = Server::start().await;
    let client = server.live();
    let agent = agent(&client).await;
    client.put(at(&agent, "/workspace/from-api/a"), "of the API").await.ok();
    assert_eq!(client.bash(&agent, "cat from-api/a; echo more >> from-api/a").await, "of the API");
    assert_eq!(client.get(at(&agent, "/workspace/from-api/a")).await.text(), "of the APImore\n");
    client.bash(&agent, "umask 077; mkdir own; echo secret > own/b; chmod 000 own/b own").await;
    let hidden = client.get(at(&agent, "/workspace/own/b")).await;
    assert!(hidden.status < 500, "{}", hidden.brief());
    client.delete(at(&agent, "/workspace/own")).await.ok();
}
