//! Strategies that are written in C.

use std::ffi::c_void;

use netns::libcontainer::{Network, NetworkState, NetworkStrategy};
use netns::Result;

use super::network::{netns_strategy_network, show};
use super::strategy_state::netns_strategy_state;
use crate::arena::Arena;
use crate::boundary::required;
use crate::callback::fallible;
use crate::error::netns_error;
use crate::input::Growing;

/// A strategy: one way of giving a container its network, in two steps (seed 001, NetworkStrategy).
///
/// Each callback gets `user` first. What else it gets lasts until it returns, and is for the thread that it was
/// called on. It returns 0, or a negative netns_status, and may put an error in `*ret_error`, as a driver's
/// callback does (netns_driver). What it changes in `state` counts when it succeeds; where it fails it leaves
/// nothing behind.
///
/// Callbacks are called from any thread, several at once, and may call the library.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_strategy {
    /// Bytes of this struct.
    pub size: usize,
    /// Is handed to the callbacks as it is. It has to last as long as the process.
    pub user: *mut c_void,
    /// Does in the calling thread's namespace, the host's, what the container of process `pid` needs, and says in
    /// `state` what that is. `pid` may be the number of a thread. What is said to be the pair's end in the host
    /// is taken away when what follows fails, and by netns_setup_state_tear_down. Must be set.
    pub create: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            network: *const netns_strategy_network,
            pid: u32,
            state: *mut netns_strategy_state,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// Completes it from within: the calling thread is in the container's namespace. Must be set.
    pub initialize: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            network: *const netns_strategy_network,
            state: *mut netns_strategy_state,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
}

// SAFETY: pointers and integers without padding, the size first.
unsafe impl Growing for netns_strategy {
    const NAME: &'static str = "netns_strategy";
    const FIRST_SIZE: usize = 32;
}

impl netns_strategy {
    /// That what a strategy must have is there.
    pub(super) fn check(&self) -> Result<()> {
        required(self.create, "strategy.create")?;
        required(self.initialize, "strategy.initialize")?;
        Ok(())
    }
}

/// A strategy that is written in C.
pub(super) struct Foreign {
    network_type: String,
    table: netns_strategy,
}

// SAFETY: the header says that callbacks come from any thread, several at once.
unsafe impl Send for Foreign {}
// SAFETY: the same.
unsafe impl Sync for Foreign {}

impl Foreign {
    /// One whose table was checked.
    pub(super) fn new(network_type: &str, table: netns_strategy) -> Self {
        Self { network_type: network_type.to_owned(), table }
    }

    /// Makes a call that may change the state.
    fn call(
        &self,
        operation: &str,
        network: &Network,
        state: &mut NetworkState,
        callback: impl FnOnce(
            *const netns_strategy_network,
            *mut netns_strategy_state,
            *mut *mut netns_error,
        ) -> i32,
    ) -> Result<()> {
        let mut arena = Arena::default();
        let network = show(&mut arena, network);
        let mut changed = netns_strategy_state::new(state.clone())?;
        let at = &raw mut changed;
        fallible(operation, &self.network_type, |ret_error| callback(&raw const network, at, ret_error))?;
        *state = changed.into_state();
        Ok(())
    }
}

impl NetworkStrategy for Foreign {
    fn create(&self, network: &Network, pid: u32, state: &mut NetworkState) -> Result<()> {
        let callback = required(self.table.create, "create")?;
        self.call("create network of type", network, state, |network, state, ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.table.user, network, pid, state, ret_error) }
        })
    }

    fn initialize(&self, network: &Network, state: &mut NetworkState) -> Result<()> {
        let callback = required(self.table.initialize, "initialize")?;
        self.call("initialize network of type", network, state, |network, state, ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.table.user, network, state, ret_error) }
        })
    }
}
