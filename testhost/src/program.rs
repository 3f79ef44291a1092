//! A BPF program to hang on filters.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::libc;

/// `BPF_PROG_LOAD` of `enum bpf_cmd`.
const PROG_LOAD: libc::c_int = 5;
/// `BPF_PROG_TYPE_SCHED_CLS` of `enum bpf_prog_type`.
const SCHED_CLS: u32 = 3;
/// `r0 = -1` (`TC_ACT_UNSPEC`); `exit`.
const PASS_ON: [u64; 2] = [u64::from_ne_bytes([0xb7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]), EXIT];
const EXIT: u64 = u64::from_ne_bytes([0x95, 0, 0, 0, 0, 0, 0, 0]);

/// The first fields of `union bpf_attr`, as `BPF_PROG_LOAD` takes them.
#[repr(C)]
struct Load {
    kind: u32,
    instructions: u32,
    code: u64,
    license: u64,
}

/// Loads a classifier (`BPF_PROG_TYPE_SCHED_CLS`) that does nothing and lets every packet pass.
///
/// # Errors
/// What bpf(2) says, where this process may load no programs or the kernel has none.
pub fn classifier() -> io::Result<OwnedFd> {
    let license = c"Dual MIT/GPL";
    let load = Load {
        kind: SCHED_CLS,
        instructions: 2,
        code: PASS_ON.as_ptr() as u64,
        license: license.as_ptr() as u64,
    };
    // SAFETY: the pointers in `load`, and `load` itself, outlive the call, which reads them alone and no
    // more than the sizes given.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, PROG_LOAD, &raw const load, size_of::<Load>()) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just opened it for this call alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}
