//! What the aliases of pairs say: whose they are, and where they lead.

use std::fmt;

use crate::link::parse::LinkState;
use crate::link::LINK_GROUP;
use crate::plan::Inside;
use crate::sandbox::Opened;
use crate::sys::NamespaceId;

/// The beginning of the aliases of all that is made here.
const BEGINNING: &str = "libnetns setup=";
const NETWORK: &str = " network=";
const NAMESPACE: &str = " namespace=";

/// A container's network namespace, told from others of this boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Home {
    /// The numbers of its file, which a later one may have.
    pub(super) id: NamespaceId,
    /// What no other has (`SO_NETNS_COOKIE`), from Linux 5.14 on.
    pub(super) cookie: Option<u64>,
}

impl fmt::Display for Home {
    /// Device, inode and cookie.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, cookie } = self;
        write!(f, "{}:{}", id.device, id.inode)?;
        cookie.map_or(Ok(()), |cookie| write!(f, ":{cookie}"))
    }
}

impl Home {
    pub(super) fn of(opened: &Opened) -> Self {
        let Inside { namespace, socket, .. } = &opened.inside;
        Self { id: namespace.id(), cookie: socket.namespace_cookie().ok() }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(':').map(|number| number.parse().ok());
        let id = NamespaceId { device: numbers.next()??, inode: numbers.next()?? };
        let cookie = match numbers.next() {
            Some(cookie) => Some(cookie?),
            None => None,
        };
        numbers.next().is_none().then_some(Self { id, cookie })
    }
}

/// The alias of both ends of the pair of network `number` of what `owner` names, whose namespace is `home`.
pub(super) fn alias(owner: &str, number: usize, home: Home) -> String {
    format!("{BEGINNING}{owner}{NETWORK}{number}{NAMESPACE}{home}")
}

/// The number of the network, and where it leads, as an alias of `owner` says; `None` of any other.
pub(super) fn read(alias: &str, owner: &str) -> Option<(usize, Home)> {
    let rest = alias.strip_prefix(BEGINNING)?.strip_prefix(owner)?.strip_prefix(NETWORK)?;
    let (number, home) = rest.split_once(NAMESPACE)?;
    Some((number.parse().ok()?, Home::parse(home)?))
}

/// Whether `link` was made here, for whatever container.
pub(super) fn is_made_here(link: &LinkState) -> bool {
    link.group == LINK_GROUP && link.alias.as_ref().is_none_or(|alias| alias.starts_with(BEGINNING))
}

/// Whether `link` may be one whose maker has not come to its alias yet, or died before.
pub(super) fn is_half_made(link: &LinkState) -> bool {
    link.alias.is_none() && link.group == LINK_GROUP && link.kind == "veth"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_read_by_its_owner_alone() {
        let id = NamespaceId { device: 4, inode: 4_026_531_840 };
        for home in [Home { id, cookie: None }, Home { id, cookie: Some(u64::MAX) }] {
            let own = alias("web", 7, home);
            assert_eq!(read(&own, "web"), Some((7, home)), "{own}");
            for other in ["we", "web2", "db", "", "web network=7"] {
                assert_eq!(read(&own, other), None, "{other}");
            }
        }
        let longest = Home { id: NamespaceId { device: u64::MAX, inode: u64::MAX }, cookie: Some(u64::MAX) };
        // The kernel's `IFALIASZ`, with the NUL.
        assert!(alias(&"x".repeat(128), usize::MAX, longest).len() < 256);
        for text in ["libnetns setup=web network=0", "libnetns setup=web network=0 namespace=4:x", ""] {
            assert_eq!(read(text, "web"), None, "{text}");
        }
    }
}
