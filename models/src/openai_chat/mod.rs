//! OpenAI's Chat Completions API, `POST {base}/chat/completions`, as OpenAI speaks it and as
//! gateways do. What they do differently is taken here, row by row of this table:
//!
//! | quirk | seen at | what we do |
//! | --- | --- | --- |
//! | `tool_calls[].index` missing, or 0 for all | Ollama | a new id or name begins a new call |
//! | `id` of a call missing, or used twice | vLLM, LiteLLM | one is made up |
//! | `type` missing | vLLM | it is a function |
//! | the whole call in one delta, arguments as an object | Ollama | taken |
//! | `usage` null, missing, or in every chunk | SGLang, vLLM | the last one that is not null |
//! | comments between events | OpenRouter | ignored |
//! | an error inside a 200, its code a number | OpenRouter | as that status |
//! | `reasoning_content`, `reasoning` | DeepSeek, OpenRouter | reasoning, never text |
//! | no `[DONE]` | several | `finish_reason` and the end of the stream is the end |
//! | no stream at all | several | a whole completion is taken as one chunk |
//! | `extra_content` of a call | Gemini | sent back as it came |
//! | arguments that are not JSON | any | told to the caller, sent back as `{}` |

mod calls;
mod chunk;
mod request;
mod stream;

pub use request::{encode, headers};
pub use stream::Decoder;
