//! The names of the tools that come with the platform. What they do is the workers' business.

/// Every built-in tool that an agent can be given.
pub const BUILT_IN: &[&str] = &[
    "run_code",
    "write_file",
    "read_file",
    "list_files",
    "edit_file",
    "http_request",
    "fetch_page",
    "web_search",
    "screenshot",
];

/// What an agent has when its creator names no tools.
pub const DEFAULT: &[&str] = &[
    "run_code",
    "write_file",
    "read_file",
    "list_files",
    "edit_file",
    "http_request",
    "fetch_page",
];

/// What every agent with a model has, named or not: they only tell us something.
pub const ALWAYS: &[&str] = &["report_progress", "declare_artifact", "read_output"];

pub fn is_known(name: &str) -> bool {
    BUILT_IN.contains(&name) || ALWAYS.contains(&name)
}
