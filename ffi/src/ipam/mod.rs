//! Address management that is written in C.

mod methods;
mod reply;

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;

use netns::Result;

use crate::boundary::{call, required};
use crate::controller::{self, netns_controller};
use crate::error::netns_error;
use crate::input::{netns_pair, sized, Growing};
use crate::log::netns_release_callback;
use crate::text::text;
use methods::Foreign;
use reply::netns_ipam_reply;

/// The pool is to be one of IPv6, when none is named.
pub const NETNS_POOL_IPV6: u64 = 1;

/// What a network asks of its address management. It lasts until the callback returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_pool_request {
    /// Bytes of this struct.
    pub size: usize,
    /// NETNS_POOL_ flags.
    pub flags: u64,
    /// The name of the address space.
    pub address_space: *const c_char,
    /// The pool: "10.1.0.0/16"; NULL when the address management chooses one.
    pub pool: *const c_char,
    /// The part of the pool that addresses come from when none is asked for by name; NULL for all of it.
    pub sub_pool: *const c_char,
    /// What the pool must not overlap: the pools of other networks and the host's routes.
    pub in_use: *const *const c_char,
    /// How many.
    pub in_use_count: usize,
    /// The options of the network's address management; NULL when there are none.
    pub options: *const netns_pair,
    /// How many.
    pub option_count: usize,
}

/// What an endpoint, or a network for its gateway, asks of its address management. It lasts until the callback
/// returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_address_request {
    /// Bytes of this struct.
    pub size: usize,
    /// The pool's id.
    pub pool: *const c_char,
    /// The address: "10.1.0.5"; NULL for a free one.
    pub address: *const c_char,
    /// Options; the request for a gateway has "RequestAddressType" as "com.docker.network.gateway". NULL when
    /// there are none.
    pub options: *const netns_pair,
    /// How many.
    pub option_count: usize,
}

/// Address management: what hands out pools to networks and addresses to endpoints (Docker's IpamDriver).
///
/// Each callback gets `user` first. What else it gets lasts until it returns; `reply` is for the thread that it
/// was called on.
///
/// It returns 0, or a negative netns_status, with an error in `*ret_error` where it likes, as the callbacks of
/// netns_driver do. Every release may be repeated, and succeeds when there is nothing to release.
///
/// Callbacks are called from any thread, several at once, in the network namespace of whoever called the
/// library, and leave the thread there. They may ask the controller for the list of networks, but must not
/// make, join or take away anything.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_ipam {
    /// Bytes of this struct.
    pub size: usize,
    /// Is handed to the callbacks as it is.
    pub user: *mut c_void,
    /// Is called once with `user` when it is needed no more: when the controller is closed, no object of it is
    /// left, and no callback is inside. May be NULL.
    pub release: netns_release_callback,
    /// The address spaces whose pools are chosen where nobody names one (GetDefaultAddressSpaces), answered with
    /// netns_ipam_reply_set_address_spaces. NULL: LocalDefault and GlobalDefault, which are Docker's.
    pub default_address_spaces: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            reply: *mut netns_ipam_reply,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// A pool for a network (RequestPool), answered with netns_ipam_reply_set_pool. Must be set.
    pub request_pool: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            request: *const netns_pool_request,
            reply: *mut netns_ipam_reply,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// Gives a pool, which is known by its id, back with all its addresses (ReleasePool). Must be set.
    pub release_pool: Option<
        unsafe extern "C" fn(user: *mut c_void, pool: *const c_char, ret_error: *mut *mut netns_error) -> i32,
    >,
    /// An address of a pool (RequestAddress), answered with netns_ipam_reply_set_address. Must be set.
    pub request_address: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            request: *const netns_address_request,
            reply: *mut netns_ipam_reply,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// Gives an address, "10.1.0.5", back (ReleaseAddress). Must be set.
    pub release_address: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            pool: *const c_char,
            address: *const c_char,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
}

// SAFETY: pointers and integers without padding, the size first.
unsafe impl Growing for netns_ipam {
    const NAME: &'static str = "netns_ipam";
    const FIRST_SIZE: usize = 64;
}

impl netns_ipam {
    /// That what address management must have is there.
    fn check(&self) -> Result<()> {
        required(self.request_pool, "ipam.request_pool")?;
        required(self.release_pool, "ipam.release_pool")?;
        required(self.request_address, "ipam.request_address")?;
        required(self.release_address, "ipam.release_address")?;
        Ok(())
    }
}

/// Makes an address management known by a name, for networks whose definition says so. It is known to this
/// controller alone.
///
/// @param controller  the controller whose networks it is for
/// @param name        the name: 1 to 64 letters, digits, `_`, `.` and `-`, the first a letter or a digit
/// @param ipam        its callbacks; the library copies the struct
/// @param ret_error   what went wrong; may be NULL
/// @return 0; NETNS_STATUS_FORBIDDEN when the name is taken; NETNS_STATUS_BAD_REQUEST for a callback that is
///         missing, with its name. After a failure `ipam->user` is the caller's as before, and `ipam->release`
///         is not called
#[no_mangle]
pub unsafe extern "C" fn netns_ipam_register(
    controller: Option<&netns_controller>,
    name: *const c_char,
    ipam: *const netns_ipam,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string and a struct by the header's rules.
        let (name, table) = unsafe { (text(name, "name")?, sized(ipam, "ipam")?) };
        let controller = controller::get(controller)?;
        table.check()?;
        let ipam = Arc::new(Foreign::new(table));
        controller.register_ipam(name, Arc::clone(&ipam) as _).inspect_err(|_| {
            // Nobody else has it.
            if let Some(ipam) = Arc::into_inner(ipam) {
                ipam.hand_back();
            }
        })
    })
}
