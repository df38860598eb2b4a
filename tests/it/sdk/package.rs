//! What is published is what it should be, and works where it is installed. Each SDK has a program
//! that packs it, looks at what is in it, and uses it from an empty project.

use super::language::{Language, ended};

#[tokio::test]
async fn the_typescript_package_is_used_from_esm_cjs_and_strict_typescript() {
    ended(Language::TypeScript.program("tests/package.mjs")).await.expect("the package");
}

#[tokio::test]
async fn the_python_package_is_used_where_it_is_installed() {
    ended(Language::Python.program("tests/package.py")).await.expect("the package");
}
