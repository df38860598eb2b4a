//! Anthropic's Messages API, `POST {base}/v1/messages`, always streamed.

mod block;
mod error;
mod request;
mod stream;

pub use error::read_error;
pub use request::encode;
pub use stream::Decoder;
