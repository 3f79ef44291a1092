//! Hooks that are functions of the caller's.

use std::ffi::c_void;

use netns::libcontainer::configs::FunctionHook;
use netns::Result;

use super::hook::{netns_hook_state, show};
use crate::arena::Arena;
use crate::boundary::required;
use crate::callback::fallible;
use crate::error::netns_error;
use crate::input::Growing;
use crate::log::{netns_release_callback, User};

/// A hook that is a function (runc, FuncHook). It is not written as JSON.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_hook_function {
    /// Bytes of this struct.
    pub size: usize,
    /// Is handed to the function as it is.
    pub user: *mut c_void,
    /// Is called once with `user` when it is needed no more: when the config, and all setups that were made from
    /// it, are freed. A forked child that frees what it inherited calls it for its own copy. May be NULL.
    pub release: netns_release_callback,
    /// The function. It is called on the thread that runs the hooks, in whichever namespace that is, and may call
    /// the library. It returns 0, or a negative netns_status, and may put an error in `*ret_error`, as a driver's
    /// callback does (netns_driver). Must be set.
    pub run: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            state: *const netns_hook_state,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
}

// SAFETY: pointers and integers without padding, the size first.
unsafe impl Growing for netns_hook_function {
    const NAME: &'static str = "netns_hook_function";
    const FIRST_SIZE: usize = 32;
}

impl netns_hook_function {
    /// The hook that calls the function; from then on `user` is its own.
    pub(super) fn hook(self) -> Result<FunctionHook> {
        let run = required(self.run, "function.run")?;
        let user = User::new(self.user, self.release);
        Ok(FunctionHook::new(move |state| {
            let mut arena = Arena::default();
            let shown = show(&mut arena, state)?;
            fallible("run function for container", &state.id, |ret_error| {
                // SAFETY: a function by the header's rules, with arguments that last until it returns.
                unsafe { run(user.pointer(), &raw const shown, ret_error) }
            })
        }))
    }
}
