//! What will be broken, and when: all of it follows from the seed.

use std::time::Duration;

use theazo_tests::{APIS, CORES, Chance, WORKERS, Way};

/// How long a worker host may be silent before its agents are given up.
pub const LEASE: Duration = Duration::from_secs(10);
/// Milliseconds that are more, however late the ones that wait for it look.
const PAST_LEASE: u64 = 15_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Kill(&'static str),
    Revive(&'static str),
    Freeze(&'static str),
    Thaw(&'static str),
    Turn(&'static str, Way),
    KillNats,
    StartNats,
    StopPostgres,
    StartPostgres,
}

/// One disturbance, before it is known whose and when.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Kill,
    Freeze,
    Cut(Way),
    Nats,
    Postgres,
}

/// A disturbance and how long it lasts, in milliseconds: from, to.
type Card = (Kind, u64, u64);

/// What happens to whom, at the same time as what happens to others.
struct Lane {
    cards: &'static [Card],
    whom: &'static [&'static str],
    /// Milliseconds between one and the next: from, to.
    pause: (u64, u64),
}

const MAYHEM: &[Lane] = &[
    Lane {
        cards: &[
            (Kind::Kill, 0, 2_000),
            (Kind::Freeze, 200, 3_000),
            (Kind::Cut(Way::Silent), 300, 3_000),
            (Kind::Cut(Way::Closed), 300, 3_000),
        ],
        whom: &WORKERS,
        pause: (1_500, 4_000),
    },
    Lane {
        cards: &[
            (Kind::Kill, 0, 2_000),
            (Kind::Kill, 0, 2_000),
            (Kind::Freeze, 200, 5_000),
            (Kind::Cut(Way::Silent), 300, 5_000),
            (Kind::Cut(Way::Closed), 300, 5_000),
        ],
        whom: &[APIS[0], APIS[1], CORES[0], CORES[1]],
        pause: (1_000, 4_000),
    },
    Lane {
        cards: &[(Kind::Nats, 200, 4_000), (Kind::Postgres, 200, 4_000)],
        whom: &[""],
        pause: (3_000, 6_000),
    },
];

/// A worker is lost, and nobody else is kept from seeing that.
const LOSS: &[Lane] = &[
    Lane {
        cards: &[
            (Kind::Freeze, PAST_LEASE, PAST_LEASE + 1_000),
            (Kind::Cut(Way::Silent), PAST_LEASE, PAST_LEASE + 1_000),
            (Kind::Kill, PAST_LEASE, PAST_LEASE + 1_000),
        ],
        whom: &WORKERS,
        pause: (0, 500),
    },
    Lane {
        cards: &[(Kind::Kill, 0, 1_000), (Kind::Cut(Way::Closed), 300, 2_000)],
        whom: &APIS,
        pause: (1_000, 3_000),
    },
];

/// Rounds and how long each is, again and again.
const ROUNDS: &[(&[Lane], Duration)] =
    &[(MAYHEM, Duration::from_secs(22)), (LOSS, Duration::from_millis(PAST_LEASE + 2_000))];

/// What is done when, in order.
pub fn of(chance: &mut Chance, length: Duration) -> Vec<(Duration, Act)> {
    let mut plan = Vec::new();
    let mut begins = Duration::ZERO;
    for (lanes, lasts) in ROUNDS.iter().cycle() {
        let ends = (begins + *lasts).min(length);
        for lane in *lanes {
            plan.extend(lane.acts(chance, begins, ends));
        }
        begins = ends;
        if begins >= length {
            plan.sort_by_key(|(at, _)| *at);
            return plan;
        }
    }
    plan
}

impl Lane {
    /// One disturbance after the other, each over at `end`; each card comes before any comes again.
    fn acts(&self, chance: &mut Chance, begin: Duration, end: Duration) -> Vec<(Duration, Act)> {
        let mut acts = Vec::new();
        let mut deck: Vec<Card> = Vec::new();
        let mut now = begin;
        loop {
            now += between(chance, self.pause.0, self.pause.1);
            if deck.is_empty() {
                deck = self.cards.to_vec();
            }
            let at = usize::try_from(chance.below(deck.len() as u64)).unwrap();
            let (kind, from, to) = deck.swap_remove(at);
            let name = *chance.pick(self.whom);
            let until = now + between(chance, from, to);
            if until > end {
                return acts;
            }
            acts.extend([(now, kind.breaks(name)), (until, kind.mends(name))]);
            now = until;
        }
    }
}

impl Kind {
    fn breaks(self, name: &'static str) -> Act {
        match self {
            Kind::Kill => Act::Kill(name),
            Kind::Freeze => Act::Freeze(name),
            Kind::Cut(way) => Act::Turn(name, way),
            Kind::Nats => Act::KillNats,
            Kind::Postgres => Act::StopPostgres,
        }
    }

    fn mends(self, name: &'static str) -> Act {
        match self {
            Kind::Kill => Act::Revive(name),
            Kind::Freeze => Act::Thaw(name),
            Kind::Cut(_) => Act::Turn(name, Way::Open),
            Kind::Nats => Act::StartNats,
            Kind::Postgres => Act::StartPostgres,
        }
    }
}

fn between(chance: &mut Chance, shortest: u64, longest: u64) -> Duration {
    Duration::from_millis(shortest + chance.below(longest - shortest + 1))
}

#[test]
fn a_seed_has_one_plan() {
    let of = |seed| of(&mut Chance::of(seed), Duration::from_secs(60));
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
    // Someone is lost, and all that is broken is mended.
    let (mut since, mut longest) = (Duration::ZERO, Duration::ZERO);
    for (at, act) in of(7) {
        if let Act::Kill(_) | Act::Freeze(_) | Act::Turn(_, Way::Silent) = act {
            since = at;
        }
        longest = longest.max(at.saturating_sub(since));
    }
    assert!(longest > LEASE || of(7).len() > 20, "{:?}", of(7));
    assert_eq!(of(7).len() % 2, 0);
}
