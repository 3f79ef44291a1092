//! What all netlink sockets of this library have in common: sending, receiving, lists.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use netlink_packet_core::{NetlinkBuffer, NLMSG_DONE, NLMSG_ERROR, NLM_F_DUMP_INTR};
use netlink_sys::Socket;

use super::reply::{parse_error, Refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::sys;

/// Room for what the kernel usually sends of a dump at once.
pub(super) const RECEIVE_BUFFER: usize = 32 * 1024;
/// What a socket holds without being asked: `net.core.wmem_default` and `rmem_default` are 212,992.
const SMALL: usize = 128 * 1024;
/// How often a dump that was interrupted is begun again.
const DUMP_TRIES: u32 = 16;
/// The pause after the first interruption but one; it grows by as much each time.
const DUMP_PAUSE: Duration = Duration::from_millis(1);

/// A netlink socket of the network namespace in which it was opened, whatever thread uses it.
pub(crate) struct Channel {
    socket: Socket,
    sequence: u32,
}

impl Channel {
    /// Opens a socket in the calling thread's namespace: `protocol` is a `NETLINK_*`, `name` its name in errors.
    pub(crate) fn open(protocol: isize, name: &str) -> Result<Self> {
        let failed = |error| Error::from_io("open", name, error);
        let socket = Socket::new(protocol).map_err(failed)?;
        socket.set_cap_ack(true).map_err(failed)?;
        socket.set_ext_ack(true).map_err(failed)?;
        // Not guessable: a process of the namespace can send to this socket too.
        Ok(Self { socket, sequence: u32::from_ne_bytes(sys::random_bytes()) })
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Notifications of `group` arrive from now on.
    pub(crate) fn subscribe(&mut self, group: u32) -> io::Result<()> {
        // A socket without an address of its own gets none.
        self.socket.bind_auto()?;
        self.socket.add_membership(group)
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The number of the next message.
    pub(crate) fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    pub(crate) fn send(&self, bytes: &[u8]) -> Result<()> {
        let sent = retried(|| self.socket.send(bytes, 0));
        sent.map(drop).map_err(|error| Error::from_io("send", "netlink messages", error))
    }

    /// Room for `bytes` in the send or the receive buffer. Without the privilege over the machine, which
    /// `force` needs, there is no more than `net.core.wmem_max` and `rmem_max` allow.
    pub(crate) fn make_room(&self, force: libc::c_int, otherwise: libc::c_int, bytes: usize) {
        if bytes <= SMALL {
            return;
        }
        let (socket, value) = (self.descriptor(), libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX));
        let made = sys::set_socket_option(socket, force, value)
            .or_else(|_| sys::set_socket_option(socket, otherwise, value));
        if let Err(error) = made {
            log::debug!("no room for {bytes} bytes in a netlink socket: {error}");
        }
    }

    /// One datagram of the kernel's, of which no more is kept than `buffer` has room for.
    pub(crate) fn receive(&self, buffer: &mut Vec<u8>) -> Result<()> {
        self.receive_with(buffer, 0).map(drop).map_err(not_received)
    }

    /// [`Channel::receive`] of what is there already; `false` when nothing is.
    pub(crate) fn receive_now(&self, buffer: &mut Vec<u8>) -> io::Result<bool> {
        match self.receive_with(buffer, libc::MSG_DONTWAIT) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            result => result.map(|_| true),
        }
    }

    /// How long the datagram was, with `MSG_TRUNC` also where `buffer` had not room for it.
    fn receive_with(&self, buffer: &mut Vec<u8>, flags: libc::c_int) -> io::Result<usize> {
        loop {
            buffer.clear();
            let (length, sender) = retried(|| self.socket.recv_from(buffer, flags))?;
            if sender.port_number() == 0 {
                return Ok(length);
            }
            log::warn!("netlink message of process {} passed over", sender.port_number());
        }
    }

    /// One whole datagram of the kernel's into `buffer`, which grows to hold it.
    pub(crate) fn receive_whole(&self, buffer: &mut Vec<u8>) -> Result<()> {
        loop {
            let mut no_room: &mut [u8] = &mut [];
            let (length, sender) =
                retried(|| self.socket.recv_from(&mut no_room, libc::MSG_PEEK | libc::MSG_TRUNC))
                    .map_err(not_received)?;
            buffer.clear();
            buffer.reserve(length);
            if sender.port_number() == 0 {
                return self.receive(buffer);
            }
            let _ = retried(|| self.socket.recv(buffer, libc::MSG_DONTWAIT));
        }
    }

    /// Asks for a list; begins again when the kernel says that it changed while it was sent
    /// (`NLM_F_DUMP_INTR`). `emit` appends the request with the sequence number that it is given, `read`
    /// what it finds in one message of the answer.
    pub(crate) fn dump<T>(
        &mut self,
        emit: impl FnMut(u32, &mut Vec<u8>),
        read: impl FnMut(&NetlinkBuffer<&[u8]>, &mut Vec<T>),
    ) -> Result<Vec<T>> {
        self.dump_by(&mut Vec::with_capacity(RECEIVE_BUFFER), emit, read)
    }

    /// [`Channel::dump`] with that much room for what the kernel sends at once.
    pub(super) fn dump_by<T>(
        &mut self,
        buffer: &mut Vec<u8>,
        mut emit: impl FnMut(u32, &mut Vec<u8>),
        mut read: impl FnMut(&NetlinkBuffer<&[u8]>, &mut Vec<T>),
    ) -> Result<Vec<T>> {
        let mut request = Vec::with_capacity(256);
        for tries in 0..DUMP_TRIES {
            let sequence = self.next_sequence();
            request.clear();
            emit(sequence, &mut request);
            self.send(&request)?;
            let mut objects = Vec::new();
            if self.read_dump(sequence, buffer, |packet| read(packet, &mut objects))? {
                return Ok(objects);
            }
            std::thread::sleep(DUMP_PAUSE * tries);
        }
        Err(Error::new(ErrorKind::Busy, "dump", "kernel objects")
            .with_cause("they kept changing while they were listed"))
    }

    /// Whether the list is whole. Where the kernel sends more at once than `buffer` holds, that grows for the next try.
    fn read_dump(
        &self,
        sequence: u32,
        buffer: &mut Vec<u8>,
        mut read: impl FnMut(&NetlinkBuffer<&[u8]>),
    ) -> Result<bool> {
        let mut whole = true;
        loop {
            let length = self.receive_with(buffer, libc::MSG_TRUNC).map_err(not_received)?;
            if length > buffer.len() {
                self.leave_dump(buffer, length)?;
                return Ok(false);
            }
            for packet in packets(buffer).filter(|packet| packet.sequence_number() == sequence) {
                whole &= packet.flags() & NLM_F_DUMP_INTR == 0;
                match packet.message_type() {
                    // The end carries an error number too.
                    NLMSG_DONE | NLMSG_ERROR => match parse_error(&packet) {
                        Some(Err(refusal)) if refusal.errno != libc::EINTR => {
                            return Err(refused("dump", refusal));
                        }
                        Some(Err(_)) => return Ok(false),
                        _ => return Ok(whole),
                    },
                    _ => read(&packet),
                }
            }
        }
    }

    /// Receives what is left of a list of which a part of `length` bytes was cut short: the end may have been in it. The
    /// kernel puts the next part into the queue as one is received.
    fn leave_dump(&self, buffer: &mut Vec<u8>, length: usize) -> Result<()> {
        while self.receive_now(buffer).map_err(not_received)? {}
        buffer.clear();
        buffer.reserve(length.next_power_of_two());
        Ok(())
    }

    /// Sends the request `bytes` of number `sequence` for one object and reads the answer; `None` when the
    /// kernel answers without one.
    pub(crate) fn get<T>(
        &self,
        sequence: u32,
        bytes: &[u8],
        mut read: impl FnMut(&NetlinkBuffer<&[u8]>) -> Result<T>,
    ) -> Result<Result<T, Refusal>> {
        self.send(bytes)?;
        let mut buffer = Vec::with_capacity(RECEIVE_BUFFER);
        loop {
            self.receive_whole(&mut buffer)?;
            for packet in packets(&buffer).filter(|packet| packet.sequence_number() == sequence) {
                if packet.message_type() != NLMSG_ERROR {
                    return read(&packet).map(Ok);
                }
                if let Some(Err(refusal)) = parse_error(&packet) {
                    return Ok(Err(refusal));
                }
            }
        }
    }
}

fn not_received(error: io::Error) -> Error {
    Error::from_io("receive", "netlink messages", error)
}

pub(super) fn retried<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The messages of a datagram; what follows one that is cut short is passed over.
pub(crate) fn packets(mut bytes: &[u8]) -> impl Iterator<Item = NetlinkBuffer<&[u8]>> {
    std::iter::from_fn(move || {
        let packet = NetlinkBuffer::new_checked(bytes).ok()?;
        let length = (packet.length() as usize).next_multiple_of(4).min(bytes.len());
        let (this, rest) = bytes.split_at(length);
        bytes = rest;
        NetlinkBuffer::new_checked(this).ok()
    })
}

/// A refused question as an error.
pub(crate) fn refused(operation: &str, refusal: Refusal) -> Error {
    Error::from_errno(operation, "kernel objects", refusal.errno).with_kernel_message(refusal.message)
}
