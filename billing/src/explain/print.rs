//! The tree as lines of text, in cents that add up.

use theazo_domain::{Cents, Pico, apportion_to};

use super::{Node, label};

/// Columns that a name may move the amounts to the right by.
const WIDEST: usize = 72;

struct Shown {
    name: String,
    cents: Cents,
    more: String,
}

impl Node {
    /// One line for each part, the dearest first. The cents of the parts of a part are its cents.
    pub fn lines(&self) -> Vec<String> {
        let mut shown = Vec::new();
        let records = if self.records == 1 { "record" } else { "records" };
        let name = format!("total of {} usage {records}", self.records);
        let more = label::amounts(self);
        shown.push(Shown { name, cents: self.cost.to_cents(), more });
        self.show(self.cost.to_cents(), "", &mut shown);
        let width = |shown: &Shown| shown.name.chars().count();
        let widest = shown.iter().map(width).filter(|width| *width <= WIDEST).max().unwrap_or(0);
        shown.iter().map(|shown| line(shown, widest)).collect()
    }

    /// Shows what is below a part of so many cents.
    fn show(&self, cents: Cents, indent: &str, shown: &mut Vec<Shown>) {
        let mut parts: Vec<(&String, Pico, Option<&Node>)> =
            self.children.iter().map(|(name, node)| (name, node.cost, Some(node))).collect();
        // Single records stay in their order.
        parts.sort_by_key(|(_, cost, _)| std::cmp::Reverse(*cost));
        parts.extend(self.single.iter().map(|(name, cost)| (name, *cost, None)));
        let costs: Vec<Pico> = parts.iter().map(|(_, cost, _)| *cost).collect();
        let all = apportion_to(cents, &costs);
        let last = parts.len().saturating_sub(1);
        for (number, ((name, _, node), cents)) in parts.into_iter().zip(all).enumerate() {
            let (branch, below) =
                if number == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let more = node.map(label::amounts).unwrap_or_default();
            shown.push(Shown { name: format!("{indent}{branch}{name}"), cents, more });
            if let Some(node) = node {
                node.show(cents, &format!("{indent}{below}"), shown);
            }
        }
    }
}

fn line(Shown { name, cents, more }: &Shown, widest: usize) -> String {
    let sign = if *cents < 0 { "-" } else { "" };
    let (dollars, cents) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
    let amount = format!("{sign}${dollars}.{cents:02}");
    let gap = " ".repeat(widest.saturating_sub(name.chars().count()));
    format!("{name}{gap}  {amount:>10}  {more}").trim_end().to_owned()
}
