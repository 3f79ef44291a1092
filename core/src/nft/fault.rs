//! What the kernel's refusals mean.

use super::cell::Cell;
use super::layout::{Family, TABLE, VERSION};
use super::message::{Body, Message, Owned};
use super::{Change, Entry, Owner};
use crate::error::{Error, ErrorKind};
use crate::netlink::Refusal;

const PRIVILEGE: &str = "CAP_NET_ADMIN over the namespace is needed";
const NO_NF_TABLES: &str = "this kernel has no nf_tables (CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET)";

/// A message that the kernel refused.
pub(super) struct Fault<'a> {
    pub(super) changes: &'a [Change],
    pub(super) message: &'a Message,
    pub(super) refusal: Refusal,
    /// Which of the message's parts, as far as the kernel says.
    pub(super) part: Option<usize>,
}

impl Fault<'_> {
    /// The element that is there already.
    pub(super) fn occupied(&self) -> Option<&Cell> {
        let taken = matches!(self.refusal.errno, libc::EEXIST | libc::EBUSY);
        self.cell().filter(|_| taken).map(|owned| &owned.cell)
    }

    fn cell(&self) -> Option<&Owned> {
        match &self.message.body {
            Body::DeleteElements { cells, .. } | Body::Elements { cells, .. } => match cells.as_slice() {
                [only] => Some(only),
                _ => cells.get(self.part?),
            },
            _ => None,
        }
    }

    /// The entry that the refused cell is of.
    fn entry(&self) -> Option<&Entry> {
        let (Change::Add(elements) | Change::Delete(elements)) = self.changes.get(self.message.change)?
        else {
            return None;
        };
        elements.get(self.cell()?.element).map(|element| &element.entry)
    }

    /// As an error; `owner` is that of what is in the way.
    pub(super) fn error(self, owner: Option<&Owner>) -> Error {
        let (operation, subject) = self.subject();
        let cause = self.cause(owner);
        let lacking = self.lacking().is_some();
        let error = Error::from_errno(operation, subject, self.refusal.errno);
        let error = error.with_kernel_message(self.refusal.message);
        let error = if lacking { error.with_kind(ErrorKind::Unsupported) } else { error };
        cause.into_iter().fold(error, Error::with_cause)
    }

    fn subject(&self) -> (&'static str, String) {
        let family = self.message.family;
        let place = || format!("in {family} {TABLE}");
        match &self.message.body {
            Body::Chain { name, .. } => ("add chain", format!("{name} {}", place())),
            Body::DeleteChain { name } => ("delete chain", format!("{name} {}", place())),
            Body::Flush { chain } => ("flush chain", format!("{chain} {}", place())),
            Body::DeleteElements { set, .. } => ("delete", self.element_name(set)),
            Body::DeleteSet { name } => ("delete set", format!("{name} {}", place())),
            Body::DeleteTable => ("delete table", format!("{family} {TABLE}")),
            Body::Elements { set, .. } => match self.entry() {
                Some(Entry::Published { .. }) => ("publish", self.element_name(set)),
                _ => ("add", self.element_name(set)),
            },
            Body::Rule { chain, rule, .. } => ("add rule", format!("{chain} {}: {rule}", place())),
            Body::Set { set, .. } => ("add set", format!("{} {}", set.name, place())),
            Body::Table { .. } => ("add table", format!("{family} {TABLE}")),
        }
    }

    fn element_name(&self, set: &str) -> String {
        match self.entry() {
            Some(entry) => entry.to_string(),
            None => format!("elements of {set} in {} {TABLE}", self.message.family),
        }
    }

    fn cause(&self, owner: Option<&Owner>) -> Option<String> {
        let whose = owner.map_or_else(String::new, |owner| format!(" ({})", owner.name()));
        let text = match (&self.message.body, self.refusal.errno) {
            (_, libc::EPERM) => PRIVILEGE.to_owned(),
            _ if self.lacking().is_some() => format!("this kernel lacks {}", self.lacking()?),
            (Body::Elements { .. }, libc::EEXIST | libc::EBUSY) => match self.entry() {
                Some(Entry::Published { .. }) => format!("it is published already{whose}"),
                _ => format!("it is there already{whose}"),
            },
            (Body::Elements { .. }, libc::ENOENT) => {
                format!("is the table {} {TABLE} there, and the network?", self.message.family)
            }
            (Body::Chain { .. } | Body::Set { .. }, libc::EEXIST) => {
                "the network is there already".to_owned()
            }
            (Body::Chain { .. } | Body::Set { .. } | Body::Rule { .. }, libc::ENOENT) => {
                format!("is the table {} {TABLE} there?", self.message.family)
            }
            (Body::DeleteChain { .. } | Body::DeleteSet { .. }, libc::EBUSY) => {
                "rules or elements that are not the network's refer to it".to_owned()
            }
            (_, libc::ENFILE | libc::ENOSPC) => "the set is full".to_owned(),
            _ => return None,
        };
        Some(text)
    }

    /// The build option of the kernel that is missing.
    fn lacking(&self) -> Option<&'static str> {
        let missing = matches!(self.refusal.errno, libc::ENOENT | libc::EOPNOTSUPP | libc::EAFNOSUPPORT);
        match &self.message.body {
            Body::Chain { hook: Some(hook), .. } if missing => match (hook.kind, self.message.family) {
                ("nat", _) => Some("chains of type nat (CONFIG_NFT_NAT, CONFIG_NF_NAT)"),
                (_, Family::Bridge) => Some("chains of bridges (CONFIG_NF_TABLES_BRIDGE)"),
                _ => None,
            },
            Body::Rule { rule, .. } if missing => {
                let expressions = rule.expressions();
                expressions.get(self.part?).and_then(|one| one.build_option(self.message.family))
            }
            Body::Table { .. } if missing => match self.message.family {
                Family::Bridge => Some("nf_tables of bridges (CONFIG_NF_TABLES_BRIDGE)"),
                Family::Inet => Some("nf_tables (CONFIG_NF_TABLES_INET)"),
            },
            _ => None,
        }
    }
}

/// A refusal of a whole transaction.
pub(super) fn of_whole(refusal: Refusal) -> Error {
    asked("change", refusal)
}

/// A refusal of a question, or of everything.
pub(super) fn asked(what: &str, refusal: Refusal) -> Error {
    let operation = if what == "change" { "change firewall" } else { "read firewall" };
    let subject = if what == "change" { TABLE.to_owned() } else { format!("{what} of nf_tables") };
    let error = Error::from_errno(operation, subject, refusal.errno).with_kernel_message(refusal.message);
    match refusal.errno {
        libc::EPERM => error.with_cause(PRIVILEGE),
        libc::EOPNOTSUPP | libc::EINVAL => error.with_kind(ErrorKind::Unsupported).with_cause(NO_NF_TABLES),
        _ => error,
    }
}

/// An error of opening a socket.
pub(super) fn no_netfilter(error: Error) -> Error {
    match error.errno() {
        Some(libc::EPROTONOSUPPORT) => {
            error.with_cause("this kernel has no netfilter sockets (CONFIG_NETFILTER_NETLINK)")
        }
        _ => error,
    }
}

/// An error of sending.
pub(super) fn too_long(error: Error) -> Error {
    match error.errno() {
        Some(libc::EMSGSIZE) => error
            .with_kind(ErrorKind::ResourceExhausted)
            .with_cause("the transaction is larger than net.core.wmem_max allows"),
        _ => error,
    }
}

/// The table is not the one that this version makes.
pub(super) fn other_version(family: Family, comment: &str) -> Error {
    let cause = match comment.strip_prefix(TABLE) {
        Some(version) => format!("it is of version{version}, and this is version {VERSION}"),
        None => format!("it was made by others: its comment is {comment:?}"),
    };
    Error::new(ErrorKind::AlreadyExists, "use table", format!("{family} {TABLE}")).with_cause(cause)
}
