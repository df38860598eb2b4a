//! The model contract and its adapters: who an agent thinks with, and what that costs.
//!
//! An adapter is a codec: it turns a [`Prompt`] into a vendor's request and the vendor's stream
//! into [`ModelEvent`]s. It knows no task, no log and no money. Around the codecs are one HTTP
//! client, one retry policy, and one circuit breaker for each address and key.
//!
//! A configured model is resolved to a [`Route`] ([`Models::route`]), which can be recorded, and a
//! route is asked ([`Models::stream`]).

mod anthropic;
mod breaker;
mod call;
mod capability;
mod codec;
mod config;
mod contract;
mod decimal;
mod drive;
mod estimate;
mod history;
mod http;
mod mock;
mod models;
mod names;
pub mod net;
mod openai_chat;
mod openai_error;
mod openai_responses;
mod prices;
mod redact;
mod resolve;
mod retry;
mod route;
mod sse;
#[cfg(test)]
mod testing;

pub use capability::ModelLimits;
pub use config::{ModelsConfig, PlatformKey};
pub use contract::{
    AssistantTurn, Finish, ModelError, ModelErrorKind, ModelEvent, Prompt, Segment, SegmentKind,
    ToolCall, ToolResult, ToolSchema, Turn, TurnResult, Wire,
};
pub use estimate::{estimate_prompt, estimate_tokens, estimate_turn};
pub use models::Models;
pub use prices::{PriceTable, PricedModel};
pub use route::{CredentialSource, Route, RouteError, Secrets};
