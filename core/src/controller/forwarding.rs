//! Forwarding: switched on where packets to and from networks pass, and off again when the last network goes.

use std::collections::BTreeSet;
use std::fs;

use rusqlite::{params, Connection, OptionalExtension};

use super::{Controller, GatewayMode, NetworkConfig};
use crate::error::{Error, Result};
use crate::link::{message, parse, InterfaceName, LinkChange, LinkRef, Place, LINK_GROUP};
use crate::plan::{Action, Plan};
use crate::store::store_error;
use crate::sys;

/// What a network's own link needs: its packets are forwarded, and the host reaches published ports by its
/// loopback addresses.
pub(super) fn of_link(config: &NetworkConfig, link: &InterfaceName) -> Plan {
    let mut plan = Plan::default();
    if config.is_closed() {
        return plan;
    }
    let link = LinkRef::named(link.clone());
    if config.ipv4 {
        let mut change = LinkChange::new(link.clone());
        change.ipv4_forwarding = Some(true);
        plan.push(Place::Host, Action::SetLink(change));
    }
    if config.ipv6 {
        plan.push(Place::Host, Action::ForceIpv6Forwarding(link.clone()));
    }
    plan.steps.extend(by_loopback(config, link).steps);
    plan
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
        plan.push(Place::Host, Action::AnswerToLoopback(link));
        if let Some(step) = plan.steps.last_mut() {
            step.existing_ok = true;
        }
    }
    plan
}

impl Controller {
    /// Forwards what comes in by the links that lead elsewhere, as far as a network needs it; what was before is
    /// remembered.
    pub(super) fn forward(&self, config: &NetworkConfig) -> Result<()> {
        if config.is_closed() {
            return Ok(());
        }
        for (ipv6, wanted) in [(false, config.ipv4), (true, config.ipv6)] {
            if !wanted {
                continue;
            }
            for uplink in self.uplinks(ipv6)? {
                self.forward_from(&uplink, ipv6)?;
            }
        }
        Ok(())
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
            .filter(|link| link.name != "lo" && link.group != LINK_GROUP && indices.contains(&link.index));
        Ok(elsewhere.filter_map(|link| InterfaceName::new(&link.name).ok()).collect())
    }

    fn forward_from(&self, uplink: &InterfaceName, ipv6: bool) -> Result<()> {
        if !ipv6 {
            return self.set_setting(&format!("net/ipv4/conf/{uplink}/forwarding"), "1");
        }
        let forced = format!("net/ipv6/conf/{uplink}/force_forwarding");
        if self.setting(&forced)?.is_some() {
            return self.set_setting(&forced, "1");
        }
        // Before Linux 6.17 it is all links or none, and a host that forwards takes no routes from router
        // advertisements unless it is told to.
        let advertised = format!("net/ipv6/conf/{uplink}/accept_ra");
        if self.setting(&advertised)?.as_deref() == Some("1") {
            self.set_setting(&advertised, "2")?;
        }
        self.set_setting("net/ipv6/conf/all/forwarding", "1")
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
        self.host.namespace().run(|| sys::write_sysctl(path, value))?
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
            self.host.namespace().run(|| sys::write_sysctl(path, before))??;
        }
        self.store.write(|tx| forget(tx, path))
    }
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
