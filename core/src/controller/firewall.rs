//! What stands between a network and everything else, as a definition says it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::config::{is_default, is_on, on};
use super::NetworkConfig;
use crate::driver::{self, bridge, routed};
use crate::error::{Error, Result};
use crate::link::InterfaceName;
use crate::nft::Isolate;

/// A network's firewall: its way out, who may reach it, and what its endpoints may send. Of networks of the types
/// `bridge` and `routed`, whose packets pass the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct FirewallConfig {
    /// What becomes of a network where the kernel has no nf_tables, or the process no right to them.
    #[serde(skip_serializing_if = "is_default")]
    pub mode: FirewallMode,
    /// How the network is reached from outside, and whether by addresses of its own.
    #[serde(skip_serializing_if = "is_default")]
    pub gateway_mode: GatewayMode,
    /// Whether what leaves the network has the address of the host's interface that it leaves by. On by default.
    #[serde(skip_serializing_if = "is_on")]
    pub masquerade: bool,
    /// Addresses, at most one of each family, that take the place of the interface's when packets leave.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<IpAddr>,
    /// Who of this library's other networks may reach its endpoints.
    #[serde(skip_serializing_if = "is_default")]
    pub isolate: Isolate,
    /// Whether the network's endpoints may reach one another (inter-container communication). On by default.
    #[serde(skip_serializing_if = "is_on")]
    pub icc: bool,
    /// Whether an endpoint can send from its own MAC and IP addresses alone. On by default.
    #[serde(skip_serializing_if = "is_on")]
    pub anti_spoofing: bool,
}

/// What becomes of a network without a firewall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FirewallMode {
    /// It is an error, before anything is made.
    #[default]
    Required,
    /// The network does without; the log says so once for each controller. Ports cannot be published then.
    Optional,
    /// The network has none, whatever the kernel has, and no forwarding is switched on for it.
    Off,
}

/// How a network and the outside reach each other (Docker's `gateway_mode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum GatewayMode {
    /// By the host's addresses: out by masquerade, in by published ports.
    #[default]
    Nat,
    /// By the endpoints' own addresses, which the outside has a route to: nothing is translated, and of the
    /// endpoints' ports those that are published are open.
    Routed,
    /// Not at all, and the host has no address in the network: its endpoints get no gateway.
    Isolated,
}

impl Default for FirewallConfig {
    fn default() -> Self {
        Self {
            mode: FirewallMode::default(),
            gateway_mode: GatewayMode::default(),
            masquerade: on(),
            source: Vec::new(),
            isolate: Isolate::default(),
            icc: on(),
            anti_spoofing: on(),
        }
    }
}

impl NetworkConfig {
    /// Whether something is said about the network's packets, which have to pass the host for that. Those of a
    /// routed network with a parent do so as if its endpoints were on the parent's LAN.
    pub(super) fn has_firewall(&self) -> bool {
        self.is_forwarded() && self.parent().is_none()
    }

    /// Whether the host forwards for the network.
    pub(super) fn is_forwarded(&self) -> bool {
        let is_seen = [bridge::TYPE, routed::TYPE].contains(&self.network_type.as_str());
        is_seen && self.firewall.mode != FirewallMode::Off
    }

    /// The link on whose LAN the endpoints of a routed network seem to be.
    pub(super) fn parent(&self) -> Option<InterfaceName> {
        let parent = driver::parent(&self.options).filter(|_| self.network_type == routed::TYPE);
        parent.and_then(|parent| InterfaceName::new(&parent).ok())
    }

    /// Whether nothing comes in or goes out.
    pub(super) fn is_closed(&self) -> bool {
        self.internal || self.firewall.gateway_mode == GatewayMode::Isolated
    }

    /// Checks what the definition says of the firewall, as far as it can be known without the host.
    pub(super) fn check_firewall(&self) -> Result<()> {
        let refuse = |what: &str, cause: String| {
            Err(Error::bad_request("use firewall", format!("{what} of {}", self.name), cause))
        };
        let firewall = &self.firewall;
        let of_default_mode = FirewallConfig { mode: FirewallMode::default(), ..firewall.clone() };
        if of_default_mode != FirewallConfig::default()
            && firewall.mode != FirewallMode::Off
            && !self.has_firewall()
        {
            let cause = match self.parent() {
                Some(parent) => format!("its endpoints are on the LAN of {parent}"),
                None => format!("packets of a {} network do not pass the host", self.network_type),
            };
            return refuse("options", cause);
        }
        for ipv6 in [false, true] {
            if firewall.source.iter().filter(|source| source.is_ipv6() == ipv6).count() > 1 {
                return refuse("source", "it is one address of each family".to_owned());
            }
        }
        if let Some(source) = firewall.source.iter().find(|own| own.is_unspecified() || own.is_multicast()) {
            return refuse("source", format!("{source} is nobody's address"));
        }
        if !firewall.source.is_empty() && (self.is_closed() || firewall.gateway_mode != GatewayMode::Nat) {
            let cause = "nothing leaves the network, or not by another address".to_owned();
            return refuse("source", cause);
        }
        if firewall.gateway_mode == GatewayMode::Isolated && self.network_type != bridge::TYPE {
            return refuse("gateway mode", "a routed network without a gateway reaches nobody".to_owned());
        }
        Ok(())
    }
}
