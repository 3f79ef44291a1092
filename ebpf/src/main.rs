//! Two programs that count what passes an interface: `ingress` what it receives, `egress` what it sends. The
//! class of the filter is the interface's slot. They let every packet go on to the filters that follow.

#![no_std]
#![no_main]

#[allow(dead_code)] // some of it is for the reader alone
#[path = "../../core/src/stats/layout.rs"]
mod layout;

use aya_ebpf::bindings::{BPF_F_MMAPABLE, TC_ACT_UNSPEC};
use aya_ebpf::helpers::bpf_get_smp_processor_id;
use aya_ebpf::macros::{classifier, map};
use aya_ebpf::maps::Array;
use aya_ebpf::programs::TcContext;
use aya_ebpf::Global;

use layout::{index, Line, NO_SLOT};

/// The loader sets how many entries there are.
#[map(name = "counters")]
static COUNTERS: Array<Line> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// The loader sets it. The verifier takes it for a constant.
#[no_mangle]
static CPUS: Global<u32> = Global::new(1);

#[no_mangle]
#[link_section = "license"]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[classifier]
fn ingress(packet: TcContext) -> i32 {
    if let Some(line) = line(&packet) {
        // SAFETY: `line` gave it, and nobody else writes it meanwhile.
        unsafe {
            (*line).rx_packets += 1;
            (*line).rx_bytes += u64::from(packet.len());
        }
    }
    TC_ACT_UNSPEC
}

#[classifier]
fn egress(packet: TcContext) -> i32 {
    if let Some(line) = line(&packet) {
        // SAFETY: as above.
        unsafe {
            (*line).tx_packets += 1;
            (*line).tx_bytes += u64::from(packet.len());
        }
    }
    TC_ACT_UNSPEC
}

/// The line of the filter's slot and of this processor. It is not shared: a processor runs these programs with
/// bottom halves off, one after the other, so that it needs no atomic addition.
#[inline(always)]
fn line(packet: &TcContext) -> Option<*mut Line> {
    // SAFETY: the kernel gives a program a valid context.
    let slot = unsafe { (*packet.skb.skb).tc_classid };
    if slot == NO_SLOT {
        return None;
    }
    // SAFETY: it takes nothing and only returns a number.
    let cpu = unsafe { bpf_get_smp_processor_id() } as u32;
    COUNTERS.get_ptr_mut(index(slot, cpu, CPUS.load()))
}

/// Nothing here panics: the object has no trace of it.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
