//! What an endpoint is to be.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use netns::ipnet::IpNet;
use netns::{
    Destination, EndpointConfig, Error, InterfaceName, MacAddr, Mtu, PortMapping, Result, StaticRoute,
};

use crate::config_file;
use crate::network::pair;

const PORTS: &str = "Ports of the host that are to be its own: [[HOST:]HOST_PORTS:]PORTS[/PROTOCOL]";

#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Begin with a definition in a file, or on standard input if that is -
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// An address that it wants; at most one of each family
    #[arg(short, long = "address", visible_alias = "ip", value_name = "ADDRESS")]
    addresses: Vec<IpAddr>,
    /// Its hardware address
    #[arg(long, value_name = "MAC")]
    mac: Option<MacAddr>,
    /// Its MTU in bytes
    #[arg(long, value_name = "BYTES", value_parser = mtu)]
    mtu: Option<Mtu>,
    /// What its interface is called in the sandbox
    #[arg(short, long, value_name = "NAME", conflicts_with = "prefix")]
    interface: Option<InterfaceName>,
    /// What its interface's name begins with; the lowest free number follows
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<InterfaceName>,
    #[arg(short, long = "publish", value_name = "PORTS", help = PORTS)]
    ports: Vec<PortMapping>,
    /// A route through its interface, by a next hop or on the link
    #[arg(long = "route", value_name = "PREFIX[=NEXT_HOP]", value_parser = route)]
    routes: Vec<StaticRoute>,
    /// Another name of it in the network
    #[arg(long = "alias", value_name = "NAME")]
    aliases: Vec<String>,
    /// A setting of its interface, such as net.ipv4.conf.IFNAME.log_martians=1
    #[arg(long = "sysctl", value_name = "KEY=VALUE", value_parser = pair)]
    sysctls: Vec<(String, String)>,
    /// The sandbox gets no default gateway by it
    #[arg(long)]
    no_default_route: bool,
    /// The endpoint with the highest gives the sandbox its default gateway
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    gateway_priority: Option<i32>,
    /// Do not meter its interface
    #[arg(long)]
    no_meter: bool,
    /// An option of the driver
    #[arg(short, long = "option", visible_alias = "opt", value_name = "KEY=VALUE", value_parser = pair)]
    options: Vec<(String, String)>,
    /// A label, for people and tools
    #[arg(short, long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
}

impl Wanted {
    pub(crate) fn config(self, name: &str) -> Result<EndpointConfig> {
        let mut config: EndpointConfig = match &self.config {
            Some(file) => config_file::read(file, &[("name", name)])?,
            None => EndpointConfig::new(name)?,
        };
        check_families(&self.addresses)?;
        for address in self.addresses {
            config = config.with_address(address);
        }
        let destination = self.interface.map(Destination::Name).or(self.prefix.map(Destination::Prefix));
        config.destination = destination.unwrap_or(config.destination);
        config.mac = self.mac.or(config.mac);
        config.mtu = self.mtu.or(config.mtu);
        config.ports.extend(self.ports);
        config.routes.extend(self.routes);
        config.aliases.extend(self.aliases);
        config.sysctls.extend(self.sysctls);
        config.default_route &= !self.no_default_route;
        config.gateway_priority = self.gateway_priority.unwrap_or(config.gateway_priority);
        config.meter = if self.no_meter { Some(false) } else { config.meter };
        config.options.extend(self.options.into_iter().map(|(key, value)| (key, value.into())));
        config.labels.extend(self.labels);
        Ok(config)
    }
}

fn check_families(addresses: &[IpAddr]) -> Result<()> {
    for ipv6 in [false, true] {
        let mut own = addresses.iter().filter(|address| address.is_ipv6() == ipv6);
        if let Some(second) = own.nth(1) {
            let cause = "an endpoint has one address of each family";
            return Err(Error::bad_request("use address", second.to_string(), cause));
        }
    }
    Ok(())
}

fn mtu(text: &str) -> Result<Mtu, String> {
    let bytes = text.parse().map_err(|_| "it is no number of bytes")?;
    Mtu::new(bytes).map_err(|error| error.to_string())
}

fn route(text: &str) -> Result<StaticRoute, String> {
    let (destination, hop) = match text.split_once('=') {
        Some((destination, hop)) => (destination, Some(hop)),
        None => (text, None),
    };
    let destination: IpNet =
        destination.parse().map_err(|_| "its destination is no prefix, such as 10.7.0.0/16")?;
    let next_hop = hop.map(str::parse).transpose().map_err(|_| "its next hop is no address")?;
    Ok(StaticRoute { destination, next_hop })
}
