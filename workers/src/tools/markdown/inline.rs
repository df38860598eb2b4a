//! Emphasis and code inside a line.

/// Open elements that are followed; deeper ones are only text.
const MAX_OPEN: usize = 16;

/// The marks that are open, from the outside in.
#[derive(Default)]
pub struct Marks(Vec<Mark>);

struct Mark {
    sign: &'static str,
    /// Whether the sign is in the text yet: it comes with the first word.
    written: bool,
}

impl Marks {
    /// The sign of an element; `None` for one that has none.
    pub fn sign(name: &str) -> Option<&'static str> {
        match name {
            "b" | "strong" => Some("**"),
            "i" | "em" => Some("*"),
            "s" | "del" | "strike" => Some("~~"),
            "code" | "kbd" | "samp" | "tt" => Some("`"),
            _ => None,
        }
    }

    pub fn open(&mut self, sign: &'static str) {
        // One in one of its own kind would close it.
        let again = self.0.iter().any(|mark| mark.sign == sign);
        if self.0.len() < MAX_OPEN && !again {
            self.0.push(Mark { sign, written: false });
        }
    }

    /// Closes the innermost of this kind and what was left open inside of it.
    pub fn close(&mut self, sign: &str, out: &mut String) {
        let Some(at) = self.0.iter().rposition(|mark| mark.sign == sign) else { return };
        for mark in self.0.drain(at..).rev() {
            if mark.written {
                out.push_str(mark.sign);
            }
        }
    }

    /// Before a word.
    pub fn write(&mut self, out: &mut String) {
        for mark in self.0.iter_mut().filter(|mark| !mark.written) {
            out.push_str(mark.sign);
            mark.written = true;
        }
    }

    /// At the end of a block: they go on in the next.
    pub fn suspend(&mut self, out: &mut String) {
        for mark in self.0.iter_mut().rev().filter(|mark| mark.written) {
            out.push_str(mark.sign);
            mark.written = false;
        }
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}
