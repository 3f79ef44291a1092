use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{mpsc, Arc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::Linger;

use crate::place::enter;

/// How long a server waits before it looks whether it is to end.
const TURN: Duration = Duration::from_millis(50);
/// The largest datagram.
const DATAGRAM: usize = 65_535;

/// TCP and UDP servers on threads of their own, until it is dropped.
///
/// To whoever comes they say `NAME ADDRESS`, a line with their name and the address they see him by. A
/// datagram is answered by one of the same length at least; on a connection everything after the line
/// comes back as it was sent.
#[derive(Debug)]
pub struct Server {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

enum Socket {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Server {
    /// Serves on all addresses of both families in the namespace called `namespace`, in the calling thread's
    /// if that is empty. It is ready when this returns.
    ///
    /// # Panics
    /// When a port is taken.
    #[track_caller]
    pub fn start(namespace: &str, name: &str, ports: &[u16]) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let (ready, is_ready) = mpsc::channel();
        let thread = thread::spawn({
            let (namespace, name) = (namespace.to_owned(), name.to_owned());
            let (ports, ends) = (ports.to_vec(), Arc::clone(&ends));
            move || {
                enter(&namespace);
                let sockets: Vec<_> = ports.iter().flat_map(|port| open(*port)).collect();
                ready.send(()).expect("somebody waits for it");
                serve(&name, &sockets, &ends);
            }
        });
        is_ready.recv().unwrap_or_else(|_| panic!("testhost: no server {name} on {ports:?}"));
        Self { ends, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "testhost: a server panicked");
        }
    }
}

fn open(port: u16) -> [Socket; 2] {
    let here = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let tcp = TcpListener::bind(here).unwrap_or_else(|e| panic!("testhost: TCP port {port}: {e}"));
    let udp = UdpSocket::bind(here).unwrap_or_else(|e| panic!("testhost: UDP port {port}: {e}"));
    tcp.set_nonblocking(true).expect("a socket");
    udp.set_nonblocking(true).expect("a socket");
    [Socket::Tcp(tcp), Socket::Udp(udp)]
}

fn serve(name: &str, sockets: &[Socket], ends: &AtomicBool) {
    thread::scope(|scope| {
        while !ends.load(Ordering::Relaxed) {
            wait(&sockets.iter().map(Socket::as_fd).collect::<Vec<_>>());
            for socket in sockets {
                match socket {
                    Socket::Tcp(listener) => {
                        while let Ok((stream, peer)) = listener.accept() {
                            scope.spawn(move || talk(name, stream, peer, ends));
                        }
                    }
                    Socket::Udp(socket) => answer(name, socket),
                }
            }
        }
    });
}

impl Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Udp(socket) => socket.as_fd(),
        }
    }
}

fn wait(sockets: &[BorrowedFd<'_>]) {
    let mut polled: Vec<_> = sockets.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    let turn = PollTimeout::try_from(TURN).expect("a short time");
    // An interrupted wait is one that was short.
    let _ = poll(&mut polled, turn);
}

/// The connection ends when the stream is dropped, and does not keep its namespace until the other side has
/// heard of it.
pub(crate) fn end_at_once(stream: &TcpStream) -> io::Result<()> {
    Ok(setsockopt(stream, Linger, &nix::libc::linger { l_onoff: 1, l_linger: 0 })?)
}

fn line(name: &str, peer: SocketAddr) -> String {
    let seen: IpAddr = peer.ip().to_canonical();
    format!("{name} {seen}\n")
}

fn talk(name: &str, mut stream: TcpStream, peer: SocketAddr, ends: &AtomicBool) {
    let mut buffer = [0; 4096];
    let begun = stream.set_nonblocking(false).and_then(|()| stream.set_read_timeout(Some(TURN)));
    if begun
        .and_then(|()| end_at_once(&stream))
        .and_then(|()| stream.write_all(line(name, peer).as_bytes()))
        .is_err()
    {
        return;
    }
    while !ends.load(Ordering::Relaxed) {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) if stream.write_all(&buffer[..length]).is_ok() => {}
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            _ => return,
        }
    }
}

fn answer(name: &str, socket: &UdpSocket) {
    let mut buffer = vec![0; DATAGRAM];
    while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
        let mut text = line(name, peer).into_bytes();
        text.resize(text.len().max(length), b'.');
        // Whoever hears nothing says so.
        let _ = socket.send_to(&text, peer);
    }
}
