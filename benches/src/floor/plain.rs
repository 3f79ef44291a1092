//! The same job in the order that is customary: what a tool does that makes the pair in the host and moves one end.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;

use nix::net::if_::if_nametoindex;

use super::{
    Address, Ends, Floor, FloorSandbox, AF_INET, IFLA_ADDRESS, IFLA_IFNAME, IFLA_INFO_DATA, IFLA_INFO_KIND,
    IFLA_LINKINFO, IFLA_MASTER, IFLA_MTU, IFLA_NET_NS_FD, INSIDE_NAME, LO_INDEX, MTU, NEW, VETH_INFO_PEER,
};

impl Floor {
    /// [`Floor::join`] in the customary order: the pair is made in the host with as many queues as it gets, its host
    /// end enslaved and brought up, the other moved and renamed; then address, links up and route. Each step is a send
    /// of its own, as tools and libraries have it. A sandbox is as `join` leaves it, but for the ifindex inside.
    ///
    /// # Errors
    /// The kernel's first refusal; what succeeded before it stays.
    pub fn plain_join(
        &mut self,
        sandbox: &mut FloorSandbox,
        ends: &Ends<'_>,
        v4: Address<Ipv4Addr>,
    ) -> io::Result<()> {
        let born = format!("{}p", ends.host_name);
        self.plain_pair(ends, &born)?;
        let (host, inside) = (if_nametoindex(ends.host_name)?, if_nametoindex(born.as_str())?);
        let m = &mut self.messages;
        if let Some(bridge) = self.bridge {
            m.begin_link(host, 0, 0);
            m.number(IFLA_MASTER, bridge);
            m.end();
            m.transfer(&self.socket)?;
        }
        m.up(host);
        m.transfer(&self.socket)?;
        m.begin_link(inside, 0, 0);
        m.attribute(IFLA_NET_NS_FD, &sandbox.namespace.as_raw_fd().to_ne_bytes());
        m.end();
        m.transfer(&self.socket)?;

        // The ifindex stays: nobody else has it in a fresh namespace.
        m.begin_link(inside, 0, 0);
        m.string(IFLA_IFNAME, INSIDE_NAME);
        m.end();
        m.transfer(&sandbox.socket)?;
        m.address_v4(inside, v4);
        m.transfer(&sandbox.socket)?;
        for link in [LO_INDEX, inside] {
            m.up(link);
            m.transfer(&sandbox.socket)?;
        }
        m.route(inside, AF_INET, &v4.gateway.octets());
        m.transfer(&sandbox.socket)?;
        if self.bridge.is_some() {
            return Ok(());
        }
        m.route_to(host, v4.address);
        m.transfer(&self.socket)
    }

    fn plain_pair(&mut self, ends: &Ends<'_>, born: &str) -> io::Result<()> {
        let m = &mut self.messages;
        m.begin_link(0, 0, NEW);
        m.string(IFLA_IFNAME, ends.host_name);
        m.attribute(IFLA_ADDRESS, &ends.host_mac);
        m.number(IFLA_MTU, MTU);
        let info = m.open(IFLA_LINKINFO);
        m.attribute(IFLA_INFO_KIND, b"veth");
        let data = m.open(IFLA_INFO_DATA);
        let peer = m.open(VETH_INFO_PEER);
        m.link_header(0, 0);
        m.string(IFLA_IFNAME, born);
        m.attribute(IFLA_ADDRESS, &ends.mac);
        m.number(IFLA_MTU, MTU);
        m.close(peer);
        m.close(data);
        m.close(info);
        m.end();
        m.transfer(&self.socket)
    }
}
