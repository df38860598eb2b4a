//! The model of test keys: deterministic, streams, needs no network and costs nothing.
//!
//! It does what the last text of the user with directives says. Where no text has any, the last
//! one is answered with `mock: ` and its first words. A directive is a line that begins with one of
//! these:
//!
//! | directive | effect |
//! | --- | --- |
//! | `@say TEXT` | answers TEXT (several lines: one after the other) |
//! | `@think TEXT` | reasons TEXT |
//! | `@echo` | answers with the last tool result |
//! | `@tool NAME {json}` | calls a tool; several in a row are parallel calls of one turn |
//! | `@forever NAME {json}` | calls a tool in every turn from here on |
//! | `@then` | ends the turn |
//! | `@fail CODE message` | fails, every time; CODE as below |
//! | `@fail-once CODE message` | fails here; asked again, does the whole turn without it |
//! | `@refuse TEXT` | refuses, with TEXT as the explanation |
//! | `@max_tokens` | is cut off by the token limit |
//! | `@pause` | pauses the turn (the caller sends it back and asks again) |
//! | `@slow MS` | from here on, waits MS milliseconds before each chunk |
//! | `@usage IN OUT` | from here on, each turn reports these tokens |
//!
//! All other lines are ignored then. A turn also ends after its tool calls when something else
//! follows, and after `@fail`, `@refuse`, `@max_tokens` and `@pause`. A script that is over answers
//! `mock: done`. So this calls two tools at once, then a third, then answers:
//!
//! ```text
//! @tool read_file {"path": "a"}
//! @tool read_file {"path": "b"}
//! @then
//! @tool write_file {"path": "c", "content": "x"}
//! @say written
//! ```
//!
//! CODE is an error's name (`auth`, `billing`, `invalid`, `no_model`, `context_full`,
//! `rate_limited`, `overloaded`, `server`, `timeout`, `network`, `malformed`, `open`) or a status
//! (400, 401, 402, 404, 408, 413, 429, 500, 529). Text before it in the same turn is given out
//! first, as by a stream that breaks. Nothing is retried inside, whatever the code.
//!
//! The mock remembers nothing but which `@fail-once` has failed: which turn it is on, it reads from
//! the number of answers since that text. Tokens are counted as four characters each.

mod player;
mod script;

pub use player::Mock;
