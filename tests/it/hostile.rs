//! Code that means harm. Each gets the answer it should, nothing of the server or of another agent
//! is seen, and the next request is fine.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};
use theazo_tests::{Answer, Client, Server, eventually};

async fn agent(client: &Client) -> String {
    let session = client.session().await;
    client.agent(&session).await
}

async fn run(client: &Client, agent: &str, lang: &str, code: &str) -> Answer {
    client.post(format!("/v1/agents/{agent}/exec"), json!({ "lang": lang, "code": code })).await
}

/// What an agent's folder is called.
fn label(agent: &str) -> String {
    agent.to_lowercase().replace('_', "-")
}

async fn still_fine(client: &Client, agent: &str) {
    assert_eq!(client.bash(agent, "echo fine").await, "fine\n");
}

/// What runs for longer than 120 s is a 504, and all of it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_never_ends_is_ended() {
    let server = Server::start().await;
    let client = server.live();
    let cases = [
        ("bash", "while :; do :; done"),
        ("bash", "trap '' TERM INT HUP; while :; do sleep 1; done"),
        ("python", "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"),
        ("bash", "bomb() { bomb | bomb & }; bomb; sleep 1000"),
        ("bash", "yes"),
        ("typescript", "for (;;) {}"),
    ];
    let runs = cases.map(|(lang, code)| {
        let client = client.clone();
        async move {
            let agent = agent(&client).await;
            let began = Instant::now();
            let answer = run(&client, &agent, lang, code).await;
            // A bomb may also end by itself; nothing here ends well before it is ended.
            if answer.status == 200 {
                assert!(code.contains("bomb"), "{code}: {}", answer.brief());
            } else {
                answer.refused("timeout");
                let took = began.elapsed();
                assert!((118..135).contains(&took.as_secs()), "{code}: {took:?}");
            }
            // What was killed takes a moment to be gone on a machine that is busy.
            eventually("its processes are gone", Duration::from_secs(10), || async {
                let left = client.bash(&agent, "ls /proc | grep -c '^[0-9]'").await;
                let few = left.trim().parse::<u32>().is_ok_and(|left| left < 12);
                if few { Ok(()) } else { Err(format!("{code}: {left}")) }
            })
            .await;
            still_fine(&client, &agent).await;
        }
    });
    join_all(runs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_disk_and_processes_have_a_limit() {
    let server = Server::start().await;
    let client = server.live();
    let agent = agent(&client).await;
    let bystander = self::agent(&client).await;

    let memory = "b = []\nwhile True: b.append(bytearray(64 << 20))";
    let done = run(&client, &agent, "python", memory).await.expect(200);
    assert_ne!(done["exitCode"], 0, "{done}");
    still_fine(&client, &agent).await;

    let disk = "head -c 3G /dev/zero > big; echo $?; df . | tail -1 >/dev/null; rm -f big";
    let done = run(&client, &agent, "bash", disk).await.expect(200);
    assert_ne!(done["stdout"].as_str().unwrap().trim(), "0", "{done}");
    still_fine(&client, &agent).await;

    // The kill may have come before the `rm`; an exec on a full disk could only empty the file.
    client.bash(&agent, "rm -f big").await;
    let full = "head -c 3G /dev/zero > big; true";
    run(&client, &agent, "bash", full).await.expect(200);
    let path = format!("/v1/agents/{agent}/files?path=/workspace/more");
    let answer = client.put(&path, vec![0; 8 << 20]).await;
    assert!([409, 413].contains(&answer.status), "a full disk: {}", answer.brief());
    client.bash(&agent, "rm -f big").await;
    client.put(&path, "fits again").await.ok();

    let threads = "import threading, time\nn = 0\ntry:\n  for _ in range(5000):\n    \
                   threading.Thread(target=time.sleep, args=(30,), daemon=True).start()\n    \
                   n += 1\nexcept RuntimeError: pass\nprint(n)";
    let done = run(&client, &agent, "python", threads).await.expect(200);
    let n: u32 = done["stdout"].as_str().unwrap().trim().parse().unwrap_or(0);
    assert!(n < 1_000, "{n} threads");
    still_fine(&client, &agent).await;
    still_fine(&client, &bystander).await;
}

/// What is the host's is not there to be seen.
#[tokio::test(flavor = "multi_thread")]
async fn the_host_is_not_seen() {
    let server = Server::start().await;
    let client = server.live();
    let agent = agent(&client).await;
    let looks = "cat /proc/1/environ /proc/1/cmdline /proc/*/environ; cat /etc/shadow; \
                 cat /proc/self/mountinfo; ls -la / /root /home /tmp /workspace; env; hostname; \
                 cat /proc/1/maps; ls -la /proc/1/root/ /proc/1/fd /proc/1/cwd; ps aux; mount; \
                 cat /etc/passwd; dmesg; cat /sys/fs/cgroup/*; ls /dev";
    let done = run(&client, &agent, "bash", looks).await.expect(200);
    let seen = format!("{}{}", done["stdout"], done["stderr"]);
    // The kernel shows each mount's place on its disk: of the sandbox's own folder, as in Docker.
    let data = server.data();
    let own = format!("{}/sandboxes/sandboxes/{}", data.display(), label(&agent));
    let seen = seen.replace(&own, "");
    let own_pid = server.pid().to_string();
    for secret in [
        "THEAZO",
        "CARGO",
        server.live_key.as_str(),
        data.to_str().unwrap(),
        "log.sqlite",
        "theazo serve",
        "root:$",
    ] {
        assert!(!seen.contains(secret), "{secret} is seen:\n{seen}");
    }
    let pids = client.bash(&agent, "ls /proc | grep '^[0-9]' | tr '\\n' ' '").await;
    assert!(!pids.split(' ').any(|pid| pid == own_pid), "{pids}");
    assert_ne!(client.bash(&agent, "id -u").await, "0\n");
    assert!(
        client.bash(&agent, "grep CapEff /proc/self/status").await.contains("0000000000000000")
    );
    assert!(client.bash(&agent, "grep Seccomp: /proc/self/status").await.contains('2'));
    assert!(client.bash(&agent, "grep NoNewPrivs /proc/self/status").await.contains('1'));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_privileges_is_denied() {
    let server = Server::start().await;
    let client = server.live();
    let agent = agent(&client).await;
    for attempt in [
        "mount -t tmpfs none /workspace",
        "mount --bind / /workspace",
        "umount /proc",
        "unshare -U true",
        "unshare -m true",
        "chroot / true",
        "mknod /workspace/sda b 8 0",
        "echo x > /usr/bin/x",
        "echo x >> /etc/passwd",
        "touch /x",
        "kill -9 1 && sleep 0.2 && ! kill -0 1",
        "sysctl -w kernel.hostname=x",
        "hostname x",
        "echo 1 > /proc/sys/kernel/sysrq",
        "echo b > /proc/sysrq-trigger",
        "su -c true",
        "sudo -n true",
        "chown 0:0 /workspace",
        "nsenter -t 1 -m true",
        "ip link add x type dummy",
        "python3 -c 'import ctypes, os; l = ctypes.CDLL(None, use_errno=True); \
         os._exit(0 if l.syscall(321, 5, 0, 0) >= 0 else 1)'",
        "python3 -c 'import ctypes, os; l = ctypes.CDLL(None, use_errno=True); \
         os._exit(0 if l.ptrace(16, 1, 0, 0) >= 0 else 1)'",
        "python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'",
        "python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)'",
    ] {
        let done = run(&client, &agent, "bash", attempt).await.expect(200);
        assert_ne!(done["exitCode"], 0, "{attempt}: {done}");
    }
    still_fine(&client, &agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_network_is_not_reached() {
    let server = Server::start().await;
    let client = server.live();
    let agent = agent(&client).await;
    let port = client.address().port();
    let direct = "import socket, sys\nfor host, port in HOSTS:\n  try:\n    \
                  socket.create_connection((host, port), 3).close()\n    print('reached', host)\n  \
                  except OSError: pass\n"
        .replace(
            "HOSTS",
            &format!(
                "[('127.0.0.1', {port}), ('localhost', {port}), ('::1', {port}), \
                 ('0.0.0.0', {port}), ('169.254.169.254', 80), ('10.0.0.1', 80), \
                 ('192.168.0.1', 80), ('172.17.0.1', 80)]"
            ),
        );
    let done = client.exec(&agent, "python", &direct).await;
    assert_eq!(done["stdout"], "", "{done}");
    let by_proxy = "import urllib.request, urllib.error\nfor host in HOSTS:\n  try:\n    \
                    body = urllib.request.urlopen(f'http://{host}/healthz', timeout=5).read()\n    \
                    print('reached', host, body)\n  except urllib.error.HTTPError as e:\n    \
                    if e.code < 400: print('reached', host)\n  except OSError: pass\n"
        .replace(
            "HOSTS",
            &format!(
                "['127.0.0.1:{port}', 'localhost:{port}', '[::1]:{port}', '0.0.0.0:{port}', \
                 '2130706433:{port}', '0x7f000001:{port}', '127.1:{port}', '169.254.169.254', \
                 'metadata.google.internal', '[::ffff:127.0.0.1]:{port}']"
            ),
        );
    let done = client.exec(&agent, "python", &by_proxy).await;
    assert_eq!(done["stdout"], "", "{done}");
    still_fine(&client, &agent).await;
}

/// A process that is left in the background does not hold the answer, and goes with its agent.
#[tokio::test(flavor = "multi_thread")]
async fn a_background_process_holds_nothing_up() {
    let server = Server::start().await;
    let client = server.live();
    let agent = agent(&client).await;
    for code in [
        "sleep 1000 & echo done",
        "(sleep 1000 &) ; echo done",
        "setsid sleep 1000 & echo done",
        "nohup sleep 1000 >/dev/null 2>&1 & echo done",
    ] {
        let began = Instant::now();
        let done = client.exec(&agent, "bash", code).await;
        assert_eq!((&done["stdout"], &done["exitCode"]), (&json!("done\n"), &json!(0)), "{code}");
        assert!(began.elapsed() < Duration::from_secs(10), "{code}: {:?}", began.elapsed());
        still_fine(&client, &agent).await;
    }
    client.post(format!("/v1/agents/{agent}/terminate"), json!({})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_code_is_only_code() {
    let server = Server::start().await;
    let client = server.live();
    let agent = agent(&client).await;
    let long = format!("echo {}", "a".repeat(900_000));
    for code in ["echo 'a\u{0}b'", long.as_str(), "exec 1>&- 2>&-", "exit 300", "\u{feff}echo a"] {
        let answer = run(&client, &agent, "bash", code).await;
        let fine = [200, 413, 422].contains(&answer.status);
        assert!(fine, "{}…: {}", &code[..10.min(code.len())], answer.brief());
        still_fine(&client, &agent).await;
    }
    // Also what breaks the interpreter that is kept warm.
    for code in [
        "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
        "import os\nfor fd in range(0, 64):\n  try: os.close(fd)\n  except OSError: pass",
        "import sys; sys.modules.clear()",
        "import builtins; builtins.print = None",
        "import os; os._exit(5)",
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))",
    ] {
        let answer = run(&client, &agent, "python", code).await;
        assert!(answer.status < 500, "{code}: {}", answer.brief());
        let next: Value = client.exec(&agent, "python", "print('fine')").await;
        assert_eq!(next["stdout"], "fine\n", "after {code}: {next}");
    }
}
