use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Random choices that can be repeated: the seed is printed, and `THEAZO_TEST_SEED` sets it.
pub struct Chance {
    pub seed: u64,
    rng: StdRng,
}

impl Chance {
    /// From the environment, else from the operating system.
    pub fn new(name: &str) -> Self {
        let given = std::env::var("THEAZO_TEST_SEED").ok();
        let seed = given.map_or_else(|| rand::rng().random(), |text| text.parse().unwrap());
        eprintln!("{name}: to repeat this run, set THEAZO_TEST_SEED={seed}");
        Self::of(seed)
    }

    pub fn of(seed: u64) -> Self {
        Self { seed, rng: StdRng::seed_from_u64(seed) }
    }

    /// Another source, for another thread of work.
    pub fn fork(&mut self) -> Self {
        Self::of(self.rng.random())
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.rng.random_range(0..n)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.rng.random_range(0..from.len())]
    }
}
