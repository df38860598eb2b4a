//! The events as they are in logs that exist: one golden file per wire type, for ever.
//!
//! A file is an array of examples, with every optional field both absent and present. A file is
//! never edited: what does not fit it any more is a new version of the type (`.v2`), with its own
//! file and an upcast. `THEAZO_NEW_GOLDEN=1` writes the files that are missing, and only those.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

#[path = "golden/values.rs"]
mod values;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use theazo_domain::{CATALOGUE, Event};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn types() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().flat_map(|(_, types)| types.iter().copied())
}

/// The known values of one type.
fn values_of(name: &str) -> Vec<Event> {
    values::all().into_iter().filter(|event| event.event_type().name == name).collect()
}

fn pretty(events: &[Event]) -> String {
    serde_json::to_string_pretty(events).unwrap() + "\n"
}

#[test]
fn every_type_is_read_and_written_as_it_always_was() {
    for name in types() {
        let path = folder().join(format!("{name}.json"));
        let expected = values_of(name);
        assert!(!expected.is_empty(), "tests/golden/values.rs has no value of {name}");
        if !path.exists() && std::env::var_os("THEAZO_NEW_GOLDEN").is_some() {
            std::fs::write(&path, pretty(&expected)).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap_or_else(|_| {
            panic!("{name} has no golden file: run this test with THEAZO_NEW_GOLDEN=1")
        });
        let examples: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(&text).unwrap();
        let decoded: Vec<Event> =
            examples.iter().map(|json| Event::decode(json.get()).unwrap()).collect();
        assert_eq!(decoded, expected, "{name} is read as something else");
        assert_eq!(pretty(&decoded), text, "{name} is written as something else");
    }
}

#[test]
fn no_golden_file_is_without_a_type() {
    let known: BTreeSet<String> = types().map(|name| format!("{name}.json")).collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".json") {
            assert!(known.contains(&name), "{name} belongs to no event type");
        }
    }
}

#[test]
fn types_are_named_once_in_lower_case_with_one_dot() {
    let mut seen = BTreeSet::new();
    for name in types() {
        assert!(seen.insert(name), "{name} is declared twice");
        let (aggregate, what) = name.split_once('.').unwrap();
        for part in [aggregate, what.split(".v").next().unwrap()] {
            let fit = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(!part.is_empty() && part.chars().all(fit), "{name}");
        }
    }
}

/// An optional field that no example leaves out, or that none has, is not covered.
#[test]
fn every_field_that_can_be_absent_is_absent_and_present() {
    for name in types() {
        let examples: Vec<Value> =
            values_of(name).iter().map(|event| serde_json::to_value(event).unwrap()).collect();
        let fields: BTreeSet<&String> =
            examples.iter().filter_map(|e| e["data"].as_object()).flat_map(|d| d.keys()).collect();
        for field in fields {
            for example in &examples {
                let mut without = example.clone();
                without["data"].as_object_mut().unwrap().remove(field);
                let optional = Event::decode(&without.to_string()).is_ok();
                let absent = examples.iter().any(|e| e["data"].get(field).is_none());
                assert!(!optional || absent, "no example of {name} is without `{field}`");
            }
        }
    }
}

#[test]
fn an_unknown_type_and_a_wrong_shape_fail_closed() {
    assert!(Event::decode(r#"{"type":"session.exploded","data":{}}"#).is_err());
    assert!(Event::decode(r#"{"type":"agent.port_exposed","data":{"port":70000}}"#).is_err());
    assert!(Event::decode(r#"{"type":"agent.port_exposed","data":{}}"#).is_err());
    assert!(Event::decode("not json").is_err());
}

/// `docs/EVENTS.md` has a row for each type that names each of its fields, and no other row.
#[test]
fn the_catalogue_names_every_type_and_field() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/EVENTS.md");
    let page = std::fs::read_to_string(page).unwrap();
    let row = |name: &str| page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
    for name in types() {
        let row = row(name).unwrap_or_else(|| panic!("docs/EVENTS.md has no row for {name}"));
        for event in values_of(name) {
            let json = serde_json::to_value(&event).unwrap();
            for field in json["data"].as_object().unwrap().keys() {
                let named =
                    row.contains(&format!("`{field}`")) || row.contains(&format!("`{field}?`"));
                assert!(named, "docs/EVENTS.md does not name `{field}` of {name}");
            }
        }
    }
    let known: BTreeSet<&str> = types().collect();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let name = line[3..].split('`').next().unwrap();
        assert!(known.contains(name), "docs/EVENTS.md has a row for {name}, which does not exist");
    }
}
