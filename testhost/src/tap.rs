//! Frames as they are, past everything that a kernel would have to say of them.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};

/// A packet socket on a link of the calling thread's namespace.
#[derive(Debug)]
pub struct Tap(File);

impl Tap {
    /// Opens one that sees everything that the link sends and receives from now on.
    ///
    /// # Errors
    /// When there is no such link, and without the privilege.
    pub fn open(link: &str) -> io::Result<Self> {
        let name = CString::new(link)?;
        let everything = (libc::ETH_P_ALL as u16).to_be();
        // SAFETY: it takes no pointers.
        let fd = unsafe {
            libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, i32::from(everything))
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just opened it for this call alone.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: `name` is a C string that outlives the call.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        if index == 0 {
            return Err(io::Error::last_os_error());
        }
        let address = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: everything,
            sll_ifindex: index.cast_signed(),
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        let length = size_of_val(&address) as libc::socklen_t;
        // SAFETY: `address` outlives the call, which reads it alone and no more than its size.
        if unsafe { libc::bind(fd, (&raw const address).cast(), length) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(socket.into()))
    }

    /// Sends a frame, header and all.
    ///
    /// # Errors
    /// Those of send(2).
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        (&self.0).write_all(frame)
    }

    /// The frames that came until one ends in `last`, which is among them.
    ///
    /// # Panics
    /// When none such comes for five seconds.
    #[track_caller]
    pub fn frames_until(&self, last: &[u8]) -> Vec<Vec<u8>> {
        let deadline = Instant::now() + Duration::from_secs(5);
        let mut frames = Vec::new();
        while Instant::now() < deadline {
            let mut polled = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            if poll(&mut polled, PollTimeout::from(100_u8)).unwrap_or(0) == 0 {
                continue;
            }
            let mut buffer = vec![0; 65_536];
            let length = (&self.0).read(&mut buffer).expect("a packet socket");
            buffer.truncate(length);
            let is_last = buffer.ends_with(last);
            frames.push(buffer);
            if is_last {
                return frames;
            }
        }
        panic!("testhost: of {} frames none ended in {last:?}", frames.len());
    }
}
