use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::{Place, Tool};

/// A process that does the job in its own language when it is told, and says how many nanoseconds it took.
///
/// It is told `attach NAME ADDRESS GATEWAY`, `whole` with the same, `detach NAME` and `remove NAME`, a line each.
#[derive(Debug)]
pub struct Worker {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts it; it says what it is, with its version, when it is ready.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(command: &mut Command) -> Result<(Self, String), String> {
        let name = format!("{command:?}");
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = process.map_err(|error| format!("{name}: {error}"))?;
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().ok_or("no output")?);
        let mut worker = Self { process, input, output };
        let version = worker.line().map_err(|error| format!("{name}: {error}"))?;
        Ok((worker, version))
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).map_err(|error| error.to_string())?;
        match (read, line.trim().strip_prefix("error: ")) {
            (0, _) => Err("it ended".to_owned()),
            (_, Some(error)) => Err(error.to_owned()),
            _ => Ok(line.trim().to_owned()),
        }
    }

    fn tell(&mut self, what: &str) -> Result<Duration, String> {
        let input = self.input.as_mut().ok_or("no input")?;
        input.write_all(format!("{what}\n").as_bytes()).map_err(|error| error.to_string())?;
        let line = self.line().map_err(|error| format!("{what}: {error}"))?;
        line.parse().map(Duration::from_nanos).map_err(|_| format!("{what}: {line}"))
    }
}

impl Tool for Worker {
    fn attach(&mut self, place: &Place) -> Result<Duration, String> {
        self.tell(&format!("attach {} {} {}", place.name, place.address, place.gateway))
    }

    fn detach(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        self.tell(&format!("detach {}", place.name)).map(Some)
    }

    fn whole(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        self.tell(&format!("whole {} {} {}", place.name, place.address, place.gateway)).map(Some)
    }

    fn remove(&mut self, place: &Place) -> Result<(), String> {
        self.tell(&format!("remove {}", place.name)).map(drop)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.process.wait();
    }
}
