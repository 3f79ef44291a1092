//! `NetworkDriver`: what is asked about networks, and about the driver itself.

use super::endpoints;
use super::options::{definition, is_dockers, with_fields};
use super::route::Service;
use crate::controller::{GatewayMode, NetworkConfig, POOLS};
use crate::error::{Error, ErrorKind, Result};
use crate::name::Name;
use crate::plugin::network::{
    AllocateNetwork, AllocateNetworkReply, Capabilities, CreateNetwork, Discovery, GwAllocCheck,
    GwAllocCheckReply, NetworkRef, Reply,
};

const LOCAL: &str = "local";

impl Service {
    pub(super) fn capabilities(&self) -> Capabilities {
        Capabilities {
            scope: LOCAL.to_owned(),
            connectivity_scope: LOCAL.to_owned(),
            ..Capabilities::default()
        }
    }

    pub(super) fn allocate_network(&self, request: &AllocateNetwork) -> Result<AllocateNetworkReply> {
        Err(not_global("allocate network", &request.network_id))
    }

    pub(super) fn free_network(&self, request: &NetworkRef) -> Result<Reply> {
        Err(not_global("free network", &request.network_id))
    }

    /// Only a network that the host has no address in needs none for a gateway.
    pub(super) fn gw_alloc_check(&self, request: &GwAllocCheck) -> Result<GwAllocCheckReply> {
        let request = CreateNetwork {
            network_id: "any".to_owned(),
            options: request.options.clone(),
            ..CreateNetwork::default()
        };
        let skip = definition(&request)?.firewall.gateway_mode == GatewayMode::Isolated;
        Ok(GwAllocCheckReply { skip_ipv4: skip, skip_ipv6: skip, ..GwAllocCheckReply::default() })
    }

    pub(super) fn create_network(&self, request: &CreateNetwork) -> Result<Reply> {
        let mut wanted = definition(request)?;
        for subnet in &wanted.subnets {
            if self.controller.is_given(subnet.subnet)? {
                wanted.labels.insert(POOLS.0.to_owned(), POOLS.1.to_owned());
                self.controller.mark_used(subnet.subnet)?;
            }
        }
        let name = wanted.name.clone();
        let _alone = self.alone_with(&name);
        let Some(there) = self.controller.defined(&name)? else {
            self.controller.create_network(wanted).map_err(with_fields)?;
            self.let_pass_as_needed()?;
            return Ok(Reply::default());
        };
        require_dockers(&there)?;
        if let Some(difference) = there.difference(&wanted)? {
            return Err(Error::new(ErrorKind::AlreadyExists, "create network", name.as_str())
                .with_cause(format!("there is one that is otherwise: {difference}")));
        }
        self.controller.revive(&name)?;
        Ok(Reply::default())
    }

    pub(super) fn delete_network(&self, request: &NetworkRef) -> Result<Reply> {
        let name = Name::new(&request.network_id)?;
        let _alone = self.alone_with(&name);
        let Some(there) = self.controller.defined(&name)? else {
            // Another took it away, or this server did and could not go on.
            self.let_pass_as_needed()?;
            return Ok(Reply::default());
        };
        require_dockers(&there)?;
        // Docker has none of these any more, or it would not delete the network.
        for endpoint in self.controller.inspect_network(name.as_str())?.endpoints {
            if endpoints::is_dockers(&endpoint) {
                self.controller.disconnect(name.as_str(), endpoint.name().as_str())?;
            }
        }
        self.controller.delete_network(name.as_str())?;
        self.controller.settle_pools()?;
        self.forget_all_of(&name);
        self.let_pass_as_needed()?;
        Ok(Reply::default())
    }

    /// As [`Service::let_pass`], by whether there are networks.
    pub(super) fn let_pass_as_needed(&self) -> Result<()> {
        // Else the last network that goes and the first that comes could each undo what the other has done.
        let _alone = self.alone_with_rules();
        let has_networks = self.has_networks()?;
        self.let_pass(has_networks);
        Ok(())
    }

    /// Has Docker's own rules let pass what is for its networks here, if there are any.
    pub(super) fn let_pass_again(&self) -> Result<()> {
        let _alone = self.alone_with_rules();
        match self.has_networks()? {
            true => self.controller.pass_docker(true),
            false => Ok(()),
        }
    }

    /// Docker's own rules let pass what is for its networks here, or no longer. Where that cannot be, it is
    /// said, and what the firewall stops is the host's affair.
    pub(super) fn let_pass(&self, has_networks: bool) {
        if let Err(error) = self.controller.pass_docker(has_networks) {
            log::warn!("what Docker's rules stop stays stopped: {error}");
        }
    }

    pub(super) fn has_networks(&self) -> Result<bool> {
        let all = self.controller.networks()?;
        Ok(all.iter().any(|(_, config)| config.as_ref().is_ok_and(is_dockers)))
    }

    /// Networks of one host have no use for other hosts.
    pub(super) fn discover(&self, _: &Discovery) -> Result<Reply> {
        Ok(Reply::default())
    }

    /// The definition of a network of Docker's.
    pub(super) fn network(&self, name: &Name) -> Result<NetworkConfig> {
        let Some(config) = self.controller.defined(name)? else {
            return Err(Error::new(ErrorKind::NotFound, "find network", name.as_str())
                .with_cause("there is no network of that id"));
        };
        require_dockers(&config)?;
        Ok(config)
    }
}

fn require_dockers(config: &NetworkConfig) -> Result<()> {
    if is_dockers(config) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Forbidden, "use network", config.name.as_str())
        .with_cause("it is none that Docker had made"))
}

fn not_global(operation: &str, network: &str) -> Error {
    Error::new(ErrorKind::NotImplemented, operation, network)
        .with_cause("these networks are of one host, and nothing is allocated across hosts for them")
}
