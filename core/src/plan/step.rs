//! Steps and their inverses.

use serde::{Deserialize, Serialize};

use crate::error::ErrorKind;
use crate::link::{
    AddressSpec, FilterSpec, LinkChange, LinkKind, LinkRef, LinkSpec, MacvlanMode, MoveSpec, Mtu,
    NeighbourSpec, Place, ProxySpec, RouteSpec, SysctlSpec,
};
use crate::nft::{Change, FlowFilter};

/// Steps in the order in which they are carried out.
///
/// `println!("{plan}")` shows it as a person would read it; it serialises with serde. A plan is the
/// dry run of what it describes: making one changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The steps. Neighbours in the same place go to the kernel in one send.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Appends `action` in `place` with the undo that follows from the action itself.
    pub fn push(&mut self, place: Place, action: Action) {
        self.steps.push(Step::new(place, action));
    }
}

/// One action in one namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Where.
    pub place: Place,
    /// What.
    pub action: Action,
    /// What takes it back when a later step fails, in this order; empty where an earlier step's undo
    /// does so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<Undo>,
    /// An object that is there already is as good as one that was made, and is not undone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub existing_ok: bool,
}

/// The way back of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// Where: not always the step's own place, since a link may have moved.
    pub place: Place,
    /// What.
    pub action: Action,
}

/// A change of the kernel's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Adds an address to a link. To one of IPv6 the kernel answers some time later; a plan that adds one has been
    /// carried out when it does.
    AddAddress(AddressSpec),
    /// Adds the `clsact` queueing discipline, which filters hang on, to a link.
    AddClsact(LinkRef),
    /// Adds a filter that counts to a link that has a `clsact`. It takes the programs that this library has
    /// loaded.
    AddFilter(FilterSpec),
    /// Adds a permanent neighbour, or changes it.
    AddNeighbour(NeighbourSpec),
    /// Has a link answer for an address of another. The kernel does not refuse one that it answers for
    /// already but makes it this library's.
    AddProxy(ProxySpec),
    /// Adds a route.
    AddRoute(RouteSpec),
    /// Changes the firewall, in one transaction. What is to be deleted and is gone is no error.
    ChangeFirewall(Vec<Change>),
    /// Creates a link, with its peer where it has one.
    CreateLink(LinkSpec),
    /// Removes an address.
    DeleteAddress(AddressSpec),
    /// Removes a link's `clsact` with all filters on it, whoever added those.
    DeleteClsact(LinkRef),
    /// Removes this library's filter of that link and direction, whatever its slot.
    DeleteFilter(FilterSpec),
    /// Deletes a link.
    DeleteLink(LinkRef),
    /// Removes a neighbour.
    DeleteNeighbour(NeighbourSpec),
    /// Has a link answer for an address no more.
    DeleteProxy(ProxySpec),
    /// Removes a route.
    DeleteRoute(RouteSpec),
    /// Has the kernel forget flows that it tracks (conntrack): their next packets are looked at anew.
    FlushFlows(Vec<FlowFilter>),
    /// Forwards IPv6 packets that come in by a link of the host (`net.ipv6.conf.LINK.force_forwarding`,
    /// from Linux 6.17 on). Where the kernel does not have that, or `/proc/sys` cannot be written, it
    /// is no error: forwarding then follows `net.ipv6.conf.all.forwarding`.
    ForceIpv6Forwarding(LinkRef),
    /// Believes no router advertisement that comes in by a link of the host (`net.ipv6.conf.LINK.accept_ra`).
    /// Where the link has no IPv6, or `/proc/sys` cannot be written, it is no error.
    IgnoreRouters(LinkRef),
    /// Moves a link to another namespace under another name.
    MoveLink(MoveSpec),
    /// Whether interfaces that come to the namespace from now on have IPv6
    /// (`net.ipv6.conf.default.disable_ipv6`).
    SetIpv6Default(bool),
    /// Changes a link.
    SetLink(LinkChange),
    /// Sets a value under `/proc/sys/net`. The value before is not known, so it has no undo of its own.
    SetSysctl(SysctlSpec),
    /// Has the kernel act on a link's carrier now, so that the first packet is not lost.
    SyncLink(LinkRef),
    /// Turns IPv6 off on a link of the host (`net.ipv6.conf.LINK.disable_ipv6`).
    TurnOffIpv6(LinkRef),
}

impl Step {
    /// A step with the undo that follows from the action itself: what is created or added is deleted.
    ///
    /// A veth whose peer is born elsewhere is deleted by its name here; that takes the peer along. A link
    /// that is itself born elsewhere is deleted there.
    /// Changes and moves have no undo of their own, because the state before is not in them.
    pub fn new(place: Place, action: Action) -> Self {
        let inverse = match &action {
            Action::AddAddress(spec) => Some(Action::DeleteAddress(spec.clone())),
            Action::AddClsact(link) => Some(Action::DeleteClsact(link.clone())),
            Action::AddFilter(spec) => Some(Action::DeleteFilter(spec.clone())),
            Action::AddNeighbour(spec) => Some(Action::DeleteNeighbour(spec.clone())),
            Action::AddProxy(spec) => Some(Action::DeleteProxy(spec.clone())),
            Action::AddRoute(spec) if !spec.replace => Some(Action::DeleteRoute(spec.clone())),
            Action::ChangeFirewall(changes) => undo_of(changes).map(Action::ChangeFirewall),
            Action::CreateLink(spec) => {
                Some(Action::DeleteLink(LinkRef { name: spec.name.clone(), index: spec.index }))
            }
            Action::SetIpv6Default(on) => Some(Action::SetIpv6Default(!on)),
            _ => None,
        };
        let made_in = match &action {
            Action::CreateLink(spec) => spec.born_in.unwrap_or(place),
            _ => place,
        };
        let undo = inverse.map(|action| Undo { place: made_in, action }).into_iter().collect();
        Self { place, action, undo, existing_ok: false }
    }

    /// The same step with another way back.
    #[must_use]
    pub fn undone_by(mut self, undo: Vec<Undo>) -> Self {
        self.undo = undo;
        self
    }

    /// The same step, content with an object that is there already.
    #[must_use]
    pub fn existing_ok(mut self) -> Self {
        self.existing_ok = true;
        self
    }
}

impl Action {
    /// The link that the action needs the index of, when it does not create that link itself.
    pub(crate) fn link(&self) -> Option<&LinkRef> {
        match self {
            Self::AddAddress(AddressSpec { link, .. })
            | Self::DeleteAddress(AddressSpec { link, .. })
            | Self::AddClsact(link)
            | Self::DeleteClsact(link)
            | Self::AddFilter(FilterSpec { link, .. })
            | Self::DeleteFilter(FilterSpec { link, .. })
            | Self::AddNeighbour(NeighbourSpec { link, .. })
            | Self::DeleteNeighbour(NeighbourSpec { link, .. })
            | Self::AddProxy(ProxySpec { link, .. })
            | Self::DeleteProxy(ProxySpec { link, .. })
            | Self::AddRoute(RouteSpec { link, .. })
            | Self::DeleteRoute(RouteSpec { link, .. })
            | Self::MoveLink(MoveSpec { link, .. }) => Some(link),
            Self::CreateLink(spec) => spec.attached_to(),
            Self::SetLink(LinkChange { master, .. }) => master.as_ref(),
            Self::ChangeFirewall(_)
            | Self::DeleteLink(_)
            | Self::FlushFlows(_)
            | Self::ForceIpv6Forwarding(_)
            | Self::IgnoreRouters(_)
            | Self::SetIpv6Default(_)
            | Self::SetSysctl(_)
            | Self::SyncLink(_)
            | Self::TurnOffIpv6(_) => None,
        }
    }

    /// Whether it is a message to the route socket, as all are but the firewall's and writes to `/proc/sys`.
    pub(crate) fn is_message(&self) -> bool {
        !matches!(
            self,
            Self::ChangeFirewall(_)
                | Self::FlushFlows(_)
                | Self::ForceIpv6Forwarding(_)
                | Self::IgnoreRouters(_)
                | Self::SetIpv6Default(_)
                | Self::SetSysctl(_)
                | Self::TurnOffIpv6(_)
        )
    }

    /// The category of `errno`, where the action tells more than the number alone.
    pub(crate) fn kind_of(&self, errno: i32) -> Option<ErrorKind> {
        match (self, errno) {
            // It is a kind of qdisc or filter that is missing, not an object.
            (Self::AddClsact(_) | Self::AddFilter(_), libc::ENOENT) => Some(ErrorKind::Unsupported),
            // The messages themselves are right: there is no clsact, or in its place something else is.
            (Self::DeleteClsact(_) | Self::DeleteFilter(_), libc::EINVAL) => Some(ErrorKind::NotFound),
            _ => None,
        }
    }

    /// The likely cause of `errno`, where the action tells one.
    pub(crate) fn likely_cause(&self, errno: i32) -> Option<String> {
        let text = match (self, errno) {
            (_, libc::EPERM) => "CAP_NET_ADMIN over the namespace is needed".to_owned(),
            (Self::CreateLink(spec), libc::EEXIST) => match &spec.kind {
                LinkKind::Veth { peer } => format!(
                    "a link named {} exists in the host, or {} in the {}",
                    spec.name, peer.name, peer.place
                ),
                LinkKind::Bridge { .. } | LinkKind::Macvlan { .. } => already_there(spec),
            },
            (Self::CreateLink(LinkSpec { kind: LinkKind::Macvlan { parent, .. }, .. }), libc::EBUSY) => {
                format!("{parent} is a port of a bridge, or of a bond, or otherwise taken")
            }
            (Self::CreateLink(LinkSpec { kind: LinkKind::Macvlan { parent, .. }, .. }), libc::ENODEV) => {
                format!("is {parent} still there?")
            }
            (
                Self::CreateLink(LinkSpec { kind: LinkKind::Macvlan { parent, mode }, mtu, .. }),
                libc::EINVAL,
            ) => misfit(parent, *mode, *mtu),
            (Self::CreateLink(_), libc::EOPNOTSUPP) => "this kernel has no links of that kind".to_owned(),
            (
                Self::CreateLink(LinkSpec { master: Some(master), .. })
                | Self::SetLink(LinkChange { master: Some(master), .. }),
                libc::EXFULL,
            ) => {
                format!("{master} has as many ports as a bridge holds (1023)")
            }
            (Self::SetLink(LinkChange { link, master: Some(master), .. }), libc::EINVAL) => {
                format!("is {master} still there? If it is, {link} cannot be a port")
            }
            (
                Self::CreateLink(LinkSpec { master: Some(master), .. })
                | Self::SetLink(LinkChange { master: Some(master), .. }),
                libc::EINVAL | libc::ENODEV,
            ) => {
                format!("is {master} still there?")
            }
            (
                Self::AddRoute(RouteSpec { gateway: Some(gateway), .. }),
                libc::ENETUNREACH | libc::EHOSTUNREACH,
            ) => {
                format!(
                    "{gateway} is not directly reachable: no address in its subnet, or the interface is down"
                )
            }
            (Self::AddRoute(RouteSpec { link, .. }), libc::ENETDOWN) => format!("{link} is down"),
            (Self::AddRoute(_), libc::EEXIST) => "there is a route to that destination already".to_owned(),
            (Self::SetLink(LinkChange { ipv4_forwarding: Some(_), .. }), libc::EAFNOSUPPORT) => {
                "that link has no IPv4; is its MTU below 68?".to_owned()
            }
            (Self::AddRoute(RouteSpec { source: Some(source), .. }), libc::EINVAL) => {
                format!("is {source} an address of this namespace?")
            }
            (Self::AddProxy(ProxySpec { link, address }), libc::ENOBUFS | libc::EINVAL)
                if address.is_ipv6() =>
            {
                format!("IPv6 is off on {link} or in this kernel")
            }
            (Self::AddClsact(link), libc::EEXIST) => {
                format!("{link} has a clsact already, or an ingress qdisc, which takes its place")
            }
            (Self::AddClsact(_), libc::ENOENT | libc::EOPNOTSUPP) => {
                "this kernel has no clsact (CONFIG_NET_SCH_INGRESS)".to_owned()
            }
            (Self::AddFilter(_), libc::ENOENT | libc::EOPNOTSUPP) => {
                "this kernel has no BPF filters (CONFIG_NET_CLS_BPF)".to_owned()
            }
            (Self::AddFilter(FilterSpec { link, .. }), libc::EEXIST) => {
                format!("{link} is counted already, or has an ingress qdisc in place of a clsact")
            }
            (Self::AddFilter(FilterSpec { link, .. }), libc::EINVAL) => {
                format!("{link} has no clsact, or filters of priority 1 that are no BPF filters")
            }
            (Self::AddAddress(AddressSpec { link, .. }), libc::EEXIST) => format!("{link} has it already"),
            (Self::SetLink(LinkChange { name: Some(name), .. }), libc::EEXIST) => {
                format!("a link named {name} exists")
            }
            (Self::SetLink(LinkChange { name: Some(_), .. }), libc::EBUSY) => {
                "before Linux 6.2 a link must be down to be renamed".to_owned()
            }
            (Self::AddAddress(_), libc::EACCES | libc::EOPNOTSUPP | libc::EAFNOSUPPORT) => {
                "IPv6 is off on that interface or in this kernel".to_owned()
            }
            (Self::MoveLink(spec), libc::EEXIST) => {
                format!("a link named {} exists in the {}", spec.name, spec.to)
            }
            _ => return None,
        };
        Some(text)
    }
}

/// What takes back changes that add elements alone; others depend on what was there before.
fn undo_of(changes: &[Change]) -> Option<Vec<Change>> {
    let inverse = |change: &Change| match change {
        Change::Add(elements) | Change::Keep(elements) => Some(Change::Delete(elements.clone())),
        _ => None,
    };
    changes.iter().rev().map(inverse).collect()
}

/// Why a link without a peer cannot be made for one that is there.
fn already_there(spec: &LinkSpec) -> String {
    let index = spec.index.map_or_else(String::new, |index| format!(" or with the index {index}"));
    match spec.born_in {
        None => format!("a link named {}{index} exists", spec.name),
        Some(place) => {
            format!("a link named {}{index} exists in the {place}, or, before Linux 6.15, here", spec.name)
        }
    }
}

/// Why a macvlan does not fit its parent; the kernel does not say which it is.
fn misfit(parent: &LinkRef, mode: MacvlanMode, mtu: Option<Mtu>) -> String {
    let taken = match mode {
        MacvlanMode::Passthru => format!("{parent} has a macvlan already"),
        _ => format!("{parent} has a macvlan in mode passthru"),
    };
    let mtu = mtu.map_or_else(String::new, |mtu| format!(", the MTU of {parent} is below {mtu}"));
    format!("{taken}{mtu}, or {parent} is no Ethernet link")
}
