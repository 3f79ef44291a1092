//! Veth pairs with one end in the host, as several drivers make them.

use super::naming::{self, Mark};
use super::Options;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::link::{InterfaceName, LinkKind, LinkRef, LinkSpec, MacAddr, Mtu, Place, VethPeer};
use crate::name::Name;
use crate::plan::{Action, Plan};

/// The host's end of an endpoint's pair, which has yet to be made.
pub(crate) struct HostEnd {
    pub(crate) endpoint: Name,
    pub(crate) name: InterfaceName,
    /// The kernel minds the index that is chosen for the other end only when this one has one too.
    pub(crate) index: u32,
    /// What the other end is called where it is in the host.
    pub(crate) src_name: InterfaceName,
}

impl HostEnd {
    pub(crate) fn new(network: &Name, endpoint: &Name, attempt: u32) -> Result<Self> {
        let (name, src_name) = naming::link_names(network, endpoint)?;
        let index = naming::host_index(network, endpoint, attempt);
        Ok(Self { endpoint: endpoint.clone(), name, index, src_name })
    }

    pub(crate) fn link(&self) -> LinkRef {
        LinkRef::indexed(self.name.clone(), self.index)
    }

    /// The pair, with both ends down.
    pub(crate) fn pair(&self, mac: MacAddr, mtu: Mtu, tx_queue_len: Option<u32>) -> LinkSpec {
        pair(self.link(), self.src_name.clone(), mac, Some(mtu), tx_queue_len)
    }
}

/// A pair of `end` and `peer`, which is born in the sandbox, with a queue each.
pub(crate) fn pair(
    end: LinkRef,
    peer: InterfaceName,
    mac: MacAddr,
    mtu: Option<Mtu>,
    tx_queue_len: Option<u32>,
) -> LinkSpec {
    let peer = VethPeer { name: peer, place: Place::Sandbox, index: None, mac: None };
    let mut veth = LinkSpec::new(end.name, LinkKind::Veth { peer });
    veth.index = end.index;
    veth.mac = Some(mac);
    veth.mtu = mtu;
    veth.queues = Some(1);
    veth.tx_queue_len = tx_queue_len;
    veth
}

/// The MTU of an endpoint that wants `wanted` on a network whose own is `most`.
pub(crate) fn mtu(wanted: Option<Mtu>, most: Mtu) -> Result<Mtu> {
    match wanted {
        Some(wanted) if wanted > most => {
            Err(Error::bad_request("use MTU", wanted.to_string(), format!("the network's is {most}")))
        }
        wanted => Ok(wanted.unwrap_or(most)),
    }
}

/// What deletes an endpoint's pair, wherever its other end is by now; empty when it is gone or its name
/// is somebody else's.
pub(crate) fn deletion(host: &Host, mark: &Mark, network: &Name, endpoint: &Name) -> Result<Plan> {
    let (name, _) = naming::link_names(network, endpoint)?;
    let mut plan = Plan::default();
    if let Some(link) = host.link(&name)?.filter(|link| mark.is_endpoint(link, network, endpoint)) {
        plan.push(Place::Host, Action::DeleteLink(LinkRef::indexed(name, link.index)));
    }
    Ok(plan)
}

/// What is known of an endpoint that is a pair.
pub(crate) fn oper_info<const N: usize>(
    network: &Name,
    endpoint: &Name,
    more: [(&str, &str); N],
) -> Result<Options> {
    let (name, _) = naming::link_names(network, endpoint)?;
    let own = [("host_interface_name", name.as_str())];
    let pairs = own.into_iter().chain(more);
    Ok(pairs.map(|(key, value)| (key.to_owned(), value.into())).collect())
}
