//! What counters are measured against: filters that count nothing, and the kernel's own counters.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::net::if_::if_nametoindex;

use super::{Floor, NEW, NLMSG_ERROR, NLMSG_HEADER, RTM_NEWLINK};

// <linux/netlink.h>
const NLMSG_DONE: u16 = 3;
const NLM_F_DUMP: u16 = 0x300;
/// What the kernel fills at most in one answer of a dump.
const DUMP_ROOM: usize = 32 * 1024;

// <linux/if_link.h>
const IFLA_STATS64: u16 = 23;
const IFLA_STATS_LINK_64: u16 = 1;
/// The lengths of the messages' fixed parts.
const IFINFOMSG: usize = 16;
const IF_STATS_MSG: usize = 12;

// <linux/rtnetlink.h>, <linux/pkt_sched.h>, <linux/pkt_cls.h>
const RTM_GETLINK: u16 = 18;
const RTM_NEWSTATS: u16 = 92;
const RTM_GETSTATS: u16 = 94;
const RTM_NEWQDISC: u16 = 36;
const RTM_NEWTFILTER: u16 = 44;
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_BPF_FD: u16 = 6;
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_FLAGS: u16 = 8;
const TCA_BPF_FLAG_ACT_DIRECT: u32 = 1;
const CLSACT_HANDLE: u32 = 0xffff_0000;
const CLSACT: u32 = 0xffff_fff1;
const INGRESS: u32 = 0xffff_fff2;
const EGRESS: u32 = 0xffff_fff3;
const ETH_P_ALL: u16 = 3;
const PRIORITY: u32 = 1;

/// What a link has received and sent, as it sees it itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "as the kernel calls them")]
pub struct LinkCounters {
    pub index: u32,
    pub rx_bytes: u64,
    pub rx_packets: u64,
    pub tx_bytes: u64,
    pub tx_packets: u64,
}

impl Floor {
    /// Has `program` see what the host's `link` receives and sends, by filters like those that count.
    ///
    /// # Errors
    /// From the look-up of `link`, or the kernel's first refusal; what succeeded before it stays.
    pub fn filter(&mut self, link: &str, program: BorrowedFd<'_>) -> io::Result<()> {
        let index = if_nametoindex(link)?;
        self.begin_tc(RTM_NEWQDISC, index, [CLSACT_HANDLE, CLSACT, 0]);
        self.messages.string(TCA_KIND, "clsact");
        self.messages.end();
        for parent in [INGRESS, EGRESS] {
            let info = PRIORITY << 16 | u32::from(ETH_P_ALL.to_be());
            self.begin_tc(RTM_NEWTFILTER, index, [0, parent, info]);
            let m = &mut self.messages;
            m.string(TCA_KIND, "bpf");
            let options = m.open(TCA_OPTIONS);
            m.attribute(TCA_BPF_FD, &program.as_raw_fd().to_ne_bytes());
            m.string(TCA_BPF_NAME, "floor");
            m.number(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
            m.close(options);
            m.end();
        }
        self.messages.transfer(&self.socket)
    }

    /// struct tcmsg: family, pad, ifindex, then handle, parent, info
    fn begin_tc(&mut self, kind: u16, index: u32, words: [u32; 3]) {
        self.messages.begin(kind, NEW);
        self.messages.buffer.extend_from_slice(&[0; 4]);
        for word in [index].into_iter().chain(words) {
            self.messages.buffer.extend_from_slice(&word.to_ne_bytes());
        }
    }

    /// Has the kernel tell of all links of the host, with their counters, and returns how many there are.
    ///
    /// # Errors
    /// From the socket, or the kernel's refusal.
    pub fn list_links(&mut self) -> io::Result<usize> {
        let mut links = 0;
        self.ask_links();
        self.answers(RTM_NEWLINK, |_| links += 1)?;
        Ok(links)
    }

    /// The counters of all links of the host, by `RTM_GETLINK`.
    ///
    /// # Errors
    /// From the socket, or the kernel's refusal.
    pub fn link_counters(&mut self) -> io::Result<Vec<LinkCounters>> {
        let mut all = Vec::new();
        self.ask_links();
        self.answers(RTM_NEWLINK, |body| all.extend(LinkCounters::of(body, IFINFOMSG, IFLA_STATS64)))?;
        Ok(all)
    }

    /// The same by `RTM_GETSTATS`, which tells nothing else.
    ///
    /// # Errors
    /// From the socket, or the kernel's refusal.
    pub fn stats_counters(&mut self) -> io::Result<Vec<LinkCounters>> {
        let mut all = Vec::new();
        let m = &mut self.messages;
        m.begin(RTM_GETSTATS, NLM_F_DUMP);
        // struct if_stats_msg: family, pad, ifindex, filter_mask
        m.buffer.extend_from_slice(&[0; 8]);
        m.buffer.extend_from_slice(&(1_u32 << (IFLA_STATS_LINK_64 - 1)).to_ne_bytes());
        m.end();
        self.answers(RTM_NEWSTATS, |body| {
            all.extend(LinkCounters::of(body, IF_STATS_MSG, IFLA_STATS_LINK_64));
        })?;
        Ok(all)
    }

    fn ask_links(&mut self) {
        let m = &mut self.messages;
        m.begin(RTM_GETLINK, NLM_F_DUMP);
        m.link_header(0, 0);
        m.end();
    }

    /// Sends the request for a dump, and hands what follows the header of each answer of `kind` to `take`.
    fn answers(&mut self, kind: u16, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        let m = &mut self.messages;
        m.count = 0;
        let sent = self.socket.send(&m.buffer, 0);
        m.buffer.clear();
        sent?;
        let mut reply = vec![0; DUMP_ROOM];
        loop {
            let mut room = &mut reply[..];
            let received = self.socket.recv(&mut room, 0)?;
            let mut rest = &reply[..received];
            while let Some((answer, length)) = header(rest) {
                match answer {
                    NLMSG_DONE => return Ok(()),
                    NLMSG_ERROR => return Err(io::Error::other("the kernel refuses a dump")),
                    answer if answer == kind => take(rest.get(NLMSG_HEADER..length).unwrap_or_default()),
                    _ => {}
                }
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
            }
        }
    }
}

impl LinkCounters {
    /// Those of an answer whose fixed part is so long, from the attribute `kind`, struct rtnl_link_stats64.
    fn of(body: &[u8], fixed: usize, kind: u16) -> Option<Self> {
        let index = u32::from_ne_bytes(body.get(4..8)?.try_into().ok()?);
        let mut rest = body.get(fixed..)?;
        loop {
            let length = usize::from(u16::from_ne_bytes(rest.get(..2)?.try_into().ok()?));
            if u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?) == kind {
                let word =
                    |at: usize| Some(u64::from_ne_bytes(rest.get(4 + 8 * at..12 + 8 * at)?.try_into().ok()?));
                let [rx_packets, tx_packets, rx_bytes, tx_bytes] = [word(0)?, word(1)?, word(2)?, word(3)?];
                return Some(Self { index, rx_bytes, rx_packets, tx_bytes, tx_packets });
            }
            rest = rest.get(length.max(4).next_multiple_of(4)..)?;
        }
    }
}

/// The kind and the length of the first message of a datagram.
fn header(datagram: &[u8]) -> Option<(u16, usize)> {
    let length = u32::from_ne_bytes(datagram.get(..4)?.try_into().ok()?) as usize;
    let kind = u16::from_ne_bytes(datagram.get(4..6)?.try_into().ok()?);
    Some((kind, length.max(NLMSG_HEADER)))
}
