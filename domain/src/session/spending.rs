//! Random spenders who keep to the rules never pass a limit.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{
    CreateSession, Limits, MaxCost, Need, Period, Reserve, RunNumber, Session, SessionCommand,
    Spender, Spent,
};
use crate::money::Money;
use crate::pricing::{ComputePrice, Costs};
use crate::testing::{START, examples};
use crate::validate::Metadata;
use crate::{AgentId, Aggregate, Ctx, Currency, Day, Pico, Timestamp};

const AGENTS: u128 = 4;

#[derive(Debug, Clone)]
enum Act {
    /// A call of `least` to `most` that comes to so many hundredths of what it may.
    Call {
        agent: u128,
        least: i64,
        most: i64,
        hundredths: i128,
    },
    /// The compute of so long is told, and goes on.
    Run {
        agent: u128,
        millis: u64,
    },
    /// What is reserved goes back.
    Rest {
        agent: u128,
    },
    End {
        agent: u128,
    },
    Store {
        bytes: u64,
    },
}

/// What an agent has really used, and what of its reservation is left.
#[derive(Debug, Default)]
struct Used {
    models: Costs,
    compute: Costs,
    millis: u64,
    left: Pico,
    left_millis: u64,
    ended: bool,
}

struct World {
    state: Option<Session>,
    used: Vec<Used>,
    spent: Costs,
    now: Timestamp,
}

fn agent(n: u128) -> AgentId {
    examples::agent_id(n)
}

impl World {
    fn new(limits: Limits, caps: &[Option<i64>]) -> Self {
        let mut world =
            World { state: None, used: Vec::new(), spent: Costs::default(), now: START };
        world.tell(&SessionCommand::Create(CreateSession {
            session_id: examples::session_id(),
            user_id: "user".to_owned(),
            limits,
            model: None,
            compute: None,
            metadata: Metadata::new(),
            webhook: None,
        }));
        for (n, cap) in caps.iter().enumerate() {
            let mut spec = examples::spec();
            spec.cost_cap = cap.map(|amount| Money { amount, currency: Currency::Usd });
            let agent_id = agent(n as u128);
            world.tell(&SessionCommand::AdmitAgent { agent_id, spec });
            let admitted = world.session().agents.contains(&agent_id);
            world.used.push(Used { ended: !admitted, ..Used::default() });
            world.take_slice(n as u128);
        }
        world
    }

    fn session(&self) -> &Session {
        self.state.as_ref().expect("it was created")
    }

    /// Decides, and decides again what came of it: telling twice counts once.
    fn tell(&mut self, command: &SessionCommand) {
        let ctx = Ctx { now: self.now };
        let Ok(events) = Session::decide(self.state.as_ref(), command, ctx) else { return };
        for event in &events {
            self.state = Session::evolve(self.state.take(), event, self.now);
        }
        let spent = self.state.as_ref().map(|session| session.budget.spent.clone());
        for event in Session::decide(self.state.as_ref(), command, ctx).unwrap_or_default() {
            self.state = Session::evolve(self.state.take(), &event, self.now);
        }
        assert_eq!(spent, self.state.as_ref().map(|session| session.budget.spent.clone()));
    }

    fn take_slice(&mut self, n: u128) {
        let account = self.session().budget.accounts.get(&agent(n));
        let (left, millis) = account.map_or((Pico::ZERO, 0), |account| {
            (account.side(Spender::Models).held, account.side(Spender::Compute).held_millis)
        });
        let used = &mut self.used[n as usize];
        (used.left, used.left_millis) = (left, millis);
    }

    fn reserve(&mut self, n: u128, spent: Spent, need: Need) {
        self.tell(&SessionCommand::Reserve(vec![Reserve { agent_id: agent(n), spent, need }]));
        self.take_slice(n);
    }

    fn act(&mut self, act: &Act, bounded: bool) {
        match act {
            Act::Call { agent: n, .. } | Act::Run { agent: n, .. } | Act::Rest { agent: n }
                if self.used[*n as usize].ended => {}
            Act::Call { agent: n, least, most, hundredths } => {
                let (least, most) = (Pico::from_cents(*least), Pico::from_cents(*most));
                if self.used[*n as usize].left < most {
                    let spent = Spent::Models {
                        costs: self.used[*n as usize].models.clone(),
                        run: RunNumber::default(),
                    };
                    self.reserve(*n, spent, Need::Call { least, most });
                }
                let used = &mut self.used[*n as usize];
                let may = if bounded { used.left.min(most) } else { most };
                let cost = Pico(may.0 * hundredths / 100);
                used.left = used.left.minus(cost);
                used.models.add(self.now.day(), cost);
                self.spent.add(self.now.day(), cost);
            }
            Act::Run { agent: n, millis } => {
                let price = ComputePrice::of("local");
                let used = &mut self.used[*n as usize];
                let billed = if bounded { used.left_millis.min(*millis) } else { *millis };
                // Metered in two parts.
                let cost = price.cost(billed / 2) + price.cost(billed - billed / 2);
                used.compute.add(self.now.day(), cost);
                used.millis += billed;
                self.spent.add(self.now.day(), cost);
                let spent = Spent::Compute { costs: used.compute.clone(), millis: used.millis };
                let left = used.left;
                self.reserve(*n, spent, Need::Compute { price });
                self.used[*n as usize].left = left;
            }
            Act::Rest { agent: n } => {
                let spent = Spent::Models {
                    costs: self.used[*n as usize].models.clone(),
                    run: RunNumber::default(),
                };
                let millis = self.used[*n as usize].left_millis;
                self.reserve(*n, spent, Need::Nothing);
                self.used[*n as usize].left_millis = millis;
            }
            Act::End { agent: n } => {
                let used = &mut self.used[*n as usize];
                used.ended = true;
                let compute = Spent::Compute { costs: used.compute.clone(), millis: used.millis };
                let spent = vec![
                    compute,
                    Spent::Models { costs: used.models.clone(), run: RunNumber::default() },
                ];
                let agent_id = agent(*n);
                let release = SessionCommand::ReleaseAgent { agent_id, spent, run_open: false };
                self.tell(&release);
            }
            Act::Store { bytes } => {
                let day = Day::from_number(self.now.day().number() - 1);
                let before = self.session().budget.spent.clone();
                self.tell(&SessionCommand::RecordStorage { day, byte_seconds: *bytes });
                let stored = self.session().budget.spent.since(&before);
                self.spent.add_all(&stored);
            }
        }
    }

    fn most_in(&self, period: Period) -> Pico {
        let days = self.spent.iter().map(|(day, _)| match period {
            Period::Session => self.spent.total(),
            Period::Day => self.spent.of(day),
            Period::Month => self.spent.of_month(day.month()),
        });
        days.max().unwrap_or_default()
    }
}

fn act() -> impl Strategy<Value = (Act, u32)> {
    let agent = || 0..AGENTS;
    let act = prop_oneof![
        60 => (agent(), 0i64..20, 0i64..60, 0i128..=100).prop_map(
            |(agent, least, more, hundredths)| {
                Act::Call { agent, least, most: least + more, hundredths }
            }
        ),
        40 => (agent(), 0u64..200_000).prop_map(|(agent, millis)| Act::Run { agent, millis }),
        5 => agent().prop_map(|agent| Act::Rest { agent }),
        1 => agent().prop_map(|agent| Act::End { agent }),
        5 => (0u64..1 << 52).prop_map(|bytes| Act::Store { bytes }),
    ];
    (act, 0u32..20_000_000)
}

fn bounds() -> impl Strategy<Value = Limits> {
    let period = prop::sample::select(vec![Period::Session, Period::Day, Period::Month]);
    let cost = (0i64..600, period).prop_map(|(amount, period)| MaxCost {
        amount,
        currency: Currency::Usd,
        period,
    });
    (prop::option::of(cost), prop::option::of(0u64..3)).prop_map(|(max_cost, minutes)| Limits {
        max_cost,
        max_compute_minutes: minutes,
        max_agents: None,
    })
}

proptest! {
    #[test]
    fn no_limit_is_passed_by_a_picodollar(
        limits in bounds(),
        caps in vec(prop::option::of(0i64..100), AGENTS as usize),
        acts in vec(act(), 0..250),
    ) {
        let mut world = World::new(limits.clone(), &caps);
        for (act, wait) in &acts {
            world.now = Timestamp::from_millis(world.now.as_millis() + i64::from(*wait));
            let bounded = match act {
                Act::Call { agent: n, .. } | Act::Run { agent: n, .. } => {
                    world.session().bounds(agent(*n))
                }
                _ => true,
            };
            world.act(act, bounded);
            if let Some(max) = limits.max_cost {
                prop_assert!(world.most_in(max.period) <= Pico::from_cents(max.amount));
            }
            let millis: u64 = world.used.iter().map(|used| used.millis).sum();
            let max = limits.max_compute_minutes.unwrap_or(u64::MAX / 60_000);
            prop_assert!(millis <= max * 60_000);
            for (used, cap) in world.used.iter().zip(&caps) {
                let spent = used.models.total() + used.compute.total();
                prop_assert!(cap.is_none_or(|cap| spent <= Pico::from_cents(cap)));
            }
        }
        // When everybody has ended, all that was used is settled.
        for n in 0..AGENTS {
            world.act(&Act::End { agent: n }, true);
        }
        prop_assert_eq!(&world.session().budget.spent, &world.spent);
        prop_assert!(world.session().budget.accounts.is_empty());
    }
}
