//! `NetworkDriver`: what is asked about endpoints.

use std::str::FromStr;

use ipnet::IpNet;
use serde_json::Value;

use super::options::LABEL;
use super::route::Service;
use super::stale::has_address_of;
use crate::controller::{Endpoint, EndpointConfig, NetworkConfig};
use crate::driver::{routed, Options};
use crate::error::{Error, ErrorKind, Result};
use crate::link::MacAddr;
use crate::name::Name;
use crate::plugin::network::{CreateEndpoint, EndpointRef, Interface, InterfaceReply, OperInfoReply, Reply};

/// What Docker says by such keys is for itself, or is said in other fields.
const DOCKERS: &str = "com.docker.";

impl Service {
    pub(super) fn create_endpoint(&self, request: &CreateEndpoint) -> Result<InterfaceReply> {
        let (network, endpoint) = names(&request.network_id, &request.endpoint_id)?;
        let _alone = self.alone_with((&network, &endpoint));
        let definition = self.network(&network)?;
        let config = wanted(&definition, &endpoint, request)?;
        // Before it is there: whoever looks for stale ones does not take it for one.
        self.remember(&network, &endpoint);
        let there = match self.find(&network, &endpoint)? {
            Some(there) => same(there, &config)?,
            None => {
                let of_same_address = has_address_of(&network, &config);
                let made = self.past_stale((&network, &endpoint), of_same_address, || {
                    self.make(&definition, config.clone())
                });
                made.inspect_err(|_| self.forget(&network, &endpoint))?
            }
        };
        let mac = there.mac.filter(|_| request.interface.mac_address.is_empty());
        let interface = Interface {
            mac_address: mac.map(|mac| mac.to_string()).unwrap_or_default(),
            ..Interface::default()
        };
        Ok(InterfaceReply { interface, ..InterfaceReply::default() })
    }

    pub(super) fn delete_endpoint(&self, request: &EndpointRef) -> Result<Reply> {
        let (network, endpoint) = names(&request.network_id, &request.endpoint_id)?;
        let _alone = self.alone_with((&network, &endpoint));
        if self.found(&network, &endpoint)?.is_some() {
            self.controller.disconnect(network.as_str(), endpoint.as_str())?;
        }
        self.forget(&network, &endpoint);
        Ok(Reply::default())
    }

    pub(super) fn oper_info(&self, request: &EndpointRef) -> Result<OperInfoReply> {
        let (network, endpoint) = names(&request.network_id, &request.endpoint_id)?;
        self.network(&network)?;
        let there = self.known(&network, &endpoint)?;
        let mut value = self.controller.endpoint_oper_info(network.as_str(), endpoint.as_str())?;
        if !there.ports.is_empty() {
            let ports: Vec<_> = there.ports.iter().map(ToString::to_string).collect();
            value.insert("ports".to_owned(), ports.into());
        }
        Ok(OperInfoReply { value, ..OperInfoReply::default() })
    }

    /// An endpoint of Docker's; none when it, or its network, is gone.
    pub(super) fn found(&self, network: &Name, endpoint: &Name) -> Result<Option<Endpoint>> {
        match self.network(network) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(_) => self.find(network, endpoint),
        }
    }

    /// An endpoint of a network of Docker's.
    pub(super) fn known(&self, network: &Name, endpoint: &Name) -> Result<Endpoint> {
        self.controller.endpoint(network.as_str(), endpoint.as_str())
    }

    fn find(&self, network: &Name, endpoint: &Name) -> Result<Option<Endpoint>> {
        match self.known(network, endpoint) {
            Ok(there) => Ok(Some(there)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether Docker had it made.
pub(super) fn is_dockers(endpoint: &Endpoint) -> bool {
    endpoint.config.labels.get(LABEL.0).is_some_and(|own| own == LABEL.1)
}

pub(super) fn names(network: &str, endpoint: &str) -> Result<(Name, Name)> {
    let network = Name::new(network).map_err(|error| error.within("use NetworkID", "of request"))?;
    let endpoint = Name::new(endpoint).map_err(|error| error.within("use EndpointID", "of request"))?;
    Ok((network, endpoint))
}

/// The endpoint that is asked for.
fn wanted(network: &NetworkConfig, endpoint: &Name, request: &CreateEndpoint) -> Result<EndpointConfig> {
    let mut config = EndpointConfig::new(endpoint.as_str())?;
    let Interface { address, address_ipv6, mac_address } = &request.interface;
    config.mac = parsed(mac_address, "MacAddress")?;
    for (text, field, ipv6) in [(address, "Address", false), (address_ipv6, "AddressIPv6", true)] {
        let address: Option<IpNet> = parsed(text, field)?;
        let Some(address) = address else { continue };
        let subnet = network.subnet(ipv6).map(|subnet| subnet.subnet);
        if subnet.is_some_and(|subnet| subnet != address.trunc()) || address.addr().is_ipv6() != ipv6 {
            let subnet = subnet.map_or_else(|| "of that family".to_owned(), |subnet| subnet.to_string());
            let cause = format!("{address} is none of the network's subnet {subnet}");
            return Err(Error::bad_request("use", field, cause));
        }
        config = config.with_address(address.addr());
    }
    // The same address has the same MAC again, as on Docker's own networks: no neighbour's entry goes stale.
    config.mac = config.mac.or_else(|| config.address.map(MacAddr::from_ipv4));
    let own = request.options.iter().filter(|(key, _)| !key.starts_with(DOCKERS));
    config.options = own.map(|(key, value)| (key.clone(), value.clone())).collect();
    config.labels.insert(LABEL.0.to_owned(), LABEL.1.to_owned());
    if network.network_type == routed::TYPE {
        // Docker sets no neighbours.
        config.options.entry("gateway_on_link").or_insert(true.into());
    }
    Ok(config)
}

fn parsed<T: FromStr>(text: &str, field: &str) -> Result<Option<T>>
where
    T::Err: std::fmt::Display,
{
    let refuse = |error| Error::bad_request("use", field, format!("{text:?}: {error}"));
    Some(text).filter(|text| !text.is_empty()).map(|text| text.parse().map_err(refuse)).transpose()
}

/// The endpoint that is there, if it is what is asked for.
fn same(there: Endpoint, wanted: &EndpointConfig) -> Result<Endpoint> {
    let refuse = |cause: String| {
        let error = Error::new(ErrorKind::AlreadyExists, "create endpoint", wanted.name.as_str());
        Err(error.with_cause(cause))
    };
    let options = |options: &Options| Value::Object(options.clone());
    let differences = [
        ("Address", text(there.config.address), text(wanted.address)),
        ("AddressIPv6", text(there.config.address_ipv6), text(wanted.address_ipv6)),
        ("MacAddress", text(there.mac), text(wanted.mac.or(there.mac))),
        ("Options", options(&there.config.options), options(&wanted.options)),
    ];
    match differences.iter().find(|(_, is, asked)| is != asked) {
        Some((field, is, asked)) => {
            refuse(format!("there is one whose {field} is {is}, and {asked} is asked for"))
        }
        None => Ok(there),
    }
}

fn text(value: Option<impl ToString>) -> Value {
    value.map_or(Value::Null, |value| value.to_string().into())
}
