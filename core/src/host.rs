//! The namespace that plays the host: bridges and the host's ends of links live there.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ipnet::IpNet;
use once_cell::sync::OnceCell;

use crate::error::{Error, ErrorKind, Result};
use crate::link::parse::{self, AddressState, LinkState, RouteState};
use crate::link::traffic::{self, FilterState};
use crate::link::{message, Direction, InterfaceName, Mtu};
use crate::netlink::RouteSocket;
use crate::nft::{Firewall, FlowFilter};
use crate::stats::Stats;
use crate::sys::{Ipv6Links, Namespace, NamespaceId, PerProcess};

/// How long a sandbox that was destroyed may take to begin to die.
pub(crate) const DYING: Duration = Duration::from_millis(250);

/// A namespace with its route socket, shared by all networks and sandboxes that were made from it,
/// so that a thousand sandboxes cost three descriptors here and not three thousand.
pub(crate) struct Host {
    namespace: Namespace,
    socket: Mutex<RouteSocket>,
    cookie: OnceCell<u64>,
    /// Opened when it is first needed.
    firewall: Mutex<Option<Firewall>>,
    /// `/proc/sys/net/ipv6/conf` of the namespace; `None` where there is none or it cannot be written.
    ipv6: Option<Ipv6Links>,
}

type Hosts = HashMap<NamespaceId, Weak<Host>>;

/// Sockets are not shared across fork: parent and child would read each other's answers.
static HOSTS: PerProcess<Mutex<Hosts>> = PerProcess::new();

fn hosts() -> MutexGuard<'static, Hosts> {
    HOSTS.get().lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Host {
    fn drop(&mut self) {
        let mut hosts = hosts();
        hosts.retain(|_, host| host.strong_count() > 0);
        if hosts.is_empty() {
            // Whoever unloads the library, or looks for leaks, finds nothing of it.
            *hosts = Hosts::new();
        }
    }
}

impl Host {
    /// The calling thread's namespace.
    pub(crate) fn current() -> Result<Arc<Self>> {
        let mut hosts = hosts();
        let known = NamespaceId::current().and_then(|key| hosts.get(&key)?.upgrade());
        if let Some(host) = known {
            return Ok(host);
        }
        let namespace = Namespace::current()?;
        let socket = Mutex::new(RouteSocket::open()?);
        let firewall = Mutex::default();
        let (key, cookie) = (namespace.id(), OnceCell::new());
        let host = Arc::new(Self { namespace, socket, cookie, firewall, ipv6: Ipv6Links::open() });
        hosts.insert(key, Arc::downgrade(&host));
        Ok(host)
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The socket, for one exchange: whoever holds it is alone with the kernel's one lock for links.
    pub(crate) fn socket(&self) -> MutexGuard<'_, RouteSocket> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the firewall of the namespace, alone.
    pub(crate) fn with_firewall<T>(&self, f: impl FnOnce(&mut Firewall) -> Result<T>) -> Result<T> {
        let mut firewall = self.firewall.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = match firewall.take() {
            Some(opened) => opened,
            None => self.namespace.run(Firewall::open)??,
        };
        f(firewall.insert(opened))
    }

    /// Has the kernel forget what it tracks of these.
    pub(crate) fn flush_flows(&self, flows: &[FlowFilter]) -> Result<()> {
        let is_local = |address| self.is_local(address).unwrap_or(false);
        self.with_firewall(|firewall| firewall.flows().flush(flows, is_local))
    }

    /// Whether [`Host::turn_off_ipv6`] can be used.
    pub(crate) fn can_turn_off_ipv6(&self) -> bool {
        self.ipv6.is_some()
    }

    pub(crate) fn turn_off_ipv6(&self, link: &InterfaceName) -> Result<()> {
        self.ipv6.as_ref().map_or(Ok(()), |ipv6| ipv6.turn_off(link.as_str()))
    }

    /// Forwards IPv6 packets that come in by the link of that name, whatever `all.forwarding` says, where
    /// the kernel can do so for one link.
    pub(crate) fn force_ipv6_forwarding(&self, link: &InterfaceName) -> Result<()> {
        let forced = self.ipv6.as_ref().map_or(Ok(false), |ipv6| ipv6.force_forwarding(link.as_str()))?;
        if !forced {
            log::debug!("IPv6 forwarding of {link} follows net.ipv6.conf.all.forwarding");
        }
        Ok(())
    }

    /// Believes no router advertisement that comes in by the link of that name.
    pub(crate) fn ignore_routers(&self, link: &InterfaceName) -> Result<()> {
        self.ipv6.as_ref().map_or(Ok(()), |ipv6| ipv6.ignore_routers(link.as_str()))
    }

    /// The link of that name; `None` when there is none.
    pub(crate) fn link(&self, name: &InterfaceName) -> Result<Option<LinkState>> {
        let answer = self.socket().get(&message::get_link(name))?;
        Ok(answer.as_ref().and_then(parse::link))
    }

    /// The link of that name, which must be there, and by that name: the kernel finds it by others too.
    pub(crate) fn existing_link(&self, name: &InterfaceName) -> Result<LinkState> {
        let Some(link) = self.link(name)? else {
            return Err(Error::new(ErrorKind::NotFound, "find link", name.as_str())
                .with_cause("there is no such link in the host"));
        };
        if link.name != name.as_str() {
            let cause = format!("it is another name of {}: use that", link.name);
            return Err(Error::bad_request("use link", name.as_str(), cause));
        }
        Ok(link)
    }

    /// The link of that index; `None` when there is none.
    pub(crate) fn link_at(&self, index: u32) -> Result<Option<LinkState>> {
        let answer = self.socket().get(&message::get_link_at(index))?;
        Ok(answer.as_ref().and_then(parse::link))
    }

    /// Whether the namespace of the link's other end is being taken down, and the link with it.
    pub(crate) fn is_dying(&self, link: &LinkState) -> bool {
        let Some(number) = link.peer_namespace else {
            return false;
        };
        let answer = self.socket().get(&message::get_loopback_of(number));
        answer.is_err_and(|error| error.errno() == Some(libc::EINVAL))
    }

    /// This library's routes through a link to single addresses; none when it is gone.
    pub(crate) fn routes_through(&self, index: u32) -> Result<Vec<RouteState>> {
        let mut socket = self.socket();
        let mut routes = Vec::new();
        for ipv6 in [false, true] {
            match socket.dump(&message::list_routes_through(index, ipv6)) {
                Err(error) if error.errno() == Some(libc::ENODEV) => return Ok(Vec::new()),
                answer => routes.extend(answer?),
            }
        }
        let own = routes.iter().filter_map(parse::route).filter(|route| route.ours && route.index == index);
        Ok(own.filter(|own| own.destination.prefix_len() == own.destination.max_prefix_len()).collect())
    }

    /// Whether the host takes packets to `address` for its own.
    pub(crate) fn is_local(&self, address: IpAddr) -> Result<bool> {
        match self.socket().get(&message::get_route(address)) {
            Ok(answer) => Ok(answer.as_ref().is_some_and(parse::is_local)),
            Err(error) if error.errno().is_some_and(leads_nowhere) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The addresses of a link.
    pub(crate) fn addresses_of(&self, index: u32) -> Result<Vec<AddressState>> {
        let addresses = self.socket().dump(&message::list_addresses())?;
        Ok(addresses.iter().filter_map(parse::address).filter(|own| own.index == index).collect())
    }

    /// The numbers by which the host knows other namespaces: all to which a link of it has moved are among them.
    pub(crate) fn namespaces(&self) -> Result<Vec<i32>> {
        let known = self.socket().dump(&message::list_namespaces())?;
        Ok(known.iter().filter_map(parse::namespace_number).filter(|number| *number >= 0).collect())
    }

    /// The link of that index in the namespace of that number; `None` when there is none.
    pub(crate) fn link_of(&self, number: i32, index: u32) -> Result<Option<LinkState>> {
        let answer = self.socket().get(&message::get_link_of(number, index))?;
        Ok(answer.as_ref().and_then(parse::link))
    }

    /// The links in the namespace of that number.
    pub(crate) fn links_of(&self, number: i32) -> Result<Vec<LinkState>> {
        let links = self.socket().dump(&message::list_links_of(number))?;
        let there = links.iter().filter(|link| parse::namespace_of(link) == Some(number));
        Ok(there.filter_map(parse::link).collect())
    }

    /// The addresses of a link in the namespace of that number.
    pub(crate) fn addresses_of_link_of(&self, number: i32, index: u32) -> Result<Vec<IpNet>> {
        let addresses = self.socket().dump(&message::list_addresses_of(number))?;
        let there = addresses.iter().filter(|own| parse::namespace_of(own) == Some(number));
        let own = there.filter_map(parse::address).filter(|own| own.index == index);
        Ok(own.map(|own| own.address).collect())
    }

    /// What no other network namespace of this boot has (`SO_NETNS_COOKIE`, from Linux 5.14 on).
    pub(crate) fn cookie(&self) -> Result<u64> {
        self.cookie.get_or_try_init(|| self.socket().namespace_cookie()).copied()
    }

    /// The filters of a link, of both directions; none when it is gone.
    pub(crate) fn filters(&self, index: u32) -> Result<Vec<FilterState>> {
        filters(&mut self.socket(), index)
    }

    /// What the kernel has counted on a link; `None` when it is gone.
    pub(crate) fn stats(&self, index: u32) -> Result<Option<Stats>> {
        stats(&mut self.socket(), index)
    }

    /// What the kernel has counted on all links, by their indices.
    pub(crate) fn all_stats(&self) -> Result<HashMap<u32, Stats>> {
        all_stats(&mut self.socket())
    }

    /// The lowest MTU of the interfaces that carry a default route, so that nothing has to be
    /// fragmented on the way out; 1500 where there is none.
    pub(crate) fn uplink_mtu(&self) -> Result<Mtu> {
        let mut socket = self.socket();
        let mut routes = socket.dump(&message::list_routes(false))?;
        routes.extend(socket.dump(&message::list_routes(true))?);
        drop(socket);
        let defaults =
            routes.iter().filter_map(parse::route).filter(|route| route.destination.prefix_len() == 0);
        let uplinks: HashSet<_> = defaults.map(|route| route.index).collect();
        let mut lowest = None;
        for index in uplinks {
            let mtu = self.link_at(index)?.and_then(|link| Mtu::new(link.mtu).ok());
            lowest = lowest.into_iter().chain(mtu).min();
        }
        Ok(lowest.unwrap_or(Mtu::ETHERNET))
    }
}

/// Keeps those of `addresses`, each with the index of its link, to which the kernel does not answer yet. After
/// `RTM_NEWADDR` it puts off joining the group of an IPv6 address, to which neighbours send when they look for it,
/// and then the local route, whose presence shows both (`addrconf_dad_begin`, `addrconf_dad_completed`). One of
/// which it cannot be asked is not kept.
pub(crate) fn keep_unanswered(socket: &mut RouteSocket, addresses: &mut Vec<(IpAddr, u32)>) -> Result<()> {
    let requests: Vec<_> =
        addresses.iter().map(|(address, link)| message::match_route(*address, *link)).collect();
    let mut answers = socket.get_each(&requests)?.into_iter();
    addresses.retain(|(_, link)| match answers.next() {
        Some(Ok(route)) => !parse::is_local_on(&route, *link),
        Some(Err(refusal)) => leads_nowhere(refusal.errno),
        None => false,
    });
    Ok(())
}

fn leads_nowhere(errno: i32) -> bool {
    matches!(errno, libc::ENETUNREACH | libc::EHOSTUNREACH)
}

/// [`Host::filters`] in the socket's own namespace.
pub(crate) fn filters(socket: &mut RouteSocket, index: u32) -> Result<Vec<FilterState>> {
    let mut filters = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress] {
        let listed = socket.dump(&traffic::list_filters(index, direction))?;
        filters.extend(listed.iter().filter_map(|filter| traffic::filter_state(filter, direction)));
    }
    Ok(filters)
}

/// [`Host::stats`] in the socket's own namespace.
pub(crate) fn stats(socket: &mut RouteSocket, index: u32) -> Result<Option<Stats>> {
    let answer = socket.get(&traffic::get_stats(index))?;
    Ok(answer.as_ref().and_then(traffic::stats).map(|(_, stats)| stats))
}

/// [`Host::all_stats`] in the socket's own namespace.
pub(crate) fn all_stats(socket: &mut RouteSocket) -> Result<HashMap<u32, Stats>> {
    Ok(socket.dump(&traffic::list_stats())?.iter().filter_map(traffic::stats).collect())
}
