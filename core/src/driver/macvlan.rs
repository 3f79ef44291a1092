//! The macvlan driver: interfaces with MAC addresses of their own on a link of the host's.
//!
//! There is nothing of them in the host, and the host's own addresses on that link do not reach them.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::info::{Birth, InterfaceInfo, JoinInfo, NetworkInfo};
use super::known::Known;
use super::naming::{self, Mark};
use super::options::{self as keys, number};
use super::subnets::Subnets;
use super::{veth, Driver, IpamData, Options};
use crate::error::Result;
use crate::host::Host;
use crate::link::{InterfaceName, LinkKind, LinkRef, LinkSpec, MacvlanMode, Mtu, Place};
use crate::name::Name;
use crate::plan::{Action, Plan};

/// The type that this driver manages.
pub(crate) const TYPE: &str = "macvlan";

/// Networks that are links of `host`.
pub(crate) struct MacvlanDriver {
    host: Arc<Host>,
    mark: Mark,
    networks: Known<MacvlanNetwork>,
}

struct MacvlanNetwork {
    name: Name,
    options: MacvlanOptions,
    subnets: Subnets,
    internal: bool,
}

/// Options of the network; Docker's keys are the same or aliases.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MacvlanOptions {
    parent: InterfaceName,
    #[serde(default, alias = "macvlan_mode", deserialize_with = "mode")]
    mode: Option<MacvlanMode>,
    #[serde(default, alias = "com.docker.network.driver.mtu", deserialize_with = "number")]
    mtu: Option<Mtu>,
    #[serde(default, alias = "com.docker.network.container_iface_prefix")]
    prefix: Option<InterfaceName>,
}

fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<MacvlanMode>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

impl MacvlanDriver {
    pub(crate) fn new(host: Arc<Host>, mark: Mark) -> Self {
        Self { host, mark, networks: Known::default() }
    }
}

impl Driver for MacvlanDriver {
    fn network_type(&self) -> &str {
        TYPE
    }

    fn create_network(
        &self,
        network: &str,
        options: &Options,
        _: &mut NetworkInfo,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<Plan> {
        let internal = keys::is_internal(options);
        let options: MacvlanOptions = keys::parse(TYPE, options)?;
        let parent = super::find_parent(&self.host, &options.parent)?;
        veth::mtu(options.mtu, Mtu::new(parent.mtu)?)?;
        let subnets = Subnets::new(ipv4, ipv6)?;
        let made = MacvlanNetwork { name: Name::new(network)?, options, subnets, internal };
        self.networks.insert(network, made);
        Ok(Plan::default())
    }

    fn delete_network(&self, _: &str) -> Result<Plan> {
        Ok(Plan::default())
    }

    fn create_endpoint(
        &self,
        network: &str,
        _: &str,
        interface: &mut InterfaceInfo,
        options: &Options,
    ) -> Result<Plan> {
        let network = self.networks.network(network)?;
        keys::parse::<keys::NoOptions>(TYPE, options)?;
        super::settle_interface(&network.subnets, interface)?;
        Ok(Plan::default())
    }

    /// The device of an endpoint that was linked, where it is in the host.
    fn delete_endpoint(&self, network: &str, endpoint: &str) -> Result<Plan> {
        let (network, endpoint) = (Name::new(network)?, Name::new(endpoint)?);
        let (_, src_name) = naming::link_names(&network, &endpoint)?;
        let mut plan = Plan::default();
        let link = self.host.link(&src_name)?;
        if let Some(link) = link.filter(|link| self.mark.is_endpoint(link, &network, &endpoint)) {
            plan.push(Place::Host, Action::DeleteLink(LinkRef::indexed(src_name, link.index)));
        }
        Ok(plan)
    }

    fn endpoint_oper_info(&self, network: &str, _: &str) -> Result<Options> {
        let network = self.networks.network(network)?;
        let parent = ("parent".to_owned(), network.options.parent.as_str().into());
        let mode = network.options.mode.unwrap_or(MacvlanMode::Bridge).to_string();
        Ok([parent, ("mode".to_owned(), mode.into())].into_iter().collect())
    }

    fn join(
        &self,
        network: &str,
        endpoint: &str,
        _: &str,
        join: &mut JoinInfo,
        options: &Options,
    ) -> Result<()> {
        let network = self.networks.network(network)?;
        keys::parse::<keys::NoOptions>(TYPE, options)?;
        let endpoint = Name::new(endpoint)?;
        let parent = super::find_parent(&self.host, &network.options.parent)?;
        let most = Mtu::new(parent.mtu)?;
        let mtu = veth::mtu(join.mtu(), network.options.mtu.unwrap_or(most))?;
        let (_, src_name) = naming::link_names(&network.name, &endpoint)?;
        let kind = LinkKind::Macvlan {
            parent: LinkRef::indexed(network.options.parent.clone(), parent.index),
            mode: network.options.mode.unwrap_or(MacvlanMode::Bridge),
        };
        let mut link = LinkSpec::new(src_name.clone(), kind);
        link.born_in = Some(Place::Sandbox);
        // One that no link of the host has: kernels before 6.15 look there too.
        link.index = Some(naming::host_index(&network.name, &endpoint, join.attempt()));
        link.mtu = Some(mtu);
        let mut birth = Birth::new(link);
        birth.owner = Some(self.mark.endpoint(&network.name, &endpoint));
        super::name_interface(join, src_name, network.options.prefix.as_ref())?;
        join.set_birth(birth);
        super::give_gateways(&network.subnets, network.internal, join);
        Ok(())
    }

    fn leave(&self, _: &str, _: &str) -> Result<Plan> {
        // The link is in the sandbox, and the library takes it out.
        Ok(Plan::default())
    }
}
