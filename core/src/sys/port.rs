//! Whether a port can be had, without listening on it.

use std::io;
use std::mem::size_of_val;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use libc::{c_int, c_void};

/// What a socket is that is bound to a port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PortKind {
    /// `IPPROTO_TCP` and the like.
    pub(crate) protocol: u8,
    /// Whether it carries a stream, else datagrams.
    pub(crate) stream: bool,
}

/// Binds a socket of the calling thread's namespace to `address`, and closes it.
///
/// A stream may have the port of one that is closed but not forgotten, not that of one that listens
/// (`SO_REUSEADDR`, socket(7)). An IPv6 address is IPv6 alone.
pub(crate) fn try_port(kind: PortKind, address: SocketAddr) -> io::Result<()> {
    let socket = open(kind, address.is_ipv6())?;
    if kind.stream {
        set(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR)?;
    }
    if address.is_ipv6() {
        set(&socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY)?;
    }
    bind(&socket, address)
}

fn open(kind: PortKind, ipv6: bool) -> io::Result<OwnedFd> {
    let family = if ipv6 { libc::AF_INET6 } else { libc::AF_INET };
    let socket = if kind.stream { libc::SOCK_STREAM } else { libc::SOCK_DGRAM };
    // SAFETY: socket takes no pointer.
    let fd = unsafe { libc::socket(family, socket | libc::SOCK_CLOEXEC, c_int::from(kind.protocol)) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just opened `fd` for this call alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn set(socket: &OwnedFd, level: c_int, option: c_int) -> io::Result<()> {
    let on: c_int = 1;
    let value: *const c_void = (&raw const on).cast();
    // SAFETY: `socket` is open, and `on` is of the length that is given and outlives the call.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, value, length(&on)) })
}

fn bind(socket: &OwnedFd, address: SocketAddr) -> io::Result<()> {
    match address {
        SocketAddr::V4(v4) => {
            let address = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                sin_zero: [0; 8],
            };
            let pointer: *const libc::sockaddr = (&raw const address).cast();
            // SAFETY: `socket` is open, and `address` is of the length that is given and outlives the call.
            check(unsafe { libc::bind(socket.as_raw_fd(), pointer, length(&address)) })
        }
        SocketAddr::V6(v6) => {
            let address = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            };
            let pointer: *const libc::sockaddr = (&raw const address).cast();
            // SAFETY: `socket` is open, and `address` is of the length that is given and outlives the call.
            check(unsafe { libc::bind(socket.as_raw_fd(), pointer, length(&address)) })
        }
    }
}

fn length<T>(value: &T) -> libc::socklen_t {
    size_of_val(value) as libc::socklen_t
}

fn check(result: c_int) -> io::Result<()> {
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    const TCP: PortKind = PortKind { protocol: 6, stream: true };
    const UDP: PortKind = PortKind { protocol: 17, stream: false };

    fn errno(kind: PortKind, address: &str) -> Option<i32> {
        try_port(kind, address.parse().unwrap()).err().and_then(|error| error.raw_os_error())
    }

    #[test]
    fn a_port_is_taken_as_long_as_somebody_listens() {
        testhost::host(|_| {
            let listener = TcpListener::bind("127.0.0.1:80").unwrap();
            for taken in ["127.0.0.1:80", "0.0.0.0:80"] {
                assert_eq!(errno(TCP, taken), Some(libc::EADDRINUSE), "{taken}");
            }
            for free in ["127.0.0.2:80", "127.0.0.1:81", "[::]:80", "[::1]:80"] {
                assert_eq!(errno(TCP, free), None, "{free}");
            }
            assert_eq!(errno(UDP, "127.0.0.1:80"), None);
            assert_eq!(errno(TCP, "192.0.2.1:80"), Some(libc::EADDRNOTAVAIL));
            let client = TcpStream::connect("127.0.0.1:80").unwrap();
            let server = listener.accept().unwrap();
            drop((server, listener, client)); // The server's end waits, closed first.
            assert_eq!(errno(TCP, "127.0.0.1:80"), None);
        });
    }

    #[test]
    fn a_dual_stack_socket_has_the_port_of_both_families() {
        testhost::host(|_| {
            let (_tcp, _udp) = (TcpListener::bind("[::]:80").unwrap(), UdpSocket::bind("[::]:80").unwrap());
            for kind in [TCP, UDP] {
                for taken in ["0.0.0.0:80", "127.0.0.1:80", "[::]:80", "[::1]:80"] {
                    assert_eq!(errno(kind, taken), Some(libc::EADDRINUSE), "{kind:?} {taken}");
                }
            }
        });
    }
}
