//! What the parts of a bill are called.

use theazo_domain::Pico;

use super::{Node, Used};
use crate::Line;

/// The names of a record's place in the tree: user, session, agent, what was used. Control
/// characters in what others chose do nothing to a terminal.
pub(super) fn path(line: &Line<'_>) -> [String; 4] {
    let agent = line.agent_id.map_or_else(|| "no agent".to_owned(), |id| id.to_string());
    let used = match line.model {
        Some(model) => format!("model {}", plain(model)),
        None => line.meter.to_owned(),
    };
    [format!("user {}", plain(line.user_id)), line.session_id.to_string(), agent, used]
}

fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// `123~0  compute/agt_…/1  2026-05-01T…  1.000 min at compute.local.2026-11 = $0.05`
pub(super) fn record(line: &Line<'_>) -> String {
    let quantities = &line.quantities;
    let used = match (quantities.compute_ms, quantities.byte_seconds) {
        (Some(millis), _) => minutes(millis),
        (_, Some(byte_seconds)) => gib_hours(byte_seconds.into()),
        _ => {
            let of = Option::unwrap_or_default;
            let cached = of(quantities.cache_read_tokens) + of(quantities.cache_write_tokens);
            let (input, output) = (of(quantities.input_tokens), of(quantities.output_tokens));
            format!("{input} + {cached} cached in, {output} out")
        }
    };
    let price =
        line.price_id.or(line.basis).map_or_else(String::new, |id| format!(" at {}", plain(id)));
    let late =
        if line.adjustment { format!(", recorded {}", line.recorded_at) } else { String::new() };
    let (position, id, at, cost) = (&line.position, line.id, line.at, dollars(line.cost_pico));
    format!("{position}  {id}  {at}  {used}{price} = ${cost}{}{late}", waived(line.waived_pico))
}

/// What stands behind the name of a part.
pub(super) fn amounts(node: &Node) -> String {
    let Used { compute_millis, calls, tokens, byte_seconds } = &node.used;
    let mut said = Vec::new();
    if *compute_millis > 0 {
        said.push(minutes(*compute_millis));
    }
    if *calls > 0 {
        let (prompt, output) = (tokens.prompt(), tokens.output);
        said.push(format!("{calls} calls, {prompt} tokens in, {output} out"));
    }
    if *byte_seconds > 0 {
        said.push(gib_hours(*byte_seconds));
    }
    if node.adjustments > 0 {
        said.push(format!("{} recorded late", node.adjustments));
    }
    format!("{}{}", said.join("; "), waived(node.waived))
}

fn waived(waived: Pico) -> String {
    if waived.is_zero() { String::new() } else { format!(", ${} not billed", dollars(waived)) }
}

fn minutes(millis: u64) -> String {
    let thousandths = millis.saturating_add(30) / 60;
    format!("{}.{:03} min", thousandths / 1_000, thousandths % 1_000)
}

fn gib_hours(byte_seconds: u128) -> String {
    let thousandths = byte_seconds * 1_000 / (3_600 << 30);
    format!("{}.{:03} GiB h", thousandths / 1_000, thousandths % 1_000)
}

/// Exact: `0.05`, `0.000000000123`.
fn dollars(pico: Pico) -> String {
    const PICO: u128 = 1_000_000_000_000;
    let (sign, abs) = (if pico.0 < 0 { "-" } else { "" }, pico.0.unsigned_abs());
    let fraction = format!("{:012}", abs % PICO);
    let shown = fraction.trim_end_matches('0');
    let digits = shown.len().max(2);
    format!("{sign}{}.{}", abs / PICO, &fraction[..digits])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        assert_eq!(dollars(Pico(50_000_000_000)), "0.05");
        assert_eq!(dollars(Pico(123)), "0.000000000123");
        assert_eq!(dollars(Pico(-2_500_000_000_000)), "-2.50");
        assert_eq!(dollars(Pico(0)), "0.00");
        assert_eq!(minutes(90_000), "1.500 min");
        assert_eq!(gib_hours(3_600 << 30), "1.000 GiB h");
        assert_eq!(plain("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }
}
