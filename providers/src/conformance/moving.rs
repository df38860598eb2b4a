//! Snapshots that leave one host and come to another.

use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use theazo_domain::SnapshotId;

use super::{LIMIT, Suite, ok, refused};
use crate::contract::{Provider, ProviderError, Result, SandboxSpec, SnapshotData};

const DISK: u64 = 1 << 30;

/// The chunks of an export.
async fn export(from: &(impl Provider + ?Sized), snapshot: SnapshotId) -> Vec<Bytes> {
    let data = ok("export", from.export_snapshot(snapshot).await);
    ok("read the export", data.try_collect().await)
}

fn data(bytes: impl Into<Bytes>) -> SnapshotData {
    chunks(vec![bytes.into()])
}

fn chunks(chunks: Vec<Bytes>) -> SnapshotData {
    stream::iter(chunks.into_iter().map(Ok)).boxed()
}

/// Bytes that do not compress to nothing.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

impl<P: Provider + ?Sized + 'static> Suite<P> {
    /// Every case of two hosts, one after the other.
    pub async fn run_between(&self, elsewhere: &P) {
        self.a_snapshot_moves_to_another_host(elsewhere).await;
        self.an_export_is_whole_though_its_snapshot_is_deleted(elsewhere).await;
        self.a_snapshot_that_is_damaged_or_cut_short_is_refused(elsewhere).await;
        self.a_snapshot_that_is_there_is_kept(elsewhere).await;
        self.a_snapshot_is_imported_by_many_at_once(elsewhere).await;
        self.an_import_that_is_dropped_leaves_nothing(elsewhere).await;
        self.a_snapshot_that_is_too_large_is_refused(elsewhere).await;
    }

    /// A snapshot with these files, of a sandbox that is gone.
    async fn snapshot_of(&self, files: &[(&str, &[u8])]) -> SnapshotId {
        let (p, id) = (self.provider(), self.sandbox().await);
        for (path, content) in files {
            let path = format!("/workspace/{path}");
            ok("write", p.write_file(&id, &path, Bytes::copy_from_slice(content)).await);
        }
        let snapshot = self.snapshot_id();
        ok("pause", p.pause(&id, snapshot).await);
        self.end(&id).await;
        snapshot
    }

    fn from(&self, snapshot: SnapshotId) -> SandboxSpec {
        SandboxSpec { snapshot: Some(snapshot), ..self.spec() }
    }

    pub async fn snapshots_move_or_need_not(&self) {
        let (p, snapshot) = (self.provider(), self.snapshot_id());
        let exported = refused("export", p.export_snapshot(snapshot).await.map(drop));
        if p.capabilities().shared_snapshots {
            assert!(matches!(exported, ProviderError::Unsupported(_)), "{exported:?}");
            let imported = p.import_snapshot(snapshot, data(""), DISK).await;
            let imported = refused("import", imported);
            assert!(matches!(imported, ProviderError::Unsupported(_)), "{imported:?}");
        } else {
            assert_eq!(exported, ProviderError::NoSnapshot);
            assert!(!ok("has", p.has_snapshot(snapshot).await), "nobody has it");
            assert!(!ok("list", p.list_snapshots().await).contains(&snapshot));
        }
    }

    pub async fn a_snapshot_moves_to_another_host(&self, elsewhere: &P) {
        let large = noise(3 << 20);
        let deep = ["folder"; 40].join("/");
        let files: [(&str, &[u8]); 8] = [
            ("empty", b""),
            ("d/e/file", b"content"),
            (&deep, b"deep"),
            ("large", &large),
            ("zeros", &[0; 1 << 20]),
            ("d/ -x 'y' \"z\" \\ \n\t*", b"odd"),
            ("d/größe 大小 \u{1f41f}", b"wide"),
            (".hidden", b"dot"),
        ];
        let id = self.sandbox().await;
        let p = self.provider();
        for (path, content) in files.iter().chain([&("vacant/x", &b""[..])]) {
            let path = format!("/workspace/{path}");
            ok("write", p.write_file(&id, &path, Bytes::copy_from_slice(content)).await);
        }
        ok("empty a folder", p.delete_file(&id, "/workspace/vacant/x").await);
        let snapshot = self.snapshot_id();
        ok("pause", p.pause(&id, snapshot).await);
        let mut before = ok("list", p.list_tree(&id, 100).await);
        let top = ok("list", p.list_files(&id, "/workspace").await);
        self.end(&id).await;

        assert!(!ok("has", elsewhere.has_snapshot(snapshot).await), "it is not there yet");
        let exported = ok("export", p.export_snapshot(snapshot).await);
        ok("import", elsewhere.import_snapshot(snapshot, exported, DISK).await);
        assert!(ok("has", elsewhere.has_snapshot(snapshot).await), "it is there now");
        assert!(ok("list", elsewhere.list_snapshots().await).contains(&snapshot));
        let spec = self.from(snapshot);
        ok("create from it", elsewhere.create(spec.clone()).await);
        for (path, content) in files {
            let path = format!("/workspace/{path}");
            let read = ok(&path, elsewhere.read_file(&spec.id, &path, 4 * LIMIT).await);
            assert!(read == content, "{path} is another file");
        }
        let mut after = ok("list", elsewhere.list_tree(&spec.id, 100).await);
        before.sort_by(|a, b| a.path.cmp(&b.path));
        after.sort_by(|a, b| a.path.cmp(&b.path));
        assert_eq!(after, before, "no file counts as changed");
        assert_eq!(ok("list", elsewhere.list_files(&spec.id, "/workspace").await), top);
        let vacant = elsewhere.list_files(&spec.id, "/workspace/vacant").await;
        assert_eq!(vacant, Ok(vec![]), "an empty folder is one");
        ok("write", elsewhere.write_file(&spec.id, "/workspace/d/new", Bytes::new()).await);
        ok("delete", elsewhere.delete_file(&spec.id, "/workspace/d").await);
        ok("destroy", elsewhere.destroy(&spec.id).await);

        // And back again, from the copy.
        ok("delete", p.delete_snapshot(snapshot).await);
        assert!(!ok("has", p.has_snapshot(snapshot).await));
        assert!(!ok("list", p.list_snapshots().await).contains(&snapshot));
        let exported = ok("export", elsewhere.export_snapshot(snapshot).await);
        ok("import", p.import_snapshot(snapshot, exported, DISK).await);
        assert!(ok("has", p.has_snapshot(snapshot).await));
        for provider in [&**p, elsewhere] {
            ok("delete", provider.delete_snapshot(snapshot).await);
        }
    }

    pub async fn an_export_is_whole_though_its_snapshot_is_deleted(&self, elsewhere: &P) {
        let large = noise(4 << 20);
        let snapshot = self.snapshot_of(&[("a", &large), ("b", &large), ("c", b"c")]).await;
        let exported = ok("export", self.provider().export_snapshot(snapshot).await);
        ok("delete", self.provider().delete_snapshot(snapshot).await);
        ok("import", elsewhere.import_snapshot(snapshot, exported, DISK).await);
        let spec = self.from(snapshot);
        ok("create", elsewhere.create(spec.clone()).await);
        assert_eq!(ok("list", elsewhere.list_tree(&spec.id, 10).await).len(), 3);
        ok("destroy", elsewhere.destroy(&spec.id).await);
        ok("delete", elsewhere.delete_snapshot(snapshot).await);
    }

    pub async fn a_snapshot_that_is_damaged_or_cut_short_is_refused(&self, elsewhere: &P) {
        let content = noise(100_000);
        let snapshot = self.snapshot_of(&[("a", &content), ("d/b", b"b")]).await;
        let whole = export(&**self.provider(), snapshot).await.concat();
        let cuts = [0, 1, 20, 40, whole.len() / 2, whole.len() - 40, whole.len() - 1];
        let mut bad: Vec<Vec<u8>> = cuts.map(|length| whole[..length].to_vec()).to_vec();
        for at in [0, 10, 30, 50, whole.len() / 2, whole.len() - 35, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            bad.push(changed);
        }
        bad.push([&whole[..], b"x"].concat());
        bad.push([&whole[..], &whole].concat());
        for (number, bytes) in bad.into_iter().enumerate() {
            let what = format!("import damage {number}");
            let refusal = elsewhere.import_snapshot(snapshot, data(bytes), DISK).await;
            let refusal = refused(&what, refusal);
            assert!(matches!(refusal, ProviderError::BadSnapshot(_)), "{what}: {refusal:?}");
            assert!(!ok("has", elsewhere.has_snapshot(snapshot).await), "{what}");
        }
        let failure = ProviderError::Failed { message: "the store".into(), retryable: true };
        let half: Vec<Result<Bytes>> =
            vec![Ok(whole[..whole.len() / 2].to_vec().into()), Err(failure.clone())];
        let failed = elsewhere.import_snapshot(snapshot, stream::iter(half).boxed(), DISK).await;
        assert_eq!(failed, Err(failure), "what the stream says is answered");
        let none = refused("create", elsewhere.create(self.from(snapshot)).await);
        assert_eq!(none, ProviderError::NoSnapshot);
        // In any chunks.
        let bytes = whole.chunks(7).map(Bytes::copy_from_slice).collect();
        ok("import", elsewhere.import_snapshot(snapshot, chunks(bytes), DISK).await);
        assert!(ok("has", elsewhere.has_snapshot(snapshot).await));
        for provider in [&**self.provider(), elsewhere] {
            ok("delete", provider.delete_snapshot(snapshot).await);
        }
    }

    pub async fn a_snapshot_that_is_there_is_kept(&self, elsewhere: &P) {
        let first = self.snapshot_of(&[("a", b"first")]).await;
        let second = self.snapshot_of(&[("a", b"second")]).await;
        let [one, other] = [first, second].map(|id| export(&**self.provider(), id));
        let (one, other) = (one.await, other.await);
        ok("import", elsewhere.import_snapshot(first, chunks(one), DISK).await);
        ok("import another", elsewhere.import_snapshot(first, chunks(other), DISK).await);
        let never = elsewhere.import_snapshot(first, stream::pending().boxed(), DISK).await;
        ok("import without waiting for data", never);
        let spec = self.from(first);
        ok("create", elsewhere.create(spec.clone()).await);
        assert_eq!(ok("read", elsewhere.read_file(&spec.id, "/workspace/a", 9).await), "first");
        ok("destroy", elsewhere.destroy(&spec.id).await);
        for (provider, id) in [(&**self.provider(), first), (&**self.provider(), second)]
            .into_iter()
            .chain([(elsewhere, first)])
        {
            ok("delete", provider.delete_snapshot(id).await);
        }
    }

    pub async fn a_snapshot_is_imported_by_many_at_once(&self, elsewhere: &P) {
        let content = noise(300_000);
        let snapshot = self.snapshot_of(&[("a", &content)]).await;
        let whole = export(&**self.provider(), snapshot).await;
        let imports =
            (0..8).map(|_| elsewhere.import_snapshot(snapshot, chunks(whole.clone()), DISK));
        for import in futures::future::join_all(imports).await {
            ok("import", import);
        }
        let spec = self.from(snapshot);
        ok("create", elsewhere.create(spec.clone()).await);
        let read = ok("read", elsewhere.read_file(&spec.id, "/workspace/a", LIMIT).await);
        assert!(read == content);
        ok("destroy", elsewhere.destroy(&spec.id).await);
        for provider in [&**self.provider(), elsewhere] {
            ok("delete", provider.delete_snapshot(snapshot).await);
        }
    }

    pub async fn an_import_that_is_dropped_leaves_nothing(&self, elsewhere: &P) {
        let content = noise(1 << 20);
        let snapshot = self.snapshot_of(&[("a", &content)]).await;
        let whole = export(&**self.provider(), snapshot).await;
        let half = chunks(whole[..whole.len() / 2].to_vec()).chain(stream::pending()).boxed();
        let import = elsewhere.import_snapshot(snapshot, half, DISK);
        let dropped = tokio::time::timeout(Duration::from_millis(100), import).await;
        assert!(dropped.is_err(), "it ended early: {dropped:?}");
        assert!(!ok("has", elsewhere.has_snapshot(snapshot).await));
        // An export that nobody reads any more, as well.
        let mut unread = ok("export", self.provider().export_snapshot(snapshot).await);
        assert!(unread.next().now_or_never().is_none_or(|chunk| chunk.is_some()));
        drop(unread);
        ok("import", elsewhere.import_snapshot(snapshot, chunks(whole), DISK).await);
        for provider in [&**self.provider(), elsewhere] {
            ok("delete", provider.delete_snapshot(snapshot).await);
        }
    }

    /// With what a sandbox may go beyond its disk before it is stopped.
    pub async fn a_snapshot_that_is_too_large_is_refused(&self, elsewhere: &P) {
        let small = 100_000;
        let snapshot = self.snapshot_of(&[("zeros", &[0; 1 << 20])]).await;
        let whole = export(&**self.provider(), snapshot).await;
        let refusal = elsewhere.import_snapshot(snapshot, chunks(whole.clone()), small).await;
        let refusal = refused("import", refusal);
        assert!(matches!(refusal, ProviderError::BadSnapshot(_)), "{refusal:?}");
        assert!(!ok("has", elsewhere.has_snapshot(snapshot).await));
        ok("import", elsewhere.import_snapshot(snapshot, chunks(whole), LIMIT).await);
        for provider in [&**self.provider(), elsewhere] {
            ok("delete", provider.delete_snapshot(snapshot).await);
        }
    }
}
