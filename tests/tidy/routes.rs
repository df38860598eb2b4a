//! Routes are declared in one way only, so that `/openapi.json` has them all, and each is tested.

use std::collections::BTreeSet;

use crate::source::{read, sources};

/// Where a route may be made without a word in `/openapi.json`: the pages for people, and the
/// document itself.
const UNDOCUMENTED: &[&str] = &["api/src/router.rs", "api/src/routes/docs.rs"];

/// `get /v1/sessions`, from the attributes of the handlers.
fn declared() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in sources().iter().filter(|source| source.path.starts_with("api/src")) {
        for attribute in source.code().split("#[utoipa::path(").skip(1) {
            let method = attribute.trim_start().split(',').next().unwrap_or_default();
            let path = attribute.split("path = \"").nth(1).and_then(|rest| rest.split('"').next());
            let path = path.unwrap_or_else(|| panic!("{}: a route without a path", source.path));
            found.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    found
}

#[test]
fn every_route_of_the_code_is_in_the_table_of_the_tests() {
    let table = read("tests/it/routes.rs");
    let routes = declared();
    assert!(routes.len() > 20, "are routes declared otherwise now? {routes:?}");
    for route in routes {
        let path = route.split(' ').nth(1).unwrap();
        assert!(table.contains(&format!("\"{path}\"")), "{route} is not in tests/it/routes.rs");
    }
}

#[test]
fn no_route_is_made_beside_the_document() {
    for source in sources().iter().filter(|source| source.path.starts_with("api/src")) {
        if UNDOCUMENTED.contains(&source.path.as_str()) {
            continue;
        }
        // A model has a route of its own, to its vendor.
        let code = source.code().replace("models.route(", "");
        assert!(
            !code.contains(".route("),
            "{}: declare it with #[utoipa::path] and routes!()",
            source.path
        );
    }
}

/// Every code an error can have is in the API's reference.
#[test]
fn every_error_code_is_known_to_the_tests() {
    let code = read("api/src/error.rs");
    let known = read("tests/src/answer.rs");
    let table = code.split("codes! {").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
    let codes: Vec<&str> = table.split('"').skip(1).step_by(2).collect();
    assert!(codes.len() >= 14, "{codes:?}");
    for code in codes {
        assert!(known.contains(&format!("\"{code}\"")), "{code} is not in tests/src/answer.rs");
    }
}
