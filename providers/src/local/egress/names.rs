//! The addresses that a sandbox's DNS hands out, and the names behind them.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use parking_lot::Mutex;

use super::FAKE_NET;

/// How many names one sandbox has; the oldest gives way.
const MAX_NAMES: usize = 4_096;

#[derive(Default)]
struct Table {
    by_name: HashMap<String, u32>,
    by_number: HashMap<u32, String>,
    made: u32,
}

#[derive(Default)]
pub struct FakeNames(Mutex<Table>);

impl FakeNames {
    /// The address of a name, always the same while the name is known.
    pub fn address(&self, name: &str) -> Ipv4Addr {
        let mut table = self.0.lock();
        if let Some(number) = table.by_name.get(name) {
            return ip(*number);
        }
        let number = table.made % MAX_NAMES as u32;
        table.made = table.made.wrapping_add(1);
        if let Some(oldest) = table.by_number.insert(number, name.to_owned()) {
            table.by_name.remove(&oldest);
        }
        table.by_name.insert(name.to_owned(), number);
        ip(number)
    }

    pub fn name(&self, address: Ipv4Addr) -> Option<String> {
        let number = u32::from(address).checked_sub(u32::from(FAKE_NET) + 1)?;
        self.0.lock().by_number.get(&number).cloned()
    }
}

fn ip(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(FAKE_NET) + 1 + number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_address_until_it_gives_way() {
        let names = FakeNames::default();
        let first = names.address("a.example");
        assert_eq!(names.address("a.example"), first);
        assert_eq!(names.name(first), Some("a.example".into()));
        for n in 0..MAX_NAMES {
            names.address(&format!("{n}.example"));
        }
        assert_ne!(names.name(first), Some("a.example".into()));
        assert_eq!(names.name(Ipv4Addr::LOCALHOST), None);
    }
}
