//! Exposed ports as the API takes and shows them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::proxy::{PortAddress, PublicUrl};

/// A port to expose.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExposePort {
    #[schema(minimum = 1, maximum = 65_535, example = 8080)]
    port: i64,
}

impl ExposePort {
    /// # Errors
    /// 422 when it is not 1 to 65535.
    pub fn port(&self) -> Result<u16, ApiError> {
        let port = u16::try_from(self.port).ok().filter(|port| *port != 0);
        port.ok_or_else(|| ApiError::invalid("port", "must be 1 to 65535"))
    }
}

/// A port that is reachable from outside. Its URL is valid while the agent lives and asks for no
/// key: whoever knows it can use it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    #[schema(example = 8080)]
    port: u16,
    /// An origin of its own.
    #[schema(example = "http://agt-01hx0000000000000000000001-8080.localhost:7070")]
    url: String,
    /// The same port below this API's own origin, for where the name in `url` does not resolve.
    /// Pages get no cookies and an opaque origin there.
    #[schema(example = "http://localhost:7070/v1/ports/agt_01HX0000000000000000000001/8080/")]
    path_url: String,
}

impl Port {
    pub fn new(public: &PublicUrl, address: PortAddress) -> Self {
        Self {
            port: address.port,
            url: public.of_port(address),
            path_url: public.path_of_port(address),
        }
    }
}
