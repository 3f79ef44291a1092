//! What is kept of a hook's output.

use std::collections::VecDeque;
use std::fmt;
use std::io::{PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd};

/// How much of the beginning, and how much of the end.
const KEPT: usize = 2 << 10;
/// Nobody's pipe holds more without being told to: what is left of a program that has ended.
const LEFT: usize = 1 << 20;

/// A pipe that a program writes to, with the beginning and the end of what has come.
pub(super) struct Output {
    /// `None` when it has ended.
    pipe: Option<PipeReader>,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    /// How many bytes were between the two.
    between: u64,
}

impl Output {
    pub(super) fn new(pipe: PipeReader) -> Self {
        Self { pipe: Some(pipe), head: Vec::new(), tail: VecDeque::new(), between: 0 }
    }

    /// What to wait for; `None` when no more can come.
    pub(super) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads once, when there is something to read; how much. What cannot be read has ended.
    pub(super) fn read(&mut self) -> usize {
        let mut buffer = [0; 16 << 10];
        let Some(pipe) = &mut self.pipe else { return 0 };
        let count = match pipe.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return 0,
            result => result.unwrap_or_default(),
        };
        if count == 0 {
            self.pipe = None;
        }
        self.keep(&buffer[..count]);
        count
    }

    /// Reads what is there without waiting: others may hold the pipe open, or go on writing.
    pub(super) fn read_rest(&mut self, is_ready: impl Fn(BorrowedFd<'_>) -> bool) {
        let mut count = 0;
        while count < LEFT && self.pipe().is_some_and(&is_ready) {
            count += self.read();
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(KEPT - self.head.len()));
        self.head.extend(head);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..excess);
        self.between += excess as u64;
    }
}

impl fmt::Display for Output {
    /// In quotes, with escapes for what would disturb a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.between == 0 {
            let all = [&self.head[..], &tail].concat();
            return write!(f, "{:?}", String::from_utf8_lossy(&all).trim_end());
        }
        let (head, tail) = (String::from_utf8_lossy(&self.head), String::from_utf8_lossy(&tail));
        write!(f, "{head:?} … {} bytes … {:?}", self.between, tail.trim_end())
    }
}
