//! A device that is born in the sandbox, as a driver describes it.

use std::ffi::c_char;

use netns::driver::Birth;
use netns::link::{LinkSpec, LINK_GROUP};
use netns::{Error, Result};
use serde_json::{Map, Value};

use crate::input::{check_flags, sized, Growing};
use crate::interface::{neighbours, netns_neighbour};
use crate::plan::netns_plan;
use crate::text::text;

/// The addresses inside are alone in their subnets: /32 and /128.
pub const NETNS_BIRTH_HOST_PREFIX: u64 = 1;

/// A device that is born in the sandbox, where it belongs, instead of moving there.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_birth {
    /// Bytes of this struct.
    pub size: usize,
    /// NETNS_BIRTH_ flags.
    pub flags: u64,
    /// The link as JSON, in the form in which a plan's `create_link` has it. A veth has its end in the host
    /// described, and its peer is the end in the sandbox:
    ///
    ///     {"name": "wire7", "kind": {"veth": {"peer": {}}}, "up": true, "mtu": 1400, "queues": 1}
    ///
    /// A macvlan is the end in the sandbox itself:
    ///
    ///     {"kind": {"macvlan": {"parent": {"name": "eth0"}, "mode": "bridge"}}, "born_in": "sandbox"}
    ///
    /// The end in the sandbox gets its name, index and MAC address from the library, and the link its group.
    /// `queues` of 1 make a veth faster to make and to delete.
    pub link: *const c_char,
    /// What follows in the host while the end inside is still down; NULL for nothing. It stays the caller's.
    pub early: *const netns_plan,
    /// What follows in the host when the inside is configured and up; NULL for nothing. It stays the
    /// caller's.
    pub after: *const netns_plan,
    /// Neighbours that the interface never has to ask for.
    pub neighbours: *const *const netns_neighbour,
    /// How many.
    pub neighbour_count: usize,
}

// SAFETY: pointers and integers without padding, the size first.
unsafe impl Growing for netns_birth {
    const NAME: &'static str = "netns_birth";
    const FIRST_SIZE: usize = 56;
}

/// # Safety
/// A struct by the header's rules.
pub(super) unsafe fn read(at: *const netns_birth) -> Result<Birth> {
    // SAFETY: the same.
    unsafe {
        let raw = sized(at, "birth")?;
        check_flags(raw.flags, NETNS_BIRTH_HOST_PREFIX, "birth.flags")?;
        let mut birth = Birth::new(link(text(raw.link, "birth.link")?)?);
        let plan = |at: *const netns_plan| at.as_ref().map(|plan| plan.plan().clone()).unwrap_or_default();
        birth.early = plan(raw.early);
        birth.after = plan(raw.after);
        birth.neighbours = neighbours(raw.neighbours, raw.neighbour_count)?;
        birth.host_prefix = raw.flags & NETNS_BIRTH_HOST_PREFIX != 0;
        Ok(birth)
    }
}

/// The link; what the library fills in need not be there.
fn link(json: &str) -> Result<LinkSpec> {
    let refuse = |error: serde_json::Error| {
        let cause = format!("it is no link in JSON: {error}");
        Error::bad_request("use argument", format!("birth.link, {json:?}"), cause)
    };
    let mut link: Map<String, Value> = serde_json::from_str(json).map_err(refuse)?;
    // The library takes out of a sandbox what is of its group.
    link.insert("group".to_owned(), LINK_GROUP.into());
    link.entry("up").or_insert(false.into());
    let kind = link.get_mut("kind").and_then(Value::as_object_mut);
    let is_veth = kind.as_ref().is_some_and(|kind| kind.contains_key("veth"));
    if !is_veth {
        link.entry("name").or_insert(LATER.into());
    } else if let Some(peer) = kind.and_then(|kind| kind["veth"].get_mut("peer")?.as_object_mut()) {
        peer.insert("name".to_owned(), LATER.into());
        peer.insert("place".to_owned(), "sandbox".into());
    }
    serde_json::from_value(Value::Object(link)).map_err(refuse)
}

/// Stands for a name that the library chooses.
const LATER: &str = "later";

#[cfg(test)]
mod tests {
    use netns::link::{LinkKind, Place};

    use super::*;

    #[test]
    fn what_the_library_fills_in_need_not_be_said() {
        let veth = link(r#"{"name": "wire7", "kind": {"veth": {"peer": {}}}, "mtu": 1400}"#).unwrap();
        assert_eq!((veth.name.as_str(), veth.group, veth.up), ("wire7", LINK_GROUP, false));
        assert!(matches!(veth.kind, LinkKind::Veth { peer } if peer.place == Place::Sandbox));
        let kind = r#"{"macvlan": {"parent": {"name": "eth0"}, "mode": "bridge"}}"#;
        let macvlan = link(&format!(r#"{{"kind": {kind}, "born_in": "sandbox"}}"#)).unwrap();
        assert_eq!(macvlan.born_in, Some(Place::Sandbox));
    }

    #[test]
    fn what_is_no_link_is_refused_with_the_reason() {
        for (json, word) in [
            ("", "EOF"),
            ("[]", "map"),
            ("{}", "kind"),
            (r#"{"kind": {"veth": {"peer": {}}}}"#, "name"),
            (r#"{"name": "a/b", "kind": {"veth": {"peer": {}}}}"#, "a/b"),
            (r#"{"name": "a", "kind": {"veth": {}}}"#, "peer"),
            (r#"{"name": "a", "kind": {"wires": {}}}"#, "wires"),
            (r#"{"name": "a", "kind": 7}"#, "kind"),
        ] {
            let error = link(json).unwrap_err().to_string();
            assert!(error.contains("birth.link") && error.contains(word), "{json}: {error}");
        }
    }
}
