//! Being told when the tables come and go.

use std::time::{Duration, Instant};

use netlink_sys::protocols::NETLINK_NETFILTER;

use super::fault;
use super::firewall::{attributes, Firewall};
use super::layout::{Family, TABLE};
use super::numbers::{kind, table, NOTIFICATIONS};
use crate::error::{Error, Result};
use crate::netlink::{packets, text, Channel};
use crate::sys;

/// Room for a notification; the kernel puts some 8 KiB of them together.
const NOTIFICATION: usize = 32 * 1024;
/// Room for those that wait, of whatever tables.
const QUEUE: usize = 1024 * 1024;

/// What a [`Watch`] has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing of interest.
    Nothing,
    /// One of the two tables was deleted.
    TableGone,
    /// One of the two tables was made, or so much happened that something was missed: it is there now, and
    /// worth a look.
    TableMade,
    /// Docker's chain for the rules of others was made, or has lost rules.
    #[cfg(feature = "docker-plugin")]
    DockersChain,
}

/// A socket that is told of changes of the nf_tables of the network namespace in which it was opened.
pub(crate) struct Watch {
    channel: Channel,
    firewall: Firewall,
    buffer: Vec<u8>,
}

impl Watch {
    /// Opens a socket in the calling thread's namespace; what happens from now on is seen.
    ///
    /// # Errors
    /// PermissionDenied without `CAP_NET_ADMIN` over the namespace; Unsupported where the kernel has no
    /// netfilter sockets.
    pub(crate) fn open() -> Result<Self> {
        let mut channel =
            Channel::open(NETLINK_NETFILTER, "netfilter socket").map_err(fault::no_netfilter)?;
        channel.make_room(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, QUEUE);
        let subscribed = channel.subscribe(NOTIFICATIONS);
        subscribed.map_err(|error| Error::from_io("watch", "nf_tables", error))?;
        Ok(Self { channel, firewall: Firewall::open()?, buffer: Vec::with_capacity(NOTIFICATION) })
    }

    /// Waits until something of interest is seen, `timeout` at most.
    ///
    /// # Errors
    /// System, when the socket fails.
    pub(crate) fn wait(&mut self, timeout: Duration) -> Result<Seen> {
        let end = Instant::now() + timeout;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let failed = |error| Error::from_io("watch", "nf_tables", error);
            // It counts whole milliseconds: what is left of one is waited for as a whole.
            let wait = left + Duration::from_micros(999);
            match sys::wait_readable(self.channel.descriptor(), wait) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
                Ok(false) if left.is_zero() => return Ok(Seen::Nothing),
                Ok(false) => continue,
                Ok(true) => {}
            }
            match self.channel.receive_now(&mut self.buffer) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => return self.look(),
                Err(error) => return Err(failed(error)),
            }
            match seen(&self.buffer) {
                // Whatever the timeout, what waits is read to the end.
                Seen::Nothing => {}
                seen => return Ok(seen),
            }
        }
    }

    /// What has been missed is made up for by what is there. As long as anything waits, the kernel goes on
    /// dropping notifications without a word.
    fn look(&mut self) -> Result<Seen> {
        let overrun = |error: &std::io::Error| error.raw_os_error() == Some(libc::ENOBUFS);
        loop {
            match self.channel.receive_now(&mut self.buffer) {
                Ok(false) => break,
                Err(error) if !overrun(&error) => return Err(Error::from_io("watch", "nf_tables", error)),
                Ok(true) | Err(_) => {}
            }
        }
        let there = self.firewall.table_comment(Family::Inet)?.is_some();
        Ok(if there { Seen::TableMade } else { Seen::TableGone })
    }
}

/// What the last notification of interest in a datagram tells; the tables are of more than Docker's chain.
fn seen(bytes: &[u8]) -> Seen {
    let ours = packets(bytes).filter_map(|packet| {
        let family = *packet.payload().first()?;
        let known = [Family::Bridge, Family::Inet].iter().any(|known| *known as u8 == family);
        let seen = match packet.message_type() {
            kind::NEW_TABLE => Seen::TableMade,
            kind::DELETE_TABLE => Seen::TableGone,
            _ => return None,
        };
        let name = text(attributes(&packet), table::NAME);
        (known && name == Some(TABLE)).then_some(seen)
    });
    let others = Seen::Nothing;
    #[cfg(feature = "docker-plugin")]
    let others = match packets(bytes).any(|packet| super::docker::bears_on_chain(&packet)) {
        true => Seen::DockersChain,
        false => others,
    };
    ours.last().unwrap_or(others)
}
