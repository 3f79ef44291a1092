//! The route socket.

use netlink_packet_core::{
    NetlinkBuffer, NetlinkDeserializable, NetlinkHeader, NetlinkSerializable, Parseable, NLMSG_ERROR,
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;

use super::channel::{packets, refused, Channel, RECEIVE_BUFFER};
use super::reply::{parse_error, Refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::sys;

/// Messages in one send; what is said of those that are refused must fit the socket's receive queue.
const SEND_AT_MOST: usize = 100;
/// Room for an acknowledgement, which is capped to the request's header and a line of text.
const ACKNOWLEDGEMENT: usize = 4 * 1024;
/// Room for an object: the kernel sends no more at once of anything but a dump.
const OBJECT: usize = 32 * 1024;
/// Questions in one send; the objects must fit the socket's receive queue.
const ASK_AT_MOST: usize = 16;
/// Length of a message's header.
const HEADER: usize = 16;

/// One message with the flags that make it a create, a replace or neither.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) message: RouteNetlinkMessage,
    pub(crate) flags: u16,
}

impl Request {
    pub(crate) fn new(message: RouteNetlinkMessage, flags: u16) -> Self {
        Self { message, flags }
    }
}

/// A socket to the route family of the network namespace in which it was opened.
///
/// It belongs to that namespace for good, whatever thread uses it.
pub(crate) struct RouteSocket {
    channel: Channel,
}

impl RouteSocket {
    /// Opens a socket in the calling thread's namespace.
    pub(crate) fn open() -> Result<Self> {
        let channel = Channel::open(NETLINK_ROUTE, "route socket")?;
        // Kernels before 4.20 do not know it; there a dump is filtered by its reader alone.
        if let Err(error) = channel.socket().set_netlink_get_strict_chk(true) {
            log::debug!("no strict checking of dump requests: {error}");
        }
        Ok(Self { channel })
    }

    /// The cookie of the namespace that the socket belongs to.
    pub(crate) fn namespace_cookie(&self) -> Result<u64> {
        let cookie = sys::namespace_cookie(self.channel.descriptor());
        cookie.map_err(|error| Error::from_io("read", "cookie of namespace", error))
    }

    /// Sends `requests` together and returns the kernel's answer to each.
    ///
    /// The kernel goes on past a message that it refuses, so later ones may have been carried out.
    pub(crate) fn transact(&mut self, requests: &[Request]) -> Result<Vec<Result<(), Refusal>>> {
        let mut answers = Vec::with_capacity(requests.len());
        for part in requests.chunks(SEND_AT_MOST) {
            self.transact_part(part, &mut answers)?;
        }
        Ok(answers)
    }

    /// Only the last message asks to be acknowledged: the kernel says of each which it refuses, in their order, and
    /// of one before the last of which it said nothing that it was carried out.
    fn transact_part(&mut self, part: &[Request], answers: &mut Vec<Result<(), Refusal>>) -> Result<()> {
        let (begin, last) = (answers.len(), part.len() - 1);
        let flags = |index| if index == last { NLM_F_ACK } else { 0 };
        let part = part.iter().enumerate().map(|(index, own)| (&own.message, own.flags | flags(index)));
        let first = self.send_all(part)?;
        answers.resize(begin + last + 1, Ok(()));
        let mut buffer = Vec::with_capacity(ACKNOWLEDGEMENT);
        loop {
            self.channel.receive(&mut buffer)?;
            for packet in packets(&buffer) {
                let index = packet.sequence_number().wrapping_sub(first) as usize;
                let Some(answer) = acknowledgement(&packet).filter(|_| index <= last) else { continue };
                answers[begin + index] = answer;
                if index == last {
                    return Ok(());
                }
            }
        }
    }

    /// Sends messages, each with its flags, together; the sequence number of the first.
    fn send_all<'a>(
        &mut self,
        requests: impl ExactSizeIterator<Item = (&'a RouteNetlinkMessage, u16)>,
    ) -> Result<u32> {
        let mut bytes = Vec::with_capacity(256 * requests.len());
        let mut first = None;
        for (message, flags) in requests {
            let sequence = self.channel.next_sequence();
            first.get_or_insert(sequence);
            emit(message, flags, sequence, &mut bytes);
        }
        self.channel.send(&bytes)?;
        Ok(first.unwrap_or_default())
    }

    /// Sends one message and names it in the error when the kernel refuses it.
    pub(crate) fn transact_one(&mut self, request: Request) -> Result<Result<(), Refusal>> {
        let mut answers = self.transact(&[request])?;
        answers.pop().ok_or_else(|| Error::new(ErrorKind::System, "receive", "acknowledgement"))
    }

    /// Asks for everything that `request` matches; begins again when the kernel says that the
    /// list changed while it was sent (`NLM_F_DUMP_INTR`).
    pub(crate) fn dump(&mut self, request: &RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>> {
        self.dump_by(&mut Vec::with_capacity(RECEIVE_BUFFER), request)
    }

    /// [`RouteSocket::dump`] with that much room for what the kernel sends at once.
    pub(super) fn dump_by(
        &mut self,
        buffer: &mut Vec<u8>,
        request: &RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>> {
        let emit = |sequence, bytes: &mut Vec<u8>| emit(request, NLM_F_DUMP, sequence, bytes);
        // An object that others gave bytes which cannot be read must not hide the rest.
        self.channel.dump_by(buffer, emit, |packet, objects| match decode(packet) {
            Ok(object) => objects.push(object),
            Err(error) => log::warn!("{error}: passed over"),
        })
    }

    /// Asks for one object by each of `requests`, which go together: the kernel answers each with an object or a
    /// refusal, in their order.
    pub(crate) fn get_each(
        &mut self,
        requests: &[RouteNetlinkMessage],
    ) -> Result<Vec<Result<RouteNetlinkMessage, Refusal>>> {
        let mut answers = Vec::with_capacity(requests.len());
        for part in requests.chunks(ASK_AT_MOST) {
            let first = self.send_all(part.iter().map(|request| (request, 0)))?;
            let end = answers.len() + part.len();
            let mut buffer = Vec::with_capacity(OBJECT);
            while answers.len() < end {
                self.channel.receive(&mut buffer)?;
                let own = |packet: &NetlinkBuffer<&[u8]>| {
                    (packet.sequence_number().wrapping_sub(first) as usize) < part.len()
                };
                for answer in packets(&buffer).filter(own).filter_map(|packet| object(&packet)) {
                    answers.push(answer?);
                }
            }
        }
        Ok(answers)
    }

    /// Asks for one object; `None` when the kernel has none such.
    pub(crate) fn get(&mut self, request: &RouteNetlinkMessage) -> Result<Option<RouteNetlinkMessage>> {
        let mut bytes = Vec::with_capacity(256);
        let sequence = self.channel.next_sequence();
        emit(request, 0, sequence, &mut bytes);
        match self.channel.get(sequence, &bytes, decode)? {
            Ok(object) => Ok(Some(object)),
            Err(refusal) if matches!(refusal.errno, libc::ENODEV | libc::ENOENT | libc::ESRCH) => Ok(None),
            Err(refusal) => Err(refused("look up", refusal)),
        }
    }
}

/// Appends `message` with its header.
fn emit(message: &RouteNetlinkMessage, flags: u16, sequence: u32, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    let length = HEADER + message.buffer_len();
    bytes.resize(start + length.next_multiple_of(4), 0);
    let mut packet = NetlinkBuffer::new(&mut bytes[start..start + length]);
    packet.set_length(length as u32);
    packet.set_message_type(message.message_type());
    packet.set_flags(NLM_F_REQUEST | flags);
    packet.set_sequence_number(sequence);
    message.serialize(packet.payload_mut());
}

fn acknowledgement(packet: &NetlinkBuffer<&[u8]>) -> Option<Result<(), Refusal>> {
    (packet.message_type() == NLMSG_ERROR).then(|| parse_error(packet)).flatten()
}

fn object(packet: &NetlinkBuffer<&[u8]>) -> Option<Result<Result<RouteNetlinkMessage, Refusal>>> {
    match packet.message_type() {
        NLMSG_ERROR => parse_error(packet)?.err().map(|refusal| Ok(Err(refusal))),
        _ => Some(decode(packet).map(Ok)),
    }
}

fn decode(packet: &NetlinkBuffer<&[u8]>) -> Result<RouteNetlinkMessage> {
    let header = NetlinkHeader::parse(packet);
    header.and_then(|header| RouteNetlinkMessage::deserialize(&header, packet.payload())).map_err(|error| {
        Error::new(ErrorKind::System, "decode", format!("netlink message of type {}", packet.message_type()))
            .with_cause(error.to_string())
    })
}
