//! Errors as they cross the bus: on the other side they are what they were.

use serde::{Deserialize, Serialize};
use theazo_domain::{FieldError, Rejection};
use theazo_providers::{GatewayError, ProviderError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum WireError {
    Rejected(WireRejection),
    Provider(ProviderError),
    Unavailable(String),
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum WireRejection {
    NotFound(String),
    Conflict(String),
    /// Paths and messages.
    Invalid(Vec<(String, String)>),
    LimitExceeded(String),
}

impl From<GatewayError> for WireError {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Rejected(rejection) => WireError::Rejected(rejection.into()),
            GatewayError::Provider(error) => WireError::Provider(error),
            GatewayError::Unavailable { message } => WireError::Unavailable(message),
            GatewayError::Unknown { message } => WireError::Unknown(message),
        }
    }
}

impl From<WireError> for GatewayError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Rejected(rejection) => GatewayError::Rejected(rejection.into()),
            WireError::Provider(error) => GatewayError::Provider(error),
            WireError::Unavailable(message) => GatewayError::Unavailable { message },
            WireError::Unknown(message) => GatewayError::Unknown { message },
        }
    }
}

impl From<Rejection> for WireRejection {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::NotFound(message) => WireRejection::NotFound(message),
            Rejection::Conflict(message) => WireRejection::Conflict(message),
            Rejection::Invalid(fields) => {
                WireRejection::Invalid(fields.into_iter().map(|f| (f.path, f.message)).collect())
            }
            Rejection::LimitExceeded(message) => WireRejection::LimitExceeded(message),
        }
    }
}

impl From<WireRejection> for Rejection {
    fn from(rejection: WireRejection) -> Self {
        match rejection {
            WireRejection::NotFound(message) => Rejection::NotFound(message),
            WireRejection::Conflict(message) => Rejection::Conflict(message),
            WireRejection::Invalid(fields) => Rejection::Invalid(
                fields.into_iter().map(|(path, message)| FieldError { path, message }).collect(),
            ),
            WireRejection::LimitExceeded(message) => Rejection::LimitExceeded(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn every_error() -> Vec<GatewayError> {
        let text = || "why".to_owned();
        let fields = vec![FieldError::new("a.b", "is wrong"), FieldError::new("", "")];
        let rejections = [
            Rejection::NotFound(text()),
            Rejection::Conflict(text()),
            Rejection::Invalid(fields),
            Rejection::LimitExceeded(text()),
        ];
        let providers = [
            ProviderError::NoSandbox,
            ProviderError::NoSnapshot,
            ProviderError::BadSnapshot(text()),
            ProviderError::NoFile(text()),
            ProviderError::OutsideWorkspace(text()),
            ProviderError::BadPath(text()),
            ProviderError::TooLarge { size: u64::MAX, limit: 1 },
            ProviderError::DiskFull,
            ProviderError::NoListener(80),
            ProviderError::Conflict(text()),
            ProviderError::Timeout(Duration::from_millis(1_500)),
            ProviderError::Gone,
            ProviderError::Unsupported(text()),
            ProviderError::Failed { message: text(), retryable: true },
        ];
        let own = [
            GatewayError::Unavailable { message: text() },
            GatewayError::Unknown { message: text() },
        ];
        let rejections = rejections.into_iter().map(GatewayError::from);
        let providers = providers.into_iter().map(GatewayError::from);
        rejections.chain(providers).chain(own).collect()
    }

    #[test]
    fn every_error_is_on_the_other_side_what_it_was() {
        for error in every_error() {
            let sent = serde_json::to_string(&WireError::from(error.clone())).unwrap();
            let got: WireError = serde_json::from_str(&sent).unwrap();
            assert_eq!(format!("{:?}", GatewayError::from(got)), format!("{error:?}"));
        }
    }
}
