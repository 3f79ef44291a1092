//! What processes that are gone left, found and put right.

use std::ffi::c_char;
use std::mem::{size_of, MaybeUninit};

use netns::{Collected, FindingKind};

use crate::arena::{hand_out, take_back, Arena};
use crate::boundary::call;
use crate::controller::{get, netns_controller};
use crate::error::netns_error;
use crate::input::check_flags;

/// Changes nothing, and tells what would be found.
pub const NETNS_COLLECT_DRY_RUN: u64 = 1;

/// What can be found. A later version may add others.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_finding_kind {
    /// Something that this version of the header has no number for.
    Other = 0,
    /// A bridge, or another link of a whole network.
    Bridge = 1,
    /// A file that was to become a definition.
    Definition = 2,
    /// An endpoint in the store, with its leases.
    Endpoint = 3,
    /// Addresses that a network reserved.
    Lease = 4,
    /// An endpoint's link in the host.
    Link = 5,
    /// The socket of a listener to events.
    Listener = 6,
    /// A proxy entry of the neighbour table.
    Proxy = 7,
    /// A sandbox.
    Sandbox = 8,
    /// What the firewall has, or lacks.
    Firewall = 9,
}

impl From<FindingKind> for netns_finding_kind {
    fn from(kind: FindingKind) -> Self {
        match kind {
            FindingKind::Bridge => Self::Bridge,
            FindingKind::Definition => Self::Definition,
            FindingKind::Endpoint => Self::Endpoint,
            FindingKind::Firewall => Self::Firewall,
            FindingKind::Lease => Self::Lease,
            FindingKind::Link => Self::Link,
            FindingKind::Listener => Self::Listener,
            FindingKind::Proxy => Self::Proxy,
            FindingKind::Sandbox => Self::Sandbox,
            _ => Self::Other,
        }
    }
}

/// One thing that was not as it should be.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_finding {
    /// Bytes of this struct.
    pub size: usize,
    /// A netns_finding_kind.
    pub kind: i32,
    /// 0.
    pub reserved: u32,
    /// Which one: a name or a path.
    pub object: *const c_char,
    /// What is wrong with it, and what becomes of it.
    pub reason: *const c_char,
    /// Why it could not be put right; NULL when it could.
    pub error: *const c_char,
}

/// What a collection found, freed by netns_collected_free.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_collected {
    /// Bytes of this struct.
    pub size: usize,
    /// In the order in which they were found; NULL when there are none.
    pub findings: *const *const netns_finding,
    /// How many.
    pub count: usize,
}

fn show(collected: &Collected) -> *mut netns_collected {
    let mut arena = Arena::default();
    let findings = collected.findings.iter().map(|finding| netns_finding {
        size: size_of::<netns_finding>(),
        kind: netns_finding_kind::from(finding.kind) as i32,
        reserved: 0,
        object: arena.text(&finding.object),
        reason: arena.text(&finding.reason),
        error: arena.optional(finding.error.as_ref()),
    });
    let findings: Vec<_> = findings.collect();
    let count = findings.len();
    let findings = arena.pointers(findings);
    hand_out(netns_collected { size: size_of::<netns_collected>(), findings, count }, arena)
}

/// Finds what processes that are gone left half done, or left although it should have gone with them, and
/// puts it right. What others made, and what processes that are alive are about to do, is left alone.
///
/// @param controller     the controller
/// @param flags          NETNS_COLLECT_ flags
/// @param ret_collected  what was found, for netns_collected_free; may be NULL
/// @param ret_error      what went wrong; may be NULL
/// @return 0, also when something could not be put right: the findings say why
#[no_mangle]
pub extern "C" fn netns_controller_collect(
    controller: Option<&netns_controller>,
    flags: u64,
    ret_collected: Option<&mut MaybeUninit<*mut netns_collected>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get(controller)?;
        check_flags(flags, NETNS_COLLECT_DRY_RUN, "flags")?;
        let collected = match flags & NETNS_COLLECT_DRY_RUN {
            0 => controller.collect()?,
            _ => controller.plan_collect()?,
        };
        if let Some(ret_collected) = ret_collected {
            ret_collected.write(show(&collected));
        }
        Ok(())
    })
}

/// Frees what a collection found.
///
/// @param collected  what it found; may be NULL
#[no_mangle]
pub unsafe extern "C" fn netns_collected_free(collected: *mut netns_collected) {
    // SAFETY: it was handed out, and is freed once, by the header's rules.
    unsafe { take_back(collected) };
}
