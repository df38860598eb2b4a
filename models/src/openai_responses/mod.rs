//! OpenAI's Responses API, `POST {base}/responses`, without any state at OpenAI: we keep the items
//! and send them back, the reasoning encrypted.

mod request;
mod stream;

pub use request::encode;
pub use stream::Decoder;
