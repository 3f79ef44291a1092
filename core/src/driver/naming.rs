//! What an endpoint's links are called, and the aliases that say whose they are.

use crate::error::Result;
use crate::link::parse::LinkState;
use crate::link::{InterfaceName, LINK_GROUP};
use crate::name::{fnv1a, Name};

/// The beginning of the alias of every link of a network.
pub(crate) const NETWORK_ALIAS: &str = "libnetns network=";
const ENDPOINT: &str = " endpoint=";
const STORE: &str = " store=";

/// Who writes aliases: a controller's end with its store's mark, so that no other collects them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark(Option<String>);

impl Mark {
    /// The mark of the store in that directory: it stays the same when the store is made anew.
    pub(crate) fn of_store(directory: &std::path::Path) -> Self {
        Self(Some(format!("{:08x}", fnv1a(&directory.to_string_lossy()) >> 32)))
    }

    fn suffix(&self) -> String {
        self.0.as_ref().map_or_else(String::new, |store| format!("{STORE}{store}"))
    }

    /// The alias of a network's own link.
    pub(crate) fn network(&self, network: &Name) -> String {
        format!("{NETWORK_ALIAS}{network}{}", self.suffix())
    }

    /// The alias of the host's end of an endpoint.
    pub(crate) fn endpoint(&self, network: &Name, endpoint: &Name) -> String {
        format!("{NETWORK_ALIAS}{network}{ENDPOINT}{endpoint}{}", self.suffix())
    }

    /// The network, and the endpoint where there is one, of an alias with this very mark.
    pub(crate) fn parse(&self, alias: &str) -> Option<(Name, Option<Name>)> {
        let rest = alias.strip_prefix(NETWORK_ALIAS)?;
        let (rest, store) = rest.split_once(STORE).map_or((rest, None), |(rest, store)| (rest, Some(store)));
        if store != self.0.as_deref() {
            return None;
        }
        let (network, endpoint) = match rest.split_once(ENDPOINT) {
            Some((network, endpoint)) => (network, Some(endpoint)),
            None => (rest, None),
        };
        Some((Name::new(network).ok()?, endpoint.map(Name::new).transpose().ok()?))
    }

    /// Whether `link`, under an endpoint's name, is that endpoint's: by its alias, or by its group when
    /// its maker has not come to the alias yet.
    pub(crate) fn is_endpoint(&self, link: &LinkState, network: &Name, endpoint: &Name) -> bool {
        match &link.alias {
            Some(alias) => *alias == self.endpoint(network, endpoint),
            None => link.group == LINK_GROUP,
        }
    }
}

/// The names of an endpoint's two ends in the host. They follow from who it is, so that an orphan
/// can be traced; the alias says it in words.
pub(crate) fn link_names(network: &Name, endpoint: &Name) -> Result<(InterfaceName, InterfaceName)> {
    let digest = digest(network, endpoint) >> 24;
    Ok((
        InterfaceName::new(&format!("veth{digest:010x}"))?,
        InterfaceName::new(&format!("veth{digest:010x}p"))?,
    ))
}

/// Whether a process has just made the network's link and not yet said what for.
pub(crate) fn is_half_made(link: &LinkState) -> bool {
    link.group == LINK_GROUP && link.alias.is_none()
}

/// Whether an endpoint's end in the host can have that name.
pub(crate) fn is_link_name(name: &str) -> bool {
    let digits = name.strip_prefix("veth").unwrap_or("");
    let digits = digits.strip_suffix('p').unwrap_or(digits);
    digits.len() == 10 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The `ifindex` of an endpoint's end in the host, far above those that the kernel gives out. Where
/// it is taken, as in one join of a million, the next `attempt` has another.
pub(crate) fn host_index(network: &Name, endpoint: &Name, attempt: u32) -> u32 {
    const RANGE: u32 = 1 << 30;
    RANGE + (digest(network, endpoint) as u32).wrapping_add(attempt) % RANGE
}

fn digest(network: &Name, endpoint: &Name) -> u64 {
    fnv1a(&format!("{network}/{endpoint}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn a_mark_reads_its_own_aliases_and_no_others() {
        let (plain, store) = (Mark::default(), Mark::of_store(Path::new("/run/libnetns")));
        assert_ne!(store, Mark::of_store(Path::new("/run/other")));
        for (own, other) in [(&plain, &store), (&store, &plain)] {
            let (network, endpoint) = (own.network(&name("n")), own.endpoint(&name("n"), &name("e")));
            assert_eq!(own.parse(&network), Some((name("n"), None)));
            assert_eq!(own.parse(&endpoint), Some((name("n"), Some(name("e")))));
            assert_eq!((other.parse(&network), other.parse(&endpoint)), (None, None));
        }
        for alias in ["", "libnetns network=", "libnetns network=a/b", "libnetns src=veth0", "network=n"] {
            assert_eq!(plain.parse(alias), None, "{alias:?}");
        }
    }
}
