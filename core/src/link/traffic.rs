//! Filters and the kernel's own counters: from specs to messages, and from messages to states.

use std::os::fd::RawFd;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::link::Stats64;
use netlink_packet_route::stats::{StatsAttribute, StatsFilterMask, StatsMessage};
use netlink_packet_route::tc::{
    TcAttribute, TcBpfFlags, TcFilterBpf, TcFilterBpfOption, TcHandle, TcHeader, TcMessage, TcOption,
};
use netlink_packet_route::RouteNetlinkMessage as Message;

use super::{Direction, FilterSpec, LINK_GROUP};
use crate::netlink::Request;
use crate::stats::Stats;

/// The first that a packet meets.
const PRIORITY: u16 = 1;
/// Tells this library's filters from others of the same priority.
const HANDLE: u32 = LINK_GROUP;
/// As `tc filter show` has it.
const NAME: &str = "libnetns";
const CLSACT: &str = "clsact";

fn about(index: u32, handle: u32, parent: TcHandle) -> TcMessage {
    // An index that no link can have stays one.
    let mut message = TcMessage::with_index(index.cast_signed());
    message.header.handle = handle.into();
    message.header.parent = parent;
    message
}

fn clsact(index: u32) -> TcMessage {
    // The kernel knows it by this handle, and takes a message without one for a change of what is there.
    let handle = TcHandle { major: TcHandle::CLSACT.major, minor: 0 };
    let mut message = about(index, handle.into(), TcHandle::CLSACT);
    message.attributes.push(TcAttribute::Kind(CLSACT.to_owned()));
    message
}

/// `RTM_NEWQDISC` of a `clsact`.
pub(crate) fn add_clsact(index: u32) -> Request {
    Request::new(Message::NewQueueDiscipline(clsact(index)), NLM_F_CREATE | NLM_F_EXCL)
}

/// `RTM_DELQDISC` of a `clsact`, with whatever filters it has.
pub(crate) fn delete_clsact(index: u32) -> Request {
    Request::new(Message::DelQueueDiscipline(clsact(index)), 0)
}

fn parent(direction: Direction) -> TcHandle {
    let minor = match direction {
        Direction::Ingress => TcHandle::MIN_INGRESS,
        Direction::Egress => TcHandle::MIN_EGRESS,
    };
    TcHandle { major: TcHandle::CLSACT.major, minor }
}

fn filter(spec: &FilterSpec, index: u32) -> TcMessage {
    let mut message = about(index, HANDLE, parent(spec.direction));
    let every_protocol = (libc::ETH_P_ALL as u16).to_be();
    message.header.info = u32::from(PRIORITY) << 16 | u32::from(every_protocol);
    message.attributes.push(TcAttribute::Kind(TcFilterBpf::KIND.to_owned()));
    message
}

/// `RTM_NEWTFILTER`: the verdict is what `program` returns (`direct-action`).
pub(crate) fn add_filter(spec: &FilterSpec, index: u32, program: RawFd) -> Request {
    let mut message = filter(spec, index);
    let options = [
        TcFilterBpfOption::ClassId(u32::from(spec.slot).into()),
        TcFilterBpfOption::ProgFd(program.cast_unsigned()),
        TcFilterBpfOption::ProgName(NAME.to_owned()),
        TcFilterBpfOption::Flags(TcBpfFlags::DirectAction),
    ];
    message.attributes.push(TcAttribute::Options(options.map(TcOption::Bpf).into()));
    Request::new(Message::NewTrafficFilter(message), NLM_F_CREATE | NLM_F_EXCL)
}

/// `RTM_DELTFILTER` of this library's filter, whatever its slot.
pub(crate) fn delete_filter(spec: &FilterSpec, index: u32) -> Request {
    Request::new(Message::DelTrafficFilter(filter(spec, index)), 0)
}

/// `RTM_GETTFILTER` of all filters of a link in one direction; none where there is no link or no `clsact`.
/// An `ingress` qdisc in its place has the same ones in both.
pub(crate) fn list_filters(index: u32, direction: Direction) -> Message {
    Message::GetTrafficFilter(about(index, 0, parent(direction)))
}

/// `RTM_GETSTATS` of one link.
pub(crate) fn get_stats(index: u32) -> Message {
    let mut message = StatsMessage::default();
    message.header.ifindex = index;
    message.header.filter_mask = StatsFilterMask::Link64;
    Message::GetStats(message)
}

/// `RTM_GETSTATS` of all links.
pub(crate) fn list_stats() -> Message {
    get_stats(0)
}

/// A filter as the kernel describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterState {
    pub(crate) direction: Direction,
    /// The lower, the sooner a packet meets it.
    pub(crate) priority: u16,
    pub(crate) handle: u32,
    /// The slot of one that counts; 0 where there is none.
    pub(crate) classid: u32,
    pub(crate) name: Option<String>,
    /// Whether this library added it.
    pub(crate) ours: bool,
}

/// Reads an `RTM_NEWTFILTER`. `None` for an entry that stands for all filters of a priority: a list has one
/// before the filters themselves.
pub(crate) fn filter_state(message: &Message, direction: Direction) -> Option<FilterState> {
    let Message::NewTrafficFilter(TcMessage { header, attributes, .. }) = message else {
        return None;
    };
    let options = attributes.iter().find_map(|attribute| match attribute {
        TcAttribute::Options(options) => Some(options),
        _ => None,
    })?;
    let mut state = FilterState {
        direction,
        priority: (header.info >> 16) as u16,
        handle: header.handle.into(),
        classid: 0,
        name: None,
        ours: false,
    };
    for option in options {
        match option {
            TcOption::Bpf(TcFilterBpfOption::ClassId(id)) => state.classid = (*id).into(),
            TcOption::Bpf(TcFilterBpfOption::ProgName(name)) => state.name = Some(name.clone()),
            _ => {}
        }
    }
    state.ours = is_own(header, attributes) && state.name.as_deref() == Some(NAME);
    Some(state)
}

/// Whether it is where this library puts its filters: the name alone is anybody's.
fn is_own(header: &TcHeader, attributes: &[TcAttribute]) -> bool {
    let chain = attributes.iter().find_map(|attribute| match attribute {
        TcAttribute::Chain(chain) => Some(*chain),
        _ => None,
    });
    let place = (header.info >> 16, u32::from(header.handle), chain.unwrap_or(0));
    place == (PRIORITY.into(), HANDLE, 0)
        && attributes.contains(&TcAttribute::Kind(TcFilterBpf::KIND.to_owned()))
}

impl From<&Stats64> for Stats {
    fn from(stats: &Stats64) -> Self {
        Self {
            rx_bytes: stats.rx_bytes,
            rx_packets: stats.rx_packets,
            rx_errors: stats.rx_errors,
            rx_dropped: stats.rx_dropped,
            tx_bytes: stats.tx_bytes,
            tx_packets: stats.tx_packets,
            tx_errors: stats.tx_errors,
            tx_dropped: stats.tx_dropped,
        }
    }
}

/// Reads an `RTM_NEWSTATS`: the link's index and what the kernel itself has counted, as the link sees it.
pub(crate) fn stats(message: &Message) -> Option<(u32, Stats)> {
    let Message::NewStats(message) = message else {
        return None;
    };
    message.attributes.iter().find_map(|attribute| match attribute {
        StatsAttribute::Link64(stats) => Some((message.header.ifindex, stats.into())),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader, NetlinkSerializable};

    use super::*;
    use crate::link::LinkRef;

    fn spec(direction: Direction) -> FilterSpec {
        FilterSpec { link: LinkRef::named("lan0".parse().unwrap()), direction, slot: 5 }
    }

    fn bytes(message: &Message) -> Vec<u8> {
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        bytes
    }

    fn read(kind: u16, bytes: &[u8]) -> Message {
        let mut header = NetlinkHeader::default();
        header.message_type = kind;
        Message::deserialize(&header, bytes).unwrap()
    }

    /// Family and padding, then words: index, handle, parent, info.
    fn tc_header(words: [u32; 4]) -> Vec<u8> {
        [0].into_iter().chain(words).flat_map(u32::to_ne_bytes).collect()
    }

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = 4 + value.len() as u16;
        let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn info() -> u32 {
        1 << 16 | u32::from(3_u16.to_be())
    }

    #[test]
    fn a_clsact_is_made_anew_or_not_at_all() {
        let expected = [tc_header([7, 0xffff_0000, 0xffff_fff1, 0]), attribute(1, b"clsact\0")].concat();
        let request = add_clsact(7);
        assert_eq!(bytes(&request.message), expected);
        assert_eq!((request.message.message_type(), request.flags), (36, NLM_F_CREATE | NLM_F_EXCL));
        let request = delete_clsact(7);
        assert_eq!(bytes(&request.message), expected);
        assert_eq!((request.message.message_type(), request.flags), (37, 0));
    }

    #[test]
    fn a_filter_names_its_program_its_slot_and_its_owner() {
        let options = [
            attribute(3, &5_u32.to_ne_bytes()),
            attribute(6, &9_u32.to_ne_bytes()),
            attribute(7, b"libnetns\0"),
            attribute(8, &1_u32.to_ne_bytes()),
        ];
        let expected = [
            tc_header([7, 20_051, 0xffff_fff3, info()]),
            attribute(1, b"bpf\0"),
            attribute(2, &options.concat()),
        ];
        let request = add_filter(&spec(Direction::Egress), 7, 9);
        assert_eq!(bytes(&request.message), expected.concat());
        assert_eq!((request.message.message_type(), request.flags), (44, NLM_F_CREATE | NLM_F_EXCL));
    }

    #[test]
    fn a_filter_is_deleted_by_its_place_alone() {
        let request = delete_filter(&spec(Direction::Ingress), 7);
        let expected = [tc_header([7, 20_051, 0xffff_fff2, info()]), attribute(1, b"bpf\0")].concat();
        assert_eq!(bytes(&request.message), expected);
        assert_eq!((request.message.message_type(), request.flags), (45, 0));
    }

    /// What the kernel lists of a filter.
    fn listed(kind: &[u8], handle: u32, chain: u32, options: Option<&[u8]>) -> Message {
        let mut parts = vec![
            tc_header([7, handle, 0xffff_fff2, info()]),
            attribute(1, kind),
            attribute(11, &chain.to_ne_bytes()),
        ];
        parts.extend(options.map(|options| attribute(2, options)));
        read(44, &parts.concat())
    }

    #[test]
    fn a_filter_is_ours_by_place_kind_and_name() {
        let options = |name: &[u8]| [attribute(3, &5_u32.to_ne_bytes()), attribute(7, name)].concat();
        let (own, others) = (options(b"libnetns\0"), options(b"cil_from\0"));
        let look = |message: &Message| filter_state(message, Direction::Ingress);
        let state = FilterState {
            direction: Direction::Ingress,
            priority: 1,
            handle: 20_051,
            classid: 5,
            name: Some("libnetns".to_owned()),
            ours: true,
        };
        assert_eq!(look(&listed(b"bpf\0", 20_051, 0, Some(&own))), Some(state));
        for foreign in [
            listed(b"bpf\0", 20_051, 0, Some(&others)),
            listed(b"bpf\0", 1, 0, Some(&own)),
            listed(b"bpf\0", 20_051, 3, Some(&own)),
            listed(b"flow\0", 20_051, 0, Some(&own)),
        ] {
            assert!(!look(&foreign).unwrap().ours, "{foreign:?}");
        }
        assert_eq!(look(&listed(b"bpf\0", 0, 0, None)), None);
        assert_eq!(look(&list_stats()), None);
    }

    #[test]
    fn statistics_are_read_from_a_shorter_and_from_a_longer_kernel_too() {
        let message = get_stats(7);
        assert_eq!(bytes(&message), [0, 7, 1_u32].map(u32::to_ne_bytes).concat());
        assert_eq!(message.message_type(), 94);
        let expected = Stats {
            rx_packets: 1,
            tx_packets: 2,
            rx_bytes: 3,
            tx_bytes: 4,
            rx_errors: 5,
            tx_errors: 6,
            rx_dropped: 7,
            tx_dropped: 8,
        };
        // 25 is what Linux 6 has, 24 what it had before.
        for counters in [23, 24, 25, 40] {
            let counted: Vec<u8> = (1..=counters).flat_map(u64::to_ne_bytes).collect();
            let header = [0, 7, 1_u32].map(u32::to_ne_bytes).concat();
            let answer = read(92, &[header, attribute(1, &counted)].concat());
            assert_eq!(stats(&answer), Some((7, expected)));
        }
        let none = read(92, &[0, 7, 1_u32].map(u32::to_ne_bytes).concat());
        assert_eq!(stats(&none), None);
    }
}
