use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use super::fault::{AFTER, BEFORE, Fault, STREAM_FAULTS};
use super::message::Head;
use crate::Chance;

/// Of a hundred requests so many meet a fault; of a hundred connections to a stream, so many.
const RATE: u64 = 30;
const STREAM_RATE: u64 = 75;

/// So many attempts of one request may be broken one after the other.
pub const IN_A_ROW: u32 = 6;

/// Which requests meet which fault, and which have.
pub(super) struct Plan {
    only: Option<Fault>,
    state: Mutex<State>,
}

struct State {
    chance: Chance,
    requests: usize,
    done: BTreeMap<Fault, usize>,
    /// Attempts of a request that were broken since one was not.
    broken: HashMap<String, u32>,
}

impl Plan {
    pub fn of(chance: Chance) -> Self {
        let state = State { chance, requests: 0, done: BTreeMap::new(), broken: HashMap::new() };
        Self { only: None, state: Mutex::new(state) }
    }

    pub fn only(fault: Fault, chance: Chance) -> Self {
        Self { only: Some(fault), ..Self::of(chance) }
    }

    /// What becomes of this request.
    pub fn fate(&self, request: &Head) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        state.requests += 1;
        let streams = request.wants_stream();
        let fault = match self.only {
            Some(only) => (only.is_before() || only.is_of_streams() == streams).then_some(only),
            None => state.draw(streams),
        };
        let broken = state.broken.entry(request.identity()).or_default();
        match fault {
            Some(fault) if fault.breaks() && *broken >= IN_A_ROW => {
                *broken = 0;
                None
            }
            Some(fault) if fault.breaks() => {
                *broken += 1;
                Some(fault)
            }
            fault => {
                *broken = 0;
                fault
            }
        }
    }

    /// A place in a stream, or in whatever else is so long.
    pub fn below(&self, n: u64) -> u64 {
        self.state.lock().unwrap().chance.below(n)
    }

    pub fn has_done(&self, fault: Fault) {
        *self.state.lock().unwrap().done.entry(fault).or_default() += 1;
    }

    pub fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    pub fn happenings(&self) -> BTreeMap<Fault, usize> {
        self.state.lock().unwrap().done.clone()
    }
}

impl State {
    fn draw(&mut self, streams: bool) -> Option<Fault> {
        let rate = if streams { STREAM_RATE } else { RATE };
        if self.chance.below(100) >= rate {
            return None;
        }
        let own: &[Fault] = if streams { &STREAM_FAULTS } else { &AFTER };
        // What is of streams alone has to happen often enough, and there are few of them.
        let before = if streams { 2 } else { BEFORE.len() as u64 };
        let from =
            if self.chance.below(before + own.len() as u64) < before { &BEFORE } else { own };
        Some(*self.chance.pick(from))
    }
}
