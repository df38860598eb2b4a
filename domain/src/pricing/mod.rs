//! What things cost. Prices are data; a usage record keeps the row that held when it was made.

mod compute;
mod tokens;

pub use compute::{ComputePrice, UsageRecord};
pub use tokens::{LongPrompt, ModelPrice, ModelUsage, PriceBasis, Rates, TokenUsage};
