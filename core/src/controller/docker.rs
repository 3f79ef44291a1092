//! Docker's words for what a network's firewall does: options of a driver there, fields of the definition here.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::{GatewayMode, NetworkConfig};
use crate::driver::{bridge, is_internal, optional_flag, routed, Options, DOCKER_GENERIC};
use crate::error::{Error, Result};

const MASQUERADE: &str = "com.docker.network.bridge.enable_ip_masquerade";
const ICC: &str = "com.docker.network.bridge.enable_icc";
const BINDING: &str = "com.docker.network.bridge.host_binding_ipv4";
/// Of IPv4 and IPv6.
const GATEWAY_MODES: [&str; 2] =
    ["com.docker.network.bridge.gateway_mode_ipv4", "com.docker.network.bridge.gateway_mode_ipv6"];
const SOURCES: [&str; 2] = ["com.docker.network.host_ipv4", "com.docker.network.host_ipv6"];

impl NetworkConfig {
    /// Has the fields say what Docker's options do, which are none of the driver's then.
    ///
    /// # Errors
    /// BadRequest when an option says nothing that is to be had here, or contradicts another or a field.
    pub(super) fn translate(&mut self) -> Result<()> {
        // The driver sees to the gateway, the field to everything else.
        self.internal |= is_internal(&self.options);
        if ![bridge::TYPE, routed::TYPE].contains(&self.network_type.as_str()) {
            return Ok(());
        }
        if let Some(on) = self.switch(MASQUERADE)? {
            self.firewall.masquerade = self.agree(MASQUERADE, self.firewall.masquerade, true, on)?;
        }
        if let Some(on) = self.switch(ICC)? {
            self.firewall.icc = self.agree(ICC, self.firewall.icc, true, on)?;
        }
        if let Some(text) = self.word(BINDING)? {
            self.check_binding(&text)?;
        }
        self.translate_gateway_modes()?;
        SOURCES.into_iter().try_for_each(|key| self.translate_source(key))
    }

    fn translate_gateway_modes(&mut self) -> Result<()> {
        let own = self.firewall.gateway_mode;
        let has = [self.ipv4, self.ipv6 || self.subnet(true).is_some()];
        let mut modes = Vec::new();
        for (key, has) in GATEWAY_MODES.into_iter().zip(has) {
            let said = self.word(key)?.map(|text| self.gateway_mode(key, &text)).transpose()?;
            let said = said.map(|mode| self.agree(key, own, GatewayMode::default(), mode)).transpose()?;
            modes.extend(has.then_some(said.unwrap_or(own)));
        }
        match modes[..] {
            [v4, v6] if v4 != v6 => {
                let cause = format!("IPv4 would be {}, and IPv6 {}: both are alike here", name(v4), name(v6));
                Err(self.refusal("gateway_mode_ipv4 and gateway_mode_ipv6", cause))
            }
            [mode, ..] => {
                self.firewall.gateway_mode = mode;
                Ok(())
            }
            [] => Ok(()),
        }
    }

    fn gateway_mode(&self, key: &str, text: &str) -> Result<GatewayMode> {
        match text {
            "nat" | "" => Ok(GatewayMode::Nat),
            "routed" => Ok(GatewayMode::Routed),
            "isolated" => Ok(GatewayMode::Isolated),
            "nat-unprotected" => {
                Err(self.refusal(key, "ports that are not published are open to nobody outside"))
            }
            other => Err(self.refusal(key, format!("{other:?} is none of nat, routed and isolated"))),
        }
    }

    /// The address that takes the place of the interface's.
    fn translate_source(&mut self, key: &str) -> Result<()> {
        let Some(text) = self.word(key)?.filter(|text| !text.is_empty()) else { return Ok(()) };
        let is_v6 = key == SOURCES[1];
        let address = text.parse::<IpAddr>().ok().filter(|address| address.is_ipv6() == is_v6);
        let Some(address) = address else {
            let family = if is_v6 { "IPv6" } else { "IPv4" };
            return Err(self.refusal(key, format!("{text:?} is no {family} address")));
        };
        match self.firewall.source.iter().find(|own| own.is_ipv6() == is_v6) {
            Some(own) if *own != address => {
                Err(self.refusal(key, format!("it says {address}, and the firewall's source {own}")))
            }
            Some(_) => Ok(()),
            None => {
                self.firewall.source.push(address);
                Ok(())
            }
        }
    }

    fn check_binding(&self, text: &str) -> Result<()> {
        let all: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        match text.parse::<IpAddr>() {
            _ if text.is_empty() => Ok(()),
            Ok(address) if all.contains(&address) => Ok(()),
            Ok(address) => {
                Err(self
                    .refusal(BINDING, format!("ports are on all addresses, or each says {address} itself")))
            }
            Err(_) => Err(self.refusal(BINDING, format!("{text:?} is no address"))),
        }
    }

    fn switch(&mut self, key: &str) -> Result<Option<bool>> {
        let Some(value) = self.take(key)? else { return Ok(None) };
        optional_flag(value).map_err(|error| self.refusal(key, error))
    }

    fn word(&mut self, key: &str) -> Result<Option<String>> {
        match self.take(key)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.refusal(key, format!("{other} is no text"))),
        }
    }

    /// Takes the option out of the driver's, and of the map in which libnetwork hands them over.
    fn take(&mut self, key: &str) -> Result<Option<Value>> {
        let nested = self.options.get_mut(DOCKER_GENERIC).and_then(Value::as_object_mut);
        let nested = nested.and_then(|generic: &mut Options| generic.remove(key));
        match (self.options.remove(key), nested) {
            (Some(flat), Some(nested)) if flat != nested => {
                Err(self.refusal(key, format!("it is {flat}, and {nested} in {DOCKER_GENERIC}")))
            }
            (flat, nested) => Ok(flat.or(nested)),
        }
    }

    /// What Docker's option says, unless the field was made to say something else.
    fn agree<T: Copy + PartialEq>(&self, key: &str, field: T, default: T, said: T) -> Result<T> {
        match field == default || field == said {
            true => Ok(said),
            false => Err(self.refusal(key, "the firewall's field says otherwise")),
        }
    }

    fn refusal(&self, key: &str, cause: impl Display) -> Error {
        Error::bad_request("use option", format!("{key} of {}", self.name), cause.to_string())
    }
}

fn name(mode: GatewayMode) -> &'static str {
    match mode {
        GatewayMode::Nat => "nat",
        GatewayMode::Routed => "routed",
        GatewayMode::Isolated => "isolated",
    }
}

#[cfg(test)]
mod tests;
