//! What can be done to a link.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use ipnet::IpNet;

use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::parse::LinkState;
use crate::link::{
    AddressSpec, InterfaceName, LinkChange, LinkKind, LinkRef, LinkSpec, MoveSpec, Mtu, Place, RouteSpec,
    VethPeer,
};
use crate::plan::{apply, apply_towards, Action, Ground, Plan};
use crate::sandbox::default_destination;
use crate::sys::Namespace;

/// Renames a link (seed `001`, `ChangeInterfaceName`); to its own name is no error.
///
/// Before Linux 6.2 the kernel refuses while the link is up: [`interface_down`] comes first, as it does in
/// libcontainer.
///
/// # Errors
/// NotFound when there is no link `old`; AlreadyExists when `new` is taken; Busy when the link is up and
/// the kernel minds.
pub fn change_interface_name(old: &InterfaceName, new: &InterfaceName) -> Result<()> {
    let rename = || {
        let device = Device::find(old)?;
        device.change(|change| change.name = Some(new.clone()))
    };
    rename().map_err(within("change interface name", format_args!("{old} to {new}")))
}

/// Makes a pair of connected interfaces, both down, with one queue each (seed `001`, `CreateVethPair`).
///
/// # Errors
/// AlreadyExists when a name is taken; BadRequest when both are the same. Neither is then made.
pub fn create_veth_pair(name1: &InterfaceName, name2: &InterfaceName) -> Result<()> {
    let create = || {
        if name1 == name2 {
            let cause = "both ends would have the same name";
            return Err(Error::bad_request("use interface name", name1.as_str(), cause));
        }
        let peer = VethPeer { name: name2.clone(), place: Place::Host, index: None, mac: None };
        let mut pair = LinkSpec::new(name1.clone(), LinkKind::Veth { peer });
        // The collector goes by the group: this pair is none of the library's.
        pair.group = 0;
        pair.queues = Some(1);
        apply_one(&*Host::current()?, Action::CreateLink(pair))
    };
    create().map_err(within("create veth pair", format_args!("{name1} and {name2}")))
}

/// Brings a link up (seed `001`, `InterfaceUp`); one that is up is no error.
///
/// # Errors
/// NotFound when there is no such link.
pub fn interface_up(name: &InterfaceName) -> Result<()> {
    set_up(name, true).map_err(within("bring up interface", name))
}

/// Takes a link down (seed `001`, `InterfaceDown`); one that is down is no error. The kernel removes the
/// routes through it, and unless its settings say otherwise its IPv6 addresses.
///
/// # Errors
/// NotFound when there is no such link.
pub fn interface_down(name: &InterfaceName) -> Result<()> {
    set_up(name, false).map_err(within("take down interface", name))
}

fn set_up(name: &InterfaceName, up: bool) -> Result<()> {
    Device::find(name)?.change(|change| change.up = Some(up))
}

/// Adds the default route of the gateway's family by `gateway` through `interface` (seed `001`,
/// `SetDefaultGateway`).
///
/// As in libcontainer it takes nobody's place: a default route with the same metric, 0 for IPv4 and 1024
/// for IPv6, is an error, whoever made it. One with another metric stays beside it.
/// [`Sandbox::set_gateway`](crate::Sandbox::set_gateway) replaces.
///
/// # Errors
/// NotFound when there is no such link; AlreadyExists when there is such a default route; BadRequest when
/// the gateway is no unicast address of a host, the link is down, or the gateway not directly reachable
/// through it.
pub fn set_default_gateway(gateway: IpAddr, interface: &InterfaceName) -> Result<()> {
    let set = || {
        let device = Device::find(interface)?;
        let refuse = |cause: String| Err(Error::bad_request("use gateway", gateway.to_string(), cause));
        if gateway.is_loopback() || !is_unicast(gateway) {
            return refuse("it is no unicast address of a host".to_owned());
        }
        if !device.state.up {
            return refuse(format!("it is not directly reachable: {interface} is down"));
        }
        let route = RouteSpec {
            link: device.link,
            destination: default_destination(gateway.is_ipv6()),
            gateway: Some(gateway),
            source: None,
            metric: None,
            replace: false,
            callers: true,
            local: false,
        };
        apply_one(&device.host, Action::AddRoute(route)).map_err(|error| match error.errno() {
            Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::ENETDOWN) => {
                error.with_kind(ErrorKind::BadRequest)
            }
            _ => error,
        })
    };
    set().map_err(within("set default gateway", format_args!("{gateway} through {interface}")))
}

/// Adds an address to a link (seed `001`, `SetInterfaceIp`), beside those that it has. IPv4 gets its
/// broadcast address; IPv6 is added without duplicate address detection.
///
/// # Errors
/// NotFound when there is no such link; AlreadyExists when it has the address; BadRequest for what is no
/// unicast address; PermissionDenied, with that cause, when IPv6 is off on the link.
pub fn set_interface_ip(name: &InterfaceName, address: IpNet) -> Result<()> {
    let add = || {
        let device = Device::find(name)?;
        if !is_unicast(address.addr()) {
            let cause = "it is no unicast address";
            return Err(Error::bad_request("use address", address.to_string(), cause));
        }
        let spec = AddressSpec { link: device.link, address, callers: true };
        apply_one(&device.host, Action::AddAddress(spec))
    };
    add().map_err(within("set interface ip", format_args!("{address} of {name}")))
}

/// Makes a link a port of the bridge `master` (seed `001`, `SetInterfaceMaster`); one that is a port of it
/// is no error.
///
/// # Errors
/// NotFound when there is no such link, or no such bridge; BadRequest when `master` is no bridge, or the
/// link is one itself or `lo`; Busy when it is a port of something else; ResourceExhausted when the bridge
/// is full.
pub fn set_interface_master(name: &InterfaceName, master: &InterfaceName) -> Result<()> {
    let set = || {
        let (device, bridge) = (Device::find(name)?, Device::find(master)?);
        let refuse =
            |link: &InterfaceName, cause: &str| Err(Error::bad_request("use link", link.as_str(), cause));
        if bridge.state.kind != "bridge" {
            let kind = if bridge.state.kind.is_empty() { "plain device" } else { &bridge.state.kind };
            return refuse(master, &format!("it is no bridge: it is a {kind}"));
        }
        if device.state.kind == "bridge" {
            return refuse(name, "it is a bridge itself, and cannot be a port of one");
        }
        match device.state.master {
            Some(there) if there == bridge.state.index => return Ok(()),
            Some(there) => return Err(device.is_port_of(there)?),
            None => {}
        }
        device.change(|change| change.master = Some(bridge.link))
    };
    set().map_err(within("set interface master", format_args!("{master} of {name}")))
}

/// Sets a link's MTU (seed `001`, `SetMtu`).
///
/// # Errors
/// NotFound when there is no such link; BadRequest, with the kernel's words, when it cannot have that MTU.
pub fn set_mtu(name: &InterfaceName, mtu: Mtu) -> Result<()> {
    let set = || Device::find(name)?.change(|change| change.mtu = Some(mtu));
    set().map_err(within("set mtu", format_args!("{mtu} of {name}")))
}

/// Moves a link to the network namespace of a descriptor (seed `001`, `SetInterfaceInNamespaceFd`) under
/// the name that it has. On the way the kernel takes it down, off its bridge, and its addresses and routes
/// away. Moving it to where it is changes nothing. The thread does not enter the namespace.
///
/// # Errors
/// NotFound when there is no such link; AlreadyExists when its name is taken there; BadRequest when the
/// descriptor is of no network namespace, and for links that cannot move, such as `lo`; PermissionDenied
/// without `CAP_NET_ADMIN` over the namespace.
pub fn set_interface_in_namespace_fd(name: &InterfaceName, fd: BorrowedFd<'_>) -> Result<()> {
    let send = || {
        let device = Device::find(name)?;
        let fd = fd.try_clone_to_owned();
        let fd = fd.map_err(|error| Error::from_io("duplicate descriptor", "of a namespace", error))?;
        device.send(&Namespace::from_fd(fd)?)
    };
    send().map_err(within("set interface in namespace", format_args!("{name} by descriptor")))
}

/// Moves a link to the network namespace of a process (seed `001`, `SetInterfaceInNamespacePid`), as
/// [`set_interface_in_namespace_fd`] does.
///
/// # Errors
/// NotFound when there is no process `pid`, or it has ended; else those of
/// [`set_interface_in_namespace_fd`].
pub fn set_interface_in_namespace_pid(name: &InterfaceName, pid: u32) -> Result<()> {
    let send = || Device::find(name)?.send(&Namespace::from_pid(pid)?);
    send().map_err(within("set interface in namespace", format_args!("{name} of process {pid}")))
}

/// A link of the calling thread's namespace.
struct Device {
    host: Arc<Host>,
    link: LinkRef,
    state: LinkState,
}

impl Device {
    fn find(name: &InterfaceName) -> Result<Self> {
        let host = Host::current()?;
        let state = host.existing_link(name)?;
        Ok(Self { host, link: LinkRef::indexed(name.clone(), state.index), state })
    }

    fn change(&self, change: impl FnOnce(&mut LinkChange)) -> Result<()> {
        let mut changed = LinkChange::new(self.link.clone());
        change(&mut changed);
        apply_one(&self.host, Action::SetLink(changed))
    }

    fn send(&self, target: &Namespace) -> Result<()> {
        let there = MoveSpec {
            link: self.link.clone(),
            to: Place::Sandbox,
            name: self.link.name.clone(),
            index: None,
            mtu: None,
            mac: None,
            alias: None,
        };
        let mut plan = Plan::default();
        plan.push(Place::Host, Action::MoveLink(there));
        apply_towards(&plan, &self.host, target).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => error.with_cause("a link of that name exists there"),
            _ => error,
        })
    }

    fn is_port_of(&self, master: u32) -> Result<Error> {
        let master = self.host.link_at(master)?;
        let master = master.map_or_else(|| "another link".to_owned(), |master| master.name);
        let error = Error::new(ErrorKind::Busy, "use link", self.link.name.as_str());
        Ok(error.with_cause(format!("it is a port of {master}: take it off that first")))
    }
}

fn apply_one(host: &Host, action: Action) -> Result<()> {
    let mut plan = Plan::default();
    plan.push(Place::Host, action);
    apply(&plan, &mut Ground { host, sandbox: None, programs: None })
}

fn is_unicast(ip: IpAddr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast() && ip != IpAddr::V4(Ipv4Addr::BROADCAST)
}

fn within<'a>(operation: &'static str, subject: impl fmt::Display + 'a) -> impl FnOnce(Error) -> Error + 'a {
    move |error| error.within(operation, subject)
}
