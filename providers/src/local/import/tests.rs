//! Archives that no export would make.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};

use tar::{EntryType, Header};

use super::*;
use crate::local::export::export;

/// A tar in the making; nothing keeps it from being wrong.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn with(mut self, header: &Header, data: &[u8]) -> Self {
        let mut header = header.clone();
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn entry(self, kind: u8, path: &[u8], data: &[u8]) -> Self {
        self.with(&header(kind, path, data.len() as u64), data)
    }

    fn folder(self, path: &str) -> Self {
        self.entry(b'5', path.as_bytes(), b"")
    }

    fn file(self, path: &str, data: &[u8]) -> Self {
        self.entry(b'0', path.as_bytes(), data)
    }

    fn link(self, kind: u8, path: &str, target: &[u8]) -> Self {
        let mut header = header(kind, path.as_bytes(), 0);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target);
        self.with(&header, b"")
    }

    fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut text = Vec::new();
        for (key, value) in records {
            let rest = [key.as_bytes(), b"=", value, b"\n"].concat();
            // A length of five digits, whatever it takes.
            text.extend_from_slice(format!("{:05} ", rest.len() + 6).as_bytes());
            text.extend_from_slice(&rest);
        }
        self.entry(b'x', b"pax", &text)
    }

    fn sealed(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        archive::around(&self.0)
    }
}

fn header(kind: u8, path: &[u8], size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::new(kind));
    header.as_old_mut().name[..path.len()].copy_from_slice(path);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_000_000_000);
    header
}

/// A place to import to, with a file beside it that nobody may touch.
struct Place {
    folder: tempfile::TempDir,
    limit: u64,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("snapshots")).unwrap();
        std::fs::write(folder.path().join("secret"), "untouched").unwrap();
        Self { folder, limit: 1 << 20 }
    }

    fn snapshot(&self) -> PathBuf {
        self.folder.path().join("snapshots/one")
    }

    fn files(&self) -> PathBuf {
        self.snapshot().join("files")
    }

    fn import(&self, archive: &[u8]) -> Result<(), ArchiveError> {
        let owned = nix::unistd::geteuid().is_root();
        import(archive, &self.snapshot(), self.limit, owned)
    }

    /// Nothing was written but the snapshot's own place.
    fn is_clean(&self) {
        let names = |path: &Path| {
            let mut names: Vec<_> =
                std::fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(self.folder.path()), ["secret", "snapshots"]);
        let secret = self.folder.path().join("secret");
        assert_eq!(std::fs::read(&secret).unwrap(), b"untouched");
        assert_eq!(
            (secret.metadata().unwrap().mode() & 0o7777, secret.metadata().unwrap().nlink()),
            (0o644, 1)
        );
        for name in names(&self.folder.path().join("snapshots")) {
            assert_eq!(name, "one", "nothing half imported is left");
            assert_eq!(names(&self.snapshot()), ["files", "size"], "what is there is whole");
        }
    }

    #[track_caller]
    fn refuses(&self, what: &str, archive: &[u8]) {
        match self.import(archive) {
            Err(ArchiveError::Damaged(_) | ArchiveError::TooLarge(_)) => {}
            other => panic!("{what}: {other:?}"),
        }
        assert!(!self.snapshot().exists(), "{what}");
        self.is_clean();
    }
}

#[test]
fn a_plain_archive_is_imported() {
    let place = Place::new();
    let tar = Tar::default().folder("d").file("d/a", b"one").folder("d/e").file("f", b"two");
    place.import(&tar.sealed()).unwrap();
    assert_eq!(std::fs::read(place.files().join("d/a")).unwrap(), b"one");
    assert_eq!(std::fs::read(place.files().join("f")).unwrap(), b"two");
    assert!(place.files().join("d/e").is_dir());
    assert_eq!(snapshot::size(&place.snapshot()).unwrap(), Some(6));
    place.is_clean();
}

#[test]
fn no_name_leads_out() {
    let place = Place::new();
    let outside = place.folder.path().join("secret").to_str().unwrap().to_owned();
    for path in [
        &outside,
        "/x",
        "//x",
        "..",
        "../x",
        "../../secret",
        ".",
        "./x",
        "./../x",
        "d/..",
        "d/../x",
        "d/../../x",
        "d//x",
        "d/",
        "d/.",
        "",
        "/",
        "e/x",
        "d/x/y",
        "x/../../../../../../etc/passwd",
    ] {
        for kind in *b"05267x" {
            let begun = Tar::default().folder("d");
            let tar = match kind {
                b'x' => begun.pax(&[("path", path.as_bytes())]).file("plain", b""),
                b'2' => begun.link(kind, path, b"target"),
                _ => begun.entry(kind, path.as_bytes(), b""),
            };
            place.refuses(&format!("{path:?} as {}", char::from(kind)), &tar.sealed());
        }
    }
    let long = "x".repeat(256);
    let far = ["d"; 3_000].join("/");
    for path in [long.as_bytes(), far.as_bytes(), b"a\0b", b"\0"] {
        place.refuses("a bad name", &Tar::default().pax(&[("path", path)]).file("p", b"").sealed());
    }
    let mut prefixed = header(b'0', b"secret", 0);
    prefixed.as_ustar_mut().unwrap().prefix[..5].copy_from_slice(b"../..");
    place.refuses("a prefix", &Tar::default().with(&prefixed, b"").sealed());
}

#[test]
fn links_are_made_and_never_followed() {
    let place = Place::new();
    let up = b"../../..";
    let through = [
        Tar::default().link(b'2', "out", up).file("out/secret", b"stolen"),
        Tar::default().link(b'2', "out", up).folder("out").file("out/secret", b"stolen"),
        Tar::default().link(b'2', "out", b"../../../secret").file("out", b"stolen"),
        Tar::default().folder("d").link(b'2', "d/out", up).file("d/out/secret", b"stolen"),
        Tar::default().folder("d").file("x", b"").link(b'2', "d", up).file("d/secret", b"stolen"),
        Tar::default().link(b'2', "out", up).entry(b'6', b"out/pipe", b""),
    ];
    for (number, tar) in through.into_iter().enumerate() {
        place.refuses(&format!("through a link {number}"), &tar.sealed());
    }
    for target in ["", "x\0y"] {
        let tar = Tar::default().pax(&[("linkpath", target.as_bytes())]).link(b'2', "l", b"");
        place.refuses("a bad target", &tar.sealed());
    }
    let targets = ["/etc/passwd", "../../../secret", "nowhere", "link 3", "."];
    let mut tar = Tar::default();
    for (number, target) in targets.iter().enumerate() {
        tar = tar.link(b'2', &format!("link {number}"), target.as_bytes());
    }
    place.import(&tar.sealed()).unwrap();
    for (number, target) in targets.iter().enumerate() {
        let link = place.files().join(format!("link {number}"));
        assert_eq!(std::fs::read_link(link).unwrap().to_str(), Some(*target));
    }
    place.is_clean();
}

#[test]
fn what_no_snapshot_has_is_refused() {
    let place = Place::new();
    let outside = place.folder.path().join("secret").to_str().unwrap().to_owned();
    for target in [outside.as_bytes(), b"../../../secret", b"a"] {
        let tar = Tar::default().file("a", b"").link(b'1', "hard", target);
        place.refuses("a hard link", &tar.sealed());
    }
    // A character device 0, 0 is how an overlay marks what was deleted; here it would be a device.
    for kind in *b"347DKLMNSVgXAEI" {
        place.refuses(
            &format!("type {:?}", char::from(kind)),
            &Tar::default().entry(kind, b"a", b"").sealed(),
        );
    }
    for (key, value) in [
        ("SCHILY.xattr.trusted.overlay.opaque", &b"y"[..]),
        ("SCHILY.xattr.security.capability", b"\x01\0\0\x02"),
        ("LIBARCHIVE.xattr.user.x", b"eA=="),
        ("SCHILY.acl.access", b"user::rwx"),
        ("GNU.sparse.name", b"../x"),
        ("GNU.sparse.major", b"0"),
        ("size", b"1"),
        ("uid", b"0"),
    ] {
        place.refuses(key, &Tar::default().pax(&[(key, value)]).file("a", b"").sealed());
    }
    place.refuses("a folder with data", &Tar::default().entry(b'5', b"d", b"data").sealed());
    place.refuses("a pipe with data", &Tar::default().entry(b'6', b"p", b"data").sealed());
    let tar = Tar::default().pax(&[("linkpath", b"x")]).file("a", b"");
    place.refuses("a file with a target", &tar.sealed());
    place.refuses("a header alone", &Tar::default().pax(&[("path", b"a")]).sealed());
    let twice = Tar::default().pax(&[("path", b"a")]).pax(&[("path", b"b")]).file("c", b"");
    place.refuses("two headers", &twice.sealed());
}

#[test]
fn a_name_comes_once() {
    let place = Place::new();
    for (number, tar) in [
        Tar::default().file("a", b"1").file("a", b"2"),
        Tar::default().file("a", b"1").folder("a"),
        Tar::default().folder("a").folder("a"),
        Tar::default().folder("a").file("b", b"").folder("a").file("a/x", b""),
        Tar::default().folder("a").file("b", b"").file("a/x", b""),
        Tar::default().link(b'2', "a", b"b").file("a", b"2"),
        Tar::default().entry(b'6', b"a", b"").link(b'2', "a", b"b"),
    ]
    .into_iter()
    .enumerate()
    {
        place.refuses(&format!("twice {number}"), &tar.sealed());
    }
}

#[test]
fn special_bits_and_owners_are_not_taken_over() {
    let place = Place::new();
    let mut tar = Tar::default();
    for (kind, name) in [(b'0', "file"), (b'5', "folder"), (b'6', "pipe")] {
        let mut header = header(kind, name.as_bytes(), 0);
        header.set_mode(0o7751);
        tar = tar.with(&header, b"");
    }
    place.import(&tar.sealed()).unwrap();
    let root = nix::unistd::geteuid().is_root();
    let owner = if root { INNER_UID } else { nix::unistd::geteuid().as_raw() };
    for name in ["file", "folder", "pipe"] {
        let meta = place.files().join(name).symlink_metadata().unwrap();
        assert_eq!((meta.mode() & 0o7777, meta.uid(), meta.gid()), (0o751, owner, owner), "{name}");
        assert_eq!(meta.mtime(), 1_000_000_000, "{name}");
    }
    assert!(place.files().join("pipe").symlink_metadata().unwrap().file_type().is_fifo());
    place.is_clean();
}

#[test]
fn what_would_fill_the_disk_is_refused() {
    let place = Place { limit: 64 << 10, ..Place::new() };
    let big = vec![0; 200 << 10];
    place.refuses("one file", &Tar::default().file("a", &big).sealed());
    // It ends long before its stated size, of which nothing is believed.
    for size in [place.limit * 3, 1 << 33, u64::MAX >> 1, u64::MAX] {
        let tar = Tar::default().with(&header(b'0', b"a", size), b"short");
        place.refuses(&format!("a stated size of {size}"), &tar.sealed());
    }
    let many = |kind: u8, data: &[u8], count: usize| {
        let tar = (0..count)
            .fold(Tar::default(), |tar, n| tar.entry(kind, format!("{n}").as_bytes(), data));
        tar.sealed()
    };
    place.refuses("small files", &many(b'0', b"x", 60));
    place.refuses("empty files", &many(b'0', b"", 700));
    place.refuses("pipes", &many(b'6', b"", 700));
    place.refuses("folders", &many(b'5', b"", 60));
    let deep = (1..60).fold(Tar::default(), |tar, n| {
        tar.pax(&[("path", vec!["d"; n].join("/").as_bytes())]).folder("d")
    });
    place.refuses("deep folders", &deep.sealed());
    let long = "t".repeat(900);
    let links = (0..60).fold(Tar::default(), |tar, n| {
        tar.pax(&[("linkpath", long.as_bytes())]).link(b'2', &format!("{n}"), b"")
    });
    place.refuses("long links", &links.sealed());
}

#[test]
fn holes_are_checked() {
    let place = Place::new();
    let sparse = |length: &str, map: &str, data: &[u8]| {
        let mut body = map.as_bytes().to_vec();
        body.resize(body.len().next_multiple_of(512), 0);
        body.extend_from_slice(data);
        let records: [(&str, &[u8]); 3] = [
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.realsize", length.as_bytes()),
        ];
        Tar::default().pax(&records).file("a", &body).sealed()
    };
    for (length, map, data) in [
        ("100", "1\n0\n200\n", &[1; 200][..]),
        ("100", "2\n50\n10\n0\n10\n", &[1; 20]),
        ("100", "1\n0\n10\n", &[1; 11]),
        ("100", "1\n0\n10\n", &[1; 9]),
        ("100", "1\n", b""),
        ("100", "9999999999\n", b""),
        ("100", "1\n18446744073709551615\n18446744073709551615\n", b""),
        ("18446744073709551615", "0\n", b""),
        ("4000000", "0\n", b""),
        ("-1", "0\n", b""),
    ] {
        place.refuses(&format!("{length} {map:?}"), &sparse(length, map, data));
    }
    place.import(&sparse("1000000", "2\n8192\n3\n999999\n1\n", b"abcd")).unwrap();
    let file = std::fs::read(place.files().join("a")).unwrap();
    assert_eq!((file.len(), &file[8192..8195], file[999_999]), (1_000_000, &b"abc"[..], b'd'));
    assert_eq!(file.iter().filter(|byte| **byte != 0).count(), 4);
    assert!(place.files().join("a").metadata().unwrap().blocks() < 100, "it has holes");
    place.is_clean();
}

#[test]
fn what_is_behind_the_end_is_refused() {
    let place = Place::new();
    let tar = Tar::default().file("a", b"1");
    let behind = |more: &[u8]| [&tar.0[..], &[0; 1024], more].concat();
    place.refuses("another archive", &archive::around(&behind(&Tar::default().file("b", b"").0)));
    place.refuses("zeros without end", &archive::around(&behind(&vec![0; 1 << 20])));
    place.refuses("no tar", &archive::around(&[b'x'; 4096]));
    place.refuses("a bad checksum", &{
        let mut tar = tar.0.clone();
        tar[0] = b'b';
        archive::around(&tar)
    });
}

#[test]
fn files_come_back_as_they_were() {
    let (place, from) = (Place::new(), tempfile::tempdir().unwrap());
    let (from, long) = (from.path(), "n".repeat(200));
    let odd = std::ffi::OsStr::from_bytes(b"\xff\xfe\n=\\");
    std::fs::create_dir_all(from.join(&long).join(&long)).unwrap();
    std::fs::create_dir(from.join(odd)).unwrap();
    std::fs::write(from.join(odd).join("a"), b"a").unwrap();
    std::fs::write(from.join(&long).join(&long).join("b"), vec![b'b'; 300_000]).unwrap();
    std::fs::write(from.join("c\\d"), b"").unwrap();
    symlink("t".repeat(4_000), from.join("far")).unwrap();
    symlink(odd, from.join(" ")).unwrap();
    let holes = File::create(from.join("holes")).unwrap();
    holes.set_len(900_000).unwrap();
    holes.write_all_at(b"middle", 500_000).unwrap();
    File::create(from.join("all holes")).unwrap().set_len(1 << 20).unwrap();
    for (name, mode) in [("c\\d", 0o000), ("holes", 0o421)] {
        std::fs::set_permissions(from.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    for (name, seconds, part) in [("holes", -5, 999_999_999), (" ", 1 << 33, 1), ("c\\d", 0, 0)] {
        let time = TimeSpec::new(seconds, part);
        let name = crate::local::sys::c_path(Path::new(name)).unwrap();
        let folder = walk::open(from).unwrap();
        utimensat(&folder, name.as_c_str(), &time, &time, UtimensatFlags::NoFollowSymlink).unwrap();
    }
    let mut archive = Vec::new();
    export(from, &mut archive).unwrap();
    assert!(archive.len() < 20_000, "{}", archive.len());
    place.import(&archive).unwrap();
    assert_eq!(tree(&place.files()), tree(from));
    assert!(place.files().join("all holes").metadata().unwrap().blocks() < 100, "it has holes");
    place.is_clean();
}

/// What is below a folder: kind and permissions, time, content.
fn tree(top: &Path) -> BTreeMap<PathBuf, (u32, i64, i64, Vec<u8>)> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![top.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let content = match meta.file_type() {
                kind if kind.is_dir() => Vec::new(),
                kind if kind.is_symlink() => {
                    std::fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()
                }
                kind if kind.is_file() => std::fs::read(&path).unwrap(),
                _ => Vec::new(),
            };
            if meta.is_dir() {
                folders.push(path.clone());
            }
            // The permissions of a link are nothing.
            let mode = if meta.is_symlink() { 0 } else { meta.mode() };
            let name = path.strip_prefix(top).unwrap().to_owned();
            found.insert(name, (mode, meta.mtime(), meta.mtime_nsec(), content));
        }
    }
    found
}

/// A row of numbers from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % end
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A tar of entries that are each likely to be wrong in one way.
    fn tar(&mut self) -> Vec<u8> {
        let mut tar = Tar::default();
        let names: &[&str] = &[
            "a",
            "b",
            "d",
            "d/a",
            "d/d",
            "d/d/a",
            "..",
            "../a",
            "/a",
            "d/../../a",
            "d/",
            "l",
            "l/a",
            "../../../secret",
            "../secret",
        ];
        let targets: &[&[u8]] = &[b"..", b"../../..", b"/", b"../../../secret", b"d", b"a", b""];
        for _ in 0..self.below(12) {
            let name = self.one_of(names);
            tar = match self.below(8) {
                0 | 1 => tar.folder(name),
                2 => tar.link(b'2', name, self.one_of(targets)),
                3 => tar.link(b'1', name, self.one_of(targets)),
                4 => {
                    let key = self.one_of(&["path", "linkpath", "mtime", "GNU.sparse.realsize"]);
                    let value = self.one_of(&["a", "../../../secret", "5.5", "700", "99999999999"]);
                    tar.pax(&[(key, value.as_bytes())])
                }
                5 => tar.entry(self.one_of(b"01234567LKxgS"), name.as_bytes(), b"1\n0\n5\n"),
                _ => {
                    let length = self.below(2_000);
                    tar.file(name, &vec![b'x'; length])
                }
            };
        }
        let mut tar = tar.0;
        for _ in 0..self.one_of(&[0, 0, 0, 1, 3, 50]) {
            if !tar.is_empty() {
                let at = self.below(tar.len());
                tar[at] = u8::try_from(self.below(256)).unwrap();
            }
        }
        tar.truncate(self.one_of(&[usize::MAX, usize::MAX, 700, 512]));
        tar
    }
}

/// Whatever comes in, the import ends, does not panic, and writes nowhere else.
#[test]
fn random_archives_write_nowhere_else() {
    let place = Place::new();
    let (mut taken, mut refused) = (0, 0);
    for seed in 1..=400_u64 {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let tar = chance.tar();
        let mut archive = archive::around(&tar);
        if chance.below(4) == 0 {
            for _ in 0..=chance.below(4) {
                let at = chance.below(archive.len());
                archive[at] = u8::try_from(chance.below(256)).unwrap();
            }
        }
        match place.import(&archive) {
            Ok(()) => taken += 1,
            Err(ArchiveError::Io(error)) => panic!("seed {seed}: {error}"),
            Err(_) => refused += 1,
        }
        place.is_clean();
        remove_tree(&place.snapshot()).unwrap();
    }
    assert!(taken > 20 && refused > 200, "{taken} taken, {refused} refused");
}

/// Changes in the compressed body under a hash that is right again.
#[test]
fn random_bodies_do_not_break_the_decoder() {
    let place = Place::new();
    let tar = Tar::default().folder("d").file("d/a", &[b'y'; 5_000]).file("e", b"some words").0;
    let whole = archive::around(&tar);
    for seed in 1..=400_u64 {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (start, end) = (24, whole.len() - 40);
        let mut body = whole[start..end].to_vec();
        for _ in 0..=chance.below(5) {
            let at = chance.below(body.len());
            body[at] = u8::try_from(chance.below(256)).unwrap();
        }
        let mut sealed = archive::Sealer::new(Vec::new()).unwrap();
        sealed.write_all(&body).unwrap();
        match place.import(&sealed.finish().unwrap()) {
            Err(ArchiveError::Io(error)) => panic!("seed {seed}: {error}"),
            Ok(()) | Err(_) => place.is_clean(),
        }
        remove_tree(&place.snapshot()).unwrap();
    }
}
