//! The sliding window of requests of a key.
//!
//! Two counters: this minute's and the last one's. The last one's counts by the part of it that the
//! window still covers, so that a minute's end is no moment to send twice as much.

use super::Standing;

/// Milliseconds.
pub(super) const WINDOW: u64 = 60_000;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Window {
    /// Which minute of the clock `current` counts.
    pub minute: u64,
    pub current: u32,
    pub previous: u32,
}

impl Window {
    /// Counts a request, unless it is over `limit`.
    pub fn take(&mut self, now: u64, limit: u32) -> Standing {
        self.turn(now / WINDOW);
        let into = now % WINDOW;
        let used = self.used(into);
        if used >= u64::from(limit) {
            return Standing::refused(limit, self.wait(into, limit));
        }
        self.current += 1;
        Standing::allowed(limit, u64::from(limit) - used - 1, WINDOW - into)
    }

    /// Counts a request that is let through whatever the counters say.
    pub fn count(&mut self, now: u64) {
        self.turn(now / WINDOW);
        self.current = self.current.saturating_add(1);
    }

    /// Makes `minute` the one that is counted.
    pub fn turn(&mut self, minute: u64) {
        match minute.saturating_sub(self.minute) {
            0 => return,
            1 => self.previous = self.current,
            _ => self.previous = 0,
        }
        self.current = 0;
        self.minute = minute;
    }

    /// Requests in the last minute: rounded up, so that the limit is never passed.
    pub fn used(&self, into: u64) -> u64 {
        let left = WINDOW - into;
        u64::from(self.current) + (u64::from(self.previous) * left).div_ceil(WINDOW)
    }

    /// Milliseconds until there is room for one.
    pub fn wait(&self, into: u64, limit: u32) -> u64 {
        let room = u64::from(limit).saturating_sub(1);
        if limit == 0 {
            return WINDOW;
        }
        let wait_for = |count: u32, fits: u64| -> u64 {
            // count · left ÷ WINDOW ≤ fits  ⇔  left ≤ fits · WINDOW ÷ count
            WINDOW.saturating_sub(fits * WINDOW / u64::from(count.max(1)))
        };
        match room.checked_sub(u64::from(self.current)) {
            // Enough of the last minute has to leave the window.
            Some(fits) => wait_for(self.previous, fits).saturating_sub(into),
            // This minute's have to become the last one's, and enough of them leave.
            None => WINDOW - into + wait_for(self.current, room),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_reached_and_said() {
        let mut window = Window::default();
        for n in 0..60 {
            let standing = window.take(1_000, 60);
            assert!(standing.allowed);
            assert_eq!(standing.remaining, 59 - n);
        }
        let refused = window.take(1_000, 60);
        assert!(!refused.allowed);
        assert_eq!(refused.remaining, 0);
    }

    #[test]
    fn the_end_of_a_minute_is_no_moment_to_send_twice_as_much() {
        let mut window = Window::default();
        let allowed = |window: &mut Window, now: u64| {
            (0..200).filter(|_| window.take(now, 60).allowed).count()
        };
        assert_eq!(allowed(&mut window, WINDOW - 1), 60);
        assert_eq!(allowed(&mut window, WINDOW), 0);
        assert_eq!(allowed(&mut window, WINDOW + WINDOW / 2), 30);
        assert_eq!(allowed(&mut window, 2 * WINDOW), 30);
        assert_eq!(allowed(&mut window, 5 * WINDOW), 60);
    }

    #[test]
    fn who_waits_as_told_gets_through() {
        for at in [0, 1, 999, 30_000, 59_999] {
            for limit in [1, 2, 7, 60, 1_000] {
                let mut window = Window::default();
                let mut now = 10 * WINDOW + at;
                while window.take(now, limit).allowed {}
                for _ in 0..5 {
                    let told = window.take(now, limit);
                    if told.allowed {
                        continue;
                    }
                    now += u64::from(told.reset) * 1_000;
                    let then = window.take(now, limit);
                    assert!(then.allowed, "limit {limit} at {at}: {told:?} then {then:?}");
                }
            }
        }
    }
}
