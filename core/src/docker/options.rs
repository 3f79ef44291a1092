//! What Docker says of a network, as a definition.

use std::net::IpAddr;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) use crate::controller::DOCKERS as LABEL;
use crate::controller::{NetworkConfig, SubnetConfig};
use crate::driver::{
    bridge, is_internal, optional_flag, routed, IpamData, Options, DOCKER_GENERIC, DOCKER_INTERNAL,
};
use crate::error::{Error, Result};
use crate::ipam::StaticIpam;
use crate::plugin::network::CreateNetwork;

/// Which driver the network has.
const DRIVER: &str = "driver";
const DRIVERS: [&str; 3] = ["bridge", "macvlan", "routed"];
/// Options that are fields of the definition.
const FIELDS: [&str; 8] =
    [DRIVER, "anti_spoofing", "gateway_mode", "icc", "isolate", "masquerade", "meter", "source"];
const USE: &str = "use option";
/// So much of a network's id is in the name of its link, as in Docker's own bridges.
const SHORT_ID: usize = 12;

/// Whether the network is one that Docker had made.
pub(super) fn is_dockers(config: &NetworkConfig) -> bool {
    config.labels.get(LABEL.0).map(String::as_str) == Some(LABEL.1)
}

/// The definition that is asked for.
pub(super) fn definition(request: &CreateNetwork) -> Result<NetworkConfig> {
    let mut options = generic(&request.options)?;
    let network_type = network_type(&mut options)?;
    let mut config = NetworkConfig::new(&network_type, &request.network_id)?;
    config.labels.insert(LABEL.0.to_owned(), LABEL.1.to_owned());
    config.ipam = StaticIpam::NAME.to_owned();
    config.internal = is_internal(&request.options);
    config.subnets.extend(subnet(&request.ipv4_data, "IPv4")?);
    config.ipv4 = !config.subnets.is_empty();
    config.subnets.extend(subnet(&request.ipv6_data, "IPv6")?);
    config.ipv6 = config.subnet(true).is_some();
    take_fields(&mut config, &mut options)?;
    name_link(&mut config.options, &network_type, &request.network_id, &options);
    config.options.extend(options);
    Ok(config)
}

/// An error of the driver about an option, with those that it does not know of.
pub(super) fn with_fields(error: Error) -> Error {
    let text = error.to_string();
    match text.contains("unknown field") {
        true => {
            let fields = FIELDS.map(|field| format!("`{field}`")).join(", ");
            Error::bad_request(USE, "of network", format!("{text}; of every network {fields}"))
        }
        false => error,
    }
}

/// The options that somebody chose for the network.
fn generic(options: &Options) -> Result<Options> {
    match options.get(DOCKER_GENERIC) {
        None | Some(Value::Null) => Ok(Options::new()),
        Some(Value::Object(generic)) => {
            let mut generic = generic.clone();
            generic.remove(DOCKER_INTERNAL);
            Ok(generic)
        }
        Some(other) => Err(Error::bad_request(USE, DOCKER_GENERIC, format!("{other} is no map"))),
    }
}

fn network_type(options: &mut Options) -> Result<String> {
    let chosen = match options.remove(DRIVER) {
        None | Some(Value::Null) => return Ok(bridge::TYPE.to_owned()),
        Some(Value::String(chosen)) => chosen,
        Some(other) => other.to_string(),
    };
    if DRIVERS.contains(&chosen.as_str()) {
        return Ok(chosen);
    }
    let cause = format!("{chosen:?} is none of {}", DRIVERS.join(", "));
    Err(Error::bad_request(USE, DRIVER, cause))
}

/// The subnet of one family; none where addresses are nobody's affair.
fn subnet(data: &[IpamData], family: &str) -> Result<Option<SubnetConfig>> {
    let refuse = |cause: String| Err(Error::bad_request("use subnets", format!("of {family}"), cause));
    let pools: Vec<_> = data.iter().filter_map(|data| Some((data, data.pool?))).collect();
    let (data, pool) = match pools[..] {
        [] => return Ok(None),
        // What Docker's `null` address management says.
        [(_, pool)] if pool.prefix_len() == 0 => return Ok(None),
        [only] => only,
        _ => return refuse(format!("there are {}, and a network has one of each family", pools.len())),
    };
    let mut subnet = SubnetConfig::new(pool.trunc());
    subnet.gateway = data.gateway.map(|gateway| gateway.addr());
    let others = data.aux_addresses.iter();
    subnet.auxiliary = others.map(|(name, address)| (name.clone(), address.addr())).collect();
    Ok(Some(subnet))
}

fn take_fields(config: &mut NetworkConfig, options: &mut Options) -> Result<()> {
    let switches = [
        ("anti_spoofing", &mut config.firewall.anti_spoofing),
        ("icc", &mut config.firewall.icc),
        ("masquerade", &mut config.firewall.masquerade),
        ("meter", &mut config.meter),
    ];
    for (key, field) in switches {
        let Some(value) = options.remove(key) else { continue };
        let said = optional_flag(value).map_err(|error| Error::bad_request(USE, key, error.to_string()))?;
        *field = said.unwrap_or(*field);
    }
    if let Some(mode) = take_word(options, "gateway_mode")? {
        config.firewall.gateway_mode = mode;
    }
    if let Some(isolate) = take_word(options, "isolate")? {
        config.firewall.isolate = isolate;
    }
    let Some(source) = options.remove("source") else { return Ok(()) };
    let source = source.as_str().unwrap_or_default();
    let addresses = source.split(',').map(str::trim).map(|address| {
        let refuse = |_| Error::bad_request(USE, "source", format!("{address:?} is no address"));
        address.parse::<IpAddr>().map_err(refuse)
    });
    config.firewall.source = addresses.collect::<Result<_>>()?;
    Ok(())
}

fn take_word<T: DeserializeOwned>(options: &mut Options, key: &str) -> Result<Option<T>> {
    let Some(value) = options.remove(key) else { return Ok(None) };
    let parsed = serde_json::from_value(value);
    parsed.map_err(|error| Error::bad_request(USE, key, error.to_string()))
}

/// The network's own link has a name that fits, and by which people know the network.
fn name_link(own: &mut Options, network_type: &str, id: &str, options: &Options) {
    let (keys, prefix): (&[_], _) = match network_type {
        bridge::TYPE => (&["bridge", "com.docker.network.bridge.name"], "br-"),
        routed::TYPE => (&["anchor"], "rt-"),
        _ => return,
    };
    if keys.iter().any(|key| options.contains_key(*key)) || id.len() <= SHORT_ID {
        return;
    }
    let short = id.get(..SHORT_ID).unwrap_or(id);
    own.insert(keys[0].to_owned(), format!("{prefix}{short}").into());
}
