//! Connections that the kernel keeps track of, as far as they must end when a port is published no more.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use netlink_packet_core::{NetlinkBuffer, NLMSG_ERROR, NLM_F_ACK, NLM_F_DUMP};
use netlink_sys::protocols::NETLINK_NETFILTER;
use serde::{Deserialize, Serialize};

use super::firewall::attributes;
use super::rule::{address_of_octets, octets};
use super::{fault, wire};
use crate::error::{Error, ErrorKind, Result};
use crate::link::Protocol;
use crate::netlink::{attribute, packets, parse_error, Attributes, Channel, Refusal};

/// `NFNL_SUBSYS_CTNETLINK`, with `IPCTNL_MSG_CT_GET` and `IPCTNL_MSG_CT_DELETE`.
const GET: u16 = 1 << 8 | 1;
const DELETE: u16 = 1 << 8 | 2;
/// `IPCTNL_MSG_CT_GET_STATS`, and of its answer `CTA_STATS_GLOBAL_ENTRIES`.
const GET_STATISTICS: u16 = 1 << 8 | 5;
const ENTRIES: u16 = 1;

// `CTA_*` of `include/uapi/linux/netfilter/nfnetlink_conntrack.h`.
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const ID: u16 = 12;
const ZONE: u16 = 18;
const FILTER: u16 = 25;
/// Of a tuple, of its addresses (IPv4, IPv6) and of its protocol.
const ADDRESSES: u16 = 1;
const PROTOCOL: u16 = 2;
const SOURCE: [u16; 2] = [1, 3];
const DESTINATION: [u16; 2] = [2, 4];
const NUMBER: u16 = 1;
const SOURCE_PORT: u16 = 2;
const DESTINATION_PORT: u16 = 3;
/// `CTA_FILTER_ORIG_FLAGS`, and what a dump may be filtered by (`nf_internals.h`).
const FILTER_ORIGINAL: u16 = 1;
const BY_DESTINATION: u32 = 1 << 1;
const BY_NUMBER: u32 = 1 << 3;
const BY_DESTINATION_PORT: u32 = 1 << 5;

/// Deletions in one send; their answers must fit the socket's receive queue.
const SEND_AT_MOST: usize = 100;
/// Room for an answer.
const ANSWER: usize = 4 * 1024;

/// Which connections; what is `None` does not matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowFilter {
    /// The protocol.
    pub protocol: Protocol,
    /// Of IPv6.
    pub v6: bool,
    /// The destination's address as the client has it; any of the host's own when `None`, unless `to` says who
    /// answers.
    pub destination: Option<IpAddr>,
    /// The destination's port as the client has it.
    pub port: Option<u16>,
    /// Who answers: where the kernel has changed the destination to.
    pub to: Option<SocketAddr>,
}

/// The connections of the network namespace in which it was opened.
pub(crate) struct Flows {
    channel: Channel,
}

/// A connection: who answers, and what tells it from others.
struct Flow {
    protocol: u8,
    destination: SocketAddr,
    to: SocketAddr,
    /// The attributes as the kernel has sent them.
    tuple: Vec<u8>,
    id: Vec<u8>,
    zone: Option<Vec<u8>>,
}

impl fmt::Display for FlowFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", if self.v6 { "ip6" } else { "ip" }, self.protocol)?;
        self.destination.map_or(Ok(()), |destination| write!(f, " daddr {destination}"))?;
        self.port.map_or(Ok(()), |port| write!(f, " dport {port}"))?;
        self.to.map_or(Ok(()), |to| write!(f, " to {to}"))
    }
}

impl FlowFilter {
    fn matches(&self, flow: &Flow) -> bool {
        self.protocol.number() == flow.protocol
            && self.v6 == flow.destination.is_ipv6()
            && self.destination.is_none_or(|address| address == flow.destination.ip())
            && self.port.is_none_or(|port| port == flow.destination.port())
            && self.to.is_none_or(|to| to == flow.to)
    }
}

impl Flows {
    /// Opens a socket in the calling thread's namespace.
    ///
    /// # Errors
    /// Unsupported where the kernel has no netfilter sockets.
    pub(crate) fn open() -> Result<Self> {
        let channel = Channel::open(NETLINK_NETFILTER, "netfilter socket").map_err(fault::no_netfilter)?;
        Ok(Self { channel })
    }

    /// Ends every connection that one of the filters matches, and says how many there were. Both sides may go
    /// on: their next packets are looked at as those of a new one.
    ///
    /// # Errors
    /// Unsupported where the kernel does not list connections (`CONFIG_NF_CT_NETLINK`); PermissionDenied.
    pub(crate) fn flush(
        &mut self,
        filters: &[FlowFilter],
        is_local: impl Fn(IpAddr) -> bool,
    ) -> Result<usize> {
        if filters.is_empty() || self.count().map_err(without_conntrack)? == Some(0) {
            return Ok(0);
        }
        let mut flows = self.list(filters).map_err(without_conntrack)?;
        // To anywhere means to the host, by whichever of its addresses, unless it is said who answers.
        let is_meant = |filter: &FlowFilter, flow: &Flow| {
            filter.destination.is_some() || filter.to.is_some() || is_local(flow.destination.ip())
        };
        flows.retain(|flow| filters.iter().any(|filter| filter.matches(flow) && is_meant(filter, flow)));
        let mut ended = 0;
        for part in flows.chunks(SEND_AT_MOST) {
            ended += self.delete(part)?;
        }
        Ok(ended)
    }

    /// How many connections the namespace has. To list them the kernel walks a table that all namespaces share,
    /// which takes it milliseconds also where there are none.
    fn count(&mut self) -> Result<Option<u32>> {
        let sequence = self.channel.next_sequence();
        let mut bytes = Vec::new();
        wire::frame(GET_STATISTICS, 0, sequence, [0; wire::NETFILTER_HEADER], &mut bytes, |_| {});
        let answer = self.channel.get(sequence, &bytes, |packet| {
            let entries = attribute(attributes(packet), ENTRIES).and_then(|entries| entries.try_into().ok());
            Ok(entries.map(u32::from_be_bytes))
        })?;
        answer.map_err(refused)
    }

    /// The connections that the filters may mean, in one walk: of their family and protocol where they have one
    /// alone, and of its port where it is one filter. Kernels before 5.8 list those of all protocols.
    fn list(&mut self, filters: &[FlowFilter]) -> Result<Vec<Flow>> {
        let Some(first) = filters.first() else { return Ok(Vec::new()) };
        let is_alike = |other: &FlowFilter| (other.v6, other.protocol) == (first.v6, first.protocol);
        let alike = filters.iter().all(is_alike);
        let only = (filters.len() == 1).then_some(first);
        let head = if alike { head(first.v6) } else { [0; wire::NETFILTER_HEADER] };
        let emit = |sequence, bytes: &mut Vec<u8>| {
            wire::frame(GET, NLM_F_DUMP, sequence, head, bytes, |own| {
                if alike {
                    push_filter(first, only, own);
                }
            });
        };
        self.channel.dump(emit, |packet, flows| flows.extend(read_flow(packet)))
    }

    /// How many of them were still there.
    fn delete(&mut self, flows: &[Flow]) -> Result<usize> {
        let mut bytes = Vec::new();
        let mut last = 0;
        for flow in flows {
            last = self.channel.next_sequence();
            let head = head(flow.destination.is_ipv6());
            wire::frame(DELETE, NLM_F_ACK, last, head, &mut bytes, |own| {
                own.bytes(ORIGINAL, &flow.tuple).bytes(ID, &flow.id);
                if let Some(zone) = &flow.zone {
                    own.bytes(ZONE, zone);
                }
            });
        }
        self.channel.send(&bytes)?;
        self.count_deleted(last)
    }

    /// The kernel has answered when sending returns, in the order of the messages.
    fn count_deleted(&mut self, last: u32) -> Result<usize> {
        let mut deleted = 0;
        let mut answer = Vec::with_capacity(ANSWER);
        loop {
            let received = self.channel.receive_now(&mut answer);
            let received =
                received.map_err(|error| Error::from_io("receive", "answers of conntrack", error))?;
            if !received {
                return Err(Error::new(ErrorKind::System, "receive", "answers of conntrack"));
            }
            for packet in packets(&answer).filter(|packet| packet.message_type() == NLMSG_ERROR) {
                match parse_error(&packet) {
                    Some(Err(refusal)) if refusal.errno != libc::ENOENT => return Err(refused(refusal)),
                    Some(answer) => deleted += usize::from(answer.is_ok()),
                    None => {}
                }
                if packet.sequence_number() == last {
                    return Ok(deleted);
                }
            }
        }
    }
}

fn head(v6: bool) -> [u8; wire::NETFILTER_HEADER] {
    [if v6 { libc::AF_INET6 } else { libc::AF_INET } as u8, 0, 0, 0]
}

fn push_filter(first: &FlowFilter, only: Option<&FlowFilter>, own: &mut Attributes<'_>) {
    let destination = only.and_then(|only| only.destination);
    let port = only.and_then(|only| only.port);
    own.nested(ORIGINAL, |tuple| {
        if let Some(address) = destination {
            tuple.nested(ADDRESSES, |own| {
                own.bytes(DESTINATION[usize::from(address.is_ipv6())], &octets(address));
            });
        }
        tuple.nested(PROTOCOL, |own| {
            own.bytes(NUMBER, &[first.protocol.number()]);
            if let Some(port) = port {
                own.bytes(DESTINATION_PORT, &port.to_be_bytes());
            }
        });
    });
    let mut flags = BY_NUMBER;
    flags |= destination.map_or(0, |_| BY_DESTINATION) | port.map_or(0, |_| BY_DESTINATION_PORT);
    own.nested(FILTER, |own| {
        own.bytes(FILTER_ORIGINAL, &flags.to_ne_bytes());
    });
}

fn read_flow(packet: &NetlinkBuffer<&[u8]>) -> Option<Flow> {
    let bytes = attributes(packet);
    let tuple = attribute(bytes, ORIGINAL)?;
    let protocol = *attribute(attribute(tuple, PROTOCOL)?, NUMBER)?.first()?;
    Some(Flow {
        protocol,
        destination: socket(tuple, DESTINATION, DESTINATION_PORT)?,
        to: socket(attribute(bytes, REPLY)?, SOURCE, SOURCE_PORT)?,
        tuple: tuple.to_owned(),
        id: attribute(bytes, ID)?.to_owned(),
        zone: attribute(bytes, ZONE).map(ToOwned::to_owned),
    })
}

/// One side of a tuple.
fn socket(tuple: &[u8], address: [u16; 2], port: u16) -> Option<SocketAddr> {
    let addresses = attribute(tuple, ADDRESSES)?;
    let address =
        address.into_iter().find_map(|kind| attribute(addresses, kind)).and_then(address_of_octets)?;
    let port = attribute(attribute(tuple, PROTOCOL)?, port)?;
    Some(SocketAddr::new(address, u16::from_be_bytes(port.try_into().ok()?)))
}

fn without_conntrack(error: Error) -> Error {
    match error.errno() {
        Some(libc::EOPNOTSUPP | libc::EINVAL) => error
            .with_kind(ErrorKind::Unsupported)
            .with_cause("this kernel does not list connections (CONFIG_NF_CT_NETLINK)"),
        _ => error,
    }
}

fn refused(refusal: Refusal) -> Error {
    Error::from_errno("end", "connection", refusal.errno).with_kernel_message(refusal.message)
}
