//! What things cost. Prices are data; a usage record keeps the row that held when it was made.

mod compute;
mod costs;
mod record;
mod storage;
mod tokens;

pub use compute::{ComputePrice, ComputeUsage};
pub use costs::Costs;
pub use record::{Usage, UsageRecord};
pub use storage::{StoragePrice, StorageUsage};
pub use tokens::{
    CallFee, LongPrompt, ModelPrice, ModelUsage, PriceBasis, Rates, TokenUsage, Worst,
};
