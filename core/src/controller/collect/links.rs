//! Links and proxy entries of this store whose endpoints and networks are gone.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::Run;
use crate::controller::finding::FindingKind;
use crate::controller::moved;
use crate::controller::record::EndpointRecord;
use crate::controller::Controller;
use crate::error::{Error, Result};
use crate::host::DYING;
use crate::link::parse::{self, LinkState, ProxyState};
use crate::link::{message, InterfaceName, LinkRef, Place, ProxySpec, LEAVING_GROUP, LINK_GROUP};
use crate::name::Name;
use crate::plan::{Action, Plan};

impl Run<'_> {
    /// Links that say that they are of this store and that the store does not know.
    pub(super) fn links(&mut self, records: &[EndpointRecord], links: &[LinkState]) -> Result<()> {
        let known = records.iter().filter(|record| record.has_devices());
        let known: HashSet<_> = known.map(|record| (&record.network, &record.config.name)).collect();
        let mut orphans = Vec::new();
        for link in links.iter().filter(|link| matches!(link.group, LINK_GROUP | LEAVING_GROUP)) {
            let of = link.alias.as_deref().and_then(|alias| self.controller.mark.parse(alias));
            match of {
                Some((network, Some(endpoint))) if !known.contains(&(&network, &endpoint)) => {
                    orphans.push((link, network, endpoint));
                }
                Some((network, None)) => self.network_link(link, &network)?,
                _ => {}
            }
        }
        self.let_die(&mut orphans)?;
        for (link, network, endpoint) in orphans {
            self.endpoint_link(link, &network, &endpoint);
        }
        Ok(())
    }

    /// Waits for links of sandboxes that were destroyed a moment ago: those go by themselves, and are no
    /// findings.
    fn let_die(&self, orphans: &mut Vec<(&LinkState, Name, Name)>) -> Result<()> {
        let begin = Instant::now();
        loop {
            let mut left = Vec::new();
            for orphan in std::mem::take(orphans) {
                let now = self.controller.host.link_at(orphan.0.index)?;
                let stays =
                    |now: &LinkState| now.name == orphan.0.name && !self.controller.host.is_dying(now);
                if now.is_some_and(|now| stays(&now)) {
                    left.push(orphan);
                }
            }
            *orphans = left;
            if orphans.is_empty() || begin.elapsed() > DYING {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn endpoint_link(&mut self, link: &LinkState, network: &Name, endpoint: &Name) {
        // What somebody uses is no leftover, whatever became of its record.
        let is_used =
            |controller: &Controller| link.group == LINK_GROUP && moved::is_others(&controller.host, link);
        if self.dry_run && is_used(self.controller) {
            return;
        }
        let reason = "its endpoint is gone: deleted";
        self.found(FindingKind::Link, &link.name, reason, |controller| {
            let record = controller.find(network, endpoint)?;
            let is_known = record.is_some_and(|record| record.has_devices());
            if is_known || is_used(controller) {
                return Ok(false);
            }
            controller.delete_link(link).map(|()| true)
        });
    }

    fn network_link(&mut self, link: &LinkState, network: &Name) -> Result<()> {
        let is_defined =
            |controller: &Controller| Ok::<_, Error>(controller.definitions.stamp(network)?.is_some());
        if is_defined(self.controller)? {
            return Ok(());
        }
        let reason = "its network has no definition: deleted";
        self.found(FindingKind::Bridge, &link.name, reason, |controller| {
            let _lock = controller.definitions.lock()?;
            let records = controller.store.read(|tx| EndpointRecord::of_network(tx, network))?;
            let is_orphan = records.is_empty() && !is_defined(controller)?;
            if is_orphan {
                controller.delete_link(link)?;
            }
            Ok(is_orphan)
        });
        Ok(())
    }

    /// Proxy entries of this library for addresses to which no route of it leads any more: they do not go
    /// with a link.
    pub(super) fn proxies(&mut self) -> Result<()> {
        let stale = self.controller.stale_proxies()?;
        for entry in stale {
            let Some(link) = self.controller.host.link_at(entry.index)? else { continue };
            let link = LinkRef::indexed(InterfaceName::new(&link.name)?, entry.index);
            let object = format!("{} on {link}", entry.address);
            self.found(FindingKind::Proxy, object, "its endpoint is gone: deleted", |controller| {
                if !controller.stale_proxies()?.contains(&entry) {
                    return Ok(false);
                }
                let mut plan = Plan::default();
                let spec = ProxySpec { link: link.clone(), address: entry.address };
                plan.push(Place::Host, Action::DeleteProxy(spec));
                controller.apply(&plan).map(|()| true)
            });
        }
        Ok(())
    }
}

impl Controller {
    /// This library's proxy entries for addresses to which none of its routes leads, and which no endpoint of
    /// this store has.
    fn stale_proxies(&self) -> Result<Vec<ProxyState>> {
        let entries = self.host.socket().dump(&message::list_proxies())?;
        let mut entries: Vec<_> = entries.iter().filter_map(parse::proxy).filter(|own| own.ours).collect();
        if entries.is_empty() {
            return Ok(entries);
        }
        let mut routes = self.host.socket().dump(&message::list_routes(false))?;
        routes.extend(self.host.socket().dump(&message::list_routes(true))?);
        let ours = routes.iter().filter_map(parse::route).filter(|route| route.ours);
        let single = ours.filter(|own| own.destination.prefix_len() == own.destination.max_prefix_len());
        let mut known: HashSet<_> = single.map(|route| route.destination.addr()).collect();
        // A link that somebody set down has lost its routes.
        let records = self.store.read(EndpointRecord::all)?;
        let with_devices = records.iter().filter(|record| record.has_devices());
        known.extend(with_devices.flat_map(EndpointRecord::addresses).map(|own| own.addr()));
        entries.retain(|entry| !known.contains(&entry.address));
        Ok(entries)
    }

    /// Deletes a link of the host; one that is gone is no error.
    pub(in crate::controller) fn delete_link(&self, link: &LinkState) -> Result<()> {
        let mut plan = Plan::default();
        let link = LinkRef::indexed(InterfaceName::new(&link.name)?, link.index);
        plan.push(Place::Host, Action::DeleteLink(link));
        self.apply(&plan)
    }
}
