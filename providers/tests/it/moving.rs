//! Snapshots of the local provider that go from one host to another.

use std::path::Path;

use bytes::Bytes;
use futures::{StreamExt, stream};
use theazo_providers::{Lang, Provider, ProviderError, SandboxSpec};

use crate::support::Local;

const DISK: u64 = 1 << 30;

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_goes_on_elsewhere_with_what_its_files_are() {
    let (one, there) = (Local::sandbox().await, Local::start().await);
    one.prints(
        Lang::Bash,
        "mkdir -p d/e vacant locked; echo run > d/x.sh; chmod 700 d/x.sh; ln -s d/x.sh link; \
         ln -s /etc/passwd out; ln -s ../.. up; mkfifo pipe; ln d/x.sh hard; chmod 4755 d/x.sh; \
         truncate -s 100M sparse; echo end >> sparse; touch -d 2001-02-03T04:05:06.789 old; \
         echo hi > $'odd \\n\\xff'; head -c 5000000 /dev/urandom > large; \
         echo in > locked/in; chmod 500 locked; chmod 000 old; \
         touch -d 1999-01-01 -h link; touch -d 2002-01-01 locked",
    )
    .await;
    let list = "(cksum large d/x.sh hard locked/in odd*; tail -c4 sparse; cat link; \
                du -k sparse | cut -f1; \
                find . -printf '%p %y %m %l %u %g ' '(' -type d -printf '%t' -o -printf '%s %t' ')' \
                -printf '\\n' | sed 's/ 4755 / 755 /; /^\\. /d' | sort) | cat -v";
    let before = one.prints(Lang::Bash, list).await;
    let snapshot = one.local.suite.snapshot_id();
    one.local.provider.pause(&one.id, snapshot).await.unwrap();
    let exported = one.local.provider.export_snapshot(snapshot).await.unwrap();
    there.provider.import_snapshot(snapshot, exported, DISK).await.unwrap();
    // The host is gone.
    one.end().await;
    let spec = SandboxSpec { snapshot: Some(snapshot), ..there.suite.spec() };
    there.provider.create(spec.clone()).await.unwrap();
    let after = there.suite.exec(&spec.id, Lang::Bash, list).await;
    assert_eq!(String::from_utf8_lossy(&after.stdout), before);
    let code = "chmod 700 locked && rm -r d locked old pipe && echo new > large && echo ok";
    assert_eq!(there.suite.exec(&spec.id, Lang::Bash, code).await.stdout, "ok\n");
    // And from there to a third.
    let again = there.suite.snapshot_id();
    there.provider.pause(&spec.id, again).await.unwrap();
    let third = Local::start().await;
    let exported = there.provider.export_snapshot(again).await.unwrap();
    third.provider.import_snapshot(again, exported, DISK).await.unwrap();
    let spec = SandboxSpec { snapshot: Some(again), ..third.suite.spec() };
    third.provider.create(spec.clone()).await.unwrap();
    let seen = third.suite.exec(&spec.id, Lang::Bash, "cat large; ls").await;
    let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert!(seen.starts_with("new\n") && !seen.contains("locked"), "{seen}");
    there.end().await;
    third.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_snapshot_outlives_the_server_and_half_a_one_does_not() {
    let one = Local::sandbox().await;
    let content = Bytes::from("kept");
    one.local.provider.write_file(&one.id, "/workspace/a", content.clone()).await.unwrap();
    let (whole, half) = (one.local.suite.snapshot_id(), one.local.suite.snapshot_id());
    for snapshot in [whole, half] {
        one.local.provider.pause(&one.id, snapshot).await.unwrap();
        one.local.provider.resume(&one.id).await.unwrap();
    }
    let there = Local::start().await;
    let exported = one.local.provider.export_snapshot(whole).await.unwrap();
    there.provider.import_snapshot(whole, exported, DISK).await.unwrap();
    // As a server leaves it that was killed in the middle of an import.
    let snapshots = there.folder.path().join("snapshots");
    let staged = snapshots.join(format!("{half}.importing"));
    std::fs::create_dir_all(staged.join("files/d")).unwrap();
    there.provider.shut_down().await.unwrap();
    let Local { provider, suite, folder } = there;
    drop((provider, suite));
    let there = Local::start_on(folder, |_| {}).await;
    assert!(!staged.exists(), "the start removes it");
    assert_eq!(there.provider.has_snapshot(half).await, Ok(false));
    assert_eq!(there.provider.has_snapshot(whole).await, Ok(true));
    let exported = one.local.provider.export_snapshot(half).await.unwrap();
    there.provider.import_snapshot(half, exported, DISK).await.unwrap();
    for snapshot in [whole, half] {
        let spec = SandboxSpec { snapshot: Some(snapshot), ..there.suite.spec() };
        there.provider.create(spec.clone()).await.unwrap();
        assert_eq!(there.provider.read_file(&spec.id, "/workspace/a", 9).await.unwrap(), content);
    }
    one.end().await;
    there.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_under_a_sandbox_does_not_come_back() {
    let (one, there) = (Local::sandbox().await, Local::start().await);
    let snapshot = one.local.suite.snapshot_id();
    one.local.provider.pause(&one.id, snapshot).await.unwrap();
    let import = async || {
        let exported = one.local.provider.export_snapshot(snapshot).await.unwrap();
        there.provider.import_snapshot(snapshot, exported, DISK).await
    };
    import().await.unwrap();
    let spec = SandboxSpec { snapshot: Some(snapshot), ..there.suite.spec() };
    there.provider.create(spec.clone()).await.unwrap();
    there.provider.delete_snapshot(snapshot).await.unwrap();
    assert_eq!(there.provider.has_snapshot(snapshot).await, Ok(false));
    if nix::unistd::geteuid().is_root() {
        let refused = import().await;
        assert!(matches!(refused, Err(ProviderError::Conflict(_))), "{refused:?}");
    }
    there.provider.destroy(&spec.id).await.unwrap();
    import().await.unwrap();
    there.provider.delete_snapshot(snapshot).await.unwrap();
    there.end_without_snapshots().await;
    one.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_too_long_to_move_is_said() {
    let one = Local::sandbox().await;
    let code = "import os\nfor _ in range(30):\n    os.mkdir('d' * 200)\n    os.chdir('d' * 200)\n\
                print('deep')";
    assert_eq!(one.prints(Lang::Python, code).await, "deep\n");
    let snapshot = one.local.suite.snapshot_id();
    one.local.provider.pause(&one.id, snapshot).await.unwrap();
    let exported = one.local.provider.export_snapshot(snapshot).await.unwrap();
    let last = exported.collect::<Vec<_>>().await.pop().unwrap();
    let Err(ProviderError::Unsupported(message)) = last else { panic!("{last:?}") };
    assert!(message.contains("4095 bytes"), "{message}");
    assert!(!message.contains(one.local.folder.path().to_str().unwrap()), "{message}");
    one.end().await;
}

/// A host's own files are nowhere to be seen, whatever an archive says.
#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_and_leaves_nothing() {
    let there = Local::start().await;
    let snapshot = there.suite.snapshot_id();
    for nonsense in ["", "nonsense", "\x50\x2a\x4d\x18\x10\0\0\0theazo snapshot2 of another time"] {
        let data = stream::iter([Ok(Bytes::from(nonsense))]).boxed();
        let refused = there.provider.import_snapshot(snapshot, data, DISK).await;
        assert!(matches!(refused, Err(ProviderError::BadSnapshot(_))), "{refused:?}");
    }
    assert!(!Path::new(&there.folder.path().join("snapshots").join(snapshot.to_string())).exists());
    there.end_without_snapshots().await;
}
