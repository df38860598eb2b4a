//! What every provider must do, as a suite that each adapter runs.
//!
//! A test of an adapter makes a [`Suite`] and awaits [`Suite::run`], or single cases to see them
//! apart. What takes two hosts is in [`Suite::run_between`]; adapters whose snapshots are shared
//! have no use for it. A case fails by a panic that says what was expected. The code that cases run is within
//! what the mock understands: `print`, `echo`, `exit`, `sleep`.

mod moving;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use theazo_domain::{AgentId, Mode, OrgId, Scope, SessionId, SnapshotId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use crate::contract::{
    Egress, ExecOutput, ExecRequest, FileEntry, Labels, Lang, Limits, Provider, ProviderError,
    SandboxId, SandboxSpec,
};

/// More than any case needs.
const LIMIT: u64 = 1 << 20;

/// An adapter under test. Ids are new in every process, so that an adapter whose sandboxes outlive
/// it can be tested again and again.
pub struct Suite<P: ?Sized> {
    provider: Arc<P>,
    run: Uuid,
    next: AtomicU64,
}

/// What a case found wrong, with what was expected.
#[track_caller]
fn ok<T, E: Debug>(what: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error:?}"),
    }
}

#[track_caller]
fn refused<T: Debug>(what: &str, result: Result<T, ProviderError>) -> ProviderError {
    match result {
        Ok(value) => panic!("{what}: expected a refusal, got {value:?}"),
        Err(error) => error,
    }
}

/// A request of the conformance cases: no variables, 20 s, 64 KiB of each output.
pub fn request(lang: Lang, code: &str) -> ExecRequest {
    ExecRequest {
        lang,
        code: code.to_owned(),
        env: BTreeMap::new(),
        timeout: Duration::from_secs(20),
        output_limit: 64 << 10,
    }
}

impl<P: Provider + ?Sized + 'static> Suite<P> {
    #[expect(clippy::disallowed_methods, reason = "a suite is an edge: its ids are its own")]
    pub fn new(provider: Arc<P>) -> Self {
        Self { provider, run: Uuid::now_v7(), next: AtomicU64::new(0) }
    }

    pub fn provider(&self) -> &Arc<P> {
        &self.provider
    }

    fn fresh(&self) -> Uuid {
        let count = u128::from(self.next.fetch_add(1, Ordering::Relaxed));
        Uuid::from_u128(self.run.as_u128().wrapping_add(count << 8))
    }

    /// A spec of a sandbox that nobody has.
    pub fn spec(&self) -> SandboxSpec {
        let agent = AgentId::from_uuid(self.fresh());
        let scope = Scope { org: OrgId::from_uuid(self.run), mode: Mode::Test };
        let labels = Labels { scope, session: SessionId::from_uuid(self.run), agent };
        SandboxSpec {
            id: SandboxId::of(agent),
            labels,
            limits: Limits::default(),
            egress: Egress::None,
            snapshot: None,
            browser: false,
        }
    }

    pub fn snapshot_id(&self) -> SnapshotId {
        SnapshotId::from_uuid(self.fresh())
    }

    /// A new sandbox.
    pub async fn sandbox(&self) -> SandboxId {
        let spec = self.spec();
        ok("create", self.provider.create(spec.clone()).await);
        spec.id
    }

    pub async fn exec(&self, id: &SandboxId, lang: Lang, code: &str) -> ExecOutput {
        ok("exec", self.provider.exec(id, request(lang, code)).await)
    }

    async fn end(&self, id: &SandboxId) {
        ok("destroy", self.provider.destroy(id).await);
    }

    /// Every case that one host is enough for, one after the other.
    pub async fn run(&self) {
        self.a_sandbox_is_made_once_and_destroyed_twice().await;
        self.every_language_answers().await;
        self.exit_codes_are_answered().await;
        self.output_is_cut_off_at_the_limit().await;
        self.code_that_takes_too_long_is_killed().await;
        self.a_dropped_exec_leaves_the_sandbox_usable().await;
        self.execs_run_beside_each_other().await;
        self.files_are_written_read_listed_and_deleted().await;
        self.a_tree_is_listed_at_once().await;
        self.bad_paths_are_refused().await;
        self.a_file_that_is_too_large_is_not_read().await;
        self.a_paused_sandbox_keeps_its_files_and_goes_on().await;
        self.a_snapshot_starts_another_sandbox().await;
        self.snapshots_move_or_need_not().await;
        self.what_does_not_exist_is_said().await;
        self.adopting_a_live_sandbox_changes_nothing().await;
        self.what_is_not_there_or_not_ours_is_not_adopted().await;
        self.a_port_without_a_listener_is_said().await;
        self.many_sandboxes_live_at_once().await;
        self.it_is_healthy().await;
    }

    pub async fn a_sandbox_is_made_once_and_destroyed_twice(&self) {
        let spec = self.spec();
        ok("create", self.provider.create(spec.clone()).await);
        let again = refused("create again", self.provider.create(spec.clone()).await);
        assert!(matches!(again, ProviderError::Conflict(_)), "create again: {again:?}");
        let listed = ok("list", self.provider.list().await);
        let found = listed.iter().find(|sandbox| sandbox.id == spec.id);
        assert_eq!(found.map(|s| &s.labels), Some(&spec.labels), "its labels are listed");
        self.end(&spec.id).await;
        self.end(&spec.id).await;
        let listed = ok("list", self.provider.list().await);
        assert!(listed.iter().all(|sandbox| sandbox.id != spec.id), "it is gone from the list");
        ok("create after destroy", self.provider.create(spec.clone()).await);
        self.end(&spec.id).await;
    }

    pub async fn every_language_answers(&self) {
        let id = self.sandbox().await;
        for (lang, code) in [
            (Lang::Bash, "echo hello"),
            (Lang::Python, "print('hello')"),
            (Lang::Python, "print('hello')"),
            (Lang::Typescript, "console.log('hello')"),
        ] {
            let output = self.exec(&id, lang, code).await;
            assert_eq!(output.stdout, "hello\n", "{lang:?}: {output:?}");
            assert_eq!((output.exit_code, output.truncated), (0, false), "{lang:?}: {output:?}");
            assert!(output.stderr.is_empty(), "{lang:?}: {output:?}");
        }
        self.end(&id).await;
    }

    pub async fn exit_codes_are_answered(&self) {
        let id = self.sandbox().await;
        for (lang, code) in [
            (Lang::Bash, "exit 7"),
            (Lang::Python, "exit(7)"),
            (Lang::Typescript, "process.exit(7)"),
        ] {
            assert_eq!(self.exec(&id, lang, code).await.exit_code, 7, "{lang:?}");
        }
        assert_eq!(self.exec(&id, Lang::Bash, "exit 0").await.exit_code, 0);
        self.end(&id).await;
    }

    pub async fn output_is_cut_off_at_the_limit(&self) {
        let id = self.sandbox().await;
        let mut small = request(Lang::Bash, "echo 123456789");
        small.output_limit = 4;
        let output = ok("exec", self.provider.exec(&id, small.clone()).await);
        assert_eq!((&output.stdout[..], output.truncated), (&b"1234"[..], true), "{output:?}");
        small.output_limit = 10;
        let output = ok("exec", self.provider.exec(&id, small).await);
        assert_eq!((output.stdout.len(), output.truncated), (10, false), "{output:?}");
        self.end(&id).await;
    }

    pub async fn code_that_takes_too_long_is_killed(&self) {
        let id = self.sandbox().await;
        let mut long = request(Lang::Bash, "sleep 60");
        long.timeout = Duration::from_millis(300);
        let start = Instant::now();
        let timed_out = refused("exec", self.provider.exec(&id, long.clone()).await);
        assert_eq!(timed_out, ProviderError::Timeout(long.timeout));
        assert!(start.elapsed() < Duration::from_secs(20), "it took {:?}", start.elapsed());
        assert_eq!(self.exec(&id, Lang::Bash, "echo next").await.stdout, "next\n");
        self.end(&id).await;
    }

    pub async fn a_dropped_exec_leaves_the_sandbox_usable(&self) {
        let id = self.sandbox().await;
        let long = self.provider.exec(&id, request(Lang::Bash, "sleep 60"));
        let dropped = tokio::time::timeout(Duration::from_millis(200), long).await;
        assert!(dropped.is_err(), "it ended early: {dropped:?}");
        assert_eq!(self.exec(&id, Lang::Bash, "echo next").await.stdout, "next\n");
        self.end(&id).await;
    }

    pub async fn execs_run_beside_each_other(&self) {
        let id = self.sandbox().await;
        let codes: Vec<String> = (0..16).map(|n| format!("echo {n}")).collect();
        let outputs =
            futures::future::join_all(codes.iter().map(|c| self.exec(&id, Lang::Bash, c))).await;
        for (n, output) in outputs.iter().enumerate() {
            assert_eq!(output.stdout, format!("{n}\n"));
        }
        self.end(&id).await;
    }

    pub async fn files_are_written_read_listed_and_deleted(&self) {
        let id = self.sandbox().await;
        let p = &self.provider;
        assert_eq!(ok("list", p.list_files(&id, "/workspace").await), []);
        let data = Bytes::from(vec![7; 100_000]);
        ok("write", p.write_file(&id, "/workspace/a/b/data.bin", data.clone()).await);
        ok("write", p.write_file(&id, "/workspace/a/empty", Bytes::new()).await);
        ok("write", p.write_file(&id, "/workspace/a/../top.txt", Bytes::from("one")).await);
        ok("overwrite", p.write_file(&id, "/workspace/top.txt", Bytes::from("two")).await);
        assert_eq!(ok("read", p.read_file(&id, "/workspace/a/b/data.bin", LIMIT).await), data);
        assert_eq!(ok("read", p.read_file(&id, "/workspace/top.txt", LIMIT).await), "two");
        assert_eq!(ok("read", p.read_file(&id, "/workspace/a/empty", LIMIT).await), "");
        let entry =
            |name: &str, size, is_directory| FileEntry { name: name.into(), size, is_directory };
        let top = ok("list", p.list_files(&id, "/workspace").await);
        assert_eq!(top, [entry("a", 0, true), entry("top.txt", 3, false)]);
        let below = ok("list", p.list_files(&id, "/workspace/a/").await);
        assert_eq!(below, [entry("b", 0, true), entry("empty", 0, false)]);
        ok("delete a file", p.delete_file(&id, "/workspace/top.txt").await);
        ok("delete a directory", p.delete_file(&id, "/workspace/a").await);
        assert_eq!(ok("list", p.list_files(&id, "/workspace").await), []);
        self.end(&id).await;
    }

    pub async fn a_tree_is_listed_at_once(&self) {
        let id = self.sandbox().await;
        let p = &self.provider;
        assert_eq!(ok("list", p.list_tree(&id, 100).await), []);
        for (path, data) in [("a", "1"), ("d/b", "22"), ("d/e/c", "333"), ("d/e/f", "")] {
            let path = format!("/workspace/{path}");
            ok("write", p.write_file(&id, &path, Bytes::from(data)).await);
        }
        let tree = async || {
            let mut tree = ok("list", p.list_tree(&id, 100).await);
            tree.sort_by(|a, b| a.path.cmp(&b.path));
            tree
        };
        let before = tree().await;
        let seen: Vec<_> = before.iter().map(|file| (file.path.as_str(), file.size)).collect();
        let wanted = [("a", 1), ("d/b", 2), ("d/e/c", 3), ("d/e/f", 0)]
            .map(|(path, size)| (format!("/workspace/{path}"), size));
        assert_eq!(seen, wanted.each_ref().map(|(path, size)| (path.as_str(), *size)));
        assert_eq!(tree().await, before, "nothing changed");
        ok("overwrite", p.write_file(&id, "/workspace/d/b", Bytes::from("xx")).await);
        let after = tree().await;
        assert_ne!(after[1].changed, before[1].changed, "it has as many bytes and is another");
        assert_eq!((&after[0], &after[2..]), (&before[0], &before[2..]));
        assert_eq!(ok("list some", p.list_tree(&id, 3).await).len(), 3);
        self.end(&id).await;
        let none = refused("list", p.list_tree(&id, 100).await);
        assert_eq!(none, ProviderError::NoSandbox);
    }

    pub async fn bad_paths_are_refused(&self) {
        let id = self.sandbox().await;
        let p = &self.provider;
        ok("write", p.write_file(&id, "/workspace/dir/file", Bytes::from("x")).await);
        for path in ["/etc/passwd", "/workspace/../etc/passwd", "/workspacex", "../x"] {
            let wanted = ProviderError::OutsideWorkspace(path.into());
            assert_eq!(refused("read", p.read_file(&id, path, LIMIT).await), wanted);
            assert_eq!(refused("write", p.write_file(&id, path, Bytes::new()).await), wanted);
            assert_eq!(refused("delete", p.delete_file(&id, path).await), wanted);
            assert_eq!(refused("list", p.list_files(&id, path).await), wanted);
        }
        let missing = "/workspace/none";
        let wanted = ProviderError::NoFile(missing.into());
        assert_eq!(refused("read", p.read_file(&id, missing, LIMIT).await), wanted);
        assert_eq!(refused("delete", p.delete_file(&id, missing).await), wanted);
        assert_eq!(refused("list", p.list_files(&id, missing).await), wanted);
        let bad = [
            refused("read a directory", p.read_file(&id, "/workspace/dir", LIMIT).await),
            refused("list a file", p.list_files(&id, "/workspace/dir/file").await),
            refused("write a directory", p.write_file(&id, "/workspace/dir", Bytes::new()).await),
            refused("write below a file", {
                p.write_file(&id, "/workspace/dir/file/x", Bytes::new()).await
            }),
            refused("delete the workspace", p.delete_file(&id, "/workspace").await),
            refused("write the workspace", p.write_file(&id, "/workspace/", Bytes::new()).await),
        ];
        for error in bad {
            assert!(matches!(error, ProviderError::BadPath(_)), "{error:?}");
        }
        self.end(&id).await;
    }

    pub async fn a_file_that_is_too_large_is_not_read(&self) {
        let id = self.sandbox().await;
        let p = &self.provider;
        ok("write", p.write_file(&id, "/workspace/ten", Bytes::from("0123456789")).await);
        let read = refused("read", p.read_file(&id, "/workspace/ten", 9).await);
        assert_eq!(read, ProviderError::TooLarge { size: 10, limit: 9 });
        assert_eq!(ok("read", p.read_file(&id, "/workspace/ten", 10).await).len(), 10);
        self.end(&id).await;
    }

    pub async fn a_paused_sandbox_keeps_its_files_and_goes_on(&self) {
        let id = self.sandbox().await;
        let p = &self.provider;
        ok("write", p.write_file(&id, "/workspace/kept", Bytes::from("12345")).await);
        let snapshot = self.snapshot_id();
        assert_eq!(ok("pause", p.pause(&id, snapshot).await), 5);
        assert_eq!(ok("pause again", p.pause(&id, snapshot).await), 5);
        let other = refused("another pause", p.pause(&id, self.snapshot_id()).await);
        assert!(matches!(other, ProviderError::Conflict(_)), "{other:?}");
        let paused = refused("exec", p.exec(&id, request(Lang::Bash, "echo x")).await);
        assert!(matches!(paused, ProviderError::Conflict(_)), "{paused:?}");
        ok("resume", p.resume(&id).await);
        ok("resume again", p.resume(&id).await);
        assert_eq!(self.exec(&id, Lang::Bash, "echo on").await.stdout, "on\n");
        assert_eq!(ok("read", p.read_file(&id, "/workspace/kept", LIMIT).await), "12345");
        let second = self.snapshot_id();
        ok("pause", p.pause(&id, second).await);
        self.end(&id).await;
        for snapshot in [snapshot, second] {
            ok("delete the snapshot", p.delete_snapshot(snapshot).await);
            ok("delete it again", p.delete_snapshot(snapshot).await);
        }
    }

    pub async fn a_snapshot_starts_another_sandbox(&self) {
        let p = &self.provider;
        let first = self.sandbox().await;
        ok("write", p.write_file(&first, "/workspace/d/kept", Bytes::from("old")).await);
        let snapshot = self.snapshot_id();
        ok("pause", p.pause(&first, snapshot).await);
        ok("resume", p.resume(&first).await);
        ok("write", p.write_file(&first, "/workspace/d/kept", Bytes::from("changed")).await);
        self.end(&first).await;
        let mut spec = self.spec();
        spec.snapshot = Some(snapshot);
        ok("create from it", p.create(spec.clone()).await);
        assert_eq!(ok("read", p.read_file(&spec.id, "/workspace/d/kept", LIMIT).await), "old");
        ok("delete the snapshot", p.delete_snapshot(snapshot).await);
        assert_eq!(ok("read", p.read_file(&spec.id, "/workspace/d/kept", LIMIT).await), "old");
        ok("overwrite", p.write_file(&spec.id, "/workspace/d/kept", Bytes::from("new")).await);
        assert_eq!(ok("read", p.read_file(&spec.id, "/workspace/d/kept", LIMIT).await), "new");
        ok("delete", p.delete_file(&spec.id, "/workspace/d").await);
        assert_eq!(ok("list", p.list_files(&spec.id, "/workspace").await), []);
        self.end(&spec.id).await;
        let mut spec = self.spec();
        spec.snapshot = Some(snapshot);
        let none = refused("create from a deleted snapshot", p.create(spec).await);
        assert_eq!(none, ProviderError::NoSnapshot);
    }

    pub async fn what_does_not_exist_is_said(&self) {
        let p = &self.provider;
        let id = self.spec().id;
        let answers = [
            refused("exec", p.exec(&id, request(Lang::Bash, "true")).await),
            refused("read", p.read_file(&id, "/workspace/x", LIMIT).await),
            refused("write", p.write_file(&id, "/workspace/x", Bytes::new()).await),
            refused("delete", p.delete_file(&id, "/workspace/x").await),
            refused("list", p.list_files(&id, "/workspace").await),
            refused("connect", p.connect(&id, 8080).await.map(drop)),
            refused("pause", p.pause(&id, self.snapshot_id()).await),
            refused("resume", p.resume(&id).await),
            refused("adopt", p.adopt(self.spec()).await),
        ];
        for answer in answers {
            assert_eq!(answer, ProviderError::NoSandbox);
        }
        ok("destroy", p.destroy(&id).await);
        ok("delete a snapshot", p.delete_snapshot(self.snapshot_id()).await);
    }

    pub async fn adopting_a_live_sandbox_changes_nothing(&self) {
        let p = &self.provider;
        let spec = self.spec();
        ok("create", p.create(spec.clone()).await);
        ok("write", p.write_file(&spec.id, "/workspace/kept", Bytes::from("kept")).await);
        ok("adopt", p.adopt(spec.clone()).await);
        ok("adopt again", p.adopt(spec.clone()).await);
        assert_eq!(ok("read", p.read_file(&spec.id, "/workspace/kept", LIMIT).await), "kept");
        assert_eq!(self.exec(&spec.id, Lang::Bash, "echo on").await.stdout, "on\n");
        let snapshot = self.snapshot_id();
        ok("pause", p.pause(&spec.id, snapshot).await);
        ok("adopt a paused one", p.adopt(spec.clone()).await);
        let paused = refused("exec", p.exec(&spec.id, request(Lang::Bash, "echo x")).await);
        assert!(matches!(paused, ProviderError::Conflict(_)), "it stays paused: {paused:?}");
        self.end(&spec.id).await;
        ok("delete the snapshot", p.delete_snapshot(snapshot).await);
    }

    pub async fn what_is_not_there_or_not_ours_is_not_adopted(&self) {
        let p = &self.provider;
        let spec = self.spec();
        let none = refused("adopt what never was", p.adopt(spec.clone()).await);
        assert_eq!(none, ProviderError::NoSandbox);
        ok("create", p.create(spec.clone()).await);
        let mut foreign = spec.clone();
        foreign.labels.scope.org = OrgId::from_uuid(self.fresh());
        let refusal = refused("adopt another org's", p.adopt(foreign).await);
        assert!(matches!(refusal, ProviderError::Conflict(_)), "{refusal:?}");
        self.end(&spec.id).await;
        let none = refused("adopt what was destroyed", p.adopt(spec).await);
        assert_eq!(none, ProviderError::NoSandbox);
    }

    /// The mock answers on every port but 9; elsewhere nothing listens there either.
    pub async fn a_port_without_a_listener_is_said(&self) {
        let id = self.sandbox().await;
        let none = refused("connect", self.provider.connect(&id, 9).await.map(drop));
        assert_eq!(none, ProviderError::NoListener(9));
        self.end(&id).await;
    }

    /// For adapters with ports: `serve` starts an HTTP server on 8080 in the background.
    pub async fn a_background_server_is_reached(&self, serve: &str) {
        let id = self.sandbox().await;
        self.exec(&id, Lang::Bash, serve).await;
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut stream = loop {
            match self.provider.connect(&id, 8080).await {
                Ok(stream) => break stream,
                Err(ProviderError::NoListener(_)) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => panic!("connect: {error:?}"),
            }
        };
        ok("send", stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").await);
        let mut answer = Vec::new();
        ok("receive", stream.read_to_end(&mut answer).await);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.") && answer.contains(" 200 "), "{answer}");
        self.end(&id).await;
    }

    pub async fn many_sandboxes_live_at_once(&self) {
        let specs: Vec<SandboxSpec> = (0..8).map(|_| self.spec()).collect();
        let lives = specs.iter().map(|spec| async {
            ok("create", self.provider.create(spec.clone()).await);
            let name = format!("/workspace/{}", spec.id.0);
            ok("write", self.provider.write_file(&spec.id, &name, Bytes::from("x")).await);
            assert_eq!(self.exec(&spec.id, Lang::Bash, "echo up").await.stdout, "up\n");
            let seen = ok("list", self.provider.list_files(&spec.id, "/workspace").await);
            assert_eq!(seen.len(), 1, "it sees its own file only");
        });
        futures::future::join_all(lives).await;
        futures::future::join_all(specs.iter().map(|spec| self.end(&spec.id))).await;
    }

    pub async fn it_is_healthy(&self) {
        let health = self.provider.health().await;
        assert!(health.healthy, "{health:?}");
    }
}
