//! Plans as a person reads them.

use std::fmt;

use super::{Action, Plan, Step};
use crate::link::{LinkChange, LinkKind, LinkSpec, MoveSpec, RouteSpec};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:>2}  {step}", index + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<7}  {}", self.place, self.action)?;
        for (index, undo) in self.undo.iter().enumerate() {
            f.write_str(if index == 0 { "  [undo: " } else { ", then " })?;
            write!(f, "{}", undo.action)?;
            if undo.place != self.place {
                write!(f, " in {}", undo.place)?;
            }
        }
        f.write_str(if self.undo.is_empty() { "" } else { "]" })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddAddress(spec) => write!(f, "add address {} to {}", spec.address, spec.link),
            Self::AddClsact(link) => write!(f, "add clsact to {link}"),
            Self::AddFilter(spec) => {
                write!(f, "add counter of slot {} to {} {}", spec.slot, spec.link, spec.direction)
            }
            Self::AddNeighbour(spec) => {
                write!(f, "add neighbour {} at {} on {}", spec.address, spec.mac, spec.link)
            }
            Self::AddProxy(spec) => write!(f, "add proxy for {} on {}", spec.address, spec.link),
            Self::AddRoute(spec) => {
                write!(f, "{} route {spec}", if spec.replace { "replace" } else { "add" })
            }
            Self::ChangeFirewall(changes) => write!(f, "firewall: {}", Joined(changes)),
            Self::CreateLink(spec) => write!(f, "create {spec}"),
            Self::DeleteAddress(spec) => write!(f, "delete address {} from {}", spec.address, spec.link),
            Self::DeleteClsact(link) => write!(f, "delete clsact from {link}"),
            Self::DeleteFilter(spec) => {
                write!(f, "delete counter of slot {} from {} {}", spec.slot, spec.link, spec.direction)
            }
            Self::DeleteLink(link) => write!(f, "delete link {link}"),
            Self::DeleteNeighbour(spec) => write!(f, "delete neighbour {} on {}", spec.address, spec.link),
            Self::DeleteProxy(spec) => write!(f, "delete proxy for {} on {}", spec.address, spec.link),
            Self::DeleteRoute(spec) => write!(f, "delete route {spec}"),
            Self::FlushFlows(flows) => write!(f, "flush flows {}", Joined(flows)),
            Self::ForceIpv6Forwarding(link) => write!(f, "force IPv6 forwarding on link {link}"),
            Self::IgnoreRouters(link) => write!(f, "ignore routers on link {link}"),
            Self::MoveLink(spec) => write!(f, "move {spec}"),
            Self::SetIpv6Default(on) => {
                write!(f, "turn IPv6 {} for interfaces to come", if *on { "on" } else { "off" })
            }
            Self::SetLink(change) => write!(f, "set link {change}"),
            Self::SetSysctl(spec) => write!(f, "set {} to {:?}", spec.path(), spec.value()),
            Self::TurnOffIpv6(link) => write!(f, "turn IPv6 off on link {link}"),
            Self::SyncLink(link) => write!(f, "sync carrier of link {link}"),
        }
    }
}

/// One after the other.
struct Joined<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Joined<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

/// The attributes that are there, with commas between.
struct List(Vec<String>);

impl List {
    fn add(&mut self, name: &str, value: Option<impl fmt::Display>) {
        self.0.extend(value.map(|value| format!("{name} {value}")));
    }

    fn flag(&mut self, name: &str, on: bool) {
        self.0.extend(on.then(|| name.to_owned()));
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl fmt::Display for LinkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = List(Vec::new());
        list.add("index", self.index);
        list.add("mac", self.mac);
        list.add("mtu", self.mtu);
        list.add("master", self.master.as_ref());
        list.add("queues", self.queues);
        list.add("txqueuelen", self.tx_queue_len);
        list.flag("up", self.up);
        match &self.kind {
            LinkKind::Bridge { multicast_snooping, .. } => {
                list.flag("multicast snooping", *multicast_snooping);
                write!(f, "bridge {}", self.name)?;
                self.born_in.map_or(Ok(()), |place| write!(f, ", born in {place}"))?;
                write!(f, ": {list}")
            }
            LinkKind::Macvlan { parent, mode } => {
                write!(f, "macvlan {} on {parent} in mode {mode}", self.name)?;
                self.born_in.map_or(Ok(()), |place| write!(f, ", born in {place}"))?;
                write!(f, ": {list}")
            }
            LinkKind::Veth { peer } => {
                list.add("index of peer", peer.index);
                list.add("mac of peer", peer.mac);
                write!(f, "veth {} with peer {} in {}: {list}", self.name, peer.name, peer.place)
            }
        }
    }
}

impl fmt::Display for LinkChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = List(Vec::new());
        list.add("name", self.name.as_ref());
        list.add("group", self.group);
        list.add("master", self.master.as_ref());
        list.add("mac", self.mac);
        list.add("mtu", self.mtu);
        list.add("txqueuelen", self.tx_queue_len);
        list.add("alias", self.alias.as_ref().map(|alias| format!("{alias:?}")));
        list.flag("no IPv6 link-local of the kernel's", self.no_link_local);
        list.add("IPv4 forwarding", self.ipv4_forwarding.map(on_off));
        list.add("loopback routing", self.route_localnet.map(on_off));
        if let Some(port) = self.port {
            list.0.push(format!("hairpin {}, isolated {}", on_off(port.hairpin), on_off(port.isolated)));
        }
        list.0.extend(self.up.map(|up| if up { "up" } else { "down" }.to_owned()));
        write!(f, "{}: {list}", self.link)
    }
}

fn on_off(on: bool) -> &'static str {
    if on {
        "on"
    } else {
        "off"
    }
}

impl fmt::Display for MoveSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = List(Vec::new());
        list.add("mac", self.mac);
        list.add("mtu", self.mtu);
        list.add("alias", self.alias.as_ref().map(|alias| format!("{alias:?}")));
        write!(f, "{} to {} as {}: {list}", self.link, self.to, self.name)
    }
}

impl fmt::Display for RouteSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.destination.prefix_len() {
            0 if self.destination.addr().is_ipv4() => f.write_str("default")?,
            0 => f.write_str("default (IPv6)")?,
            _ => write!(f, "{}", self.destination)?,
        }
        if let Some(gateway) = self.gateway {
            write!(f, " via {gateway}")?;
        }
        write!(f, " on {}", self.link)?;
        if let Some(source) = self.source {
            write!(f, " from {source}")?;
        }
        self.metric.map_or(Ok(()), |metric| write!(f, " metric {metric}"))
    }
}
