//! Frames as somebody would forge them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netns::MacAddr;

/// Who a frame says it is from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender {
    pub(crate) mac: MacAddr,
    pub(crate) address: IpAddr,
}

pub(crate) const BROADCAST: [u8; 6] = [0xff; 6];

/// A datagram to UDP port 9 of `to` that ends in `mark`.
pub(crate) fn datagram(sender: Sender, (mac, to): ([u8; 6], IpAddr), mark: &[u8]) -> Vec<u8> {
    let mut udp = Vec::new();
    udp.extend(5000_u16.to_be_bytes());
    udp.extend(9_u16.to_be_bytes());
    udp.extend((8 + mark.len() as u16).to_be_bytes());
    udp.extend([0; 2]);
    udp.extend(mark);
    match (sender.address, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ethernet(sender.mac, mac, 0x0800, &v4(from, to, 17, &udp)),
        (IpAddr::V6(from), IpAddr::V6(to)) => ethernet(sender.mac, mac, 0x86dd, &v6(from, to, 17, 6, udp)),
        _ => panic!("both are of one family"),
    }
}

/// An ARP reply to everybody: `sender` has its address. The frame itself is from `mac`.
pub(crate) fn arp(mac: MacAddr, sender: Sender, mark: &[u8]) -> Vec<u8> {
    let IpAddr::V4(address) = sender.address else { panic!("ARP is of IPv4") };
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 2];
    packet.extend(sender.mac.octets());
    packet.extend(address.octets());
    packet.extend(BROADCAST);
    packet.extend(address.octets());
    packet.extend(mark);
    ethernet(mac, BROADCAST, 0x0806, &packet)
}

/// A neighbour advertisement to everybody from `sender`: `target` is its.
pub(crate) fn advertisement(sender: Sender, target: Ipv6Addr, mark: &[u8]) -> Vec<u8> {
    let IpAddr::V6(from) = sender.address else { panic!("neighbours are of IPv6") };
    let mut packet = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    packet.extend(target.octets());
    packet.extend([2, 1]);
    packet.extend(sender.mac.octets());
    // An option that nobody knows, with the mark in it.
    packet.extend([253, 0]);
    packet.resize(packet.len() + (8 - (mark.len() + 2) % 8) % 8, 0);
    packet.extend(mark);
    packet[33] = ((packet.len() - 32) / 8) as u8;
    let everybody = "ff02::1".parse().unwrap();
    ethernet(sender.mac, [0x33, 0x33, 0, 0, 0, 1], 0x86dd, &v6(from, everybody, 58, 2, packet))
}

/// A router advertisement to everybody: `sender` is a router, and gives out addresses of `prefix`, a /64.
pub(crate) fn router(sender: Sender, prefix: Ipv6Addr) -> Vec<u8> {
    let minutes = 1800_u16.to_be_bytes();
    let mut packet = vec![134, 0, 0, 0, 64, 0, minutes[0], minutes[1], 0, 0, 0, 0, 0, 0, 0, 0];
    packet.extend([1, 1]);
    packet.extend(sender.mac.octets());
    packet.extend([3, 4, 64, 0xc0]);
    packet.extend([0, 0, minutes[0], minutes[1], 0, 0, minutes[0], minutes[1], 0, 0, 0, 0]);
    packet.extend(prefix.octets());
    let IpAddr::V6(from) = sender.address else { panic!("routers advertise themselves by IPv6") };
    let everybody = "ff02::1".parse().unwrap();
    ethernet(sender.mac, [0x33, 0x33, 0, 0, 0, 1], 0x86dd, &v6(from, everybody, 58, 2, packet))
}

/// A redirect of either family from `sender` to the victim: to `far` it is by `by`.
pub(crate) fn redirect(sender: Sender, (mac, victim): ([u8; 6], IpAddr), far: IpAddr, by: IpAddr) -> Vec<u8> {
    match (sender.address, victim, far, by) {
        (IpAddr::V4(from), IpAddr::V4(victim), IpAddr::V4(far), IpAddr::V4(by)) => {
            // Of what the victim sent, an echo reply.
            let sent = v4(victim, far, 1, &[0; 8]);
            let mut packet = [&[5, 1, 0, 0][..], &by.octets(), &sent].concat();
            let sum = checksum(&[&packet]);
            packet[2..4].copy_from_slice(&sum);
            ethernet(sender.mac, mac, 0x0800, &v4(from, victim, 1, &packet))
        }
        (IpAddr::V6(from), IpAddr::V6(victim), IpAddr::V6(far), IpAddr::V6(by)) => {
            let packet = [&[137, 0, 0, 0, 0, 0, 0, 0][..], &by.octets(), &far.octets()].concat();
            ethernet(sender.mac, mac, 0x86dd, &v6(from, victim, 58, 2, packet))
        }
        _ => panic!("all are of one family"),
    }
}

/// What else may be in a frame.
pub(crate) fn ethernet(from: MacAddr, to: [u8; 6], kind: u16, packet: &[u8]) -> Vec<u8> {
    [&to[..], &from.octets(), &kind.to_be_bytes(), packet].concat()
}

/// The frame with a VLAN's tag.
pub(crate) fn tagged(frame: &[u8]) -> Vec<u8> {
    [&frame[..12], &[0x81, 0, 0, 5], &frame[12..]].concat()
}

fn v4(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend((20 + payload.len() as u16).to_be_bytes());
    header.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    header.extend(from.octets());
    header.extend(to.octets());
    let sum = checksum(&[&header]);
    header[10..12].copy_from_slice(&sum);
    [&header, payload].concat()
}

fn v6(from: Ipv6Addr, to: Ipv6Addr, protocol: u8, sum_at: usize, mut payload: Vec<u8>) -> Vec<u8> {
    let length = payload.len() as u16;
    let (from, to) = (from.octets(), to.octets());
    let pseudo = [&from[..], &to, &[0, 0], &length.to_be_bytes(), &[0, 0, 0, protocol]].concat();
    let sum = checksum(&[&pseudo, &payload]);
    payload[sum_at..sum_at + 2].copy_from_slice(&sum);
    let hops = if protocol == 58 { 255 } else { 64 };
    [&[0x60, 0, 0, 0][..], &length.to_be_bytes(), &[protocol, hops], &from, &to, &payload].concat()
}

fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let bytes = parts.concat();
    let words = bytes.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}
