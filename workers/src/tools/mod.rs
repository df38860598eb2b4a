//! The tools that come with the platform: each is a schema for the model and an effect in the
//! agent's sandbox. None of them acts on the server's own files, and none but `web_search` on its
//! network: that one asks the operator's own search backend.

mod arguments;
mod contract;
mod declare_artifact;
mod edit_file;
mod fetch_page;
pub mod http;
mod http_request;
mod list_files;
mod locks;
mod markdown;
mod paths;
mod read_file;
mod read_output;
mod registry;
mod report_progress;
mod run_code;
mod sandbox;
mod search;
mod secrets;
mod shorten;
mod web_search;
mod write_file;

pub use contract::{Note, Outputs, Tool, ToolContext, ToolError, ToolOutput, ToolSpec};
pub use registry::{Registry, ToolsConfig};
pub use search::SearchBackend;
pub use shorten::{SHOWN, shorten};
