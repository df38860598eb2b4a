//! Long outputs: the model sees the two ends, and how to read the rest.

/// The most of one output that a model is shown, in bytes, the note in between included.
pub const SHOWN: usize = 32 << 10;
/// Kept for the note.
const NOTE: usize = 256;
/// Bytes of the end that are shown: an error is most often there.
const TAIL: usize = 10 << 10;

/// What the model is shown of the output of tool call `step`, and whether that left anything out,
/// so that the whole must be kept for `read_output`.
pub fn shorten(step: u32, text: &str) -> (String, bool) {
    if text.len() <= SHOWN {
        return (text.to_owned(), false);
    }
    let head = text.floor_char_boundary(SHOWN - NOTE - TAIL);
    let tail = text.ceil_char_boundary(text.len() - TAIL);
    let shown = format!(
        "{}\n\n[{} of {} bytes are left out here. To read on: read_output \
         {{\"step\": {step}, \"offset\": {head}}}]\n\n{}",
        &text[..head],
        tail - head,
        text.len(),
        &text[tail..]
    );
    (shown, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_outputs_are_shown_whole() {
        let text = "x".repeat(SHOWN);
        assert_eq!(shorten(3, &text), (text.clone(), false));
        assert_eq!(shorten(3, ""), (String::new(), false));
    }

    #[test]
    fn long_outputs_are_shown_at_both_ends_on_boundaries() {
        for sign in ["x", "é", "界", "🦀"] {
            let text = sign.repeat(40_000);
            let (shown, whole) = shorten(7, &text);
            assert!(whole && shown.len() <= SHOWN && shown.len() > SHOWN - 600, "{}", shown.len());
            let head = shown.find("\n\n[").unwrap();
            assert!(text.starts_with(&shown[..head]), "{sign}");
            assert!(shown.ends_with(sign));
            let more = format!("read_output {{\"step\": 7, \"offset\": {head}}}]");
            assert!(shown.contains(&more), "{sign}");
        }
    }
}
