//! `NetworkDriver`: published ports.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::Value;

use super::endpoints::names;
use super::route::Service;
use super::stale::has_port_of;
use crate::controller::{PortMapping, PortRange};
use crate::driver::Options;
use crate::error::{Error, ErrorKind, Result};
use crate::link::Protocol;
use crate::plugin::decode::or_default;
use crate::plugin::network::{EndpointRef, Join, Reply};

/// Under this key Docker says which ports are published (`netlabel.PortMap`).
const PORT_MAP: &str = "com.docker.network.portmap";
const USE: &str = "use port";

/// A port as Docker says it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Binding {
    #[serde(deserialize_with = "or_default")]
    proto: u8,
    #[serde(deserialize_with = "or_default")]
    port: u16,
    #[serde(rename = "HostIP", deserialize_with = "or_default")]
    host_ip: String,
    #[serde(deserialize_with = "or_default")]
    host_port: u16,
    #[serde(deserialize_with = "or_default")]
    host_port_end: u16,
}

/// What is to be published: one of several ports of the host where there are several.
struct Wanted {
    mapping: PortMapping,
    choices: Option<PortRange>,
}

impl Service {
    pub(super) fn publish(&self, request: &Join) -> Result<Reply> {
        let (network, endpoint) = names(&request.network_id, &request.endpoint_id)?;
        let _alone = self.alone_with((&network, &endpoint));
        self.network(&network)?;
        let mut there = self.known(&network, &endpoint)?.ports;
        let (mut fixed, mut choices) = (Vec::new(), Vec::new());
        for wanted in port_map(&request.options)? {
            // What is published already is so from the same request before.
            if let Some(at) = there.iter().position(|own| wanted.is(own)) {
                there.swap_remove(at);
                continue;
            }
            match wanted.choices {
                Some(ports) => choices.push((wanted.mapping, ports)),
                None => fixed.push(wanted.mapping),
            }
        }
        let own = (&network, &endpoint);
        let (network, endpoint) = (network.as_str(), endpoint.as_str());
        let mut published = Vec::new();
        if !fixed.is_empty() {
            published = self.past_stale(own, has_port_of(&fixed), || {
                self.controller.publish(network, endpoint, &fixed)
            })?;
        }
        for (mapping, ports) in choices {
            let any = [PortMapping { host_ports: Some(ports), ..mapping.clone() }];
            let chosen = self.past_stale(own, has_port_of(&any), || {
                self.publish_one_of(network, endpoint, &mapping, ports)
            });
            match chosen {
                Ok(chosen) => published.extend(chosen),
                Err(error) => {
                    let undone = self.controller.withdraw(network, endpoint, &published);
                    return Err(error.with_rollback(undone.err().into_iter().collect()));
                }
            }
        }
        Ok(Reply::default())
    }

    fn publish_one_of(
        &self,
        network: &str,
        endpoint: &str,
        mapping: &PortMapping,
        ports: PortRange,
    ) -> Result<Vec<PortMapping>> {
        let mut last = None;
        for port in ports {
            let one = mapping.clone().with_host_ports(PortRange::new(port, port)?);
            match self.controller.publish(network, endpoint, &[one]) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => last = Some(error),
                result => return result,
            }
        }
        let exhausted = Error::new(ErrorKind::ResourceExhausted, "choose port", format!("of {ports}"));
        let cause = last.map_or_else(
            || "there is none".to_owned(),
            |error| format!("none is free, not even the last: {error}"),
        );
        Err(exhausted.with_cause(cause))
    }

    pub(super) fn withdraw(&self, request: &EndpointRef) -> Result<Reply> {
        let (network, endpoint) = names(&request.network_id, &request.endpoint_id)?;
        let _alone = self.alone_with((&network, &endpoint));
        if let Some(there) = self.found(&network, &endpoint)?.filter(|there| !there.ports.is_empty()) {
            self.controller.withdraw(network.as_str(), endpoint.as_str(), &there.ports)?;
        }
        Ok(Reply::default())
    }
}

impl Wanted {
    /// Whether a port that is published is what this stands for.
    fn is(&self, own: &PortMapping) -> bool {
        let chosen = self.choices.zip(own.host_ports).is_none_or(|(all, own)| all.contains(own.first()));
        chosen && own.is_for(&self.mapping)
    }
}

fn port_map(options: &Options) -> Result<Vec<Wanted>> {
    let Some(map) = options.get(PORT_MAP) else { return Ok(Vec::new()) };
    let refuse = |cause: String| Error::bad_request("use", PORT_MAP, cause);
    let bindings: Vec<Value> = match map {
        Value::Null => Vec::new(),
        Value::Array(bindings) => bindings.clone(),
        other => return Err(refuse(format!("{other} is no list"))),
    };
    let parse = |binding: Value| {
        let binding: Binding = serde_json::from_value(binding).map_err(|error| refuse(error.to_string()))?;
        binding.wanted()
    };
    bindings.into_iter().map(parse).collect()
}

impl Binding {
    fn wanted(self) -> Result<Wanted> {
        let refuse = |cause: String| Error::bad_request(USE, self.port.to_string(), cause);
        let protocol = Protocol::of_number(self.proto).ok_or_else(|| {
            refuse(format!("protocol {} is none of 6 (TCP), 17 (UDP), 132 (SCTP)", self.proto))
        })?;
        let mut mapping = PortMapping::new(protocol, PortRange::new(self.port, self.port)?);
        if !self.host_ip.is_empty() {
            let host = self.host_ip.parse::<IpAddr>();
            mapping.host =
                Some(host.map_err(|_| refuse(format!("HostIP {:?} is no address", self.host_ip)))?);
        }
        let choices = match (self.host_port, self.host_port_end) {
            (0, 0) => None,
            (0, _) => {
                return Err(refuse(
                    "HostPortEnd says where ports end, and nothing where they begin".to_owned(),
                ))
            }
            (first, last) if last == 0 || last == first => {
                mapping.host_ports = Some(PortRange::new(first, first)?);
                None
            }
            (first, last) => Some(PortRange::new(first, last)?),
        };
        Ok(Wanted { mapping, choices })
    }
}
