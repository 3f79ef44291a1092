//! Endpoints that Docker has forgotten: what it says while nobody serves it does not say again.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use super::endpoints;
use super::options::is_dockers;
use super::route::Service;
use crate::error::{ErrorKind, Result};
use crate::name::Name;

impl Service {
    /// Does something that endpoints in the way may keep from being done: when those were Docker's, which has
    /// forgotten them, they go, and it is done again.
    pub(super) fn past_stale<T>(&self, act: impl Fn() -> Result<T>) -> Result<T> {
        match act() {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => match self.drop_stale()? {
                true => act(),
                false => Err(error),
            },
            result => result,
        }
    }

    /// Deletes the endpoints of Docker's that no container has, as far as that is certain: Docker has not spoken
    /// of them since this server began. Whether there were any.
    fn drop_stale(&self) -> Result<bool> {
        let mut dropped = false;
        for (network, config) in self.controller.networks()? {
            if !config.as_ref().is_ok_and(is_dockers) {
                continue;
            }
            for endpoint in self.controller.inspect_network(network.as_str())?.endpoints {
                let name = endpoint.name();
                let is_known = self.recent().contains(&(network.clone(), name.clone()));
                if endpoints::is_dockers(&endpoint)
                    && !is_known
                    && self.controller.is_returned(&network, name)?
                {
                    log::info!("endpoint {name} of network {network} is none of Docker's any more: removed");
                    self.controller.disconnect(network.as_str(), name.as_str())?;
                    dropped = true;
                }
            }
        }
        Ok(dropped)
    }

    pub(super) fn remember(&self, network: &Name, endpoint: &Name) {
        self.recent().insert((network.clone(), endpoint.clone()));
    }

    pub(super) fn forget(&self, network: &Name, endpoint: &Name) {
        self.recent().remove(&(network.clone(), endpoint.clone()));
    }

    fn recent(&self) -> MutexGuard<'_, HashSet<(Name, Name)>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
