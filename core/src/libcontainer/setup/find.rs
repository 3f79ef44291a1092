//! Finding what was brought up by the kernel's word alone.

use super::{check_id, host_name, SetupLink, SetupNetwork, SetupState};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::libcontainer::alias;
use crate::libcontainer::Veth;
use crate::link::parse::{self, LinkState};
use crate::link::{message, InterfaceName, LINK_GROUP};

/// How many networks of a container are looked for by name, where whoever made the link died before it had its
/// alias.
const NAMES: usize = 64;

impl SetupState {
    /// What is there of the container `id`, in whatever process and by whatever config it was brought up: its
    /// pairs, which the aliases of the links in the host tell. What strategies made, and routes through other
    /// interfaces, the aliases do not tell. Of an unknown id there is nothing. An id is unique in a host: where two
    /// containers have one, this is what is there of both.
    ///
    /// It takes longer the more links the host has, as all are looked at.
    ///
    /// # Errors
    /// BadRequest for an id that [`NetworkSetup::with_id`](super::NetworkSetup::with_id) refuses.
    pub fn find(id: &str) -> Result<Self> {
        let find = || {
            check_id(id)?;
            let host = Host::current()?;
            let answer = host.socket().dump(&message::list_links())?;
            let links: Vec<_> = answer.iter().filter_map(parse::link).collect();
            let ours = links.iter().filter(|link| link.group == LINK_GROUP && link.kind == "veth");
            let mut networks: Vec<_> = ours.filter_map(|link| network_of(link, id)).collect();
            networks.sort_by_key(|(number, _)| *number);
            let networks = networks.into_iter().map(|(_, network)| network).collect();
            Ok(Self { id: Some(id.to_owned()), networks, ..Self::default() })
        };
        find().map_err(|error: Error| error.within("find setup", format_args!("of container {id:?}")))
    }
}

/// The network of the container `id` whose end `link` is, with its number.
fn network_of(link: &LinkState, id: &str) -> Option<(usize, SetupNetwork)> {
    let number = match &link.alias {
        Some(alias) => alias::read(alias, id)?.0,
        None => (0..NAMES).find(|number| is_named(link, id, *number))?,
    };
    let name = InterfaceName::new(&link.name).ok()?;
    let host_link = Some(SetupLink { name, index: link.index, alias: link.alias.clone() });
    Some((number, SetupNetwork { kind: Veth::TYPE.to_owned(), name: None, host_link }))
}

fn is_named(link: &LinkState, id: &str, number: usize) -> bool {
    host_name(id, number).choose(0).is_ok_and(|(name, _)| name.as_str() == link.name)
}
