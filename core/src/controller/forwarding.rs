//! Forwarding: switched on where packets to and from networks pass, and off again when the last network goes.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use rusqlite::{params, Connection, OptionalExtension};

use super::{Controller, GatewayMode, NetworkConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::{
    message, parse, InterfaceName, LinkChange, LinkRef, Place, RouteSpec, LEAVING_GROUP, LINK_GROUP,
};
use crate::nft::{Element, Entry, Owner};
use crate::plan::{Action, Plan, Step};
use crate::store::store_error;
use crate::sys;

const ALL_IPV6: &str = "net/ipv6/conf/all/forwarding";

/// What a network's link needs: its packets are forwarded, and the host reaches published ports by its loopback
/// addresses. Settings of one that is not the library's have to be remembered, see [`Controller::forward`].
pub(super) fn of_link(config: &NetworkConfig, link: &LinkRef, is_ours: bool) -> Plan {
    let mut plan = Plan::default();
    if config.is_closed() {
        return plan;
    }
    if !is_ours {
        plan.steps
            .extend(by_loopback(config, link.clone()).steps.into_iter().filter(|step| !is_setting(step)));
        return plan;
    }
    if config.ipv4 {
        let mut change = LinkChange::new(link.clone());
        change.ipv4_forwarding = Some(true);
        plan.push(Place::Host, Action::SetLink(change));
    }
    if config.ipv6 {
        plan.push(Place::Host, Action::ForceIpv6Forwarding(link.clone()));
    }
    plan.steps.extend(by_loopback(config, link.clone()).steps);
    plan
}

fn is_setting(step: &Step) -> bool {
    matches!(step.action, Action::SetLink(_))
}

/// What a link needs by which the host reaches published ports of its loopback addresses.
pub(super) fn by_loopback(config: &NetworkConfig, link: LinkRef) -> Plan {
    let mut plan = Plan::default();
    if config.is_closed() || config.firewall.gateway_mode != GatewayMode::Nat {
        return plan;
    }
    if config.ipv4 {
        let mut change = LinkChange::new(link.clone());
        change.route_localnet = Some(true);
        plan.push(Place::Host, Action::SetLink(change));
    }
    if config.ipv6 {
        plan.steps.push(Step::new(Place::Host, Action::AddRoute(to_loopback(link))).existing_ok());
    }
    plan
}

/// By this route `::1` is the host's own on a link too: IPv6 looks for the route of the link that a packet came in
/// by. It comes after the loopback's, by which the host's own packets go.
fn to_loopback(link: LinkRef) -> RouteSpec {
    RouteSpec {
        link,
        destination: IpAddr::V6(Ipv6Addr::LOCALHOST).into(),
        gateway: None,
        source: None,
        metric: Some(1024),
        replace: false,
        callers: false,
        local: true,
    }
}

impl Controller {
    /// Forwards what comes in by the links that lead elsewhere, as far as a network needs it; what was before is
    /// remembered.
    pub(super) fn forward(&self, config: &NetworkConfig) -> Result<()> {
        if config.is_closed() {
            return Ok(());
        }
        if let Some(bridge) = self.bridge_of(config)?.filter(|bridge| !bridge.is_ours) {
            let all = self.forwards_ipv6()?;
            let is_needed = |path: &&String| !all || !path.ends_with("/force_forwarding");
            let own = settings(config, &bridge.link.name);
            own.iter().filter(is_needed).try_for_each(|path| self.set_setting(path, "1"))?;
        }
        for (ipv6, wanted) in [(false, config.ipv4), (true, config.ipv6)] {
            if !wanted {
                continue;
            }
            let Some(parent) = config.parent() else {
                let uplinks = self.uplinks(ipv6)?;
                self.keep_advertised(&uplinks, ipv6)?;
                uplinks.iter().try_for_each(|uplink| self.forward_from(uplink, ipv6))?;
                continue;
            };
            self.keep_advertised(&self.uplinks(ipv6)?, ipv6)?;
            self.forward_from(&parent, ipv6)?;
            if ipv6 {
                self.set_setting(&format!("net/ipv6/conf/{parent}/proxy_ndp"), "1")?;
            }
        }
        Ok(())
    }

    /// What comes in by links that did not forward before is for the networks alone.
    pub(super) fn opened(&self) -> Result<Vec<Element>> {
        let networks = self.definitions.list::<NetworkConfig>()?;
        let parents: BTreeSet<_> =
            networks.iter().filter_map(|(_, config)| config.as_ref().ok()?.parent()).collect();
        let mut opened = BTreeSet::new();
        for (path, _) in self.store.read(remembered)? {
            match path.split('/').collect::<Vec<_>>()[..] {
                ["net", "ipv4", "conf", link, "forwarding"] => opened.extend([(false, link.to_owned())]),
                ["net", "ipv6", "conf", "all", "forwarding"] => {
                    opened.extend(self.uplinks(true)?.iter().map(|link| (true, link.to_string())));
                }
                ["net", "ipv6", "conf", link, "force_forwarding"] => opened.extend([(true, link.to_owned())]),
                _ => {}
            }
        }
        let entry = |(v6, link): (bool, String)| {
            let name = InterfaceName::new(&link).ok().filter(|name| !parents.contains(name))?;
            Some(Element { owner: self.owner_of_none(), entry: Entry::Opened { v6, name } })
        };
        Ok(opened.into_iter().filter_map(entry).collect())
    }

    /// As what is no single network's has it; no network can be called so.
    fn owner_of_none(&self) -> Owner {
        Owner { mark: self.mark.number(), network: "-".to_owned(), endpoint: None }
    }

    /// Has a bridge that the network had adopted be as it was.
    pub(super) fn leave_bridge(&self, config: &NetworkConfig) -> Result<()> {
        let Some(bridge) = self.bridge_of(config)?.filter(|bridge| !bridge.is_ours) else { return Ok(()) };
        let own = settings(config, &bridge.link.name);
        for (path, before) in self.store.read(remembered)?.iter().filter(|(path, _)| own.contains(path)) {
            self.reset_setting(path, before)?;
        }
        let mut plan = Plan::default();
        plan.push(Place::Host, Action::DeleteRoute(to_loopback(bridge.link)));
        self.apply(&plan)
    }

    /// The links by which the host's own routes lead elsewhere.
    fn uplinks(&self, ipv6: bool) -> Result<BTreeSet<InterfaceName>> {
        let mut socket = self.host.socket();
        let routes = socket.dump(&message::list_routes(ipv6))?;
        let links = socket.dump(&message::list_links())?;
        drop(socket);
        let routes = routes.iter().filter(|route| !parse::is_local(route)).filter_map(parse::route);
        let indices: BTreeSet<_> = routes.filter(|route| !route.ours).map(|route| route.index).collect();
        let elsewhere = links
            .iter()
            .filter_map(parse::link)
            .filter(|link| link.name != "lo" && !matches!(link.group, LINK_GROUP | LEAVING_GROUP))
            .filter(|link| indices.contains(&link.index));
        Ok(elsewhere.filter_map(|link| InterfaceName::new(&link.name).ok()).collect())
    }

    fn forward_from(&self, uplink: &InterfaceName, ipv6: bool) -> Result<()> {
        if !ipv6 {
            return self.set_setting(&format!("net/ipv4/conf/{uplink}/forwarding"), "1");
        }
        if self.forwards_ipv6()? {
            return Ok(());
        }
        let forced = format!("net/ipv6/conf/{uplink}/force_forwarding");
        if self.setting(&forced)?.is_some() {
            return self.set_setting(&forced, "1");
        }
        // Before Linux 6.17 it is all links or none.
        self.set_setting(ALL_IPV6, "1")
    }

    /// Whether the host forwards IPv6 from all links: nothing is opened by forcing one to.
    fn forwards_ipv6(&self) -> Result<bool> {
        Ok(self.setting(ALL_IPV6)?.as_deref() == Some("1"))
    }

    /// A host that forwards IPv6 on all links has no routes of router advertisements, and loses those that it has,
    /// unless it is told to keep them.
    fn keep_advertised(&self, uplinks: &BTreeSet<InterfaceName>, ipv6: bool) -> Result<()> {
        let is_ours = |(path, _): &(String, String)| path == ALL_IPV6;
        if self.forwards_ipv6()? && !self.store.read(remembered)?.iter().any(is_ours) {
            // A router of its own accord, which believes none.
            return Ok(());
        }
        for uplink in uplinks.iter().filter(|_| ipv6) {
            let forced = format!("net/ipv6/conf/{uplink}/force_forwarding");
            let advertised = format!("net/ipv6/conf/{uplink}/accept_ra");
            if self.setting(&forced)?.is_none() && self.setting(&advertised)?.as_deref() == Some("1") {
                self.set_setting(&advertised, "2")?;
            }
        }
        Ok(())
    }

    /// The value of a setting; none where the kernel does not have it.
    fn setting(&self, path: &str) -> Result<Option<String>> {
        let read = || fs::read_to_string(format!("/proc/sys/{path}"));
        match self.host.namespace().run(read)? {
            Ok(value) => Ok(Some(value.trim().to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::from_io("read", format!("/proc/sys/{path}"), error)),
        }
    }

    fn set_setting(&self, path: &str, value: &str) -> Result<()> {
        let Some(before) = self.setting(path)?.filter(|before| before != value) else { return Ok(()) };
        self.store.write(|tx| remember(tx, path, &before))?;
        match self.write_setting(path, value)? {
            true => Ok(()),
            false => self.store.write(|tx| forget(tx, path)),
        }
    }

    /// Whether it could be written: a link that is gone took its settings along.
    fn write_setting(&self, path: &str, value: &str) -> Result<bool> {
        match self.host.namespace().run(|| sys::write_sysctl(path, value))? {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            written => written.map(|()| true),
        }
    }

    /// Whether something that [`Controller::forward`] changed is remembered.
    pub(super) fn has_forwarded(&self) -> Result<bool> {
        Ok(!self.store.read(remembered)?.is_empty())
    }

    /// Puts back what [`Controller::forward`] changed, unless somebody else has changed it since.
    pub(super) fn forward_no_more(&self) -> Result<()> {
        let mut failures = Vec::new();
        for (path, before) in self.store.read(remembered)? {
            let restored = self.reset_setting(&path, &before);
            failures.extend(restored.err());
        }
        Error::first_of(failures)
    }

    fn reset_setting(&self, path: &str, before: &str) -> Result<()> {
        let ours = if path.ends_with("/accept_ra") { "2" } else { "1" };
        if self.setting(path)?.as_deref() == Some(ours) {
            self.write_setting(path, before)?;
        }
        self.store.write(|tx| forget(tx, path))
    }
}

/// The settings that a network needs of a bridge that is not the library's.
fn settings(config: &NetworkConfig, bridge: &InterfaceName) -> Vec<String> {
    let v4 = ["forwarding", "route_localnet"].map(|own| format!("net/ipv4/conf/{bridge}/{own}"));
    let v6 = [format!("net/ipv6/conf/{bridge}/force_forwarding")];
    let (v4, v6) = (v4.into_iter().filter(|_| config.ipv4), v6.into_iter().filter(|_| config.ipv6));
    v4.chain(v6).collect()
}

/// Remembers that links did not forward, as the firewall says of those that were opened.
pub(super) fn remember_opened<'a>(
    tx: &Connection,
    host: &Host,
    elements: impl IntoIterator<Item = &'a Element>,
) -> Result<()> {
    let opened = elements.into_iter().filter_map(|element| match &element.entry {
        Entry::Opened { v6, name } => Some((name, *v6)),
        _ => None,
    });
    opened.into_iter().try_for_each(|(name, v6)| remember_off(tx, host, name, v6))
}

fn remember_off(tx: &Connection, host: &Host, link: &InterfaceName, v6: bool) -> Result<()> {
    let forced = format!("net/ipv6/conf/{link}/force_forwarding");
    let is_there = || Path::new("/proc/sys").join(&forced).exists();
    let path = match v6 {
        false => format!("net/ipv4/conf/{link}/forwarding"),
        true if host.namespace().run(is_there)? => forced.clone(),
        true => ALL_IPV6.to_owned(),
    };
    remember(tx, &path, "0")
}

const KEY: &str = "sysctl ";

fn remember(tx: &Connection, path: &str, before: &str) -> Result<()> {
    let failed = |error| store_error("remember", path, error);
    let key = format!("{KEY}{path}");
    let known = tx.query_row("SELECT 1 FROM meta WHERE key = ?1", [&key], |_| Ok(()));
    if known.optional().map_err(failed)?.is_none() {
        tx.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", params![key, before]).map_err(failed)?;
    }
    Ok(())
}

fn forget(tx: &Connection, path: &str) -> Result<()> {
    let failed = |error| store_error("forget", path, error);
    tx.execute("DELETE FROM meta WHERE key = ?1", [format!("{KEY}{path}")]).map_err(failed)?;
    Ok(())
}

fn remembered(tx: &Connection) -> Result<Vec<(String, String)>> {
    let failed = |error| store_error("list", "settings", error);
    let mut select = tx.prepare("SELECT key, value FROM meta WHERE key LIKE 'sysctl %'").map_err(failed)?;
    let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let rows = rows.map_err(failed)?.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
    let strip = |(key, value): (String, String)| Some((key.strip_prefix(KEY)?.to_owned(), value));
    Ok(rows.into_iter().filter_map(strip).collect())
}
