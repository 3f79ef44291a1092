//! Published ports as plugins are told of them, which publish them themselves.

use std::borrow::Cow;

use serde_json::{json, Value};

use super::active::Active;
use super::record::EndpointRecord;
use crate::driver::Options;
use crate::error::{Error, ErrorKind, Result};

/// Under these keys plugins are told which ports are published, and which are open
/// (`netlabel.PortMap`, `netlabel.ExposedPorts`).
const PORT_MAP: &str = "com.docker.network.portmap";
const EXPOSED_PORTS: &str = "com.docker.network.endpoint.exposedports";

impl Active {
    /// Whether its driver is a plugin: the ports of its endpoints are recorded, and the plugin does the rest.
    pub(super) fn publishes_itself(&self) -> bool {
        !self.is_builtin && self.driver.remembers_networks()
    }

    /// What is published by a plugin changes with its endpoint alone.
    pub(super) fn refuse_change_of_ports(&self) -> Result<()> {
        if !self.publishes_itself() {
            return Ok(());
        }
        let cause =
            format!("the plugin {} is told of ports when their endpoint is made", self.config.network_type);
        Err(Error::new(ErrorKind::BadRequest, "change", "ports").with_cause(cause))
    }

    /// The endpoint's options as its driver is told them.
    pub(super) fn options_told<'a>(&self, record: &'a EndpointRecord) -> Cow<'a, Options> {
        if !self.publishes_itself() || record.ports.is_empty() {
            return Cow::Borrowed(&record.config.options);
        }
        let mut options = record.config.options.clone();
        let (bindings, exposed) = bindings(record);
        options.insert(PORT_MAP.to_owned(), bindings);
        options.insert(EXPOSED_PORTS.to_owned(), exposed);
        Cow::Owned(options)
    }
}

fn bindings(record: &EndpointRecord) -> (Value, Value) {
    let (mut bindings, mut exposed) = (Vec::new(), Vec::new());
    for mapping in &record.ports {
        let (proto, host) = (mapping.protocol.number(), mapping.host.map(|host| host.to_string()));
        for (host_port, port) in mapping.pairs() {
            bindings.push(json!({
                "Proto": proto, "IP": "", "Port": port,
                "HostIP": host.as_deref().unwrap_or_default(), "HostPort": host_port, "HostPortEnd": host_port,
            }));
            exposed.push(json!({"Proto": proto, "Port": port}));
        }
    }
    (bindings.into(), exposed.into())
}
