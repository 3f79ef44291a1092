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

// <linux/rtnetlink.h>, <linux/pkt_sched.h>, <linux/pkt_cls.h>
const RTM_GETLINK: u16 = 18;
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
        let m = &mut self.messages;
        m.begin(RTM_GETLINK, NLM_F_DUMP);
        m.link_header(0, 0);
        m.end();
        m.count = 0;
        let sent = self.socket.send(&m.buffer, 0);
        m.buffer.clear();
        sent?;
        let mut reply = vec![0; DUMP_ROOM];
        let mut links = 0;
        loop {
            let mut room = &mut reply[..];
            let received = self.socket.recv(&mut room, 0)?;
            let mut rest = &reply[..received];
            while let Some((kind, length)) = header(rest) {
                match kind {
                    NLMSG_DONE => return Ok(links),
                    NLMSG_ERROR => return Err(io::Error::other("the kernel lists no links")),
                    RTM_NEWLINK => links += 1,
                    _ => {}
                }
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
            }
        }
    }
}

/// The kind and the length of the first message of a datagram.
fn header(datagram: &[u8]) -> Option<(u16, usize)> {
    let length = u32::from_ne_bytes(datagram.get(..4)?.try_into().ok()?) as usize;
    let kind = u16::from_ne_bytes(datagram.get(4..6)?.try_into().ok()?);
    Some((kind, length.max(NLMSG_HEADER)))
}
