//! What an endpoint's links are called, and the aliases that say whose they are.

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
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
    /// The mark of the store in that directory, which must be there. The directory keeps it, so that it is
    /// the same by whatever path the directory is reached, and follows from its own path when the
    /// directory is made anew.
    pub(crate) fn of_store(directory: &Path) -> Result<Self> {
        let failed = |error| Error::from_io("read mark of", directory.display().to_string(), error);
        let file = directory.join("mark");
        let by_default = || {
            let path = directory.canonicalize()?;
            let word = format!("{:08x}", fnv1a(&path.to_string_lossy()) >> 32);
            // Made in one system call, so that nobody finds half of it.
            match symlink(word, &file) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => std::fs::read_link(&file),
            }
        };
        let word = std::fs::read_link(&file).or_else(|_| by_default()).map_err(failed)?;
        let word = word.to_string_lossy().into_owned();
        if word.len() != 8 || !word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let cause = "it is no mark: eight hexadecimal digits as the target of a symbolic link";
            return Err(Error::new(ErrorKind::System, "use", file.display().to_string()).with_cause(cause));
        }
        Ok(Self(Some(word)))
    }

    /// The mark as a number; 0 of none.
    pub(crate) fn number(&self) -> u32 {
        self.0.as_ref().and_then(|word| u32::from_str_radix(word, 16).ok()).unwrap_or(0)
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

/// The `ifindex` of an endpoint's end in the host, far above those that the kernel gives out. Where
/// it is taken, as in one join of a million, the next `attempt` has another.
pub(crate) fn host_index(network: &Name, endpoint: &Name, attempt: u32) -> u32 {
    index_of(digest(network, endpoint), attempt)
}

/// [`host_index`] of whatever `digest` stands for.
pub(crate) fn index_of(digest: u64, attempt: u32) -> u32 {
    const RANGE: u32 = 1 << 30;
    RANGE + (digest as u32).wrapping_add(attempt) % RANGE
}

pub(crate) fn digest(network: &Name, endpoint: &Name) -> u64 {
    fnv1a(&format!("{network}/{endpoint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn a_directory_keeps_its_mark_by_whatever_path() {
        testhost::host(|_| {
            for path in ["/run/one", "/run/two"] {
                std::fs::create_dir(path).unwrap();
            }
            let mark = |path: &str| Mark::of_store(Path::new(path)).unwrap();
            let one = mark("/run/one");
            assert_ne!(one, mark("/run/two"));
            std::fs::rename("/run/one", "/run/three").unwrap();
            assert_eq!(one, mark("/run/three/"));
            std::fs::create_dir("/run/one").unwrap();
            assert_eq!(one, mark("/run/one"));
            std::fs::remove_file("/run/two/mark").unwrap();
            symlink("x", "/run/two/mark").unwrap();
            Mark::of_store(Path::new("/run/two")).unwrap_err();
        });
    }

    #[test]
    fn a_mark_reads_its_own_aliases_and_no_others() {
        let (plain, store) = (Mark::default(), Mark(Some("0123abcd".to_owned())));
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
