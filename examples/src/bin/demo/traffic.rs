//! Traffic between sandboxes: ping by the program, TCP by threads inside.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use netns::Sandbox;

use crate::host::run;
use crate::Result;

/// Nothing here should take as long.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where [`visitor`] listens.
const SERVED: u16 = 80;
const CHUNK: usize = 256 * 1024;

/// The round trip of one ping from `sandbox` to `address`, in milliseconds.
pub(crate) fn ping(sandbox: &Sandbox, address: IpAddr) -> Result<f64> {
    let net = format!("--net={}", sandbox.key());
    let address = address.to_string();
    let output = run("nsenter", &[&net, "ping", "-n", "-c1", "-W2", &address])?;
    let time = output.split_whitespace().find_map(|word| word.strip_prefix("time="));
    let time = time.and_then(|time| time.parse().ok());
    time.ok_or_else(|| format!("ping {address} says no time: {output}").into())
}

/// Sends `bytes` bytes from one sandbox to `address` of another, and returns how long it took.
pub(crate) fn transfer(from: &Sandbox, to: &Sandbox, address: IpAddr, bytes: usize) -> Result<Duration> {
    let listener = to.run(|| TcpListener::bind((address, 0)))??;
    let address = listener.local_addr()?;
    thread::scope(|scope| {
        let sender = thread::Builder::new().spawn_scoped(scope, || from.run(|| send(address, bytes)))?;
        let receiver = thread::Builder::new().spawn_scoped(scope, || to.run(|| receive(&listener)))?;
        let sent = sender.join().map_err(|_| "the sender panicked")???;
        let (received, finished) = receiver.join().map_err(|_| "the receiver panicked")???;
        if received != bytes {
            return Err(format!("{received} of {bytes} bytes came to {address}").into());
        }
        Ok(finished - sent)
    })
}

/// Whom a listener on port 80 in `to` sees when somebody in `from` connects to `address`; nobody when no connection
/// comes about for as long as `patience`.
pub(crate) fn visitor(
    from: &Sandbox,
    to: &Sandbox,
    address: SocketAddr,
    patience: Duration,
) -> Result<Option<IpAddr>> {
    let listener = to.run(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, SERVED)))??;
    let connected = from.run(|| TcpStream::connect_timeout(&address, patience))?;
    match connected {
        Ok(_stream) => Ok(Some(accept(&listener)?.peer_addr()?.ip())),
        Err(_) => Ok(None),
    }
}

/// Returns when it began.
fn send(address: SocketAddr, bytes: usize) -> io::Result<Instant> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let chunk = vec![0x5a; CHUNK];
    let begin = Instant::now();
    let mut left = bytes;
    while left > 0 {
        left -= stream.write(&chunk[..left.min(CHUNK)])?;
    }
    Ok(begin)
}

/// Returns how much came, and when the end did.
fn receive(listener: &TcpListener) -> io::Result<(usize, Instant)> {
    let mut stream = accept(listener)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut chunk = vec![0; CHUNK];
    let mut received = 0;
    loop {
        match stream.read(&mut chunk)? {
            0 => return Ok((received, Instant::now())),
            length => received += length,
        }
    }
}

/// Not forever: the sender may have failed to connect.
fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    listener.set_nonblocking(true)?;
    let begin = Instant::now();
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && begin.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_micros(100));
            }
            Err(error) => return Err(error),
        }
    }
}
