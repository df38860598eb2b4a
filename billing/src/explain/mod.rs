//! The bill as a tree, from the users down to the single usage records.
//!
//! ```text
//! total > user > session > agent > what was used > usage record
//! ```

mod label;
mod print;

use std::collections::BTreeMap;

use futures::TryStreamExt;
use theazo_domain::Pico;
use theazo_domain::pricing::{TokenUsage, Usage};
use theazo_log::LogError;

use crate::{Line, Owned, Records};

/// Single records that a tree holds, at most.
pub const MAX_RECORDS: usize = 100_000;

/// How far down a tree is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    Users = 1,
    Sessions,
    Agents,
    Meters,
    Records,
}

#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(
        "the period has more than {MAX_RECORDS} usage records; take a shorter one or one user, or \
         download them with GET /v1/billing/export"
    )]
    TooMany,
}

/// A part of the bill, and what it is made of.
#[derive(Debug, Default)]
pub struct Node {
    pub cost: Pico,
    pub waived: Pico,
    pub records: u64,
    /// How many of them were recorded late.
    pub adjustments: u64,
    used: Used,
    children: BTreeMap<String, Node>,
    /// The records themselves, where they are asked for.
    single: Vec<(String, Pico)>,
}

/// Sums of quantities.
#[derive(Debug, Default)]
struct Used {
    compute_millis: u64,
    calls: u64,
    tokens: TokenUsage,
    byte_seconds: u128,
}

/// The bill of `records`, of one user or of all, as far down as `depth`. Memory is what is told.
/// `progress` hears of each record.
pub async fn explain(
    mut records: Records,
    user: Option<&str>,
    depth: Depth,
    mut progress: impl FnMut(&Owned),
) -> Result<Node, ExplainError> {
    let (mut root, mut single) = (Node::default(), 0);
    while let Some(record) = records.try_next().await? {
        progress(&record);
        if user.is_some_and(|user| user != record.user_id()) {
            continue;
        }
        single += usize::from(depth == Depth::Records);
        if single > MAX_RECORDS {
            return Err(ExplainError::TooMany);
        }
        root.add(&record, depth);
    }
    Ok(root)
}

impl Node {
    fn add(&mut self, record: &Owned, depth: Depth) {
        let line = Line::of(record);
        self.count(record, &line);
        let mut node = self;
        let path = label::path(&line);
        for part in path.into_iter().take(depth as usize) {
            node = node.children.entry(part).or_default();
            node.count(record, &line);
        }
        if depth == Depth::Records {
            node.single.push((label::record(&line), line.cost_pico));
        }
    }

    fn count(&mut self, record: &Owned, line: &Line<'_>) {
        self.cost += line.cost_pico;
        self.waived += line.waived_pico;
        self.records += 1;
        self.adjustments += u64::from(line.adjustment);
        match record.record().usage {
            Usage::Compute(usage) => {
                let millis = &mut self.used.compute_millis;
                *millis = millis.saturating_add(usage.compute_millis);
            }
            Usage::Model(usage) => {
                self.used.calls += 1;
                self.used.tokens = self.used.tokens.plus(usage.tokens);
            }
            Usage::Storage(usage) => self.used.byte_seconds += u128::from(usage.byte_seconds),
        }
    }
}
