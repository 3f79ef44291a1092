//! A bridge without ports, which has the addresses of a gateway.

use ipnet::IpNet;

use super::naming::{is_half_made, Mark};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::{
    AddressSpec, InterfaceName, LinkChange, LinkKind, LinkRef, LinkSpec, MacAddr, Place, LINK_GROUP,
};
use crate::name::Name;
use crate::plan::{Action, Plan, Step};

/// The link of a network that has no other of its own.
pub(crate) struct Anchor {
    pub(crate) name: InterfaceName,
    addresses: Vec<IpNet>,
}

impl Anchor {
    pub(crate) fn new(network: &Name, name: Option<InterfaceName>, addresses: Vec<IpNet>) -> Result<Self> {
        let by_default = || {
            InterfaceName::new(&format!("rt-{network}")).map_err(|error| {
                error.with_cause("the network's name is too long for a link's: choose one with `anchor`")
            })
        };
        Ok(Self { name: name.map_or_else(by_default, Ok)?, addresses })
    }

    /// What makes the link, or what one that is there still needs.
    pub(crate) fn plan(&self, host: &Host, mark: &Mark, network: &Name) -> Result<Plan> {
        let mut plan = Plan::default();
        let alias = mark.network(network);
        let mut there = Vec::new();
        match host.link(&self.name)? {
            None => {
                let kind = LinkKind::Bridge { multicast_snooping: false, vlan_default_pvid: 0 };
                let mut link = LinkSpec::new(self.name.clone(), kind);
                link.mac = Some(MacAddr::random());
                plan.push(Place::Host, Action::CreateLink(link));
            }
            Some(state) if is_half_made(&state) || state.alias.as_deref() == Some(&alias) => {
                there = host.addresses_of(state.index)?.into_iter().map(|own| own.address).collect();
                if state.up && state.alias.is_some() && self.addresses.iter().all(|own| there.contains(own)) {
                    return Ok(plan);
                }
            }
            Some(_) => {
                return Err(Error::new(ErrorKind::AlreadyExists, "use link", self.name.as_str())
                    .with_cause("a link of that name exists and is not this network's"));
            }
        }
        let link = LinkRef::named(self.name.clone());
        let mut up = LinkChange::new(link.clone());
        up.alias = Some(alias);
        up.up = Some(true);
        for address in self.addresses.iter().filter(|own| !there.contains(own)) {
            let spec = AddressSpec { link: link.clone(), address: *address, callers: false };
            plan.steps.push(Step::new(Place::Host, Action::AddAddress(spec)).existing_ok());
        }
        plan.push(Place::Host, Action::SetLink(up));
        Ok(plan)
    }

    /// What deletes the link, when it is this network's.
    pub(crate) fn deletion(&self, host: &Host, mark: &Mark, network: &Name) -> Result<Plan> {
        let mut plan = Plan::default();
        let alias = mark.network(network);
        let is_ours = |alias_there: Option<&str>, group| alias_there == Some(&alias) && group == LINK_GROUP;
        if let Some(state) = host.link(&self.name)?.filter(|link| is_ours(link.alias.as_deref(), link.group))
        {
            plan.push(Place::Host, Action::DeleteLink(LinkRef::indexed(self.name.clone(), state.index)));
        }
        Ok(plan)
    }
}
