//! A process whose system calls are counted, and that is killed at one of them.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{kill, Signal};
use nix::sys::wait::{waitpid, WaitPidFlag, WaitStatus};
use nix::unistd::Pid;

/// The calls that change what others can see, or let go of what keeps them out: between two of them a
/// process may as well die at the one as at the other.
const CHANGES: &[i64] = &[
    libc::SYS_bind,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_copy_file_range,
    libc::SYS_exit,
    libc::SYS_fallocate,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_flock,
    libc::SYS_fsetxattr,
    libc::SYS_ftruncate,
    libc::SYS_linkat,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_sendfile,
    libc::SYS_sendmmsg,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_setns,
    libc::SYS_shutdown,
    libc::SYS_symlinkat,
    libc::SYS_truncate,
    libc::SYS_umount2,
    libc::SYS_unlinkat,
    libc::SYS_unshare,
    libc::SYS_write,
    libc::SYS_writev,
];
#[cfg(target_arch = "x86_64")]
const OLD_CHANGES: &[i64] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_creat,
    libc::SYS_lchown,
    libc::SYS_link,
    libc::SYS_mkdir,
    libc::SYS_mknod,
    libc::SYS_open,
    libc::SYS_rename,
    libc::SYS_rmdir,
    libc::SYS_symlink,
    libc::SYS_unlink,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD_CHANGES: &[i64] = &[];

/// In the child: waits to be traced, and marks the beginning and the end of what counts.
pub(crate) fn between_marks(work: impl FnOnce()) {
    println!("\nready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    mark();
    work();
    mark();
}

/// A call that nobody else makes, and that does nothing.
fn mark() {
    let _ = std::os::unix::process::parent_id();
}

/// The calls that `command` makes between the marks, by their numbers. It is killed at the end.
pub(crate) fn record(command: &mut Command) -> Vec<i64> {
    let mut calls = Vec::new();
    run(command, |_, call| {
        calls.push(call);
        Turn::Go
    });
    calls
}

/// Kills `command` before its call `at`, counted from 0 at the first mark, or at the second mark if that
/// comes first.
pub(crate) fn kill_at(command: &mut Command, at: usize) {
    run(command, |number, _| if number == at { Turn::Kill } else { Turn::Go });
}

/// The calls by which the kernel is told and asked, but for setns(2): a thread that does not come back from
/// another namespace ends the process.
#[cfg(target_arch = "x86_64")]
#[allow(dead_code, reason = "not every campaign refuses calls")]
pub(crate) const TOLD: [i64; 7] = [
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_socket,
    libc::SYS_openat,
    libc::SYS_recvfrom,
];

/// Has of `command`'s calls between the marks that are one of `calls` the one of number `at` fail with `errno`
/// instead of being carried out, and returns what the process says at its end as a line that begins with
/// `outcome: `.
#[cfg(target_arch = "x86_64")]
#[allow(dead_code, reason = "not every campaign refuses calls")]
pub(crate) fn refuse_at(command: &mut Command, calls: &[i64], at: usize, errno: i32) -> Option<String> {
    let mut number = 0;
    let turn = |_, call| {
        number += usize::from(calls.contains(&call));
        if calls.contains(&call) && number == at + 1 {
            return Turn::Refuse(errno);
        }
        Turn::Go
    };
    let said = follow(command, turn, true);
    said.into_iter().find_map(|line| line.strip_prefix("outcome: ").map(str::to_owned))
}

/// What becomes of a call.
#[derive(Clone, Copy)]
enum Turn {
    Go,
    Kill,
    #[cfg(target_arch = "x86_64")]
    #[allow(dead_code, reason = "not every campaign refuses calls")]
    Refuse(i32),
}

/// At which calls to kill: at each that changes something, at the last mark, and at so many of the others,
/// evenly, that it is at least `least`.
pub(crate) fn points(calls: &[i64], least: usize) -> Vec<usize> {
    let is_change =
        |at: &usize| calls.get(*at).is_none_or(|call| CHANGES.contains(call) || OLD_CHANGES.contains(call));
    let (mut points, others): (Vec<_>, Vec<_>) = (0..=calls.len()).partition(is_change);
    let more = least.saturating_sub(points.len()).min(others.len());
    points.extend((0..more).map(|number| others[number * others.len() / more]));
    points.sort_unstable();
    points
}

/// Runs `command` and kills it before the first call between the marks at which `turn` says so, or at the
/// second mark. `turn` is given how many calls came before, and the call's number.
fn run(command: &mut Command, turn: impl FnMut(usize, i64) -> Turn) {
    follow(command, turn, false);
}

/// [`run`], but beyond the second mark to the process's own end where `to_the_end`; returns what it has said.
#[expect(clippy::zombie_processes, reason = "waitpid(2) reaps it, as its tracer has to")]
fn follow(command: &mut Command, mut turn: impl FnMut(usize, i64) -> Turn, to_the_end: bool) -> Vec<String> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap() == "ready"), "the child ended before it was ready");
    let main = Pid::from_raw(child.id().try_into().unwrap());
    seize(main);
    child.stdin.take().unwrap().write_all(b"\n").unwrap();

    let (mut marks, mut number) = (0, 0);
    let mut refused = HashMap::new();
    loop {
        // Its threads, too, but not what other threads of this process started.
        let of_this_thread = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        let (pid, signal) = match waitpid(None, Some(of_this_thread)).unwrap() {
            WaitStatus::Signaled(pid, Signal::SIGKILL, _) if pid == main => return Vec::new(),
            WaitStatus::Exited(pid, _) if pid == main && to_the_end => {
                return said.map(Result::unwrap).collect();
            }
            ended @ (WaitStatus::Signaled(pid, ..) | WaitStatus::Exited(pid, _)) => {
                assert_ne!(pid, main, "the child ended by itself: {ended:?}");
                continue;
            }
            WaitStatus::PtraceEvent(pid, ..) => (pid, None),
            WaitStatus::Stopped(pid, signal) => (pid, Some(signal)),
            WaitStatus::PtraceSyscall(pid) => {
                if let Some(call) = entered(pid) {
                    if call == libc::SYS_getppid {
                        marks += 1;
                    }
                    let counts = marks == 1 && call != libc::SYS_getppid;
                    match counts.then(|| turn(number, call)) {
                        // The call is not carried out.
                        Some(Turn::Kill) => kill(main, Signal::SIGKILL).unwrap(),
                        #[cfg(target_arch = "x86_64")]
                        Some(Turn::Refuse(errno)) => {
                            change(pid, |registers| registers.orig_rax = u64::MAX);
                            refused.insert(pid, errno);
                        }
                        None if marks == 2 && !to_the_end => kill(main, Signal::SIGKILL).unwrap(),
                        _ => {}
                    }
                    number += usize::from(counts);
                } else if let Some(errno) = refused.remove(&pid) {
                    fail(pid, errno);
                }
                (pid, None)
            }
            other => panic!("{other:?}"),
        };
        // It may be dead by now.
        let _ = ptrace::syscall(pid, signal);
    }
}

/// The call from which the thread comes back has failed.
#[cfg(target_arch = "x86_64")]
fn fail(pid: Pid, errno: i32) {
    change(pid, |registers| registers.rax = i64::from(-errno).cast_unsigned());
}

#[cfg(not(target_arch = "x86_64"))]
fn fail(_: Pid, _: i32) {}

#[cfg(target_arch = "x86_64")]
fn change(pid: Pid, change: impl FnOnce(&mut libc::user_regs_struct)) {
    let mut registers = ptrace::getregs(pid).unwrap();
    change(&mut registers);
    ptrace::setregs(pid, registers).unwrap();
}

/// Traces all threads of the process: the test harness has one besides that of the test.
fn seize(main: Pid) {
    let options = Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE;
    for thread in fs::read_dir(format!("/proc/{main}/task")).unwrap() {
        let thread = Pid::from_raw(thread.unwrap().file_name().to_str().unwrap().parse().unwrap());
        ptrace::seize(thread, options).unwrap();
        ptrace::interrupt(thread).unwrap();
        let stopped = waitpid(thread, Some(WaitPidFlag::__WALL)).unwrap();
        assert!(matches!(stopped, WaitStatus::PtraceEvent(..)), "{stopped:?}");
        ptrace::syscall(thread, None).unwrap();
    }
}

/// The number of the call that the thread is about to make; none when it comes back from one.
fn entered(pid: Pid) -> Option<i64> {
    let info = ptrace::syscall_info(pid).ok()?;
    (info.op == libc::PTRACE_SYSCALL_INFO_ENTRY).then(|| number(pid))?
}

#[cfg(target_arch = "x86_64")]
fn number(pid: Pid) -> Option<i64> {
    Some(ptrace::getregs(pid).ok()?.orig_rax.cast_signed())
}

#[cfg(target_arch = "aarch64")]
fn number(pid: Pid) -> Option<i64> {
    Some(ptrace::getregset::<ptrace::regset::NT_PRSTATUS>(pid).ok()?.regs[8].cast_signed())
}
