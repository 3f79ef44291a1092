//! The strategy that connects a container with a bridge.

use super::container::Container;
use super::initialize::initialize;
use super::pair::Pair;
use super::up::state_of;
use super::{Network, NetworkState, NetworkStrategy, Target};
use crate::error::{Error, Result};
use crate::link::InterfaceName;

/// A container with one end of a pair whose other end is on a bridge of the host (seed `001`, `Veth`).
///
/// As everything that this library makes, both ends are in the link group
/// [`LINK_GROUP`](crate::link::LINK_GROUP); their aliases begin with `libnetns setup=`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Veth;

impl Veth {
    /// The type by which [`get_strategy`](super::get_strategy) finds it.
    pub const TYPE: &str = "veth";
}

impl NetworkStrategy for Veth {
    /// Makes the pair: one end on the bridge and up, the other in the namespace of process `pid`, down, under
    /// names of the prefix and seven hexadecimal digits. Without an IPv6 address neither has IPv6.
    /// [`setup`](super::setup) does this and what follows in a fraction of the time.
    ///
    /// # Errors
    /// BadRequest when the network has no bridge or no prefix, or says what cannot be read, when the bridge is
    /// no bridge, and for a process without a network namespace of its own; NotFound when there is no such
    /// process or bridge. Nothing is left behind, and the state is as it was.
    fn create(&self, network: &Network, pid: u32, state: &mut NetworkState) -> Result<()> {
        let create = || {
            let pair = Pair::of(network)?;
            let mut container = Container::open(&Target::Pid(pid))?;
            let owner = container.namespace().id().to_string();
            let done = container.bring_bare(&pair, &owner)?;
            if let Err(error) = container.check_is_there() {
                return Err(error.with_rollback(container.take_back(&done.plan)));
            }
            Ok(done.ends.into_iter().flatten().next())
        };
        let made = create().map_err(|error: Error| {
            error.within("create veth", format_args!("on {:?} for process {pid}", network.bridge))
        })?;
        if let Some((end, inner)) = made {
            *state = NetworkState { ns_path: state.ns_path.clone(), ..state_of(&end, &inner) };
        }
        Ok(())
    }

    /// Makes of the state's inner end the interface `eth0`, with its address, MTU and gateway, and brings it
    /// up.
    ///
    /// # Errors
    /// BadRequest when the state has no inner end, or the network says what cannot be; NotFound when there is
    /// no such link in the calling thread's namespace; AlreadyExists when there is an `eth0`, a default route
    /// where there is a gateway, or a route that the address overlaps. The link is then as it was.
    fn initialize(&self, network: &Network, state: &mut NetworkState) -> Result<()> {
        let work = || {
            if state.veth_child.is_empty() {
                return Err(Error::bad_request("use state", Self::TYPE, "veth child is not specified"));
            }
            initialize(&Pair::of(network)?, &InterfaceName::new(&state.veth_child)?)
        };
        work().map_err(|error| error.within("initialize veth", format_args!("{:?}", state.veth_child)))
    }
}
