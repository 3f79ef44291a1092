//! Sandboxes: a container's network namespace, mounted where others can find it (seed `000`).

mod alias;
mod interface;
mod key;
mod routes;
mod settle;
mod survey;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use alias::is_ours;
pub use interface::{Info, Interface};
pub use key::{generate_key, SandboxKey, DEFAULT_BASE};
pub(crate) use settle::{default_destination, settle, Settled};
pub(crate) use survey::Survey;

use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::parse::{self, LinkState};
use crate::link::{
    message, AddressSpec, InterfaceName, LinkChange, LinkRef, MoveSpec, Mtu, Place, LINK_GROUP,
};
use crate::netlink::RouteSocket;
use crate::plan::{apply, Action, Ground, Inside, Plan, Step, Undo};
use crate::sys::{Ipv6Default, Namespace, NamespaceLife};

/// A container's network: a namespace, identified by the path where it is mounted.
///
/// The value is a handle: dropping it leaves the sandbox as it is, [`Sandbox::destroy`] ends it. What
/// it holds is read from the kernel, so any process that opens the key sees the same. A handle holds
/// three descriptors: the namespace, a route socket inside, and the switch for IPv6.
///
/// The *host* of a sandbox, where interfaces come from and go back to, is the namespace of the
/// thread that created or opened the handle. Methods may be called from any thread, and never
/// change the calling thread's namespace.
pub struct Sandbox {
    key: SandboxKey,
    host: Arc<Host>,
    opened: Mutex<Option<Opened>>,
}

pub(crate) struct Opened {
    pub(crate) inside: Inside,
    /// Nothing has come to the namespace through this handle, which made it.
    fresh: bool,
}

impl Opened {
    /// The inside of a namespace that others made. `home` is the calling thread's.
    pub(crate) fn of(namespace: Namespace, home: &Namespace) -> Result<Self> {
        let open = || Ok((RouteSocket::open()?, Ipv6Default::open()?));
        let (socket, ipv6) = namespace.run_from(home, open)??;
        Ok(Self { inside: Inside { namespace, socket, ipv6 }, fresh: false })
    }

    /// What an interface that comes has to look out for: links and routes.
    pub(crate) fn survey(&mut self) -> Result<Survey> {
        self.inside.ipv6.refresh()?;
        // A link that others put there has the index that is chosen now, unless they chose another: the
        // kernel refuses, and the next try looks.
        if self.fresh {
            return Ok(Survey::of_fresh());
        }
        Survey::for_newcomer(&mut self.inside.socket)
    }

    /// From now on the namespace is looked at.
    pub(crate) fn wear(&mut self) {
        self.fresh = false;
    }
}

impl Sandbox {
    /// Makes a namespace with `lo` up and mounts it at `key`; the directory is made when needed.
    ///
    /// IPv6 is off for interfaces to come, until one with an IPv6 address comes; `lo` has it. Until the
    /// first interface comes through it the handle takes the sandbox to be empty: open the key anew when
    /// others have put links or routes into it meanwhile.
    ///
    /// # Errors
    /// AlreadyExists when there is a sandbox, or anything but a stale empty file, at `key`;
    /// PermissionDenied without `CAP_SYS_ADMIN`. Nothing is left behind.
    pub fn create(key: &SandboxKey) -> Result<Self> {
        Self::create_at(key).map_err(|error| error.within("create sandbox", key))
    }

    fn create_at(key: &SandboxKey) -> Result<Self> {
        let host = Host::current()?;
        let (namespace, (socket, ipv6)) = Namespace::create_from(host.namespace(), |_| {
            let mut socket = RouteSocket::open()?;
            bring_up_loopback(&mut socket)?;
            Ok((socket, Ipv6Default::open_fresh_and_turn_off()?))
        })?;
        namespace.persist(key.path())?;
        let opened = Opened { inside: Inside { namespace, socket, ipv6 }, fresh: true };
        Ok(Self { key: key.clone(), host, opened: Mutex::new(Some(opened)) })
    }

    /// Opens the sandbox that this or another process, or `ip netns add`, made at `key`.
    ///
    /// # Errors
    /// NotFound when there is none; BadRequest when what lies there is no network namespace.
    pub fn open(key: &SandboxKey) -> Result<Self> {
        Self::open_at(key).map_err(|error| error.within("open sandbox", key))
    }

    fn open_at(key: &SandboxKey) -> Result<Self> {
        let host = Host::current()?;
        let opened = Opened::of(Namespace::open(key.path())?, host.namespace())?;
        Ok(Self { key: key.clone(), host, opened: Mutex::new(Some(opened)) })
    }

    /// Removes whatever sandbox is at `key` without opening it, a stale file too; see
    /// [`Sandbox::destroy`].
    ///
    /// # Errors
    /// PermissionDenied without `CAP_SYS_ADMIN`; Forbidden for a file that this library did not make.
    /// A key where there is nothing is no error.
    pub fn remove(key: &SandboxKey) -> Result<()> {
        Namespace::forget(key.path()).map_err(|error| error.within("remove sandbox", key))
    }

    /// Where the namespace is mounted.
    pub fn key(&self) -> &SandboxKey {
        &self.key
    }

    /// A handle of the namespace, which it keeps alive.
    ///
    /// # Errors
    /// NotFound when the sandbox was destroyed through this handle.
    pub fn namespace(&self) -> Result<Namespace> {
        self.with(|opened| opened.inside.namespace.try_clone())
    }

    /// Runs `f` with the calling thread inside the sandbox; see [`Namespace::run`].
    ///
    /// # Errors
    /// Those of [`Sandbox::namespace`] and of [`Namespace::run`].
    pub fn run<T>(&self, f: impl FnOnce() -> T) -> Result<T> {
        self.namespace()?.run(f)
    }

    /// What [`Sandbox::add_interface`] and [`Network::join`](crate::Network::join) brought, in the
    /// order of the names; never `lo`, nor what others made.
    ///
    /// # Errors
    /// NotFound when the sandbox was destroyed through this handle.
    pub fn interfaces(&self) -> Result<Vec<Interface>> {
        self.info().map(|info| info.interfaces)
    }

    /// Interfaces, gateways and static routes, read from the kernel.
    ///
    /// # Errors
    /// NotFound when the sandbox was destroyed through this handle.
    pub fn info(&self) -> Result<Info> {
        self.with(|opened| {
            let socket = &mut opened.inside.socket;
            let survey = Survey::take(socket)?;
            let neighbours: Vec<_> =
                socket.dump(&message::list_neighbours())?.iter().filter_map(parse::neighbour).collect();
            Ok(survey.info(&neighbours))
        })
        .map_err(|error| error.within("inspect sandbox", &self.key))
    }

    /// Moves the device `interface.src_name` from the host into the sandbox, renames it as it moves,
    /// and configures it: MAC, addresses, MTU, routes; it is up at the end. Returns the interface
    /// under its final name.
    ///
    /// The kernel takes 10 ms and more to move a device. [`Network::join`](crate::Network::join)
    /// makes it inside instead.
    ///
    /// # Errors
    /// NotFound when there is no such device; AlreadyExists when the name is taken in the sandbox or
    /// an address overlaps one of its routes; BadRequest when the settings contradict one another.
    /// The device is then where it was, under its old name, with its bridge and its addresses; routes
    /// through it are lost.
    pub fn add_interface(&self, interface: &Interface) -> Result<Interface> {
        let within = |error: Error| {
            error.within("add interface", format_args!("{} to {}", interface.src_name, self.key))
        };
        self.with(|opened| {
            let (plan, settled) = self.plan_move_in(opened, interface)?;
            opened.wear();
            apply(
                &plan,
                &mut Ground { host: &self.host, sandbox: Some(&mut opened.inside), programs: None },
            )?;
            Ok(settled.interface)
        })
        .map_err(within)
    }

    /// The plan of [`Sandbox::add_interface`], without carrying it out.
    ///
    /// # Errors
    /// Those of [`Sandbox::add_interface`] that can be known beforehand.
    pub fn plan_add_interface(&self, interface: &Interface) -> Result<Plan> {
        self.with(|opened| self.plan_move_in(opened, interface).map(|(plan, _)| plan))
    }

    pub(crate) fn plan_move_in(&self, opened: &mut Opened, interface: &Interface) -> Result<(Plan, Settled)> {
        let src_name = &interface.src_name;
        let device = self.host.existing_link(src_name)?;
        // Moving costs so much that looking costs nothing, and the kernel's choice of an index depends on it.
        let survey = Survey::take(&mut opened.inside.socket)?;
        opened.inside.ipv6.refresh()?;
        let ipv6 = &opened.inside.ipv6;
        let mut settled = settle(interface, device.alias.as_deref(), &survey, ipv6)?;
        settled.interface.mac = interface.mac.or(device.mac);
        settled.interface.mtu = interface.mtu.or(Mtu::new(device.mtu).ok());
        // The kernel keeps the index where it is free there. It is chosen nevertheless, so that the move
        // fails where it has been taken since; kernels before 5.13 choose another then, so it is asked for.
        let kept = survey.links.iter().all(|link| link.index != device.index);
        let index = if kept { device.index } else { survey.free_index() };
        let name = settled.link.name.clone();
        settled.link = LinkRef::named(name);
        let mut plan = Plan::default();
        settled.before_birth(ipv6.is_on(), &mut plan);
        let there = MoveSpec {
            link: LinkRef::indexed(src_name.clone(), device.index),
            to: Place::Sandbox,
            name: settled.name().clone(),
            index: Some(index),
            mtu: interface.mtu,
            mac: interface.mac,
            alias: None,
        };
        let back = MoveSpec {
            link: LinkRef::named(settled.name().clone()),
            to: Place::Host,
            name: src_name.clone(),
            index: Some(device.index),
            mtu: interface.mtu.and(Mtu::new(device.mtu).ok()),
            mac: interface.mac.and(device.mac),
            alias: Some(device.alias.clone().unwrap_or_default()),
        };
        let mut undo = vec![Undo { place: Place::Sandbox, action: Action::MoveLink(back) }];
        undo.extend(self.restoration(&device)?.into_iter().map(|action| Undo { place: Place::Host, action }));
        plan.steps.push(Step::new(Place::Host, Action::MoveLink(there)).undone_by(undo));
        settled.after_birth(settled.interface.mac, &mut plan);
        Ok((plan, settled))
    }

    /// What gives a device that was moved away and back what the kernel took from it: its bridge, being
    /// up, its addresses.
    fn restoration(&self, device: &LinkState) -> Result<Vec<Action>> {
        let link = LinkRef::named(InterfaceName::new(&device.name)?);
        let mut change = LinkChange::new(link.clone());
        if let Some(master) = device.master {
            let bridge = self.host.link_at(master)?.map(|bridge| InterfaceName::new(&bridge.name));
            change.master = bridge.transpose()?.map(|name| LinkRef::indexed(name, master));
        }
        change.up = device.up.then_some(true);
        let mut actions = vec![Action::SetLink(change)];
        let addresses = self.host.socket().dump(&message::list_addresses())?;
        for own in addresses.iter().filter_map(parse::address).filter(|own| own.index == device.index) {
            if !matches!(own.address.addr(), IpAddr::V6(ip) if ip.is_unicast_link_local()) {
                actions.push(Action::AddAddress(AddressSpec {
                    link: link.clone(),
                    address: own.address,
                    callers: false,
                }));
            }
        }
        Ok(actions)
    }

    /// Takes the interface out of the sandbox, back to the host under its source name and with the
    /// alias that it had there. It is down then, and keeps the MAC address and MTU that it has.
    ///
    /// # Errors
    /// AlreadyExists when the host has a link of that name by now; the interface then stays as it
    /// was, addresses and routes too. An interface that is gone already, with the sandbox even, is no error.
    pub fn remove_interface(&self, interface: &Interface) -> Result<()> {
        let within = |error: Error| {
            error.within("remove interface", format_args!("{} from {}", interface.src_name, self.key))
        };
        self.with_or((), |opened| {
            let survey = Survey::take(&mut opened.inside.socket)?;
            let ours = survey.ours();
            let is_it = |name: &str, src_name: &InterfaceName| {
                *src_name == interface.src_name
                    && interface.name().is_none_or(|wanted| wanted.as_str() == name)
            };
            let Some((link, src_name, before)) =
                ours.into_iter().find(|(link, src, _)| is_it(&link.name, src))
            else {
                return Ok(());
            };
            let name = InterfaceName::new(&link.name)?;
            // The kernel would move it first and find that it cannot have the name afterwards.
            if self.host.link(&src_name)?.is_some() {
                let error = Error::new(ErrorKind::AlreadyExists, "move link", name.as_str());
                return Err(error.with_cause(format!("a link named {src_name} exists in the host")));
            }
            let back = MoveSpec {
                link: LinkRef::indexed(name, link.index),
                to: Place::Host,
                name: src_name,
                index: None,
                mtu: None,
                mac: None,
                alias: Some(before.to_owned()),
            };
            let mut plan = Plan::default();
            plan.push(Place::Sandbox, Action::MoveLink(back));
            apply(&plan, &mut Ground { host: &self.host, sandbox: Some(&mut opened.inside), programs: None })
        })
        .map_err(within)
    }

    /// Takes what came from `src_name` out of the sandbox: a device that was born there is deleted, one
    /// that was handed over goes back to the host. One that is gone is no error.
    pub(crate) fn take_out(&self, src_name: &InterfaceName) -> Result<()> {
        let born = self.with_or(None, |opened| {
            let survey = Survey::take(&mut opened.inside.socket)?;
            let is_born =
                |index| survey.links.iter().any(|link| link.index == index && link.group == LINK_GROUP);
            let link = survey.that_came_from(src_name)?;
            Ok(link.filter(|link| link.index.is_some_and(is_born)))
        })?;
        let Some(link) = born else {
            return self.remove_interface(&Interface::from_source(src_name.clone()));
        };
        self.with_or((), |opened| {
            let mut plan = Plan::default();
            plan.push(Place::Sandbox, Action::DeleteLink(link));
            match apply(
                &plan,
                &mut Ground { host: &self.host, sandbox: Some(&mut opened.inside), programs: None },
            ) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                result => result,
            }
        })
    }

    /// What this library brought, each with what its alias says of its owner.
    pub(crate) fn interfaces_with_owners(&self) -> Result<Vec<(Interface, Option<String>)>> {
        self.with(|opened| Ok(Survey::take(&mut opened.inside.socket)?.with_owners()))
    }

    /// Takes those of `addresses` that are there off their interfaces. A sandbox that is gone has none.
    pub(crate) fn give_up(&self, addresses: &[IpAddr]) -> Result<()> {
        self.with_or((), |opened| {
            let there = opened.inside.socket.dump(&message::list_addresses())?;
            let mut plan = Plan::default();
            for own in there.iter().filter_map(parse::address) {
                if addresses.contains(&own.address.addr()) {
                    // Nothing is called by its name here.
                    let link = LinkRef::indexed(InterfaceName::new("lo")?, own.index);
                    let spec = AddressSpec { link, address: own.address, callers: false };
                    plan.steps.push(Step::new(Place::Sandbox, Action::DeleteAddress(spec)));
                }
            }
            match apply(
                &plan,
                &mut Ground { host: &self.host, sandbox: Some(&mut opened.inside), programs: None },
            ) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                result => result,
            }
        })
    }

    /// Whether nothing has come to the sandbox through this handle, which made it.
    pub(crate) fn is_fresh(&self) -> bool {
        self.lock().as_ref().is_some_and(|opened| opened.fresh)
    }

    /// Which namespace this is.
    pub(crate) fn life(&self) -> Result<NamespaceLife> {
        self.with(|opened| Ok(opened.inside.namespace.life()))
    }

    /// The link of that index inside.
    pub(crate) fn link_at(&self, index: u32) -> Result<Option<LinkState>> {
        self.with(|opened| {
            let answer = opened.inside.socket.get(&message::get_link_at(index))?;
            Ok(answer.as_ref().and_then(parse::link))
        })
    }

    /// Ends the sandbox: unmounts the namespace, removes the file and closes this handle's
    /// descriptors. The kernel then takes the namespace down, and with it every virtual device in
    /// it and their other ends; physical ones go back to the initial namespace.
    ///
    /// It returns before that is over. The namespace lives on as long as a process runs in it or
    /// another handle is open. Repeated calls succeed, also when somebody else removed the sandbox;
    /// one that was made at the same key since is left alone.
    ///
    /// # Errors
    /// PermissionDenied without `CAP_SYS_ADMIN`; the handle can still be used then.
    pub fn destroy(&self) -> Result<()> {
        self.unmount().map_err(|error| error.within("destroy sandbox", &self.key))?;
        *self.lock() = None;
        Ok(())
    }

    /// The first part of [`Sandbox::destroy`], after which the handle can still be used.
    pub(crate) fn unmount(&self) -> Result<()> {
        let opened = self.lock();
        let Some(inside) = opened.as_ref().map(|opened| &opened.inside) else { return Ok(()) };
        match inside.namespace.forget_own(self.key.path()) {
            // Something else lies there by now: it is not ours to remove.
            Err(error) if error.kind() == ErrorKind::Forbidden => Ok(()),
            result => result,
        }
    }

    /// Whether it was destroyed through this handle.
    pub(crate) fn is_destroyed(&self) -> bool {
        self.lock().is_none()
    }

    pub(crate) fn host(&self) -> &Arc<Host> {
        &self.host
    }

    fn lock(&self) -> MutexGuard<'_, Option<Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Sandbox::with`]; `gone` when the sandbox was destroyed, for what would be no more there.
    pub(crate) fn with_or<T>(&self, gone: T, f: impl FnOnce(&mut Opened) -> Result<T>) -> Result<T> {
        self.lock().as_mut().map_or(Ok(gone), f)
    }

    /// Alone with the inside of the sandbox.
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut Opened) -> Result<T>) -> Result<T> {
        let gone = || {
            Error::new(ErrorKind::NotFound, "use sandbox", self.key.to_string())
                .with_cause("it was destroyed through this handle")
        };
        f(self.lock().as_mut().ok_or_else(gone)?)
    }
}

fn bring_up_loopback(socket: &mut RouteSocket) -> Result<()> {
    let mut lo = LinkChange::new(LinkRef::indexed(InterfaceName::new("lo")?, 1));
    lo.up = Some(true);
    let answer = socket.transact_one(message::set_link(&lo, None))?;
    answer.map_err(|refusal| {
        Error::from_errno("bring up", "lo", refusal.errno).with_kernel_message(refusal.message)
    })
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("key", &self.key).finish_non_exhaustive()
    }
}
