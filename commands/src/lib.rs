//! The write side: load, decide, append.
//!
//! [`Commander`] holds the only retry loop there is. The files beside it, one per aggregate, say
//! what a caller can do; they make ids, times and ciphertexts at this edge and hand them to the
//! pure domain.

mod blobs;
mod cache;
mod clock;
mod error;
mod execute;
mod fresh;
mod load;
mod origin;
mod reservations;
mod resolve;
pub mod stores;
pub mod vault;
mod wait;

pub mod agent;
pub mod api_key;
pub mod definition;
pub mod delivery;
pub mod export;
pub mod model_prices;
pub mod org;
pub mod provider;
pub mod secret;
pub mod session;
pub mod settings;
pub mod task;
mod turns;

pub use blobs::{BlobError, Blobs, Copied};
pub use clock::now;
pub use definition::FoundDefinition;
pub use error::CommandError;
pub use execute::{Commander, Done};
pub use export::PushRequest;
pub use load::{Loaded, Snapshots};
pub use origin::{IdSource, Origin, Seed};
pub use resolve::AgentOptions;
pub use task::{TaskPart, TaskRequest};
pub use vault::{MasterKey, Owner, Vault, VaultError};
