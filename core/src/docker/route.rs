//! Which method answers which path.

use std::collections::hash_map::DefaultHasher;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use serde::de::DeserializeOwned;
use serde::Serialize;

use super::answer::Answer;
use crate::controller::Controller;
use crate::driver::NETWORK_PLUGIN_ENDPOINT_TYPE;
use crate::error::Result;
use crate::name::Name;
use crate::plugin::decode::decode;
use crate::plugin::{Activated, ACTIVATE, IPAM_PLUGIN_ENDPOINT_TYPE};

/// Requests that are about different objects seldom wait for each other by these.
const LOCKS: usize = 64;

type Method = fn(&Service, &str, &[u8]) -> Answer;

const METHODS: [(&str, Method); 22] = [
    (ACTIVATE, |_, _, _| Answer::good(&activated())),
    ("NetworkDriver.GetCapabilities", |service, _, _| Answer::good(&service.capabilities())),
    ("NetworkDriver.AllocateNetwork", |service, name, body| {
        call(name, body, |r| service.allocate_network(r))
    }),
    ("NetworkDriver.FreeNetwork", |service, name, body| call(name, body, |r| service.free_network(r))),
    ("NetworkDriver.GwAllocCheck", |service, name, body| call(name, body, |r| service.gw_alloc_check(r))),
    ("NetworkDriver.CreateNetwork", |service, name, body| call(name, body, |r| service.create_network(r))),
    ("NetworkDriver.DeleteNetwork", |service, name, body| call(name, body, |r| service.delete_network(r))),
    ("NetworkDriver.CreateEndpoint", |service, name, body| call(name, body, |r| service.create_endpoint(r))),
    ("NetworkDriver.DeleteEndpoint", |service, name, body| call(name, body, |r| service.delete_endpoint(r))),
    ("NetworkDriver.EndpointOperInfo", |service, name, body| call(name, body, |r| service.oper_info(r))),
    ("NetworkDriver.Join", |service, name, body| call(name, body, |r| service.join(r))),
    ("NetworkDriver.Leave", |service, name, body| call(name, body, |r| service.leave(r))),
    ("NetworkDriver.ProgramExternalConnectivity", |service, name, body| {
        call(name, body, |r| service.publish(r))
    }),
    ("NetworkDriver.RevokeExternalConnectivity", |service, name, body| {
        call(name, body, |r| service.withdraw(r))
    }),
    ("NetworkDriver.DiscoverNew", |service, name, body| call(name, body, |r| service.discover(r))),
    ("NetworkDriver.DiscoverDelete", |service, name, body| call(name, body, |r| service.discover(r))),
    ("IpamDriver.GetCapabilities", |service, _, _| Answer::good(&service.ipam_capabilities())),
    ("IpamDriver.GetDefaultAddressSpaces", |service, name, _| answer(name, service.address_spaces())),
    ("IpamDriver.RequestPool", |service, name, body| call(name, body, |r| service.request_pool(r))),
    ("IpamDriver.ReleasePool", |service, name, body| call(name, body, |r| service.release_pool(r))),
    ("IpamDriver.RequestAddress", |service, name, body| call(name, body, |r| service.request_address(r))),
    ("IpamDriver.ReleaseAddress", |service, name, body| call(name, body, |r| service.release_address(r))),
];

/// Answers requests with what a controller has and does.
pub(super) struct Service {
    pub(super) controller: Arc<Controller>,
    /// One request about an object at a time, so that the second of two finds what the first has done.
    locks: [Mutex<()>; LOCKS],
    /// One at a time says what Docker's rules let pass.
    rules: Mutex<()>,
    /// The endpoints that Docker has spoken of since this was made.
    pub(super) recent: Mutex<HashSet<(Name, Name)>>,
}

impl Service {
    pub(super) fn new(controller: Arc<Controller>) -> Result<Self> {
        let service = Self {
            controller,
            locks: std::array::from_fn(|_| Mutex::new(())),
            rules: Mutex::default(),
            recent: Mutex::default(),
        };
        service.regain_pools()?;
        service.let_pass_as_needed()?;
        Ok(service)
    }

    /// Whether a method is called that, as `NetworkDriver.Join` is.
    pub(super) fn knows(name: &str) -> bool {
        METHODS.iter().any(|(known, _)| *known == name)
    }

    pub(super) fn answer(&self, name: &str, body: &[u8]) -> Answer {
        match METHODS.iter().find(|(known, _)| *known == name) {
            Some((_, method)) => method(self, name, body),
            None => Answer::refusal(404, name, "there is no such method"),
        }
    }

    /// Keeps other requests about the object waiting.
    pub(super) fn alone_with(&self, object: impl Hash) -> MutexGuard<'_, ()> {
        self.locks[number(object)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps others from saying what Docker's rules let pass.
    pub(super) fn alone_with_rules(&self) -> MutexGuard<'_, ()> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Service::alone_with`] for who is alone with `own` already, and must not wait: none when another request
    /// is about the object.
    pub(super) fn alone_besides(&self, own: impl Hash, object: impl Hash) -> Option<Alone<'_>> {
        let number = number(object);
        if number == self::number(own) {
            return Some(Alone(None));
        }
        match self.locks[number].try_lock() {
            Ok(guard) => Some(Alone(Some(guard))),
            Err(TryLockError::Poisoned(poisoned)) => Some(Alone(Some(poisoned.into_inner()))),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// Keeps other requests about an object waiting; none where another guard does.
pub(super) struct Alone<'a>(#[expect(dead_code, reason = "it is held")] Option<MutexGuard<'a, ()>>);

fn number(object: impl Hash) -> usize {
    let mut hasher = DefaultHasher::new();
    object.hash(&mut hasher);
    usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or(0)
}

fn activated() -> Activated {
    let implements = [NETWORK_PLUGIN_ENDPOINT_TYPE, IPAM_PLUGIN_ENDPOINT_TYPE];
    Activated { implements: implements.map(str::to_owned).to_vec() }
}

fn call<Q, A>(name: &str, body: &[u8], method: impl FnOnce(&Q) -> Result<A>) -> Answer
where
    Q: Default + Serialize + DeserializeOwned,
    A: Serialize,
{
    match decode(body) {
        Ok(request) => answer(name, method(&request)),
        Err(cause) => Answer::refusal(400, name, &format!("{name} takes another request: {cause}")),
    }
}

fn answer(name: &str, result: Result<impl Serialize>) -> Answer {
    match result {
        Ok(message) => Answer::good(&message),
        Err(error) => {
            log::warn!("{name}: {error}");
            Answer::error(name, &error.to_string())
        }
    }
}
