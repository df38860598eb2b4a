//! Code that tries to get out, or to see what is not its own.

use std::net::TcpListener;

use theazo_providers::Lang;

use crate::support::{Local, text};

/// Runs code that must fail, and answers what it said.
macro_rules! refused {
    ($one:expr, $code:expr) => {{
        let output = $one.bash($code).await;
        assert_ne!(output.exit_code, 0, "{}: {}", $code, text(&output));
        text(&output)
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn it_has_no_power() {
    let one = Local::sandbox().await;
    let status = one.prints(Lang::Bash, "cat /proc/self/status").await;
    for line in ["CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "NoNewPrivs:\t1"] {
        assert!(status.contains(line), "{line} in {status}");
    }
    assert!(status.contains("Seccomp:\t2"), "{status}");
    let status = one.prints(Lang::Python, "print(open('/proc/self/status').read())").await;
    assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
    assert!(status.contains("Seccomp:\t2") && status.contains("NoNewPrivs:\t1"), "{status}");
    for code in [
        "mount -t tmpfs none /tmp",
        "unshare -U true",
        "unshare -n true",
        "nsenter -t 1 -m true",
        "chroot / true",
        "touch /usr/x",
        "touch /etc/x",
        "echo x > /proc/sys/kernel/hostname",
        "hostname x",
        "mknod /workspace/sda b 8 0",
        "chown 0 /workspace",
        "dd if=/dev/vda of=/dev/null count=1",
        "date -s 2000-01-01",
        "su -c true",
        "setpriv --reuid 0 true",
    ] {
        refused!(one, code);
    }
    one.works().await;
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_not_see_the_host() {
    // SAFETY: this test's process has set nothing else up yet.
    unsafe { std::env::set_var("THEAZO_TEST_SECRET", "do-not-show") };
    let one = Local::sandbox().await;
    refused!(one, "cat /proc/1/environ");
    refused!(one, "cat /etc/shadow");
    refused!(one, "ls /root");
    refused!(one, "ls /home");
    refused!(one, "ls /proc/1/root/");
    refused!(one, "readlink /proc/1/exe");
    refused!(one, "ls /proc/1/fd/");
    let seen = one.prints(Lang::Bash, "env; cat /proc/1/cmdline /proc/*/environ 2>&1; true").await;
    assert!(!seen.contains("do-not-show") && !seen.contains("CARGO"), "{seen}");
    let own = "import os\nprint(sorted(p for p in os.listdir('/proc') if p.isdigit())[0], \
               len([p for p in os.listdir('/proc') if p.isdigit()]) < 10)";
    assert_eq!(one.prints(Lang::Python, own).await, "1 True\n");
    let users = one.prints(Lang::Bash, "cut -d: -f1 /etc/passwd").await;
    assert_eq!(users, "agent\nnobody\n");
    let top = one.prints(Lang::Bash, "ls -A /").await;
    for folder in ["work", "old_root", "mnt", "srv", "boot"] {
        assert!(!top.lines().any(|line| line == folder), "{folder} in {top}");
    }
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_cannot_touch_pid_1() {
    let one = Local::sandbox().await;
    one.bash("kill -9 1; kill -STOP 1; kill -TERM 1").await;
    one.works().await;
    let trace = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n\
                 print(libc.ptrace(16, 1, 0, 0), ctypes.get_errno())\n\
                 print(libc.syscall(310, 1, 0, 0, 0, 0, 0), ctypes.get_errno())";
    assert_eq!(one.prints(Lang::Python, trace).await, "-1 1\n-1 1\n");
    refused!(one, "cat /proc/1/mem");
    refused!(one, "cat /proc/1/maps");
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_cannot_make_dangerous_calls() {
    let one = Local::sandbox().await;
    let code = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n\
                def call(*a):\n    r = libc.syscall(*a); return (r, ctypes.get_errno())\n\
                # bpf, perf_event_open, keyctl, add_key, setns, kexec_load, init_module,\n\
                # open_tree\n\
                for n in (321, 298, 250, 248, 308, 246, 175, 428):\n\
                \x20   print(call(n, 0, 0, 0, 0, 0))\n\
                # clone3, io_uring_setup, userfaultfd are not there at all\n\
                for n in (435, 425, 323):\n    print(call(n, 0, 0, 0, 0, 0))\n\
                # clone with CLONE_NEWUSER\nprint(call(56, 0x10000000 | 17, 0, 0, 0, 0))\n\
                # AF_VSOCK, AF_PACKET, AF_ALG\n\
                for f in (40, 17, 38):\n    print(call(41, f, 1, 0))\n\
                # TIOCSTI\nprint(call(16, 0, 0x5412, 0))\n";
    let printed = one.prints(Lang::Python, code).await;
    let wanted = "(-1, 1)\n".repeat(8) + &"(-1, 38)\n".repeat(3) + &"(-1, 1)\n".repeat(5);
    assert_eq!(printed, wanted);
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_not_reach_the_hosts_loopback() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let one = Local::sandbox_with(|spec| spec.egress = theazo_providers::Egress::Public).await;
    for code in [
        format!("exec 3<>/dev/tcp/127.0.0.1/{port}"),
        format!("exec 3<>/dev/tcp/localhost/{port}"),
        "exec 3<>/dev/tcp/169.254.169.254/80".to_owned(),
        "exec 3<>/dev/tcp/10.0.0.1/80".to_owned(),
        "exec 3<>/dev/tcp/1.1.1.1/80".to_owned(),
    ] {
        refused!(one, &code);
    }
    // Through the proxy, by every name it might have.
    for host in [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "127.1",
        "0x7f000001",
        "2130706433",
        "169.254.169.254",
        "198.18.0.1",
    ] {
        let code = format!(
            "import socket\ns = socket.create_connection(('127.0.0.1', 3128), 10)\n\
             s.sendall(b'CONNECT {host}:{port} HTTP/1.1\\r\\n\\r\\n')\n\
             print(s.recv(12).decode())"
        );
        let answer = one.prints(Lang::Python, &code).await;
        assert!(["HTTP/1.1 403\n", "HTTP/1.1 502\n"].contains(&&*answer), "{host}: {answer}");
    }
    assert!(listener.accept().is_err(), "something has connected");
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sandboxes_do_not_see_each_other() {
    let first = Local::sandbox().await;
    let mut spec = first.local.suite.spec();
    spec.egress = theazo_providers::Egress::Public;
    let p = &first.local.provider;
    theazo_providers::Provider::create(&**p, spec.clone()).await.unwrap();
    first.bash("echo secret > /tmp/mine; echo secret > mine; sleep 300 & echo $!").await;
    let code = "cat /tmp/mine /workspace/mine; pgrep -x sleep; ls /dev/shm /tmp /workspace";
    let output = first.local.suite.exec(&spec.id, Lang::Bash, code).await;
    assert!(!text(&output).contains("secret"), "{}", text(&output));
    assert!(output.stdout.starts_with(b"/dev/shm:"), "{}", text(&output));
    first.end().await;
}
