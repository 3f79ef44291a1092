//! How a container comes by its network: strategies, by type.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Loopback, NetNs, Network, NetworkState, Veth};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::PerProcess;

/// One way of giving a container its network (seed `001`, `NetworkStrategy`), in two steps: the first in the
/// host, the second inside.
pub trait NetworkStrategy: Send + Sync {
    /// Does in the calling thread's namespace, the host's, what the container of process `pid` needs, and
    /// says in `state` what that is. `pid` may be the number of a thread.
    ///
    /// # Errors
    /// Its own. Nothing is left behind, and `state` is as it was.
    fn create(&self, network: &Network, pid: u32, state: &mut NetworkState) -> Result<()>;

    /// Completes it from within: the calling thread is in the container's namespace.
    ///
    /// # Errors
    /// Its own.
    fn initialize(&self, network: &Network, state: &mut NetworkState) -> Result<()>;
}

type Strategies = BTreeMap<String, Arc<dyn NetworkStrategy>>;

/// Those of callers; a child that is forked registers its own.
static REGISTERED: PerProcess<RwLock<Strategies>> = PerProcess::new();

/// The strategies that are always there.
const BUILTIN: [&str; 3] = [Loopback::TYPE, NetNs::TYPE, Veth::TYPE];

/// The strategy of that type (seed `001`, `GetStrategy`): `veth`, `loopback`, `netns`, or one that
/// [`register_strategy`] was given.
///
/// # Errors
/// NotFound for any other (`ErrNotValidStrategyType`), with the known ones.
pub fn get_strategy(kind: &str) -> Result<Arc<dyn NetworkStrategy>> {
    match kind {
        Loopback::TYPE => return Ok(Arc::new(Loopback)),
        NetNs::TYPE => return Ok(Arc::new(NetNs)),
        Veth::TYPE => return Ok(Arc::new(Veth)),
        _ => {}
    }
    let registered = REGISTERED.get().read().unwrap_or_else(PoisonError::into_inner);
    registered.get(kind).cloned().ok_or_else(|| {
        let known: Vec<_> = BUILTIN.into_iter().chain(registered.keys().map(String::as_str)).collect();
        let cause = format!("it is not a valid network strategy type: known are {}", known.join(", "));
        Error::new(ErrorKind::NotFound, "find strategy", format!("{kind:?}")).with_cause(cause)
    })
}

/// Makes `strategy` known as `kind` in this process; a child that is forked later does not know it.
///
/// # Errors
/// AlreadyExists when there is one of that type; BadRequest for an empty type.
pub fn register_strategy(kind: &str, strategy: Arc<dyn NetworkStrategy>) -> Result<()> {
    if kind.is_empty() {
        return Err(Error::bad_request("register strategy", "\"\"", "the type is empty"));
    }
    let mut registered = REGISTERED.get().write().unwrap_or_else(PoisonError::into_inner);
    if BUILTIN.contains(&kind) || registered.contains_key(kind) {
        let error = Error::new(ErrorKind::AlreadyExists, "register strategy", kind);
        return Err(error.with_cause("there is a strategy of that type"));
    }
    registered.insert(kind.to_owned(), strategy);
    Ok(())
}
