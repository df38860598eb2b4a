//! Who pays for a user, at the payment provider.

use std::borrow::Cow;

use serde_json::Value;
use theazo_domain::export::Biller;

use crate::Billed;

/// The key of a session's metadata that names its user's customer.
pub const CUSTOMER_KEY: &str = "stripeCustomerId";

/// What an org says about its users in one place, for the sessions that say nothing themselves.
pub trait Customers: Send + Sync {
    fn customer(&self, user_id: &str) -> Option<&str>;
}

/// By the org's settings.
impl Customers for Biller {
    fn customer(&self, user_id: &str) -> Option<&str> {
        self.customers.get(user_id).map(String::as_str)
    }
}

/// Only the sessions' metadata counts.
pub struct NoCustomers;

impl Customers for NoCustomers {
    fn customer(&self, _: &str) -> Option<&str> {
        None
    }
}

impl Billed {
    /// The customer that pays: the session's own word, else the org's.
    pub fn customer<'a>(&'a self, of_org: &'a dyn Customers) -> Option<Cow<'a, str>> {
        let own = match self.metadata.get(CUSTOMER_KEY) {
            Some(Value::String(id)) if !id.trim().is_empty() => Some(id.as_str()),
            _ => None,
        };
        own.or_else(|| of_org.customer(&self.user_id)).map(Cow::Borrowed)
    }
}
