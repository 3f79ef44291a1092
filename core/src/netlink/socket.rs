//! The route socket.

use std::os::fd::AsFd;
use std::time::Duration;

use netlink_packet_core::{
    NetlinkBuffer, NetlinkDeserializable, NetlinkHeader, NetlinkSerializable, Parseable, NLMSG_DONE,
    NLMSG_ERROR, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{protocols::NETLINK_ROUTE, Socket};

use super::reply::{parse_error, Refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::sys;

/// Messages in one send; their acknowledgements must fit the socket's receive queue.
const SEND_AT_MOST: usize = 100;
/// Room for an acknowledgement, which is capped to the request's header and a line of text.
const ACKNOWLEDGEMENT: usize = 4 * 1024;
/// Room for what the kernel usually sends of a dump at once.
const RECEIVE_BUFFER: usize = 32 * 1024;
/// Length of a message's header.
const HEADER: usize = 16;
/// How often a dump that was interrupted is begun again.
const DUMP_TRIES: u32 = 16;
/// The pause after the first interruption but one; it grows by as much each time.
const DUMP_PAUSE: Duration = Duration::from_millis(1);

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
    socket: Socket,
    sequence: u32,
}

impl RouteSocket {
    /// Opens a socket in the calling thread's namespace.
    pub(crate) fn open() -> Result<Self> {
        let failed = |error| Error::from_io("open", "route socket", error);
        let socket = Socket::new(NETLINK_ROUTE).map_err(failed)?;
        socket.set_cap_ack(true).map_err(failed)?;
        socket.set_ext_ack(true).map_err(failed)?;
        // Kernels before 4.20 do not know it; there a dump is filtered by its reader alone.
        if let Err(error) = socket.set_netlink_get_strict_chk(true) {
            log::debug!("no strict checking of dump requests: {error}");
        }
        // Not guessable: a process of the namespace can send to this socket too.
        Ok(Self { socket, sequence: u32::from_ne_bytes(sys::random_bytes()) })
    }

    /// The cookie of the namespace that the socket belongs to.
    pub(crate) fn namespace_cookie(&self) -> Result<u64> {
        let cookie = sys::namespace_cookie(self.socket.as_fd());
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

    fn transact_part(&mut self, requests: &[Request], answers: &mut Vec<Result<(), Refusal>>) -> Result<()> {
        let first = self.sequence.wrapping_add(1);
        let mut bytes = Vec::with_capacity(256 * requests.len());
        for request in requests {
            self.emit(&request.message, request.flags | NLM_F_ACK, &mut bytes);
        }
        self.send(&bytes)?;
        let mut pending: Vec<Option<Result<(), Refusal>>> = vec![None; requests.len()];
        let mut open = requests.len();
        let mut buffer = Vec::with_capacity(ACKNOWLEDGEMENT);
        while open > 0 {
            self.receive(&mut buffer)?;
            for packet in packets(&buffer) {
                let index = packet.sequence_number().wrapping_sub(first) as usize;
                let is_answer = packet.message_type() == NLMSG_ERROR && index < pending.len();
                if let (true, Some(answer)) = (is_answer, parse_error(&packet)) {
                    open -= usize::from(pending[index].replace(answer).is_none());
                }
            }
        }
        answers.extend(pending.into_iter().flatten());
        Ok(())
    }

    /// Sends one message and names it in the error when the kernel refuses it.
    pub(crate) fn transact_one(&mut self, request: Request) -> Result<Result<(), Refusal>> {
        let mut answers = self.transact(&[request])?;
        answers.pop().ok_or_else(|| Error::new(ErrorKind::System, "receive", "acknowledgement"))
    }

    /// Asks for everything that `request` matches; begins again when the kernel says that the
    /// list changed while it was sent (`NLM_F_DUMP_INTR`).
    pub(crate) fn dump(&mut self, request: &RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>> {
        for tries in 0..DUMP_TRIES {
            if let Some(objects) = self.dump_once(request)? {
                return Ok(objects);
            }
            std::thread::sleep(DUMP_PAUSE * tries);
        }
        Err(Error::new(ErrorKind::Busy, "dump", "kernel objects")
            .with_cause("they kept changing while they were listed"))
    }

    fn dump_once(&mut self, request: &RouteNetlinkMessage) -> Result<Option<Vec<RouteNetlinkMessage>>> {
        let mut bytes = Vec::with_capacity(256);
        let sequence = self.emit(request, NLM_F_DUMP, &mut bytes);
        self.send(&bytes)?;
        let mut objects = Vec::new();
        let mut whole = true;
        let mut buffer = Vec::with_capacity(RECEIVE_BUFFER);
        loop {
            self.receive_whole(&mut buffer)?;
            for packet in packets(&buffer).filter(|packet| packet.sequence_number() == sequence) {
                whole &= packet.flags() & NLM_F_DUMP_INTR == 0;
                match packet.message_type() {
                    // The end carries an error number too.
                    NLMSG_DONE | NLMSG_ERROR => match parse_error(&packet) {
                        Some(Err(refusal)) if refusal.errno != libc::EINTR => {
                            return Err(refused("dump", refusal))
                        }
                        Some(Err(_)) => return Ok(None),
                        _ => return Ok(whole.then_some(objects)),
                    },
                    // An object that others gave bytes which cannot be read must not hide the rest.
                    _ => match decode(&packet) {
                        Ok(object) => objects.push(object),
                        Err(error) => log::warn!("{error}: passed over"),
                    },
                }
            }
        }
    }

    /// Asks for one object; `None` when the kernel has none such.
    pub(crate) fn get(&mut self, request: &RouteNetlinkMessage) -> Result<Option<RouteNetlinkMessage>> {
        let mut bytes = Vec::with_capacity(256);
        let sequence = self.emit(request, 0, &mut bytes);
        self.send(&bytes)?;
        let mut buffer = Vec::with_capacity(RECEIVE_BUFFER);
        loop {
            self.receive_whole(&mut buffer)?;
            for packet in packets(&buffer).filter(|packet| packet.sequence_number() == sequence) {
                if packet.message_type() != NLMSG_ERROR {
                    return decode(&packet).map(Some);
                }
                match parse_error(&packet) {
                    Some(Err(refusal))
                        if matches!(refusal.errno, libc::ENODEV | libc::ENOENT | libc::ESRCH) =>
                    {
                        return Ok(None);
                    }
                    Some(Err(refusal)) => return Err(refused("look up", refusal)),
                    _ => {}
                }
            }
        }
    }

    /// Appends `message` with its header and returns its sequence number.
    fn emit(&mut self, message: &RouteNetlinkMessage, flags: u16, bytes: &mut Vec<u8>) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        let start = bytes.len();
        let length = HEADER + message.buffer_len();
        bytes.resize(start + length.next_multiple_of(4), 0);
        let mut packet = NetlinkBuffer::new(&mut bytes[start..start + length]);
        packet.set_length(length as u32);
        packet.set_message_type(message.message_type());
        packet.set_flags(NLM_F_REQUEST | flags);
        packet.set_sequence_number(self.sequence);
        message.serialize(packet.payload_mut());
        self.sequence
    }

    fn send(&self, bytes: &[u8]) -> Result<()> {
        let sent = retried(|| self.socket.send(bytes, 0));
        sent.map(drop).map_err(|error| Error::from_io("send", "netlink messages", error))
    }

    /// One datagram of the kernel's, of which no more is kept than `buffer` has room for.
    fn receive(&self, buffer: &mut Vec<u8>) -> Result<()> {
        loop {
            buffer.clear();
            let received = retried(|| self.socket.recv_from(buffer, 0));
            let (_, sender) =
                received.map_err(|error| Error::from_io("receive", "netlink messages", error))?;
            if sender.port_number() == 0 {
                return Ok(());
            }
            log::warn!("netlink message of process {} passed over", sender.port_number());
        }
    }

    /// One whole datagram of the kernel's into `buffer`, which grows to hold it.
    fn receive_whole(&self, buffer: &mut Vec<u8>) -> Result<()> {
        loop {
            let mut no_room: &mut [u8] = &mut [];
            let (length, sender) =
                retried(|| self.socket.recv_from(&mut no_room, libc::MSG_PEEK | libc::MSG_TRUNC))
                    .map_err(|error| Error::from_io("receive", "netlink messages", error))?;
            buffer.clear();
            buffer.reserve(length);
            if sender.port_number() == 0 {
                return self.receive(buffer);
            }
            let _ = retried(|| self.socket.recv(buffer, libc::MSG_DONTWAIT));
        }
    }
}

fn retried<T>(mut call: impl FnMut() -> std::io::Result<T>) -> std::io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The messages of a datagram; what follows one that is cut short is passed over.
fn packets(mut bytes: &[u8]) -> impl Iterator<Item = NetlinkBuffer<&[u8]>> {
    std::iter::from_fn(move || {
        let packet = NetlinkBuffer::new_checked(bytes).ok()?;
        let length = (packet.length() as usize).next_multiple_of(4).min(bytes.len());
        let (this, rest) = bytes.split_at(length);
        bytes = rest;
        NetlinkBuffer::new_checked(this).ok()
    })
}

fn decode(packet: &NetlinkBuffer<&[u8]>) -> Result<RouteNetlinkMessage> {
    let header = NetlinkHeader::parse(packet);
    header.and_then(|header| RouteNetlinkMessage::deserialize(&header, packet.payload())).map_err(|error| {
        Error::new(ErrorKind::System, "decode", format!("netlink message of type {}", packet.message_type()))
            .with_cause(error.to_string())
    })
}

fn refused(operation: &str, refusal: Refusal) -> Error {
    Error::from_errno(operation, "kernel objects", refusal.errno).with_kernel_message(refusal.message)
}
