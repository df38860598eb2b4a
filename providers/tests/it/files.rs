//! Files that a tenant made to lead the host astray.

use bytes::Bytes;
use theazo_providers::{Lang, Limits, Provider, ProviderError};

use crate::support::Local;

const LIMIT: u64 = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn links_that_lead_out_are_refused() {
    let one = Local::sandbox().await;
    one.prints(
        Lang::Bash,
        "ln -s /etc/passwd abs; ln -s ../../../../../../etc/passwd rel; ln -s / root; \
         ln -s ../.. up; ln -s /tmp tmp; ln -s /nowhere dangling; ln -s loop loop; \
         ln -s /proc/1/root/etc/passwd magic; mkdir -p a; ln -s /etc a/etc; ln -s abs chain",
    )
    .await;
    let p = &one.local.provider;
    for name in ["abs", "rel", "chain", "root/etc/passwd", "up/etc/passwd", "a/etc/passwd"] {
        let path = format!("/workspace/{name}");
        let wanted = ProviderError::OutsideWorkspace(path.clone());
        assert_eq!(p.read_file(&one.id, &path, LIMIT).await, Err(wanted.clone()), "read {name}");
        let written = p.write_file(&one.id, &path, Bytes::from("x")).await;
        assert_eq!(written, Err(wanted), "write {name}");
    }
    for name in ["root", "up", "tmp", "a/etc", "root/tmp"] {
        let path = format!("/workspace/{name}");
        let wanted = Err(ProviderError::OutsideWorkspace(path.clone()));
        assert_eq!(p.list_files(&one.id, &path).await, wanted, "list {name}");
    }
    for name in ["tmp/new", "dangling", "root/new/deep/er", "up/new"] {
        let path = format!("/workspace/{name}");
        let wanted = Err(ProviderError::OutsideWorkspace(path.clone()));
        assert_eq!(p.write_file(&one.id, &path, Bytes::from("x")).await, wanted, "write {name}");
    }
    for name in ["root/etc/passwd", "tmp/x", "up/etc"] {
        let path = format!("/workspace/{name}");
        let wanted = Err(ProviderError::OutsideWorkspace(path.clone()));
        assert_eq!(p.delete_file(&one.id, &path).await, wanted, "delete {name}");
    }
    let looped = p.read_file(&one.id, "/workspace/loop", LIMIT).await;
    assert!(matches!(looped, Err(ProviderError::BadPath(_))), "{looped:?}");
    let magic = p.read_file(&one.id, "/workspace/magic", LIMIT).await;
    assert!(magic.is_err(), "{magic:?}");
    // A link itself can go, whatever it leads to.
    for name in ["abs", "root", "loop", "tmp"] {
        p.delete_file(&one.id, &format!("/workspace/{name}")).await.unwrap();
    }
    one.works().await;
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_stay_inside_are_followed() {
    let one = Local::sandbox().await;
    one.prints(
        Lang::Bash,
        "mkdir d; echo one > d/f; ln -s /workspace/d abs; ln -s d/f rel; ln -s d/new fresh; \
         chmod 750 d/f",
    )
    .await;
    let p = &one.local.provider;
    assert_eq!(p.read_file(&one.id, "/workspace/abs/f", LIMIT).await.unwrap(), "one\n");
    p.write_file(&one.id, "/workspace/rel", Bytes::from("two")).await.unwrap();
    p.write_file(&one.id, "/workspace/fresh", Bytes::from("new")).await.unwrap();
    p.write_file(&one.id, "/workspace/abs/x/y", Bytes::from("deep")).await.unwrap();
    let seen =
        one.prints(Lang::Bash, "cat d/f d/new d/x/y; stat -c ' %a %U' d/f; test -L rel").await;
    assert_eq!(seen, "twonewdeep 750 agent\n");
    let owners = one.prints(Lang::Bash, "stat -c %U:%G d/new d/x d/x/y; echo more >> d/x/y").await;
    assert_eq!(owners, "agent:agent\n".repeat(3));
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_file_is_refused_and_not_waited_for() {
    let one = Local::sandbox().await;
    let code =
        "import os, socket\nos.mkfifo('fifo')\ns = socket.socket(socket.AF_UNIX)\ns.bind('sock')\n";
    one.prints(Lang::Python, code).await;
    let p = &one.local.provider;
    for name in ["/workspace/fifo", "/workspace/sock"] {
        let read = p.read_file(&one.id, name, LIMIT).await;
        assert!(matches!(read, Err(ProviderError::BadPath(_))), "{read:?}");
        let written = p.write_file(&one.id, name, Bytes::from("x")).await;
        assert!(matches!(written, Err(ProviderError::BadPath(_))), "{written:?}");
        p.delete_file(&one.id, name).await.unwrap();
    }
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_of_any_depth_can_be_deleted_paused_and_destroyed() {
    let one = Local::sandbox().await;
    let code = "import os\nos.mkdir('deep')\nos.chdir('deep')\n\
                for _ in range(3000):\n    os.mkdir('d' * 50)\n    os.chdir('d' * 50)\n\
                open('f', 'w')\n";
    one.prints(Lang::Python, code).await;
    let snapshot = one.local.suite.snapshot_id();
    one.local.provider.pause(&one.id, snapshot).await.unwrap();
    one.local.provider.resume(&one.id).await.unwrap();
    one.local.provider.delete_snapshot(snapshot).await.unwrap();
    one.local.provider.delete_file(&one.id, "/workspace/deep").await.unwrap();
    one.prints(Lang::Python, code).await;
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_past_the_disk_is_refused_and_leaves_the_file_as_it_was() {
    let limits = Limits { disk_bytes: 1 << 20, ..Limits::default() };
    let one = Local::sandbox_with(|spec| spec.limits = limits).await;
    let p = &one.local.provider;
    p.write_file(&one.id, "/workspace/f", Bytes::from("old")).await.unwrap();
    let large = Bytes::from(vec![1; 2 << 20]);
    assert_eq!(p.write_file(&one.id, "/workspace/f", large).await, Err(ProviderError::DiskFull));
    assert_eq!(p.read_file(&one.id, "/workspace/f", LIMIT).await.unwrap(), "old");
    p.write_file(&one.id, "/workspace/g", Bytes::from(vec![1; 512 << 10])).await.unwrap();
    assert_eq!(p.list_files(&one.id, "/workspace").await.unwrap().len(), 2);
    one.end().await;
}
