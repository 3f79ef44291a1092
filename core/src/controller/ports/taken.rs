//! Ports that a socket of the host has.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::link::Protocol;
use crate::store::ports::HostPort;
use crate::sys::{try_port, PortKind};

const PUBLISH: &str = "publish";
/// Of the calling thread's namespace; `/proc/net` is that of the process's first.
const PROC_NET: &str = "/proc/thread-self/net";

/// Whether no socket of the calling thread's namespace has the port.
///
/// # Errors
/// BadRequest when the address is none of the host's; PermissionDenied for a port that takes
/// `CAP_NET_BIND_SERVICE`.
pub(super) fn is_free(port: HostPort) -> Result<bool> {
    // As long as the module is not loaded nobody has a port, and a socket would load it.
    if port.protocol == Protocol::Sctp && !Path::new(PROC_NET).join("sctp").exists() {
        return Ok(true);
    }
    let kind = PortKind { protocol: port.protocol.number(), stream: port.protocol != Protocol::Udp };
    let Err(error) = try_port(kind, SocketAddr::new(port.address, port.port)) else { return Ok(true) };
    match error.raw_os_error() {
        Some(libc::EADDRINUSE) => Ok(false),
        Some(libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT | libc::ESOCKTNOSUPPORT) => Ok(true),
        Some(libc::EADDRNOTAVAIL) => {
            let cause = format!("{} is no address of the host", port.address);
            Err(Error::bad_request(PUBLISH, port.to_string(), cause))
        }
        _ => Err(Error::from_io(PUBLISH, port.to_string(), error)),
    }
}

/// AlreadyExists with whoever has the port.
pub(super) fn conflict(port: HostPort) -> Error {
    let by = owner(port).unwrap_or_else(|| "a socket of a process that is not to be seen here".to_owned());
    Error::new(ErrorKind::AlreadyExists, PUBLISH, "ports").with_cause(format!("{port} is taken by {by}"))
}

/// `NAME (pid NUMBER)`.
fn owner(port: HostPort) -> Option<String> {
    let inode = inode(port)?;
    let pid = process_with(&format!("socket:[{inode}]"))?;
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    let name = String::from_utf8_lossy(&name);
    // A process calls itself what it likes.
    Some(format!("{} (pid {pid})", name.trim_end().escape_debug()))
}

/// The number of a socket that has the port, as the kernel lists them (proc_net(5)).
fn inode(port: HostPort) -> Option<u64> {
    let tables: &[&str] = match port.protocol {
        Protocol::Tcp => &["tcp", "tcp6"],
        Protocol::Udp => &["udp", "udp6"],
        _ => &[],
    };
    tables.iter().find_map(|table| {
        let file = fs::File::open(Path::new(PROC_NET).join(table)).ok()?;
        BufReader::new(file).lines().map_while(io::Result::ok).find_map(|line| inode_of(&line, port))
    })
}

/// The number of the socket that a line is about, if that has the port and a process.
fn inode_of(line: &str, port: HostPort) -> Option<u64> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (address, number) = words.next()?.split_once(':')?;
    if u16::from_str_radix(number, 16) != Ok(port.port) {
        return None;
    }
    let address = parse_address(address)?;
    let same_family = address.is_ipv4() == port.address.is_ipv4();
    let one = address.is_unspecified() || (same_family && port.address.is_unspecified());
    let is_dual = address.is_ipv6() && address.is_unspecified();
    if address != port.address && !(one && (same_family || is_dual)) {
        return None;
    }
    words.nth(7)?.parse().ok().filter(|inode| *inode != 0)
}

/// Words of 32 bits, each as this machine has it in memory.
fn parse_address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    if hex.len() == 8 {
        return Some(word(0)?.into());
    }
    let mut octets = [0; 16];
    for (at, part) in octets.chunks_exact_mut(4).enumerate() {
        part.copy_from_slice(&word(at)?);
    }
    Some(IpAddr::from(octets).to_canonical())
}

/// The first process that has a descriptor of that name.
fn process_with(name: &str) -> Option<u32> {
    let processes =
        fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let has = |pid: &u32| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
        descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).any(|to| to == Path::new(name))
    };
    processes.into_iter().find(has)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(protocol: Protocol, address: &str) -> HostPort {
        HostPort { protocol, address: address.parse().unwrap(), port: 80 }
    }

    #[test]
    fn lines_of_the_kernel_are_read_whatever_they_hold() {
        let line = |address: &str| {
            format!("   0: {address}:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1")
        };
        let v4 = format!("{:08X}", u32::from_ne_bytes([127, 0, 0, 1]));
        let v6 = format!("{}{:08X}", "0".repeat(24), u32::from_ne_bytes([0, 0, 0, 1]));
        let (any, any_v6) = ("0".repeat(8), "0".repeat(32));
        let cases = [
            (&v4, "127.0.0.1", true),
            (&v4, "0.0.0.0", true),
            (&v4, "127.0.0.2", false),
            (&v4, "::", false),
            (&v6, "::1", true),
            (&v6, "::", true),
            (&v6, "0.0.0.0", false),
            (&any, "127.0.0.1", true),
            (&any, "::1", false),
            (&any_v6, "::1", true),
            (&any_v6, "127.0.0.1", true),
            (&any_v6, "0.0.0.0", true),
        ];
        for (listens, wanted, expected) in cases {
            let found = inode_of(&line(listens), port(Protocol::Tcp, wanted));
            assert_eq!(found, expected.then_some(4711), "{listens} {wanted}");
        }
        for hostile in
            ["", "x", "0: :", "0: 0:0050", "0: é00000000:0050", "0: 00000000:0050", "0: 00000000:0051 x"]
        {
            assert_eq!(inode_of(hostile, port(Protocol::Tcp, "0.0.0.0")), None, "{hostile}");
        }
    }
}
