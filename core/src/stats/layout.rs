//! What the eBPF programs and their reader agree on. Both include this file (`ebpf/src/main.rs` by its path), so
//! it is plain data and needs no `std`. A change here makes maps and programs that are pinned already wrong:
//! raise [`VERSION`] with it, and build the object anew (`make ebpf`).

/// Of this layout: part of the path where maps and programs are pinned.
pub(crate) const VERSION: u32 = 1;

/// The map of lines, an array of [`Line`] that can be mapped into memory.
pub(crate) const COUNTERS: &str = "counters";
/// The program for what an interface receives.
pub(crate) const INGRESS: &str = "ingress";
/// The program for what an interface sends.
pub(crate) const EGRESS: &str = "egress";
/// The number of processors, a `u32` that the loader sets: of those that are possible, because the numbers of
/// those that are online may have gaps.
pub(crate) const CPUS: &str = "CPUS";

/// The slot of filters that have none: nothing is counted.
pub(crate) const NO_SLOT: u32 = 0;

/// What one processor has counted for one slot, as the interface sees it. It fills a cache line, so that
/// processors do not wait for one another. Only the programs write it.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Line {
    pub(crate) rx_bytes: u64,
    pub(crate) rx_packets: u64,
    pub(crate) tx_bytes: u64,
    pub(crate) tx_packets: u64,
    _spare: [u64; 4],
}

const _: () = assert!(size_of::<Line>() == 64 && align_of::<Line>() == 64);

/// Where the line of a slot and a processor is in the map. The lines of a slot are side by side.
#[inline(always)]
pub(crate) const fn index(slot: u32, cpu: u32, cpus: u32) -> u32 {
    slot * cpus + cpu
}
