//! Docker's chain for the rules of others, `DOCKER-USER`, as iptables-nft keeps it.
//!
//! Docker has the host forward nothing but what its own rules accept. What this library's tables let pass is
//! lost there, unless that chain accepts it; what it refuses never gets there.

use netlink_packet_core::{NetlinkBuffer, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_DUMP};

use super::expression::{Expression, Verdict};
use super::fault;
use super::firewall::{attributes, Firewall};
use super::message::Batch;
use super::numbers::{chain, data, expression, kind, rule, Meta, ITEM};
use super::wire;
use crate::error::Result;
use crate::link::LINK_GROUP;
use crate::netlink::{self, Attributes};

const TABLE: &str = "filter";
const CHAIN: &str = "DOCKER-USER";
/// Of a table that iptables and ip6tables have.
const FAMILIES: [u8; 2] = [libc::NFPROTO_IPV4 as u8, libc::NFPROTO_IPV6 as u8];
/// The match of `iptables -m devgroup`; `xt_devgroup_info` is five numbers: flags, and group and mask of the
/// link that a packet comes in by, and of the one that it goes out by.
const MATCH: &str = "devgroup";
const COMES_FROM: u32 = 1;
const GOES_TO: u32 = 4;

/// What is said of packets that come from this library's links, or go to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Passing {
    way: u32,
    /// How the link is called that they go out by, up to here.
    out: Option<&'static str>,
    accept: bool,
}

/// To Docker's own bridges Docker's rules say what passes.
const RULES: [Passing; 4] = [
    Passing { way: GOES_TO, out: None, accept: true },
    Passing { way: COMES_FROM, out: Some("docker"), accept: false },
    Passing { way: COMES_FROM, out: Some("br-"), accept: false },
    Passing { way: COMES_FROM, out: None, accept: true },
];

/// A rule of the chain.
struct Listed {
    handle: Vec<u8>,
    own: Option<Passing>,
    /// It sends every packet back, as Docker's last does.
    is_end: bool,
}

impl Firewall {
    /// Has Docker's chain, where there is one, let pass what comes from this library's links or goes to them.
    ///
    /// # Errors
    /// Unsupported where the kernel has no `devgroup` match; PermissionDenied.
    pub(crate) fn pass_docker(&mut self) -> Result<()> {
        self.each_docker_chain(|listed| {
            let own: Vec<_> = listed.iter().filter_map(|rule| rule.own).collect();
            if own == RULES {
                return Vec::new();
            }
            let mut messages = delete(listed);
            let end = listed.last().filter(|last| last.is_end).map(|last| last.handle.clone());
            messages.extend(RULES.map(|rule| Change::Add(rule, end.clone())));
            messages
        })
    }

    /// Takes that back.
    ///
    /// # Errors
    /// PermissionDenied.
    pub(crate) fn stop_passing_docker(&mut self) -> Result<()> {
        self.each_docker_chain(delete)
    }

    fn each_docker_chain(&mut self, changes: impl Fn(&[Listed]) -> Vec<Change>) -> Result<()> {
        for family in FAMILIES {
            if self.has_docker_chain(family)? {
                let listed = self.docker_rules(family)?;
                self.change_docker_rules(family, &changes(&listed))?;
            }
        }
        Ok(())
    }

    fn has_docker_chain(&mut self, family: u8) -> Result<bool> {
        let sequence = self.channel.next_sequence();
        let mut bytes = Vec::new();
        wire::frame(kind::GET_CHAIN, 0, sequence, [family, 0, 0, 0], &mut bytes, |own| {
            own.text(chain::TABLE, TABLE).text(chain::NAME, CHAIN);
        });
        match self.channel.get(sequence, &bytes, |_| Ok(()))? {
            Ok(()) => Ok(true),
            Err(refusal) if refusal.errno == libc::ENOENT => Ok(false),
            Err(refusal) => Err(fault::asked("chain", refusal)),
        }
    }

    fn docker_rules(&mut self, family: u8) -> Result<Vec<Listed>> {
        let ask = |sequence, bytes: &mut Vec<u8>| {
            wire::frame(kind::GET_RULE, NLM_F_DUMP, sequence, [family, 0, 0, 0], bytes, |own| {
                own.text(rule::TABLE, TABLE).text(rule::CHAIN, CHAIN);
            });
        };
        self.channel.dump(ask, |packet, rules| {
            let own = attributes(packet);
            // Kernels that know no filter of dumps list every rule of the family.
            let is_of_chain = netlink::text(own, rule::TABLE) == Some(TABLE)
                && netlink::text(own, rule::CHAIN) == Some(CHAIN);
            rules.extend(is_of_chain.then(|| Listed::read(own)));
        })
    }

    fn change_docker_rules(&mut self, family: u8, changes: &[Change]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let first = self.channel.next_sequence();
        let mut sequence = first;
        let mut batch = Batch { bytes: Vec::new(), parts: vec![Vec::new(); changes.len()] };
        wire::emit_batch(kind::BATCH_BEGIN, first, &mut batch.bytes, |_| {});
        for (index, change) in changes.iter().enumerate() {
            sequence = self.channel.next_sequence();
            let ack = if index + 1 == changes.len() { NLM_F_ACK } else { 0 };
            change.emit(family, sequence, ack, &mut batch.bytes);
        }
        sequence = sequence.max(self.channel.next_sequence());
        wire::emit_batch(kind::BATCH_END, sequence, &mut batch.bytes, |_| {});
        self.channel.send(&batch.bytes)?;
        let answers = self.read_answers(first, &batch)?;
        let refused = answers.refused.into_iter().map(|(_, refusal, _)| refusal);
        match answers.whole.into_iter().chain(refused).next() {
            None => Ok(()),
            Some(refusal) => Err(fault::asked("Docker's chain", refusal)),
        }
    }
}

/// Whether a notification tells that the chain was made, or that a rule of it is gone.
pub(super) fn bears_on_chain(packet: &NetlinkBuffer<&[u8]>) -> bool {
    let [table, name] = match packet.message_type() {
        kind::NEW_CHAIN => [chain::TABLE, chain::NAME],
        kind::DELETE_RULE => [rule::TABLE, rule::CHAIN],
        _ => return false,
    };
    let own = attributes(packet);
    packet.payload().first().is_some_and(|family| FAMILIES.contains(family))
        && netlink::text(own, table) == Some(TABLE)
        && netlink::text(own, name) == Some(CHAIN)
}

/// A change of the chain.
enum Change {
    /// Before the rule of that handle, or at the end.
    Add(Passing, Option<Vec<u8>>),
    Delete(Vec<u8>),
}

fn delete(listed: &[Listed]) -> Vec<Change> {
    let own = listed.iter().filter(|rule| rule.own.is_some());
    own.map(|rule| Change::Delete(rule.handle.clone())).collect()
}

impl Change {
    fn emit(&self, family: u8, sequence: u32, ack: u16, bytes: &mut Vec<u8>) {
        let head = [family, 0, 0, 0];
        let (kind, flags) = match self {
            Self::Add(_, Some(_)) => (kind::NEW_RULE, NLM_F_CREATE),
            Self::Add(_, None) => (kind::NEW_RULE, NLM_F_CREATE | NLM_F_APPEND),
            Self::Delete(_) => (kind::DELETE_RULE, 0),
        };
        wire::frame(kind, flags | ack, sequence, head, bytes, |own| {
            own.text(rule::TABLE, TABLE).text(rule::CHAIN, CHAIN);
            match self {
                Self::Add(passing, before) => {
                    own.nested(rule::EXPRESSIONS, |list| passing.push(list));
                    if let Some(before) = before {
                        own.bytes(rule::POSITION, before);
                    }
                }
                Self::Delete(handle) => {
                    own.bytes(rule::HANDLE, handle);
                }
            }
        });
    }
}

impl Passing {
    /// As iptables-nft puts it together, so that iptables lists it.
    fn push(self, list: &mut Attributes<'_>) {
        if let Some(out) = self.out {
            Expression::Meta { key: Meta::OutputName, word: 0 }.push(list);
            Expression::Compare { equal: true, value: out.as_bytes().to_vec() }.push(list);
        }
        list.nested(ITEM, |own| {
            own.text(expression::NAME, "match").nested(expression::DATA, |own| {
                let [name, revision, info] = expression::MATCH;
                own.text(name, MATCH).number(revision, 0).bytes(info, &self.info());
            });
        });
        list.nested(ITEM, |own| {
            own.text(expression::NAME, "counter").nested(expression::DATA, |_| {});
        });
        Expression::Verdict(if self.accept { Verdict::Accept } else { Verdict::Return }).push(list);
    }

    fn info(self) -> Vec<u8> {
        let group = |way: u32| if self.way == way { [LINK_GROUP, u32::MAX] } else { [0, 0] };
        let numbers = [&[self.way][..], &group(COMES_FROM), &group(GOES_TO)].concat();
        let mut bytes: Vec<u8> = numbers.into_iter().flat_map(u32::to_ne_bytes).collect();
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }
}

impl Listed {
    fn read(own: &[u8]) -> Self {
        let list = netlink::attribute(own, rule::EXPRESSIONS).unwrap_or_default();
        let expressions: Vec<_> = netlink::attributes(list)
            .filter(|(kind, _)| *kind == ITEM)
            .filter_map(|(_, item)| {
                let data = netlink::attribute(item, expression::DATA).unwrap_or_default();
                Some((netlink::text(item, expression::NAME)?, data))
            })
            .filter(|(name, _)| *name != "counter")
            .collect();
        let code =
            expressions.last().filter(|(name, _)| *name == "immediate").and_then(|(_, data)| verdict(data));
        Self {
            handle: netlink::attribute(own, rule::HANDLE).unwrap_or_default().to_vec(),
            own: RULES.into_iter().find(|rule| rule.is(&expressions, code)),
            is_end: expressions.len() == 1 && code == Some(data::RETURN),
        }
    }
}

impl Passing {
    fn is(self, expressions: &[(&str, &[u8])], code: Option<u32>) -> bool {
        let [_, _, info] = expression::MATCH;
        let [_, _, with] = expression::COMPARE;
        let has_info = |data| netlink::attribute(data, info).is_some_and(|there| there == self.info());
        let is_out = |data: &[u8], out: &str| {
            let there = netlink::attribute(data, with).and_then(|with| netlink::attribute(with, data::VALUE));
            there == Some(out.as_bytes())
        };
        let said = if self.accept { data::ACCEPT } else { data::RETURN };
        code == Some(said)
            && match (expressions, self.out) {
                ([("match", data), _], None) => has_info(data),
                ([("meta", _), ("cmp", name), ("match", data), _], Some(out)) => {
                    is_out(name, out) && has_info(data)
                }
                _ => false,
            }
    }
}

/// The code of the verdict that an `immediate` gives.
fn verdict(immediate: &[u8]) -> Option<u32> {
    let [_, value] = expression::IMMEDIATE;
    let verdict = netlink::attribute(netlink::attribute(immediate, value)?, data::VERDICT)?;
    netlink::number(verdict, data::CODE)
}
