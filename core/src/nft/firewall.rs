//! The socket that changes and reads the tables.

use std::borrow::Cow;
use std::collections::HashMap;

use netlink_packet_core::{NetlinkBuffer, NLMSG_ERROR};
use netlink_sys::protocols::NETLINK_NETFILTER;

use super::cell::Cell;
use super::compile::{compile, Found};
use super::fault::{self, Fault};
use super::layout::{version_comment, Family, TABLE};
use super::listed::read_elements;
use super::message::{push_key, Batch, Body, Message};
use super::numbers::{self, element, kind, note, table, ITEM};
use super::wire::{self, emit};
use super::{Change, Element, Owner};
use crate::error::{Error, ErrorKind, Result};
use crate::netlink::{self, bad_attribute, packets, parse_error, Channel, Refusal};

/// How often a transaction is begun again when others make or delete the tables meanwhile.
const TRIES: usize = 8;
/// How often what is gone is left out of it: answers may be lost when it is very much.
const ROUNDS: usize = 64;
/// How many elements are asked for one by one, before all are listed.
const FEW: usize = 16;
/// Room for an answer: the request's header and a line of text.
const ANSWER: usize = 4 * 1024;
/// What an answer takes of a socket's receive queue, with room to spare.
const ANSWER_ROOM: usize = 2 * 1024;

/// A socket to the nf_tables of the network namespace in which it was opened.
pub(crate) struct Firewall {
    pub(super) channel: Channel,
    answer: Vec<u8>,
}

/// What the kernel said of a transaction.
#[derive(Default)]
pub(super) struct Answers {
    /// Why nothing of it was looked at, or the commit failed.
    pub(super) whole: Option<Refusal>,
    /// The refused messages in their order, with where the cause is in them.
    pub(super) refused: Vec<(usize, Refusal, Option<usize>)>,
    /// Some answers found no room.
    lost: bool,
}

/// How one attempt went.
enum Attempt {
    Done,
    /// Others made or deleted a table since it was looked for.
    Outrun,
    /// The generation was another.
    Stale,
}

impl Firewall {
    /// Opens a socket in the calling thread's namespace.
    ///
    /// # Errors
    /// Unsupported where the kernel has no netfilter sockets (`CONFIG_NETFILTER_NETLINK`).
    pub(crate) fn open() -> Result<Self> {
        let channel = Channel::open(NETLINK_NETFILTER, "netfilter socket").map_err(fault::no_netfilter)?;
        Ok(Self { channel, answer: Vec::with_capacity(ANSWER) })
    }

    /// Carries out all `changes` or none.
    ///
    /// # Errors
    /// AlreadyExists for an element or a network that is there, and for a table of that name of another
    /// version or of others; NotFound for an element whose network is not there; BadRequest for names and
    /// elements that cannot be; PermissionDenied without `CAP_NET_ADMIN` over the namespace; Unsupported
    /// where the kernel lacks something; ResourceExhausted when it has no room.
    pub(crate) fn commit(&mut self, changes: &[Change]) -> Result<()> {
        let has_port = |elements: &[Element]| elements.iter().any(|element| element.entry.is_port());
        if !changes.iter().any(|change| matches!(change, Change::Delete(elements) if has_port(elements))) {
            return self.run(changes, None).map(drop);
        }
        let mut own = changes.to_vec();
        for change in &mut own {
            if let Change::Delete(elements) = change {
                self.leave_to_others(elements)?;
            }
        }
        self.run(&own, None).map(drop)
    }

    /// Takes out the ports that are somebody else's by now, or were from the beginning.
    fn leave_to_others(&mut self, elements: &mut Vec<Element>) -> Result<()> {
        let ports = elements.iter().filter(|element| element.entry.is_port());
        let mut owners = HashMap::new();
        if ports.clone().count() > FEW {
            for there in self.state()?.map(|state| state.elements).unwrap_or_default() {
                owners.extend(keys(&there).map(|key| (key, there.owner.clone())));
            }
        } else {
            for cell in ports.flat_map(|element| element.entry.cells()) {
                let owner = self.owner_of(&cell)?;
                owners.extend(owner.map(|owner| ((cell.set, cell.key), owner)));
            }
        }
        elements.retain(|element| {
            let is_others = |key| owners.get(&key).is_some_and(|owner| *owner != element.owner);
            !element.entry.is_port() || !keys(element).any(is_others)
        });
        Ok(())
    }

    /// [`Firewall::commit`] as long as nobody has changed anything since [`Firewall::generation`]; `false`, and
    /// nothing happens, when somebody has. Changes of other tables of the namespace count too.
    ///
    /// # Errors
    /// As [`Firewall::commit`].
    pub(crate) fn commit_if(&mut self, generation: u32, changes: &[Change]) -> Result<bool> {
        self.run(changes, Some(generation))
    }

    /// The number of the namespace's rules: each transaction, of whomever, has another.
    ///
    /// # Errors
    /// Unsupported where the kernel has no nf_tables; PermissionDenied.
    pub(crate) fn generation(&mut self) -> Result<u32> {
        let sequence = self.channel.next_sequence();
        let mut bytes = Vec::new();
        wire::frame(kind::GET_GENERATION, 0, sequence, [0; 4], &mut bytes, |_| {});
        let answer = self.channel.get(sequence, &bytes, |packet| {
            let number = netlink::number(attributes(packet), numbers::GENERATION);
            number.ok_or_else(|| Error::new(ErrorKind::System, "read", "generation of nf_tables"))
        })?;
        answer.map_err(|refusal| fault::asked("generation", refusal))
    }

    fn run(&mut self, changes: &[Change], generation: Option<u32>) -> Result<bool> {
        for _ in 0..TRIES {
            let found = self.look(changes)?;
            let messages = compile(changes, &found)?;
            match self.attempt(changes, messages, &found, generation)? {
                Attempt::Done => return Ok(true),
                Attempt::Outrun => {}
                Attempt::Stale => return Ok(false),
            }
        }
        Err(Error::new(ErrorKind::Busy, "change firewall", TABLE)
            .with_cause("others kept making and deleting the table"))
    }

    fn look(&mut self, changes: &[Change]) -> Result<Found> {
        let mut found = Found::default();
        for change in changes {
            if let Some(family) = change.table() {
                found.tables.extend(self.is_ours(family)?.then_some(family));
            }
            if *change == Change::RenewTables {
                for family in [Family::Inet, Family::Bridge] {
                    found.tables.extend(self.is_ours(family)?.then_some(family));
                }
            }
            if let Change::DeleteNetwork { key } = change {
                found.interfaces.insert(key.clone(), self.interfaces(key)?);
            }
        }
        Ok(found)
    }

    /// Whether the table is there, with this version's comment.
    ///
    /// # Errors
    /// AlreadyExists when it has another.
    pub(super) fn is_ours(&mut self, family: Family) -> Result<bool> {
        match self.table_comment(family)? {
            None => Ok(false),
            Some(comment) if comment == version_comment() => Ok(true),
            Some(comment) => Err(fault::other_version(family, &comment)),
        }
    }

    /// The comment of a table, empty where it has none; `None` when there is no such table.
    pub(super) fn table_comment(&mut self, family: Family) -> Result<Option<String>> {
        let sequence = self.channel.next_sequence();
        let mut bytes = Vec::new();
        emit(kind::GET_TABLE, 0, sequence, family, &mut bytes, |own| {
            own.text(table::NAME, TABLE);
        });
        let comment = self.channel.get(sequence, &bytes, |packet| {
            let user = netlink::attribute(attributes(packet), table::USER_DATA);
            let comment = user.and_then(|user| wire::read_note(note::COMMENT, user));
            Ok(comment.unwrap_or_default().to_owned())
        })?;
        match comment {
            Ok(comment) => Ok(Some(comment)),
            Err(refusal) if refusal.errno == libc::ENOENT => Ok(None),
            Err(refusal) => Err(fault::asked("table", refusal)),
        }
    }

    fn attempt(
        &mut self,
        changes: &[Change],
        mut messages: Vec<Message>,
        found: &Found,
        generation: Option<u32>,
    ) -> Result<Attempt> {
        for _ in 0..ROUNDS {
            if messages.is_empty() {
                let stale = generation.is_some_and(|known| self.generation().is_ok_and(|now| now != known));
                return Ok(if stale { Attempt::Stale } else { Attempt::Done });
            }
            let answers = self.exchange(&messages, generation, false)?;
            match answers.whole {
                Some(refusal) if refusal.errno == libc::ERESTART => return Ok(Attempt::Stale),
                Some(refusal) => return Err(fault::of_whole(refusal)),
                None if answers.refused.is_empty() && !answers.lost => return Ok(Attempt::Done),
                None => {}
            }
            if self.was_outrun(&messages, &answers, found)? {
                return Ok(Attempt::Outrun);
            }
            if !leave_out(&mut messages, &answers)
                && !self.release_chains(changes, &mut messages, &answers)?
            {
                return Err(self.error(changes, &messages, answers));
            }
        }
        Err(Error::new(ErrorKind::Busy, "change firewall", TABLE).with_cause("it kept changing meanwhile"))
    }

    /// Whether a table came or went since it was looked for.
    fn was_outrun(&mut self, messages: &[Message], answers: &Answers, found: &Found) -> Result<bool> {
        let Some((index, refusal, _)) = answers.refused.first() else {
            return Ok(false);
        };
        match (&messages[*index].body, refusal.errno) {
            (Body::Table { .. }, libc::EEXIST) => Ok(true),
            (_, libc::ENOENT) => {
                for family in &found.tables {
                    if self.table_comment(*family)?.is_none() {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    fn error(&mut self, changes: &[Change], messages: &[Message], answers: Answers) -> Error {
        let mut refused = answers.refused.into_iter();
        let Some((index, refusal, part)) = refused.next() else {
            return Error::new(ErrorKind::System, "receive", "answers to a firewall's changes");
        };
        let fault = Fault { changes, message: &messages[index], refusal, part };
        let owner = fault.occupied().and_then(|cell| self.owner_of(cell).ok().flatten());
        fault.error(owner.as_ref())
    }

    /// Whose the element with this key is; `None` where there is none, or it does not say.
    fn owner_of(&mut self, cell: &Cell) -> Result<Option<Owner>> {
        let sequence = self.channel.next_sequence();
        let mut bytes = Vec::new();
        emit(kind::GET_ELEMENTS, 0, sequence, cell.family, &mut bytes, |own| {
            own.text(element::TABLE, TABLE).text(element::SET, &cell.set).nested(element::LIST, |list| {
                list.nested(ITEM, |own| push_key(&cell.key, own));
            });
        });
        let found = self.channel.get(sequence, &bytes, |packet| {
            let mut listed = Vec::new();
            read_elements(packet, &mut listed);
            Ok(listed.into_iter().find_map(|listed| listed.owner))
        })?;
        Ok(found.ok().flatten())
    }

    fn exchange(&mut self, messages: &[Message], generation: Option<u32>, dry: bool) -> Result<Answers> {
        let first = self.channel.next_sequence();
        for _ in 0..=messages.len() {
            self.channel.next_sequence();
        }
        let batch = Batch::new(messages, first, generation, dry);
        self.channel.make_room(libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, batch.bytes.len());
        self.channel.make_room(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, ANSWER_ROOM * messages.len());
        self.channel.send(&batch.bytes).map_err(fault::too_long)?;
        self.read_answers(first, &batch)
    }

    /// The kernel has answered when sending returns: the answer to the last message, which asks for one,
    /// is the last, unless nothing was looked at or the commit failed.
    pub(super) fn read_answers(&mut self, first: u32, batch: &Batch) -> Result<Answers> {
        let mut answers = Answers::default();
        let count = batch.parts.len();
        loop {
            match self.channel.receive_now(&mut self.answer) {
                Ok(true) => {}
                Ok(false) if answers.lost => return Ok(answers),
                Ok(false) => return Err(Error::new(ErrorKind::System, "receive", "answer of nf_tables")),
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    answers.lost = true;
                    continue;
                }
                Err(error) => return Err(Error::from_io("receive", "answer of nf_tables", error)),
            }
            for packet in packets(&self.answer).filter(|packet| packet.message_type() == NLMSG_ERROR) {
                let index = packet.sequence_number().wrapping_sub(first) as usize;
                match parse_error(&packet) {
                    Some(Err(refusal)) if index == 0 => {
                        answers.whole = Some(refusal);
                        return Ok(answers);
                    }
                    Some(Err(refusal)) if index <= count => {
                        let part = bad_attribute(&packet).and_then(|at| part_at(&batch.parts[index - 1], at));
                        answers.refused.push((index - 1, refusal, part));
                    }
                    _ => {}
                }
                if index == count {
                    return Ok(answers);
                }
            }
        }
    }
}

/// By what the sets know an element.
fn keys(element: &Element) -> impl Iterator<Item = (Cow<'static, str>, Vec<u8>)> {
    element.entry.cells().into_iter().map(|cell| (cell.set, cell.key))
}

/// Which part of a message what is at that offset belongs to.
fn part_at(parts: &[usize], offset: usize) -> Option<usize> {
    parts.partition_point(|start| *start <= offset).checked_sub(1)
}

/// Leaves out what is gone already; whether there was any. The kernel stops at the first element of a message
/// that is gone, so that the others get a message each.
fn leave_out(messages: &mut Vec<Message>, answers: &Answers) -> bool {
    let mut gone = answers
        .refused
        .iter()
        .filter(|(index, refusal, _)| refusal.errno == libc::ENOENT && messages[*index].may_be_gone());
    let gone: Vec<_> = gone.by_ref().map(|(index, ..)| *index).collect();
    if gone.is_empty() {
        return false;
    }
    let mut left = Vec::with_capacity(messages.len());
    for (index, message) in messages.drain(..).enumerate() {
        match &message.body {
            _ if gone.binary_search(&index).is_err() => left.push(message),
            Body::DeleteElements { set, cells } if cells.len() > 1 => {
                left.extend(cells.iter().map(|cell| Message {
                    body: Body::DeleteElements { set: set.clone(), cells: vec![cell.clone()] },
                    ..message.clone()
                }));
            }
            _ => {}
        }
    }
    *messages = left;
    true
}

/// The attributes of a message.
pub(super) fn attributes<'a>(packet: &NetlinkBuffer<&'a [u8]>) -> &'a [u8] {
    packet.payload().get(wire::NETFILTER_HEADER..).unwrap_or_default()
}
