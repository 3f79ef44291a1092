//! What is wrong with an endpoint.

use std::collections::HashSet;

use crate::controller::detach::is_there;
use crate::controller::record::{EndpointRecord, Joined, Linked};
use crate::controller::Controller;
use crate::driver::{has_host_link, is_builtin, naming, WITHOUT_ADDRESSES};
use crate::error::Result;
use crate::link::parse::LinkState;
use crate::link::InterfaceName;
use crate::network::engine;
use crate::sys::Namespace;

impl Controller {
    pub(super) fn is_stale(&self, record: &EndpointRecord, network_type: Option<&str>) -> Result<bool> {
        let is_gone = |joined: &Joined| !is_there(joined) && !self.is_elsewhere(record, joined);
        if record.attended.is_some() {
            return Ok(record.abandoned().is_some_and(|attended| attended.ends));
        }
        let is_stale = record.transient && record.joined.as_ref().is_some_and(is_gone);
        let is_lost = |linked| {
            let look_up = |name: &InterfaceName| self.host.link(name);
            self.whats_wrong_with_linked(record, linked, network_type, look_up)
        };
        let is_lost = record.linked.as_ref().map(is_lost).transpose()?.flatten().is_some();
        Ok(is_stale || is_lost || record.is_orphan())
    }

    /// What is wrong with an endpoint, if anything; `look_up` finds links of the host. Of one that is being
    /// joined this is not to be believed without the gate.
    pub(super) fn whats_wrong(
        &self,
        record: &EndpointRecord,
        network_type: Option<&str>,
        look_up: impl Fn(&InterfaceName) -> Result<Option<LinkState>>,
    ) -> Result<Option<&'static str>> {
        if record.attended.is_some() {
            return Ok(record.abandoned().map(|_| "its process died while its driver was at it"));
        }
        if record.is_orphan() {
            return Ok(Some("its process is gone"));
        }
        if let Some(linked) = &record.linked {
            return self.whats_wrong_with_linked(record, linked, network_type, look_up);
        }
        let Some(joined) = &record.joined else {
            let lost = record.transient && !record.owner.is_alive();
            return Ok(lost.then_some("it was being taken away when its process died"));
        };
        if !is_there(joined) {
            return Ok((!self.is_elsewhere(record, joined)).then_some("its sandbox is gone"));
        }
        let Some(network_type) = network_type else { return Ok(None) };
        let Some(src_name) = &joined.src_name else {
            // One that acts by itself need not have a device, and says when it is done.
            let is_whole = WITHOUT_ADDRESSES.contains(&network_type) || !is_builtin(network_type);
            let lost = !is_whole && !record.owner.is_alive();
            return Ok(lost.then_some("it had not joined when its process died"));
        };
        let link = if has_host_link(network_type) {
            look_up(&naming::link_names(&record.network, &record.config.name)?.0)?
        } else if is_builtin(network_type) {
            self.link_inside(record, joined)?
        } else {
            // While a device that is handed over is still in the host it has not arrived.
            let waits = look_up(src_name)?.is_some() && !record.owner.is_alive();
            return Ok(waits.then_some("its device is still in the host"));
        };
        // What somebody did to a link that was whole once is not for the collector to judge.
        let is_half = |link: LinkState| link.alias.is_none() && !record.owner.is_alive();
        Ok(link.is_none_or(is_half).then_some("it has no interface, or half of one"))
    }

    /// What is wrong with an endpoint whose device is its caller's to move: where that is by now is not
    /// known, but the other end is in the host.
    fn whats_wrong_with_linked(
        &self,
        record: &EndpointRecord,
        linked: &Linked,
        network_type: Option<&str>,
        look_up: impl Fn(&InterfaceName) -> Result<Option<LinkState>>,
    ) -> Result<Option<&'static str>> {
        let Some(network_type) = network_type else { return Ok(None) };
        if !has_host_link(network_type) {
            let lost = linked.src_name.is_none() && !record.owner.is_alive();
            return Ok(lost.then_some("it had no device when its process died"));
        }
        let link = look_up(&naming::link_names(&record.network, &record.config.name)?.0)?;
        let is_half = |link: &LinkState| link.alias.is_none() && !record.owner.is_alive();
        let is_bad = link.as_ref().is_none_or(|link| is_half(link) || self.host.is_dying(link));
        Ok(is_bad.then_some("it has no devices, or half of them"))
    }

    /// The link of an endpoint that has no end in the host.
    fn link_inside(&self, record: &EndpointRecord, joined: &Joined) -> Result<Option<LinkState>> {
        let Some(sandbox) = self.open_as(joined)? else { return Ok(None) };
        for attempt in 0..=engine::RETRIES {
            let index = naming::host_index(&record.network, &record.config.name, attempt);
            if let Some(link) = sandbox.link_at(index)? {
                return Ok(Some(link));
            }
        }
        Ok(None)
    }

    /// Whether the endpoint may be in a sandbox that another mount namespace sees.
    fn is_elsewhere(&self, record: &EndpointRecord, joined: &Joined) -> bool {
        joined.mounts != self.mounts && (record.owner.is_alive() || self.lives_unseen(record, joined))
    }

    /// Whether the namespace lives by what is seen of it without its mount: the endpoint's other end in the host, or a
    /// process inside. Who joined it may have been a server that is gone, as its containers are not.
    fn lives_unseen(&self, record: &EndpointRecord, joined: &Joined) -> bool {
        let host_end = naming::link_names(&record.network, &record.config.name);
        match host_end.and_then(|(host_end, _)| self.host.link(&host_end)) {
            Ok(Some(link)) => link.alias.is_some() && !self.host.is_dying(&link),
            Ok(None) => {
                let found = Namespace::find(&HashSet::from([joined.life.numbers()]));
                found.values().any(|namespace| namespace.life() == joined.life)
            }
            // What cannot be known is not taken away.
            Err(_) => true,
        }
    }
}
