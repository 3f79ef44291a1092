//! Drivers that are written in C (seed 004).

mod arguments;
mod birth;
mod discover;
mod info;
mod join;
mod methods;
mod reply;
mod table;

pub(crate) use arguments::show_pairs;

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::Arc;

use netns::driver::{Capability, DriverCallback, Scope};
use netns::Result;

use crate::boundary::call;
use crate::controller::{self, netns_controller};
use crate::error::netns_error;
use crate::input::{chosen, sized};
use crate::text::text;
use methods::Foreign;
use table::netns_driver;

/// One host, or all (libnetwork's scope package).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_scope {
    /// This host.
    Local = 0,
    /// All hosts of a cluster.
    Global = 1,
}

/// Associates a driver with a type of network (seed 004, DriverCallback, RegisterDriver). It is known to this
/// controller alone: another, of another process or of this one, is told by a call of its own.
///
/// @param controller    the controller whose networks it is for
/// @param network_type  the type: 1 to 64 letters, digits, `_`, `.` and `-`, the first a letter or a digit
/// @param driver        its callbacks; the library copies the struct
/// @param ret_error     what went wrong; may be NULL
/// @return 0; NETNS_STATUS_FORBIDDEN when the type has a driver (seed 004, ErrActiveRegistration);
///         NETNS_STATUS_BAD_REQUEST for a callback that is missing, with its name. After a failure
///         `driver->user` is the caller's as before, and `driver->release` is not called
#[no_mangle]
pub unsafe extern "C" fn netns_driver_register(
    controller: Option<&netns_controller>,
    network_type: *const c_char,
    driver: *const netns_driver,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string and a struct by the header's rules.
        let (network_type, table) =
            unsafe { (text(network_type, "network_type")?, sized(driver, "driver")?) };
        let controller = controller::get(controller)?;
        let capability = Capability {
            data_scope: scope(table.data_scope, "driver.data_scope")?,
            connectivity_scope: scope(table.connectivity_scope, "driver.connectivity_scope")?,
        };
        table.check()?;
        let driver = Arc::new(Foreign::new(network_type, table));
        let registered = controller.register_driver(network_type, Arc::clone(&driver) as _, capability);
        registered.inspect_err(|_| {
            // Nobody else has it.
            if let Some(driver) = Arc::into_inner(driver) {
                driver.hand_back();
            }
        })
    })
}

fn scope(number: i32, name: &str) -> Result<Scope> {
    let known = [(netns_scope::Local as i32, Scope::Local), (netns_scope::Global as i32, Scope::Global)];
    chosen(number, &known, name, "netns_scope")
}
