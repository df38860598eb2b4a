//! Signed the Standard Webhooks way: `webhook-id`, `webhook-timestamp`, and over both and the body
//! an HMAC-SHA256 in `webhook-signature`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use http::header::{CONTENT_TYPE, USER_AGENT};
use sha2::Sha256;
use theazo_domain::{DeliveryId, Timestamp};

/// The request of one try. A receiver refuses one whose time is long ago, so each try is signed
/// anew.
pub(super) fn request(
    url: &str,
    secret: &[u8; 32],
    id: DeliveryId,
    now: Timestamp,
    body: Vec<u8>,
) -> Result<Request<Bytes>, String> {
    let seconds = now.as_millis() / 1_000;
    let signature = signature(secret, &id.to_string(), seconds, &body)?;
    Request::post(url)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("theazo/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", id.to_string())
        .header("webhook-timestamp", seconds.to_string())
        .header("webhook-signature", signature)
        .body(body.into())
        .map_err(|error| format!("the URL cannot be called: {error}"))
}

fn signature(secret: &[u8], id: &str, seconds: i64, body: &[u8]) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|error| error.to_string())?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn it_is_what_the_standard_says() {
        let secret = BASE64.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signature =
            signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
