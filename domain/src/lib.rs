//! The pure core: ids, money, events, and one module per aggregate.
//!
//! Everything here is a function of its arguments. There is no I/O, no clock, no randomness and no
//! async: ids, times and ciphertexts are made at the edge and handed in. An aggregate is a fold of
//! its events ([`Aggregate::evolve`]) and a list of guards over that fold ([`Aggregate::decide`]).

mod actor;
pub mod address;
mod aggregate;
mod day;
mod event;
mod id;
mod mode;
pub mod model;
mod money;
pub mod pricing;
mod rejection;
mod sealed;
mod stream;
#[cfg(test)]
mod testing;
mod time;
pub mod validate;

pub mod agent;
pub mod api_key;
pub mod definition;
pub mod delivery;
pub mod execution;
pub mod export;
pub mod file_operation;
pub mod model_prices;
pub mod org;
pub mod providers;
pub mod secret;
pub mod session;
pub mod settings;
pub mod snapshot;
pub mod task;
pub mod tool;

pub use actor::Actor;
pub use aggregate::{Aggregate, Ctx, fold};
pub use day::{Day, Month};
pub use event::{CATALOGUE, DecodeError, Event, EventType};
pub use id::{
    AgentId, ApiKeyId, CommitId, DefinitionId, DeliveryId, ExecutionId, ExportId, FileOperationId,
    IdError, OrgId, RequestId, SessionId, SnapshotId, TaskId,
};
pub use mode::Mode;
pub use money::{
    Cents, Currency, Money, PICO_PER_CENT, Pico, apportion, apportion_to, div_half_even,
};
pub use rejection::{FieldError, Rejection};
pub use sealed::{Payload, Sealed};
pub use stream::{Kind, Scope, StreamId, StreamIdError};
pub use time::Timestamp;
