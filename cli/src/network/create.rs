//! What a network is to be.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::Args;
use netns::ipnet::IpNet;
use netns::{Error, FirewallMode, GatewayMode, Isolate, NetworkConfig, Result, SubnetConfig};
use serde::de::DeserializeOwned;

use crate::config_file;

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What it is called
    network: String,
    /// What its endpoints are: bridge, routed, macvlan, host, null or loopback
    #[arg(short = 't', long = "type", visible_alias = "driver", value_name = "TYPE")]
    network_type: Option<String>,
    /// Begin with a definition in a file, or on standard input if that is -
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A subnet; at most one of each family
    #[arg(short, long = "subnet", value_name = "PREFIX")]
    subnets: Vec<IpNet>,
    /// The gateway of a subnet
    #[arg(short, long = "gateway", value_name = "ADDRESS")]
    gateways: Vec<IpAddr>,
    /// The part of a subnet from which endpoints get their addresses
    #[arg(long = "range", visible_alias = "ip-range", value_name = "PREFIX")]
    ranges: Vec<IpNet>,
    /// An address that others have, with a name for it
    #[arg(long, value_name = "NAME=ADDRESS", value_parser = reserved)]
    reserve: Vec<(String, IpAddr)>,
    /// Give its endpoints IPv6 addresses
    #[arg(short = '6', long)]
    ipv6: bool,
    /// Give its endpoints no IPv4 addresses
    #[arg(long)]
    no_ipv4: bool,
    /// Nothing goes out or comes in
    #[arg(long)]
    internal: bool,
    /// Do not meter its interfaces
    #[arg(long)]
    no_meter: bool,
    /// An option of its driver
    #[arg(short, long = "option", visible_alias = "opt", value_name = "KEY=VALUE", value_parser = pair)]
    options: Vec<(String, String)>,
    /// A label, for people and tools
    #[arg(short, long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
    #[command(flatten)]
    firewall: Firewall,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Firewall")]
struct Firewall {
    /// What becomes of it where the kernel has no nf_tables
    #[arg(long, value_parser = words::<FirewallMode, 3>(["required", "optional", "off"]))]
    firewall: Option<FirewallMode>,
    /// How it and the outside reach each other
    #[arg(long, value_parser = words::<GatewayMode, 3>(["nat", "routed", "isolated"]))]
    gateway_mode: Option<GatewayMode>,
    /// Who of the other networks may not reach its endpoints
    #[arg(long, value_parser = words::<Isolate, 3>(["off", "on", "strict"]))]
    isolate: Option<Isolate>,
    /// The address that packets leave with, instead of the interface's
    #[arg(long, value_name = "ADDRESS")]
    source: Vec<IpAddr>,
    /// Packets leave with the endpoints' own addresses
    #[arg(long)]
    no_masquerade: bool,
    /// Its endpoints do not reach one another
    #[arg(long)]
    no_icc: bool,
    /// Its endpoints may send from any address
    #[arg(long)]
    no_anti_spoofing: bool,
}

impl Create {
    pub(super) fn config(self) -> Result<NetworkConfig> {
        let network_type = self.network_type.as_deref();
        let mut config = match &self.config {
            Some(file) => {
                let chosen = network_type.map(|network_type| ("type", network_type));
                let fields: Vec<_> = chosen.into_iter().chain([("name", self.network.as_str())]).collect();
                config_file::read(file, &fields)?
            }
            None => NetworkConfig::new(network_type.unwrap_or("bridge"), &self.network)?,
        };
        config.subnets.extend(self.subnets.iter().copied().map(SubnetConfig::new));
        for gateway in self.gateways {
            subnet_of(&mut config, gateway)?.gateway = Some(gateway);
        }
        for range in self.ranges {
            subnet_of(&mut config, range.addr())?.range = Some(range);
        }
        for (name, address) in self.reserve {
            subnet_of(&mut config, address)?.auxiliary.insert(name, address);
        }
        config.ipv6 |= self.ipv6;
        config.ipv4 &= !self.no_ipv4;
        config.internal |= self.internal;
        config.meter &= !self.no_meter;
        config.options.extend(self.options.into_iter().map(|(key, value)| (key, value.into())));
        config.labels.extend(self.labels);
        self.firewall.fill_in(&mut config);
        Ok(config)
    }
}

impl Firewall {
    fn fill_in(self, config: &mut NetworkConfig) {
        let firewall = &mut config.firewall;
        firewall.mode = self.firewall.unwrap_or(firewall.mode);
        firewall.gateway_mode = self.gateway_mode.unwrap_or(firewall.gateway_mode);
        firewall.isolate = self.isolate.unwrap_or(firewall.isolate);
        firewall.source.extend(self.source);
        firewall.masquerade &= !self.no_masquerade;
        firewall.icc &= !self.no_icc;
        firewall.anti_spoofing &= !self.no_anti_spoofing;
    }
}

fn subnet_of(config: &mut NetworkConfig, address: IpAddr) -> Result<&mut SubnetConfig> {
    config.subnets.iter_mut().find(|subnet| subnet.subnet.contains(&address)).ok_or_else(|| {
        Error::bad_request("use address", address.to_string(), "it is in no --subnet of the network")
    })
}

/// `KEY=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("there is no '=' in it")?;
    if key.is_empty() {
        return Err("there is nothing before the '='".to_owned());
    }
    Ok((key.to_owned(), value.to_owned()))
}

fn reserved(text: &str) -> Result<(String, IpAddr), String> {
    let (name, address) = pair(text)?;
    Ok((name, address.parse().map_err(|_| "there is no address behind the '='")?))
}

/// Words of the library's JSON.
fn words<T, const COUNT: usize>(known: [&'static str; COUNT]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(known).try_map(|word| serde_json::from_value::<T>(word.into()))
}
