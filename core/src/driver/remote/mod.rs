//! A driver in another process: a plugin (seed `004`, `NetworkPluginEndpointType`).

mod answers;
mod options;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::Value;

use super::{
    Capability, DiscoveryType, Driver, GatewaySkips, InterfaceInfo, IpamData, JoinInfo, NetworkInfo, Options,
    NETWORK_PLUGIN_ENDPOINT_TYPE,
};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::plugin::client::Client;
use crate::plugin::network::{
    AllocateNetwork, AllocateNetworkReply, Capabilities, CreateEndpoint, CreateNetwork, Discovery,
    EndpointRef, GwAllocCheck, GwAllocCheckReply, Interface, InterfaceReply, Join, JoinReply, NetworkRef,
    OperInfoReply, Reply,
};

/// The status by which a plugin says that it does not know a method.
const NOT_FOUND: u16 = 404;

/// A plugin that drives networks. It acts by itself: its plans are empty, and its devices are there.
pub(crate) struct RemoteDriver {
    client: Client,
    checks_gateways: bool,
}

impl RemoteDriver {
    /// A plugin that has said that it drives networks, and what it can do.
    ///
    /// # Errors
    /// System when it does not answer, or has a scope that is none.
    pub(crate) fn new(client: Client) -> Result<(Self, Capability)> {
        let method = method("GetCapabilities");
        let answer: Capabilities = client.call_empty(&method)?;
        let capability = answers::capability(&answer).map_err(|cause| client.error(&method, cause))?;
        Ok((Self { client, checks_gateways: answer.gw_alloc_checker }, capability))
    }

    fn call<T>(&self, name: &str, request: &impl Serialize) -> Result<T>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        self.client.call(&method(name), request)
    }

    /// Has the plugin do something; it acts by itself.
    fn act(&self, name: &str, request: &impl Serialize) -> Result<Plan> {
        self.call::<Reply>(name, request).map(|_| Plan::default())
    }

    /// As [`RemoteDriver::act`]; a plugin need not know the method.
    fn act_if_offered(&self, name: &str, request: &impl Serialize, endpoint: &str) -> Result<Plan> {
        let method = method(name);
        let body =
            serde_json::to_vec(request).map_err(|error| self.client.error(&method, error.to_string()))?;
        let answer = self.client.ask(&method, &body)?;
        if answer.status == NOT_FOUND {
            return Err(self.not_implemented(name, endpoint));
        }
        self.client.read::<Reply>(&method, &answer).map(|_| Plan::default())
    }

    /// What was wrong with an answer, as this plugin's.
    fn wrong(&self, name: &str, error: &Error) -> Error {
        self.client.unclear(&method(name), format!("its answer is wrong: {error}"))
    }
}

fn method(name: &str) -> String {
    format!("{NETWORK_PLUGIN_ENDPOINT_TYPE}.{name}")
}

fn network_ref(network: &str) -> NetworkRef {
    NetworkRef { network_id: network.to_owned() }
}

fn endpoint_ref(network: &str, endpoint: &str) -> EndpointRef {
    EndpointRef { network_id: network.to_owned(), endpoint_id: endpoint.to_owned() }
}

impl Driver for RemoteDriver {
    fn network_type(&self) -> &str {
        self.client.name().as_str()
    }

    fn network_allocate(
        &self,
        network: &str,
        options: &BTreeMap<String, String>,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<BTreeMap<String, String>> {
        let request = AllocateNetwork {
            network_id: network.to_owned(),
            options: options.clone(),
            ipv4_data: ipv4.to_vec(),
            ipv6_data: ipv6.to_vec(),
        };
        self.call::<AllocateNetworkReply>("AllocateNetwork", &request).map(|answer| answer.options)
    }

    fn network_free(&self, network: &str) -> Result<()> {
        self.act("FreeNetwork", &network_ref(network)).map(drop)
    }

    fn gateway_skips(&self, options: &Options) -> Result<GatewaySkips> {
        if !self.checks_gateways {
            return Ok(GatewaySkips::default());
        }
        let request = GwAllocCheck { options: options::of_network(options, None) };
        let answer: GwAllocCheckReply = self.call("GwAllocCheck", &request)?;
        Ok(GatewaySkips { ipv4: answer.skip_ipv4, ipv6: answer.skip_ipv6 })
    }

    fn remembers_networks(&self) -> bool {
        true
    }

    fn create_network(
        &self,
        network: &str,
        options: &Options,
        _: &mut NetworkInfo,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<Plan> {
        let request = CreateNetwork {
            network_id: network.to_owned(),
            options: options::of_network(options, Some(!ipv6.is_empty())),
            ipv4_data: ipv4.to_vec(),
            ipv6_data: ipv6.to_vec(),
        };
        self.act("CreateNetwork", &request)
    }

    fn delete_network(&self, network: &str) -> Result<Plan> {
        self.act("DeleteNetwork", &network_ref(network))
    }

    fn create_endpoint(
        &self,
        network: &str,
        endpoint: &str,
        interface: &mut InterfaceInfo,
        options: &Options,
    ) -> Result<Plan> {
        let text = |value: Option<String>| value.unwrap_or_default();
        let request = CreateEndpoint {
            network_id: network.to_owned(),
            endpoint_id: endpoint.to_owned(),
            interface: Interface {
                address: text(interface.address().map(|own| own.to_string())),
                address_ipv6: text(interface.address_ipv6().map(|own| own.to_string())),
                mac_address: text(interface.mac_address().map(|own| own.to_string())),
            },
            options: options.clone(),
        };
        let answer: InterfaceReply = self.call("CreateEndpoint", &request)?;
        answers::fill_in(interface, &answer.interface)
            .map_err(|error| self.wrong("CreateEndpoint", &error))?;
        Ok(Plan::default())
    }

    fn delete_endpoint(&self, network: &str, endpoint: &str) -> Result<Plan> {
        self.act("DeleteEndpoint", &endpoint_ref(network, endpoint))
    }

    fn endpoint_oper_info(&self, network: &str, endpoint: &str) -> Result<Options> {
        let answer: OperInfoReply = self.call("EndpointOperInfo", &endpoint_ref(network, endpoint))?;
        Ok(answer.value)
    }

    fn join(
        &self,
        network: &str,
        endpoint: &str,
        sandbox_key: &str,
        join: &mut JoinInfo,
        options: &Options,
    ) -> Result<()> {
        let answer: JoinReply = self.call("Join", &request(network, endpoint, sandbox_key, options))?;
        answers::take_over(join, &answer).map_err(|error| self.wrong("Join", &error))
    }

    fn leave(&self, network: &str, endpoint: &str) -> Result<Plan> {
        self.act("Leave", &endpoint_ref(network, endpoint))
    }

    fn program_external_connectivity(
        &self,
        network: &str,
        endpoint: &str,
        options: &Options,
    ) -> Result<Plan> {
        let request = request(network, endpoint, "", options);
        self.act_if_offered("ProgramExternalConnectivity", &request, endpoint)
    }

    fn revoke_external_connectivity(&self, network: &str, endpoint: &str) -> Result<Plan> {
        self.act_if_offered("RevokeExternalConnectivity", &endpoint_ref(network, endpoint), endpoint)
    }

    fn discover_new(&self, discovery: DiscoveryType, data: &Value) -> Result<()> {
        self.act("DiscoverNew", &notice(discovery, data)).map(drop)
    }

    fn discover_delete(&self, discovery: DiscoveryType, data: &Value) -> Result<()> {
        self.act("DiscoverDelete", &notice(discovery, data)).map(drop)
    }
}

fn request(network: &str, endpoint: &str, sandbox_key: &str, options: &Options) -> Join {
    Join {
        network_id: network.to_owned(),
        endpoint_id: endpoint.to_owned(),
        sandbox_key: sandbox_key.to_owned(),
        options: options.clone(),
    }
}

fn notice(discovery: DiscoveryType, data: &Value) -> Discovery {
    Discovery { discovery_type: discovery as i64, discovery_data: data.clone() }
}
