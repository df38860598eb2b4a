//! A model server on the loopback, in place of `api.anthropic.com`, `api.openai.com` and gateways.
//! It speaks their three wire formats, says what a script tells it to say, and checks the manners of
//! whoever calls it.
//!
//! ```no_run
//! # async fn example() {
//! use theazo_tests::model_server::{Gate, ModelServer, Reply, Script, StopReason, Usage};
//! use theazo_tests::{Setup, json};
//!
//! let models = ModelServer::start().await;
//! let gate = Gate::new();
//! // Reply n is for the conversation that holds n answers: a call that is repeated after a crash
//! // gets the same answer, and many conversations may run at once.
//! models.script_for(
//!     "weather-1",
//!     Script::by_turn([
//!         Reply::text("Let me look.")
//!             .thinking("They want the weather.")
//!             .tool_call("read_file", json!({ "path": "weather.txt" }))
//!             .tool_call("list_files", json!({ "path": "." })),
//!         Reply::text("It rains.").chunked(4).gated_at(2, &gate).usage(Usage::new(50, 0, 0, 9)),
//!     ]),
//! );
//! // Or computed from the conversation, for whoever calls this model.
//! models.script_model(
//!     "claude-haiku-5-5",
//!     Script::brain(|request| match request.tool_results().len() {
//!         n @ 0..8 => Reply::call("run_code", json!({ "code": format!("print({n})") })),
//!         _ => Reply::text("Done.").stop(StopReason::End),
//!     }),
//! );
//! // Or one after the other, whatever is asked.
//! models.script(Script::replies([
//!     Reply::status(429).retry_after("1"),
//!     Reply::text("Never seen whole.").chunked(3).cut_after(2),
//!     Reply::text("Now.").error_mid_stream(1, "overloaded_error", "Overloaded"),
//!     Reply::text("At last."),
//! ]));
//!
//! let server = Setup::default()
//!     .env("ANTHROPIC_BASE_URL", &models.url())
//!     .env("OPENAI_BASE_URL", &models.openai_url())
//!     .env("ANTHROPIC_API_KEY", "sk-ant-1")
//!     .start()
//!     .await;
//! // … a run whose input is "weather-1: how is it?" …
//! gate.arrived().await; // two deltas are out, the third waits
//! gate.open();
//! assert_eq!(models.calls_of("weather-1").len(), 2);
//! models.assert_no_finished_call_was_repeated();
//! models.assert_well_formed(); // its drop does that too
//! # }
//! ```
//!
//! - A request that is not well formed is answered with 400 and fails the test when the server is
//!   dropped. [`Allow`] makes exceptions; [`ModelServer::take_violations`] is for tests of that.
//! - Every answer of the model that comes back must be what it said: each block, in order, thinking
//!   and its signature, and arguments of tools in exactly the characters in which they were sent.
//! - Ids and signatures depend on nothing but the call's content (model, system prompt, conversation),
//!   so a call that is repeated gets the same bytes. For the same reason conversations that a test
//!   wants to tell apart need different words: a marker in the first user message.

mod anthropic;
mod body;
mod capture;
mod chat;
mod conversation;
mod errors;
mod gate;
mod ids;
mod json;
mod quirk;
mod render;
mod reply;
mod request;
mod responses;
mod script;
mod sent;
mod serve;
mod server;
mod validate;

pub use capture::Captured;
pub use gate::Gate;
pub use quirk::Quirk;
pub use reply::{Reply, StopReason, Usage};
pub use request::{Message, Request, Role, ToolCall, ToolResult, Wire};
pub use script::{Allow, Script};
pub use server::ModelServer;
