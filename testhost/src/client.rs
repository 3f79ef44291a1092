use std::fmt::{self, Write};
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::place::enter;
use crate::server::end_at_once;

/// How long an answer that is expected may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long nothing must come where nothing is expected.
const SILENCE: Duration = Duration::from_millis(400);
/// How long a datagram may be on its way before another is sent.
const AGAIN: Duration = Duration::from_millis(250);

/// How a [`Try`] asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// By a connection.
    Tcp,
    /// By a datagram.
    Udp,
}

impl Transport {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Tcp, Self::Udp];
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Tcp { "tcp" } else { "udp" })
    }
}

/// A question to a [`Server`](crate::Server), and what is to come of it.
#[derive(Clone, Debug)]
pub struct Try {
    from: String,
    source: Option<SocketAddr>,
    transport: Transport,
    to: SocketAddr,
    size: usize,
    expected: Option<String>,
}

impl Try {
    /// Who asks `to`, from the namespace called `from`, or from the calling thread's if that is empty, is not
    /// to get an answer.
    pub fn nothing(from: &str, transport: Transport, to: SocketAddr) -> Self {
        Self { from: from.to_owned(), source: None, transport, to, size: 1, expected: None }
    }

    /// The server called `name` is to answer, and to see the address `seen`.
    #[must_use]
    pub fn answers(self, name: &str, seen: IpAddr) -> Self {
        Self { expected: Some(format!("{name} {seen}")), ..self }
    }

    /// The server called `name` is to answer, whatever address it sees.
    #[must_use]
    pub fn reaches(self, name: &str) -> Self {
        Self { expected: Some(format!("{name} ")), ..self }
    }

    /// Asks by datagrams from this socket address.
    #[must_use]
    pub fn from(self, source: SocketAddr) -> Self {
        Self { source: Some(source), transport: Transport::Udp, ..self }
    }

    /// Asks by a datagram of that many bytes, and expects one as long.
    #[must_use]
    pub fn of_size(self, size: usize) -> Self {
        Self { size, transport: Transport::Udp, ..self }
    }

    /// Asks once and says what came.
    ///
    /// # Errors
    /// Whatever kept the answer away.
    pub fn ask(&self) -> io::Result<String> {
        let patience = if self.expected.is_some() { PATIENCE } else { SILENCE };
        thread::scope(|scope| {
            let asking = scope.spawn(|| {
                enter(&self.from);
                match self.transport {
                    Transport::Tcp => self.connect(patience),
                    Transport::Udp => self.send(patience),
                }
            });
            asking.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
        })
    }

    fn connect(&self, patience: Duration) -> io::Result<String> {
        let stream = TcpStream::connect_timeout(&self.to, patience)?;
        end_at_once(&stream)?;
        stream.set_read_timeout(Some(patience))?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer)?;
        match answer.trim_end() {
            "" => Err(ErrorKind::UnexpectedEof.into()),
            answer => Ok(answer.to_owned()),
        }
    }

    fn send(&self, patience: Duration) -> io::Result<String> {
        let any: IpAddr = match self.to {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind(self.source.unwrap_or_else(|| (any, 0).into()))?;
        socket.connect(self.to)?;
        socket.set_read_timeout(Some(AGAIN))?;
        let begin = Instant::now();
        let mut buffer = vec![0; usize::from(u16::MAX)];
        loop {
            let turn = socket.send(&vec![b'?'; self.size]).and_then(|_| socket.recv(&mut buffer));
            match turn {
                Ok(length) if length >= self.size => return Ok(first_line(&buffer[..length])),
                Ok(length) => return Err(io::Error::other(format!("{length} bytes of {}", self.size))),
                Err(error) if begin.elapsed() >= patience => return Err(error),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => thread::sleep(AGAIN / 10),
            }
        }
    }

    /// What is wrong with what came; nothing when it is what was expected.
    fn complaint(&self) -> Option<String> {
        let came = self.ask();
        let wrong = match (&self.expected, &came) {
            (Some(expected), Ok(answer)) if expected.ends_with(' ') => !answer.starts_with(expected),
            (Some(expected), Ok(answer)) => answer != expected,
            (expected, came) => expected.is_some() || came.is_ok(),
        };
        wrong.then(|| format!("{self}: {came:?}"))
    }
}

impl fmt::Display for Try {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = if self.from.is_empty() { "the host" } else { &self.from };
        write!(f, "from {from}")?;
        if let Some(source) = self.source {
            write!(f, " ({source})")?;
        }
        write!(f, " to {}/{}, expecting {:?}", self.to, self.transport, self.expected)
    }
}

fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

/// Tries all, first those that are to be answered, then the others, at the same time each.
///
/// # Panics
/// With `context` and all that did not come out as expected.
#[track_caller]
pub fn attempt(context: &str, tries: &[Try]) {
    let (answered, silent): (Vec<_>, Vec<_>) = tries.iter().partition(|own| own.expected.is_some());
    let mut text = String::new();
    for group in [answered, silent] {
        let complaints: Vec<_> = thread::scope(|scope| {
            let asking: Vec<_> = group.iter().map(|own| scope.spawn(|| own.complaint())).collect();
            asking.into_iter().map(|one| one.join().expect("asking does not panic")).collect()
        });
        for complaint in complaints.into_iter().flatten() {
            writeln!(text, "  {complaint}").expect("a string takes all");
        }
    }
    assert!(text.is_empty(), "{context}:\n{text}");
}
