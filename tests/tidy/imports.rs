//! Which crate may know which (`docs/ARCHITECTURE.md`).

use std::collections::BTreeSet;

use crate::source::{files, read};

/// A crate and those of ours that it may depend on. `theazo`, the binary, knows all.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("log", &["domain"]),
    ("nats", &["domain", "log"]),
    ("commands", &["domain", "log"]),
    ("projections", &["domain", "log"]),
    ("billing", &["domain", "log", "projections", "models"]),
    ("providers", &["domain"]),
    ("models", &["domain"]),
    ("workers", &["domain", "log", "commands", "projections", "billing", "providers", "models"]),
    ("api", &["domain", "log", "commands", "projections", "billing", "providers", "models"]),
];

/// Crates of tests and benchmarks: they are nobody's dependency.
const TOP: &[&str] = &["tests", "benches"];

fn manifest(folder: &str) -> toml::Table {
    read(&format!("{folder}/Cargo.toml")).parse().unwrap()
}

/// The folders of the workspace's members.
fn members() -> Vec<String> {
    let root: toml::Table = read("Cargo.toml").parse().unwrap();
    let members = root["workspace"]["members"].as_array().unwrap();
    members.iter().map(|member| member.as_str().unwrap().to_owned()).collect()
}

/// Our own crates among the dependencies, without the prefix.
fn own_dependencies(manifest: &toml::Table, section: &str) -> BTreeSet<String> {
    let table = manifest.get(section).and_then(toml::Value::as_table);
    let names = table.into_iter().flat_map(toml::Table::keys);
    names.filter_map(|name| name.strip_prefix("theazo-")).map(str::to_owned).collect()
}

#[test]
fn imports_point_down() {
    for folder in members().iter().filter(|folder| !TOP.contains(&folder.as_str())) {
        let rule = MAY_KNOW.iter().find(|(name, _)| name == folder);
        let (_, may) = rule.unwrap_or_else(|| panic!("{folder}: say in MAY_KNOW what it may know"));
        for known in own_dependencies(&manifest(folder), "dependencies") {
            assert!(may.contains(&known.as_str()), "{folder} must not know {known}");
        }
    }
}

#[test]
fn tests_and_benches_are_nobodys_dependency() {
    let root: toml::Table = read("Cargo.toml").parse().unwrap();
    let all = members().into_iter().map(|folder| (manifest(&folder), folder));
    for (manifest, folder) in all.chain([(root, "the root".to_owned())]) {
        for known in own_dependencies(&manifest, "dependencies") {
            assert!(!TOP.contains(&known.as_str()), "{folder} must not know {known}");
        }
    }
}

/// `domain` is a function of its arguments: nothing it depends on does I/O by itself.
#[test]
fn the_domain_is_pure() {
    let table = manifest("domain");
    let allowed = ["chrono", "serde", "serde_json", "thiserror", "uuid"];
    for name in table["dependencies"].as_table().unwrap().keys() {
        assert!(allowed.contains(&name.as_str()), "domain must not depend on {name}");
    }
    for path in files("rs").iter().filter(|path| path.starts_with("domain/src")) {
        // Addresses are only numbers; what speaks over them is not for the domain.
        let text = read(path).replace("std::net::{IpAddr, Ipv4Addr, Ipv6Addr}", "");
        for banned in ["std::fs", "std::net", "std::time::SystemTime", "std::thread", "async fn"] {
            assert!(!text.contains(banned), "{path} has `{banned}`");
        }
    }
}

#[test]
fn every_crate_keeps_the_workspaces_lints() {
    for folder in members() {
        let lints = manifest(&folder).get("lints").and_then(|l| l.get("workspace").cloned());
        assert_eq!(lints, Some(true.into()), "{folder}/Cargo.toml lacks `lints.workspace = true`");
    }
}
