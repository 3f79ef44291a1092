//! What the kernel keeps for us: the interface's own alias tells whose it is and where it came from.
//!
//! The alias travels in the message that brings the interface up, so it costs nothing, is there from
//! the first moment and dies with the interface: no file can contradict the kernel.

use crate::link::InterfaceName;

const MARK: &str = "libnetns src=";
const OURS: &str = "libnetns";
const OWNER: &str = " of=";
const BEFORE: &str = " was=";
/// `IFALIASZ` less the terminating NUL.
const MAX: usize = 255;

/// The alias of an interface that came from `src_name` and had the alias `before` there.
pub(super) fn compose(src_name: &InterfaceName, before: Option<&str>) -> String {
    let mut alias = format!("{MARK}{src_name}");
    if let Some(before) = before.filter(|before| !before.is_empty()) {
        alias.push_str(BEFORE);
        let room = MAX.saturating_sub(alias.len());
        let end = (0..=before.len().min(room)).rev().find(|&end| before.is_char_boundary(end)).unwrap_or(0);
        alias.push_str(&before[..end]);
    }
    alias
}

/// The alias of an interface that was born inside as `src_name` and says itself whose it is.
pub(super) fn compose_owned(src_name: &InterfaceName, owner: &str) -> String {
    format!("{MARK}{src_name}{OWNER}{owner}")
}

/// Whose the interface of that alias is, where it says so.
pub(super) fn owner(alias: &str) -> Option<&str> {
    let rest = alias.strip_prefix(MARK)?;
    let (rest, _) = rest.split_once(BEFORE).unwrap_or((rest, ""));
    rest.split_once(OWNER).map(|(_, owner)| owner)
}

/// Whether an interface of that alias came to its sandbox by this library.
pub(crate) fn is_ours(alias: &str) -> bool {
    alias.starts_with(MARK)
}

/// Where the interface of that alias came from, and the alias that it had there; `None` when it is
/// not one of ours.
pub(super) fn parse(alias: &str) -> Option<(InterfaceName, &str)> {
    let rest = alias.strip_prefix(MARK)?;
    let (rest, before) = rest.split_once(BEFORE).unwrap_or((rest, ""));
    let (src_name, _) = rest.split_once(OWNER).unwrap_or((rest, ""));
    // What is inside a sandbox can write the alias. It must not make the host take a device for ours.
    let before = if before.starts_with(OURS) { "" } else { before };
    Some((InterfaceName::new(src_name).ok()?, before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_comes_back_as_it_was() {
        let name = InterfaceName::new("veth0123456789").unwrap();
        for before in [None, Some("mine"), Some("with was=inside")] {
            let alias = compose(&name, before);
            assert_eq!(parse(&alias), Some((name.clone(), before.unwrap_or(""))));
        }
    }

    #[test]
    fn an_alias_can_say_whose_it_is() {
        let name = InterfaceName::new("veth0").unwrap();
        let alias = compose_owned(&name, "libnetns network=n endpoint=e store=0");
        assert_eq!(parse(&alias), Some((name.clone(), "")));
        assert_eq!(owner(&alias), Some("libnetns network=n endpoint=e store=0"));
        assert_eq!(owner(&compose(&name, Some("of=x"))), None);
    }

    #[test]
    fn a_long_alias_is_cut_between_characters() {
        let name = InterfaceName::new("eth7").unwrap();
        let alias = compose(&name, Some(&"ä".repeat(200)));
        assert!(alias.len() <= MAX && alias.len() >= MAX - 1, "{}", alias.len());
        assert_eq!(parse(&alias).unwrap().0, name);
    }

    #[test]
    fn an_alias_of_others_is_not_ours() {
        for alias in ["", "uplink", "libnetns", "libnetns src=", "libnetns src=a/b", "libnetns network=x"] {
            assert_eq!(parse(alias), None, "{alias:?}");
        }
    }
}
