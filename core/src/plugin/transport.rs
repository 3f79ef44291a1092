//! How a request goes to a plugin: by a unix socket, TCP or TLS, each read and write within one deadline.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use ureq::Timeout;

use super::address::Address;
use super::tls::Tls;

/// With less than that left the time is up.
const LEAST: Duration = Duration::from_millis(1);

/// How many addresses of a host are tried: ureq has room for no more.
const MOST: usize = 16;

/// What goes back and forth.
pub(super) trait Stream: Read + Write + Send + Sync {}

impl<T: Read + Write + Send + Sync> Stream for T {}

/// A socket on which nothing takes longer than until the deadline.
pub(super) struct Timed {
    socket: Socket,
    deadline: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        left(self.deadline)
    }
}

/// What is left until then, and never so little that a socket takes it for no limit at all, as it does below 1 µs.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    match left < LEAST {
        true => Err(io::ErrorKind::TimedOut.into()),
        false => Ok(left),
    }
}

/// What a socket says whose time is up.
fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(buffer).map_err(timed_out)
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        // A plugin that hangs up must not end the process by SIGPIPE.
        self.socket.send_with_flags(buffer, libc::MSG_NOSIGNAL).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a connection for each request.
pub(super) struct Opener {
    pub(super) address: Address,
    pub(super) tls: Option<Tls>,
    pub(super) deadline: Instant,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)
    }
}

impl Opener {
    fn open(&self, addresses: &[SocketAddr]) -> io::Result<Timed> {
        let socket = match &self.address {
            Address::Unix(path) => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
                // Who listens and does not accept lets callers wait, too.
                socket.set_write_timeout(Some(left(self.deadline)?))?;
                socket.connect(&SockAddr::unix(path)?).map_err(timed_out)?;
                socket
            }
            Address::Tcp { .. } => self.connect_to_any(addresses)?,
        };
        Ok(Timed { socket, deadline: self.deadline })
    }

    fn connect_to_any(&self, addresses: &[SocketAddr]) -> io::Result<Socket> {
        let mut failure = io::ErrorKind::AddrNotAvailable.into();
        for (at, address) in addresses.iter().enumerate() {
            // One that does not answer leaves time for the others.
            let patience = left(self.deadline)? / u32::try_from(addresses.len() - at).unwrap_or(1);
            match connect(*address, patience) {
                Ok(socket) => return Ok(socket),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

fn connect(address: SocketAddr, patience: Duration) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.connect_timeout(&address.into(), patience)?;
    socket.set_tcp_nodelay(true)?;
    Ok(socket)
}

impl Connector for Opener {
    type Out = Connection;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Connection>, ureq::Error> {
        let timed = self.open(&details.addrs)?;
        let stream: Box<dyn Stream> = match &self.tls {
            Some(tls) => tls.wrap(timed, details.uri.host().unwrap_or_default())?,
            None => Box::new(timed),
        };
        let (input, output) = (details.config.input_buffer_size(), details.config.output_buffer_size());
        let buffers = LazyBuffers::new(input, output);
        Ok(Some(Connection { stream, buffers, is_tls: self.tls.is_some() }))
    }
}

/// A connection that is open.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    buffers: LazyBuffers,
    is_tls: bool,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection to a plugin")
    }
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.write_all(&self.buffers.output()[..amount]).map_err(named)?;
        self.stream.flush().map_err(named)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        loop {
            match self.stream.read(self.buffers.input_append_buf()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(named(error)),
                Ok(amount) => {
                    self.buffers.input_appended(amount);
                    return Ok(amount > 0);
                }
            }
        }
    }

    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        self.is_tls
    }
}

fn named(error: io::Error) -> ureq::Error {
    match error.kind() {
        io::ErrorKind::TimedOut => ureq::Error::Timeout(Timeout::Global),
        _ => error.into(),
    }
}

/// The addresses of a host; a unix socket needs none.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) by_name: bool,
    pub(super) deadline: Instant,
}

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut found = self.empty();
        if !self.by_name {
            found.push((Ipv4Addr::LOCALHOST, 0).into());
            return Ok(found);
        }
        let port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let addresses =
            look_up(uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(port), self.deadline);
        addresses.map_err(named)?.into_iter().take(MOST).for_each(|address| found.push(address));
        match found.is_empty() {
            true => Err(ureq::Error::HostNotFound),
            false => Ok(found),
        }
    }
}

/// The addresses of a host. A name is looked up by another thread: nothing else limits how long that takes.
fn look_up(host: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![(address, port).into()]);
    }
    let (tell, told) = mpsc::sync_channel(1);
    let ask = move || {
        // Nobody may be waiting any more.
        let _ = tell.send((host.as_str(), port).to_socket_addrs().map(Vec::from_iter));
    };
    thread::Builder::new().name("netns-names".to_owned()).spawn(ask)?;
    told.recv_timeout(left(deadline)?).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::net::UnixStream;

    use nix::sys::signal::{SigSet, Signal};

    use super::*;

    fn timed(patience: Duration) -> (Timed, UnixStream) {
        let (own, other) = UnixStream::pair().unwrap();
        (Timed { socket: own.into(), deadline: Instant::now() + patience }, other)
    }

    /// The signals that wait for this thread, as a mask.
    fn pending() -> u64 {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("SigPnd:")).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    }

    #[test]
    fn who_hangs_up_sends_no_signal() {
        // One that is blocked waits, also where it is ignored.
        SigSet::from(Signal::SIGPIPE).thread_block().unwrap();
        let (mut own, other) = timed(Duration::from_secs(60));
        drop(other);
        assert_eq!(own.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(pending(), 0);
    }

    #[test]
    fn so_little_time_that_a_socket_would_take_it_for_no_limit_is_none() {
        for patience in [Duration::ZERO, Duration::from_nanos(900), Duration::from_micros(900)] {
            assert_eq!(left(Instant::now() + patience).unwrap_err().kind(), io::ErrorKind::TimedOut);
        }
        let (mut own, _other) = timed(Duration::from_micros(900));
        assert_eq!(own.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(own.write(b"x").unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn an_address_is_not_looked_up_and_a_name_no_longer_than_there_is_time() {
        let over = Instant::now();
        assert_eq!(look_up("192.0.2.7", 8, over).unwrap(), ["192.0.2.7:8".parse().unwrap()]);
        assert_eq!(look_up("[2001:db8::7]", 8, over).unwrap(), ["[2001:db8::7]:8".parse().unwrap()]);
        assert_eq!(look_up("localhost", 8, over).unwrap_err().kind(), io::ErrorKind::TimedOut);
        let found = look_up("localhost", 8, over + Duration::from_secs(60)).unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 8), "{found:?}");
    }
}
