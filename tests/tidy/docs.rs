//! What is documented exists, and what must be documented is.

use std::collections::BTreeSet;
use std::path::Path;

use crate::source::{files, read, root};

/// `[text](target)`, without what is outside of the repository.
fn links(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in page.split("](").skip(1) {
        let target = part.split(')').next().unwrap_or_default();
        let file = target.split(['#', ' ']).next().unwrap_or_default();
        if !file.is_empty() && !file.contains("://") && !file.starts_with("mailto:") {
            found.push(file.to_owned());
        }
    }
    found
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for page in files("md") {
        let folder = root().join(Path::new(&page).parent().unwrap());
        for link in links(&read(&page)) {
            if !folder.join(&link).exists() {
                wrong.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(wrong.is_empty(), "links to what is not there:\n{}", wrong.join("\n"));
}

/// Paths in code quotes that begin with a folder of ours (`log/src/lib.rs`) exist too.
#[test]
fn every_path_in_a_how_to_exists() {
    let mut wrong = Vec::new();
    for page in files("md").into_iter().filter(|page| page.starts_with("docs/")) {
        for (number, quoted) in read(&page).split('`').enumerate() {
            let inside = number % 2 == 1;
            let pattern = quoted.contains(['<', '*', '{', ' ', '…', '\n']);
            let folder = quoted.split('/').next().unwrap_or_default();
            let ours = quoted.contains('/')
                && !folder.is_empty()
                && root().join(folder).join("Cargo.toml").exists();
            if inside
                && ours
                && !pattern
                && !root().join(quoted.split(':').next().unwrap()).exists()
            {
                wrong.push(format!("{page}: {quoted}"));
            }
        }
    }
    assert!(wrong.is_empty(), "paths that are not there:\n{}", wrong.join("\n"));
}

#[test]
fn there_is_a_how_to_for_each_thing_one_adds() {
    for what in ["event", "command", "endpoint", "projection", "provider"] {
        let page = format!("docs/how-to/add-{what}.md");
        let alternative = format!("docs/how-to/add-an-{what}.md");
        let other = format!("docs/how-to/add-a-{what}.md");
        let there = [&page, &alternative, &other].iter().any(|p| root().join(p).exists());
        assert!(there, "{page} is missing");
    }
}

#[test]
fn every_event_has_a_golden_file() {
    let golden: BTreeSet<String> = files("json")
        .iter()
        .filter_map(|path| path.strip_prefix("domain/tests/golden/"))
        .map(str::to_owned)
        .collect();
    for (_, types) in theazo_domain::CATALOGUE {
        for name in *types {
            assert!(golden.contains(&format!("{name}.json")), "{name} has no golden file");
        }
    }
}
