//! Endpoints that Docker has forgotten: what it says while nobody serves it does not say again.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use super::endpoints::is_dockers;
use super::options;
use super::route::Service;
use crate::controller::{Endpoint, EndpointConfig, PortMapping};
use crate::error::{ErrorKind, Result};
use crate::name::Name;

impl Service {
    /// Does something for an endpoint, with which nobody else is at work, that others in the way may keep from being
    /// done: those of Docker's that are `in_the_way` and that Docker has forgotten go, and it is done again.
    pub(super) fn past_stale<T>(
        &self,
        own: (&Name, &Name),
        in_the_way: impl Fn(&Endpoint) -> bool,
        act: impl Fn() -> Result<T>,
    ) -> Result<T> {
        match act() {
            Err(error) if is_conflict(error.kind()) => match self.drop_stale(own, in_the_way)? {
                true => act(),
                false => Err(error),
            },
            result => result,
        }
    }

    /// Deletes the endpoints `in_the_way` that Docker had made and no container has, as far as that is certain: Docker
    /// has not spoken of them since this server began. Whether there were any.
    fn drop_stale(&self, own: (&Name, &Name), in_the_way: impl Fn(&Endpoint) -> bool) -> Result<bool> {
        let mut dropped = false;
        for endpoint in self.controller.endpoints()? {
            let object = (&endpoint.network, endpoint.name());
            if object == own || !is_dockers(&endpoint) || !in_the_way(&endpoint) {
                continue;
            }
            // Of one that a request is about at this moment Docker has not forgotten anything.
            let Some(_alone) = self.alone_besides(own, object) else { continue };
            if self.is_stale(&endpoint)? {
                let (network, name) = object;
                log::info!("endpoint {name} of network {network} is none of Docker's any more: removed");
                self.controller.disconnect(network.as_str(), name.as_str())?;
                dropped = true;
            }
        }
        Ok(dropped)
    }

    fn is_stale(&self, endpoint: &Endpoint) -> Result<bool> {
        let (network, name) = (&endpoint.network, endpoint.name());
        let is_known = self.recent().contains(&(network.clone(), name.clone()));
        let config = self.controller.defined(network)?;
        Ok(!is_known
            && config.is_some_and(|config| options::is_dockers(&config))
            && self.controller.is_returned(network, name)?)
    }

    pub(super) fn remember(&self, network: &Name, endpoint: &Name) {
        self.recent().insert((network.clone(), endpoint.clone()));
    }

    pub(super) fn forget(&self, network: &Name, endpoint: &Name) {
        self.recent().remove(&(network.clone(), endpoint.clone()));
    }

    pub(super) fn forget_all_of(&self, network: &Name) {
        self.recent().retain(|(own, _)| own != network);
    }

    fn recent(&self) -> MutexGuard<'_, HashSet<(Name, Name)>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_conflict(kind: ErrorKind) -> bool {
    [ErrorKind::AlreadyExists, ErrorKind::ResourceExhausted].contains(&kind)
}

/// Whether an endpoint has one of the host's ports that are wanted.
pub(super) fn has_port_of(wanted: &[PortMapping]) -> impl Fn(&Endpoint) -> bool + '_ {
    move |endpoint| endpoint.ports.iter().any(|own| wanted.iter().any(|wanted| own.overlaps(wanted)))
}

/// Whether an endpoint of the network has an address that Docker has given to another since.
pub(super) fn has_address_of<'a>(
    network: &'a Name,
    other: &'a EndpointConfig,
) -> impl Fn(&Endpoint) -> bool + 'a {
    move |endpoint| {
        let own = &endpoint.config;
        let v4 = own.address.is_some() && own.address == other.address;
        let v6 = own.address_ipv6.is_some() && own.address_ipv6 == other.address_ipv6;
        endpoint.network == *network && (v4 || v6)
    }
}
