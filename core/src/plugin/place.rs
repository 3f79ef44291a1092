//! Where a plugin is, and with what it is called there.

use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::Agent;

use super::address::{Address, Spec};
use super::tls::Tls;
use super::transport::{Names, Opener};
use crate::error::{Error, Result};

#[derive(Clone)]
pub(super) struct Place {
    pub(super) address: Address,
    tls: Option<Tls>,
}

impl Place {
    /// # Errors
    /// Unsupported for TLS where this library was built without; BadRequest for files of `TLSConfig` that cannot be
    /// used.
    pub(super) fn of(spec: &Spec) -> Result<Self> {
        let tls = match &spec.address {
            Address::Tcp { tls: Some(config), .. } => Some(Tls::new(config)),
            _ => None,
        };
        let within = |error: Error| {
            error.within("reach plugin", format_args!("{} by {}", spec.name, spec.path.display()))
        };
        Ok(Self { address: spec.address.clone(), tls: tls.transpose().map_err(within)? })
    }

    /// Made for one request: nothing of it is there for a forked child to inherit.
    pub(super) fn agent(&self, deadline: Instant) -> Agent {
        let left = deadline.saturating_duration_since(Instant::now());
        let config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("libnetns/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections(0)
            .timeout_global(Some(left.max(Duration::from_millis(1))))
            .build();
        let opener = Opener { address: self.address.clone(), tls: self.tls.clone(), deadline };
        let by_name = matches!(self.address, Address::Tcp { .. });
        Agent::with_parts(config, opener, Names { by_name, deadline })
    }

    pub(super) fn url(&self, method: &str) -> String {
        match &self.address {
            Address::Unix(_) => format!("http://localhost/{method}"),
            Address::Tcp { .. } => format!("{}/{method}", self.address),
        }
    }
}
