//! A kernel that lacks something.
#![allow(unsafe_code)]

use std::io;

use nix::libc;

use crate::inside;

/// Offsets into `struct seccomp_data`: the call's number, and the lower half of its first and third argument.
const NUMBER: u32 = 0;
const DOMAIN: u32 = argument(0);
const PROTOCOL: u32 = argument(2);

const fn argument(number: u32) -> u32 {
    16 + 8 * number + if cfg!(target_endian = "big") { 4 } else { 0 }
}

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// Runs `f` on a thread of its own, and what it starts, for which the kernel has no netfilter sockets.
///
/// # Panics
/// With the payload of `f`, when `f` panics; without the privilege.
#[track_caller]
pub fn without_netfilter<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    inside("", || {
        refuse_netfilter().unwrap_or_else(|e| panic!("testhost: a system call filter: {e}"));
        f()
    })
}

/// `socket(AF_NETLINK, _, NETLINK_NETFILTER)` fails on the calling thread as it does where nobody registered
/// that protocol.
fn refuse_netfilter() -> io::Result<()> {
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut program = [
        step(LOAD, 0, 0, NUMBER),
        step(EQUAL, 0, 5, libc::SYS_socket as u32),
        step(LOAD, 0, 0, DOMAIN),
        step(EQUAL, 0, 3, libc::AF_NETLINK as u32),
        step(LOAD, 0, 0, PROTOCOL),
        step(EQUAL, 0, 1, libc::NETLINK_NETFILTER as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPROTONOSUPPORT as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: it takes no pointers.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `filter` and the program that it points to outlive the call, which copies them.
    let set = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) };
    if set < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
