//! Connections that the kernel keeps track of, as far as they must end when a port is published no more.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use netlink_packet_core::{NetlinkBuffer, NLMSG_ERROR, NLM_F_ACK, NLM_F_DUMP};
use serde::{Deserialize, Serialize};

use super::firewall::{attributes, Firewall};
use super::rule::{address_of_octets, octets};
use super::wire;
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
/// `CTA_FILTER_ORIG_FLAGS`, `CTA_FILTER_REPLY_FLAGS`, and what may be filtered by (`nf_internals.h`).
const FILTER_ORIGINAL: u16 = 1;
const FILTER_REPLY: u16 = 2;
const BY_SOURCE: u32 = 1;
const BY_DESTINATION: u32 = 1 << 1;
const BY_NUMBER: u32 = 1 << 3;
const BY_SOURCE_PORT: u32 = 1 << 4;
const BY_DESTINATION_PORT: u32 = 1 << 5;

/// Up to so many filters each have the kernel look through its connections; more are looked for in one list of
/// them, which takes 20 times as long because the kernel locks each of its hash buckets for it, used or not.
const FILTERS_AT_MOST: usize = 16;

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

/// The connections of a firewall's network namespace.
///
/// By its socket, which stays: the kernel has one that is closed wait until all that was deleted before is freed,
/// a grace period and more.
pub(crate) struct Flows<'a> {
    channel: &'a mut Channel,
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
    /// Whether what matches is meant whatever the host's addresses are.
    fn is_sure(&self) -> bool {
        self.destination.is_some() || self.to.is_some()
    }

    fn matches(&self, flow: &Flow) -> bool {
        self.protocol.number() == flow.protocol
            && self.v6 == flow.destination.is_ipv6()
            && self.destination.is_none_or(|address| address == flow.destination.ip())
            && self.port.is_none_or(|port| port == flow.destination.port())
            && self.to.is_none_or(|to| to == flow.to)
    }
}

impl Firewall {
    /// The connections of the namespace.
    pub(crate) fn flows(&mut self) -> Flows<'_> {
        Flows { channel: &mut self.channel }
    }
}

impl Flows<'_> {
    /// Ends every connection that one of the filters matches. Both sides may go on: their next packets are
    /// looked at as those of a new one.
    ///
    /// # Errors
    /// Unsupported where the kernel does not list connections (`CONFIG_NF_CT_NETLINK`); PermissionDenied.
    pub(crate) fn flush(&mut self, filters: &[FlowFilter], is_local: impl Fn(IpAddr) -> bool) -> Result<()> {
        if filters.is_empty() || self.count().map_err(without_conntrack)? == Some(0) {
            return Ok(());
        }
        let (sure, others): (Vec<_>, Vec<_>) =
            filters.iter().partition(|filter| filter.is_sure() && !filter.v6);
        let by_list = match sure.len() <= FILTERS_AT_MOST && self.flush_directly(&sure)? {
            true => others,
            false => filters.iter().collect(),
        };
        let mut groups: BTreeMap<(bool, Protocol), Vec<&FlowFilter>> = BTreeMap::new();
        for filter in by_list {
            groups.entry((filter.v6, filter.protocol)).or_default().push(filter);
        }
        for group in groups.values() {
            let mut flows = self.list(group).map_err(without_conntrack)?;
            let is_meant = |filter: &FlowFilter, flow: &Flow| {
                filter.matches(flow) && (filter.is_sure() || is_local(flow.destination.ip()))
            };
            flows.retain(|flow| group.iter().any(|filter| is_meant(filter, flow)));
            for part in flows.chunks(SEND_AT_MOST) {
                self.delete(part)?;
            }
        }
        Ok(())
    }

    /// How many connections the namespace has. Looking for some takes the kernel its time also where there are
    /// none: its table is all namespaces'.
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

    /// Whether the kernel could do it by itself. One that cannot takes the filter for an incomplete connection.
    fn flush_directly(&mut self, filters: &[&FlowFilter]) -> Result<bool> {
        let mut bytes = Vec::new();
        for filter in filters {
            let sequence = self.channel.next_sequence();
            bytes.clear();
            wire::frame(DELETE, NLM_F_ACK, sequence, head(filter.v6), &mut bytes, |own| {
                push_filter(filter, Some(filter), own);
            });
            self.channel.send(&bytes)?;
            match self.read_answers(sequence, sequence) {
                Err(error) if matches!(error.errno(), Some(libc::EINVAL | libc::EOPNOTSUPP)) => {
                    return Ok(false)
                }
                Ok(false) => return Ok(false),
                answered => answered?,
            };
        }
        Ok(true)
    }

    /// The connections of the group's family and protocol, and of its filter where it is one. Kernels before
    /// 5.8 list those of all protocols.
    fn list(&mut self, group: &[&FlowFilter]) -> Result<Vec<Flow>> {
        let Some(first) = group.first() else {
            return Ok(Vec::new());
        };
        let only = (group.len() == 1).then_some(*first);
        let emit = |sequence, bytes: &mut Vec<u8>| {
            wire::frame(GET, NLM_F_DUMP, sequence, head(first.v6), bytes, |own| {
                push_filter(first, only, own);
            });
        };
        self.channel.dump(emit, |packet, flows| flows.extend(read_flow(packet)))
    }

    /// What is gone meanwhile is passed over.
    fn delete(&mut self, flows: &[Flow]) -> Result<()> {
        let mut bytes = Vec::new();
        let (mut first, mut last) = (None, 0);
        for flow in flows {
            last = self.channel.next_sequence();
            first.get_or_insert(last);
            let head = head(flow.destination.is_ipv6());
            wire::frame(DELETE, NLM_F_ACK, last, head, &mut bytes, |own| {
                own.bytes(ORIGINAL, &flow.tuple).bytes(ID, &flow.id);
                if let Some(zone) = &flow.zone {
                    own.bytes(ZONE, zone);
                }
            });
        }
        self.channel.send(&bytes)?;
        self.read_answers(first.unwrap_or(last), last).map(drop)
    }

    /// The kernel has answered when sending returns, in the order of the messages; whether all were found.
    fn read_answers(&mut self, first: u32, last: u32) -> Result<bool> {
        let mut found = true;
        let mut answer = Vec::with_capacity(ANSWER);
        loop {
            let received = self.channel.receive_now(&mut answer);
            let received =
                received.map_err(|error| Error::from_io("receive", "answers of conntrack", error))?;
            if !received {
                return Err(Error::new(ErrorKind::System, "receive", "answers of conntrack"));
            }
            let is_own = |packet: &NetlinkBuffer<&[u8]>| {
                let number = packet.sequence_number().wrapping_sub(first);
                packet.message_type() == NLMSG_ERROR && number <= last.wrapping_sub(first)
            };
            for packet in packets(&answer).filter(is_own) {
                match parse_error(&packet) {
                    Some(Err(refusal)) if refusal.errno != libc::ENOENT => return Err(refused(refusal)),
                    Some(answer) => found &= answer.is_ok(),
                    None => {}
                }
                if packet.sequence_number() == last {
                    return Ok(found);
                }
            }
        }
    }
}

fn head(v6: bool) -> [u8; wire::NETFILTER_HEADER] {
    [if v6 { libc::AF_INET6 } else { libc::AF_INET } as u8, 0, 0, 0]
}

/// Without addresses of IPv6: the kernel takes those that differ (`ctnetlink_filter_match_tuple` of 6.18).
fn push_filter(first: &FlowFilter, only: Option<&FlowFilter>, own: &mut Attributes<'_>) {
    let destination = only.and_then(|only| only.destination).filter(IpAddr::is_ipv4);
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
    let to = only.and_then(|only| only.to).filter(SocketAddr::is_ipv4);
    if let Some(to) = to {
        own.nested(REPLY, |tuple| {
            tuple.nested(ADDRESSES, |own| {
                own.bytes(SOURCE[usize::from(to.is_ipv6())], &octets(to.ip()));
            });
            tuple.nested(PROTOCOL, |own| {
                own.bytes(NUMBER, &[first.protocol.number()]).bytes(SOURCE_PORT, &to.port().to_be_bytes());
            });
        });
    }
    let mut flags = BY_NUMBER;
    flags |= destination.map_or(0, |_| BY_DESTINATION) | port.map_or(0, |_| BY_DESTINATION_PORT);
    own.nested(FILTER, |own| {
        own.bytes(FILTER_ORIGINAL, &flags.to_ne_bytes());
        if to.is_some() {
            own.bytes(FILTER_REPLY, &(BY_SOURCE | BY_NUMBER | BY_SOURCE_PORT).to_ne_bytes());
        }
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
