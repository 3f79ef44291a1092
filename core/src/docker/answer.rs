//! What is sent back.

use serde::Serialize;
use serde_json::{json, Value};

use crate::plugin::IPAM_PLUGIN_ENDPOINT_TYPE;

/// A status of HTTP and a body in JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn good(message: &impl Serialize) -> Self {
        let body = serde_json::to_vec(message).unwrap_or_else(|_| b"{}".to_vec());
        Self { status: 200, body }
    }

    /// What the method `name` could not do: an answer as the protocol has it.
    pub(super) fn error(name: &str, cause: &str) -> Self {
        let key = if is_ipam(name) { "Error" } else { "Err" };
        Self::good(&json!({ key: cause }))
    }

    /// What was no request that a method could answer. Docker reads `Err` then, whatever the method's type.
    pub(super) fn refusal(status: u16, name: &str, cause: &str) -> Self {
        let mut body = json!({ "Err": cause });
        if is_ipam(name) {
            body["Error"] = Value::from(cause);
        }
        Self { status, ..Self::good(&body) }
    }
}

fn is_ipam(name: &str) -> bool {
    name.split('.').next() == Some(IPAM_PLUGIN_ENDPOINT_TYPE)
}
