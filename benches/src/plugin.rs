//! The server for Docker, as a process of its own, and requests to it and to Docker.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use serde_json::Value;

use crate::figures::target;

/// Where it listens.
pub const SOCKET: &str = "/run/docker/plugins/netns.sock";
const PATIENCE: Duration = Duration::from_secs(20);

/// `netnsctl serve docker`, which ends when this is dropped.
#[derive(Debug)]
pub struct Server(Child);

impl Server {
    /// Starts what `scripts/lib` has built, and waits until it listens.
    ///
    /// # Errors
    /// When it has not, or the server does not start.
    pub fn start() -> Result<Self, String> {
        let program = target().join("lib/netnsctl");
        if !program.exists() {
            return Err(format!("no {}: run scripts/lib", program.display()));
        }
        let mut command = Command::new(program);
        command.args(["serve", "docker"]).stdin(Stdio::null()).stdout(Stdio::null());
        let server = Self(command.spawn().map_err(|error| error.to_string())?);
        let begin = Instant::now();
        while UnixStream::connect(SOCKET).is_err() {
            if begin.elapsed() > PATIENCE {
                return Err("the server does not listen".to_owned());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// Its memory in MiB: that it has (`VmRSS`), and the most that it has had (`VmHWM`).
    ///
    /// # Panics
    /// When it has ended.
    pub fn memory(&self) -> [f64; 2] {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("a server that runs");
        ["VmRSS:", "VmHWM:"].map(|key| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("memory");
            let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
            kib / 1024.0
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

/// Who sends requests to a socket, each by a connection of its own.
#[derive(Clone, Debug)]
pub struct Caller(&'static str);

/// A connection, for one request.
struct Connection {
    reader: BufReader<UnixStream>,
}

impl Caller {
    /// To that socket.
    pub fn new(socket: &'static str) -> Self {
        Self(socket)
    }

    /// Posts a body, and waits for the answer's.
    ///
    /// # Errors
    /// When nobody listens, or the answer is an error.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let stream = UnixStream::connect(self.0).map_err(|error| format!("{}: {error}", self.0))?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        Connection { reader: BufReader::new(stream) }.post(path, body)
    }
}

impl Connection {
    fn post(&mut self, path: &str, body: &Value) -> Result<Value, String> {
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let sent = self.reader.get_mut().write_all((head + &body).as_bytes());
        sent.map_err(|error| format!("{path}: {error}"))?;
        let (status, body) = self.answer().map_err(|error| format!("{path}: {error}"))?;
        let text = String::from_utf8_lossy(&body);
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        let is_error =
            ["Err", "Error"].iter().any(|key| value[*key].as_str().is_some_and(|err| !err.is_empty()));
        match (200..300).contains(&status) && !is_error {
            true => Ok(value),
            false => Err(format!("{path}: {status}: {text}")),
        }
    }

    fn answer(&mut self) -> std::io::Result<(u16, Vec<u8>)> {
        let status = self.line()?.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            let Some((key, value)) = line.split_once(':') else { break };
            match key {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "transfer-encoding" => is_chunked = true,
                _ => {}
            }
        }
        let mut body = Vec::new();
        if !is_chunked {
            self.read(length, &mut body)?;
            return Ok((status, body));
        }
        loop {
            let length = usize::from_str_radix(&self.line()?, 16).unwrap_or(0);
            self.read(length, &mut body)?;
            self.line()?;
            if length == 0 {
                return Ok((status, body));
            }
        }
    }

    fn read(&mut self, length: usize, body: &mut Vec<u8>) -> std::io::Result<()> {
        let from = body.len();
        body.resize(from + length, 0);
        self.reader.read_exact(&mut body[from..])
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line)? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}
