//! The floor: the least raw netlink that does the same job as the library.
//!
//! Messages are laid out byte by byte into one buffer that is used again and again; nothing is checked but
//! the kernel's answers, nothing is recorded. One [`Floor`] belongs to one thread, whose network namespace
//! plays the host.

mod counters;
mod plain;

pub use counters::LinkCounters;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use netlink_sys::{protocols::NETLINK_ROUTE, Socket};
use nix::mount::{mount, umount2, MntFlags, MsFlags};
use nix::net::if_::if_nametoindex;
use nix::sched::{setns, unshare, CloneFlags};

/// The name of a joined interface inside.
pub const INSIDE_NAME: &str = "eth0";
/// The ifindex of a joined or moved interface inside: the first that is free in a fresh namespace.
pub const INSIDE_INDEX: u32 = 2;
/// The MTU of both ends.
pub const MTU: u32 = 1500;

const LO_INDEX: u32 = 1;
/// Beyond what the kernel gives, so that a route can be in one send with the link that it leads through.
const FIRST_INDEX: u32 = 1 << 20;
const OWN_NAMESPACE: &str = "/proc/thread-self/ns/net";
const IPV6_OFF: &str = "/proc/sys/net/ipv6/conf/default/disable_ipv6";

// <linux/netlink.h>
const NLMSG_ERROR: u16 = 2;
const NLMSG_HEADER: usize = 16;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const NEW: u16 = NLM_F_CREATE | NLM_F_EXCL;

// <linux/rtnetlink.h>
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RT_TABLE_MAIN: u8 = 254;
const RTPROT_BOOT: u8 = 3;
const RT_SCOPE_UNIVERSE: u8 = 0;
const RT_SCOPE_LINK: u8 = 253;
const RTN_UNICAST: u8 = 1;

// <linux/if_link.h>, <linux/if_addr.h>, <linux/veth.h>, <net/if.h>
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_NUM_TX_QUEUES: u16 = 31;
const IFLA_NUM_RX_QUEUES: u16 = 32;
const IFLA_NEW_IFINDEX: u16 = 49;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_F_NODAD: u8 = 0x02;
const IFF_UP: u32 = 1;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const HOST_PREFIX: u8 = 32;

/// The two ends of a veth pair.
#[derive(Clone, Copy, Debug)]
pub struct Ends<'a> {
    /// The name of the host's end; the one inside is called [`INSIDE_NAME`].
    pub host_name: &'a str,
    /// The MAC address of the host's end.
    pub host_mac: [u8; 6],
    /// The MAC address of the end inside.
    pub mac: [u8; 6],
}

/// An address of an interface inside, and the gateway of its default route.
#[derive(Clone, Copy, Debug)]
pub struct Address<A> {
    /// The address.
    pub address: A,
    /// The length of its network's prefix, in bits.
    pub prefix: u8,
    /// The default route's gateway.
    pub gateway: A,
}

/// A namespace bound to a path, with the route socket that was opened inside.
///
/// Dropping it closes the descriptors and leaves the path: see [`Floor::destroy`].
#[derive(Debug)]
pub struct FloorSandbox {
    path: PathBuf,
    namespace: File,
    socket: Socket,
}

/// The host's side: its namespace, its route socket, the bridge to join, the buffers.
#[derive(Debug)]
pub struct Floor {
    home: File,
    socket: Socket,
    bridge: Option<u32>,
    /// The ifindex of the last host's end, were it without a bridge.
    last_index: u32,
    messages: Messages,
}

impl Floor {
    /// In the calling thread's namespace; joined sandboxes become ports of `bridge`, or without one get a route of the
    /// host's.
    ///
    /// # Errors
    /// From `/proc`, the socket, or the look-up of the bridge.
    pub fn new(bridge: Option<&str>) -> io::Result<Self> {
        Ok(Self {
            home: File::open(OWN_NAMESPACE)?,
            socket: route_socket()?,
            bridge: bridge.map(if_nametoindex).transpose()?,
            last_index: FIRST_INDEX,
            messages: Messages::default(),
        })
    }

    /// Makes a namespace and binds it to `path`, which must not exist.
    ///
    /// With `ipv6_off`, interfaces that come to it have IPv6 disabled.
    ///
    /// # Errors
    /// From any of the system calls; then nothing is left at `path`.
    pub fn sandbox(&mut self, path: &Path, ipv6_off: bool) -> io::Result<FloorSandbox> {
        OpenOptions::new().write(true).create_new(true).open(path)?;
        let made = unshare(CloneFlags::CLONE_NEWNET).map_err(io::Error::from).and_then(|()| {
            let made = inside_new(path, ipv6_off);
            setns(&self.home, CloneFlags::CLONE_NEWNET)?;
            made
        });
        match made {
            Ok((namespace, socket)) => Ok(FloorSandbox { path: path.to_owned(), namespace, socket }),
            Err(e) => {
                let _ = umount2(path, MntFlags::MNT_DETACH);
                fs::remove_file(path)?;
                Err(e)
            }
        }
    }

    /// A namespace that others have bound to `path`, opened as [`Floor::sandbox`] does its own.
    ///
    /// # Errors
    /// From any of the system calls.
    pub fn open(&mut self, path: &Path, ipv6_off: bool) -> io::Result<FloorSandbox> {
        let namespace = File::open(path)?;
        setns(&namespace, CloneFlags::CLONE_NEWNET)?;
        let socket = inside(ipv6_off);
        setns(&self.home, CloneFlags::CLONE_NEWNET)?;
        Ok(FloorSandbox { path: path.to_owned(), namespace, socket: socket? })
    }

    /// Joins a fresh sandbox: a veth pair whose inner end is born in it as [`INSIDE_NAME`] with ifindex
    /// [`INSIDE_INDEX`], everything up, addresses and default routes set; without a bridge the host has a route to the
    /// IPv4 address. Two sends, two namespaces.
    ///
    /// # Errors
    /// The kernel's first refusal; what succeeded before it stays.
    pub fn join(
        &mut self,
        sandbox: &mut FloorSandbox,
        ends: &Ends<'_>,
        v4: Address<Ipv4Addr>,
        v6: Option<Address<Ipv6Addr>>,
    ) -> io::Result<()> {
        self.last_index += 1;
        // With a bridge nobody has to know it, and the kernel chooses.
        let host_index = self.bridge.map_or(self.last_index, |_| 0);
        let m = &mut self.messages;
        m.begin_link(host_index, IFF_UP, NEW);
        m.string(IFLA_IFNAME, ends.host_name);
        m.attribute(IFLA_ADDRESS, &ends.host_mac);
        m.number(IFLA_MTU, MTU);
        if let Some(bridge) = self.bridge {
            m.number(IFLA_MASTER, bridge);
        }
        m.one_queue();
        let info = m.open(IFLA_LINKINFO);
        m.attribute(IFLA_INFO_KIND, b"veth");
        let data = m.open(IFLA_INFO_DATA);
        let peer = m.open(VETH_INFO_PEER);
        m.link_header(INSIDE_INDEX, 0);
        m.string(IFLA_IFNAME, INSIDE_NAME);
        m.attribute(IFLA_ADDRESS, &ends.mac);
        m.number(IFLA_MTU, MTU);
        m.attribute(IFLA_NET_NS_FD, &sandbox.namespace.as_raw_fd().to_ne_bytes());
        m.one_queue();
        m.close(peer);
        m.close(data);
        m.close(info);
        m.end();
        if self.bridge.is_none() {
            m.route_to(host_index, v4.address);
        }
        m.transfer(&self.socket)?;

        m.up(LO_INDEX);
        m.up(INSIDE_INDEX);
        m.address_v4(INSIDE_INDEX, v4);
        if let Some(v6) = v6 {
            m.address_v6(INSIDE_INDEX, v6);
        }
        m.route(INSIDE_INDEX, AF_INET, &v4.gateway.octets());
        if let Some(v6) = v6 {
            m.route(INSIDE_INDEX, AF_INET6, &v6.gateway.octets());
        }
        m.transfer(&sandbox.socket)
    }

    /// Moves the host's `link` into a sandbox that has no interface yet, as `new_name` with ifindex
    /// [`INSIDE_INDEX`]; then brings it up with an address and a default route.
    ///
    /// # Errors
    /// From the look-up of `link`, or the kernel's first refusal; what succeeded before it stays.
    pub fn move_in(
        &mut self,
        sandbox: &FloorSandbox,
        link: &str,
        new_name: &str,
        v4: Address<Ipv4Addr>,
    ) -> io::Result<()> {
        let index = if_nametoindex(link)?;
        let m = &mut self.messages;
        m.begin_link(index, 0, 0);
        m.attribute(IFLA_NET_NS_FD, &sandbox.namespace.as_raw_fd().to_ne_bytes());
        m.string(IFLA_IFNAME, new_name);
        m.number(IFLA_NEW_IFINDEX, INSIDE_INDEX);
        m.end();
        m.transfer(&self.socket)?;

        m.up(INSIDE_INDEX);
        m.address_v4(INSIDE_INDEX, v4);
        m.route(INSIDE_INDEX, AF_INET, &v4.gateway.octets());
        m.transfer(&sandbox.socket)
    }

    /// Moves the interface that [`Floor::move_in`] moved in back to the host, as `new_name`, down, with an
    /// ifindex of the kernel's choice.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn move_out(&mut self, sandbox: &FloorSandbox, new_name: &str) -> io::Result<()> {
        let m = &mut self.messages;
        m.begin_link(INSIDE_INDEX, 0, 0);
        m.attribute(IFLA_NET_NS_FD, &self.home.as_raw_fd().to_ne_bytes());
        m.string(IFLA_IFNAME, new_name);
        m.end();
        m.transfer(&sandbox.socket)
    }

    /// Lets go of a sandbox: its path, then its descriptors. The namespace and the links in it, with their
    /// host ends, vanish soon after.
    ///
    /// # Errors
    /// From `umount2` or `unlink`; the descriptors are closed in any case.
    pub fn destroy(&mut self, sandbox: FloorSandbox) -> io::Result<()> {
        // The namespace's last references go with the descriptors, at the end.
        let FloorSandbox { path, namespace: _namespace, socket: _socket } = sandbox;
        umount2(&path, MntFlags::MNT_DETACH)?;
        fs::remove_file(&path)
    }
}

/// Fills the namespace that the calling thread has just made.
fn inside_new(path: &Path, ipv6_off: bool) -> io::Result<(File, Socket)> {
    let namespace = File::open(OWN_NAMESPACE)?;
    let socket = inside(ipv6_off)?;
    mount(Some(OWN_NAMESPACE), path, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    Ok((namespace, socket))
}

/// The socket of the namespace that the calling thread is in, and whether links to come have IPv6.
fn inside(ipv6_off: bool) -> io::Result<Socket> {
    let socket = route_socket()?;
    if ipv6_off {
        OpenOptions::new().write(true).open(IPV6_OFF)?.write_all(b"1")?;
    }
    Ok(socket)
}

fn route_socket() -> io::Result<Socket> {
    let socket = Socket::new(NETLINK_ROUTE)?;
    socket.set_cap_ack(true)?;
    Ok(socket)
}

/// Requests for one send, one after the other, and room for the answers.
#[derive(Debug)]
struct Messages {
    buffer: Vec<u8>,
    reply: Box<[u8; 4096]>,
    /// Where the message begins that is being laid out.
    start: usize,
    /// How many messages are in the buffer.
    count: usize,
    sequence: u32,
}

impl Default for Messages {
    fn default() -> Self {
        Self { buffer: Vec::with_capacity(4096), reply: Box::new([0; 4096]), start: 0, count: 0, sequence: 0 }
    }
}

impl Messages {
    fn up(&mut self, index: u32) {
        self.begin_link(index, IFF_UP, 0);
        self.end();
    }

    fn address_v4(&mut self, index: u32, v4: Address<Ipv4Addr>) {
        self.begin(RTM_NEWADDR, NEW);
        self.address_header(index, AF_INET, v4.prefix, 0);
        self.attribute(IFA_LOCAL, &v4.address.octets());
        self.attribute(IFA_ADDRESS, &v4.address.octets());
        self.end();
    }

    fn address_v6(&mut self, index: u32, v6: Address<Ipv6Addr>) {
        self.begin(RTM_NEWADDR, NEW);
        self.address_header(index, AF_INET6, v6.prefix, IFA_F_NODAD);
        self.attribute(IFA_ADDRESS, &v6.address.octets());
        self.end();
    }

    /// The default route by way of `gateway`.
    fn route(&mut self, index: u32, family: u8, gateway: &[u8]) {
        self.begin_route(family, 0, RT_SCOPE_UNIVERSE);
        self.attribute(RTA_GATEWAY, gateway);
        self.number(RTA_OIF, index);
        self.end();
    }

    /// The route to `address` alone, through a link.
    fn route_to(&mut self, index: u32, address: Ipv4Addr) {
        self.begin_route(AF_INET, HOST_PREFIX, RT_SCOPE_LINK);
        self.attribute(RTA_DST, &address.octets());
        self.number(RTA_OIF, index);
        self.end();
    }

    /// struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags
    fn begin_route(&mut self, family: u8, length: u8, scope: u8) {
        self.begin(RTM_NEWROUTE, NEW);
        let header = [family, length, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, scope, RTN_UNICAST];
        self.buffer.extend_from_slice(&header);
        self.buffer.extend_from_slice(&[0; 4]);
    }

    fn begin_link(&mut self, index: u32, flags: u32, message_flags: u16) {
        self.begin(RTM_NEWLINK, message_flags);
        self.link_header(index, flags);
    }

    /// struct ifinfomsg: family, pad, type, index, flags, change
    fn link_header(&mut self, index: u32, flags: u32) {
        self.buffer.extend_from_slice(&[0; 4]);
        for word in [index, flags, flags] {
            self.buffer.extend_from_slice(&word.to_ne_bytes());
        }
    }

    /// struct ifaddrmsg: family, prefixlen, flags, scope, index
    fn address_header(&mut self, index: u32, family: u8, prefix: u8, flags: u8) {
        self.buffer.extend_from_slice(&[family, prefix, flags, RT_SCOPE_UNIVERSE]);
        self.buffer.extend_from_slice(&index.to_ne_bytes());
    }

    fn one_queue(&mut self) {
        self.number(IFLA_NUM_TX_QUEUES, 1);
        self.number(IFLA_NUM_RX_QUEUES, 1);
    }

    /// struct nlmsghdr: len, type, flags, seq, pid
    fn begin(&mut self, kind: u16, flags: u16) {
        self.start = self.buffer.len();
        self.sequence = self.sequence.wrapping_add(1);
        self.buffer.extend_from_slice(&[0; 4]);
        self.buffer.extend_from_slice(&kind.to_ne_bytes());
        self.buffer.extend_from_slice(&(NLM_F_REQUEST | NLM_F_ACK | flags).to_ne_bytes());
        self.buffer.extend_from_slice(&self.sequence.to_ne_bytes());
        self.buffer.extend_from_slice(&[0; 4]);
    }

    fn end(&mut self) {
        let length = (self.buffer.len() - self.start) as u32;
        self.buffer[self.start..self.start + 4].copy_from_slice(&length.to_ne_bytes());
        self.count += 1;
    }

    fn number(&mut self, kind: u16, value: u32) {
        self.attribute(kind, &value.to_ne_bytes());
    }

    fn attribute(&mut self, kind: u16, payload: &[u8]) {
        let at = self.open(kind);
        self.buffer.extend_from_slice(payload);
        self.close(at);
    }

    fn string(&mut self, kind: u16, text: &str) {
        let at = self.open(kind);
        self.buffer.extend_from_slice(text.as_bytes());
        self.buffer.push(0);
        self.close(at);
    }

    /// Begins an attribute, struct rtattr: len, type. Closing it needs what this returns.
    fn open(&mut self, kind: u16) -> usize {
        let at = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 2]);
        self.buffer.extend_from_slice(&kind.to_ne_bytes());
        at
    }

    fn close(&mut self, at: usize) {
        let length = self.buffer.len() - at;
        self.buffer[at..at + 2].copy_from_slice(&(length as u16).to_ne_bytes());
        self.buffer.resize(at + length.next_multiple_of(4), 0);
    }

    /// Sends what is in the buffer, empties it, and waits for all answers. The first refusal is the error.
    fn transfer(&mut self, socket: &Socket) -> io::Result<()> {
        let sent = socket.send(&self.buffer, 0);
        let mut expected = std::mem::take(&mut self.count);
        self.buffer.clear();
        sent?;

        let mut result = Ok(());
        while expected > 0 {
            let mut room = &mut self.reply[..];
            let received = match socket.recv(&mut room, 0) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                received => received?,
            };
            let mut rest = &self.reply[..received];
            while let Some((length, error)) = answer(rest) {
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
                let Some(error) = error else { continue };
                expected = expected.saturating_sub(1);
                if error != 0 && result.is_ok() {
                    result = Err(io::Error::from_raw_os_error(-error));
                }
            }
        }
        result
    }
}

/// The first message of a datagram: its length, and its error if it is an answer (0 is a plain ack).
fn answer(datagram: &[u8]) -> Option<(usize, Option<i32>)> {
    let word = |at: usize| Some(u32::from_ne_bytes(datagram.get(at..at + 4)?.try_into().ok()?));
    let kind = u16::from_ne_bytes(datagram.get(4..6)?.try_into().ok()?);
    let length = (word(0)? as usize).max(NLMSG_HEADER);
    let error = if kind == NLMSG_ERROR { Some(word(NLMSG_HEADER)? as i32) } else { None };
    Some((length, error))
}
