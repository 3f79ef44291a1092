//! Which method answers which path.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use serde::Serialize;

use super::answer::Answer;
use crate::controller::Controller;
use crate::driver::NETWORK_PLUGIN_ENDPOINT_TYPE;
use crate::error::Result;
use crate::plugin::decode::decode;
use crate::plugin::{Activated, IPAM_PLUGIN_ENDPOINT_TYPE};

/// Requests that are about different objects seldom wait for each other by these.
const LOCKS: usize = 64;

type Method = fn(&Service, &str, &[u8]) -> Answer;

const METHODS: [(&str, Method); 22] = [
    ("/Plugin.Activate", |_, _, _| Answer::good(&activated())),
    ("/NetworkDriver.GetCapabilities", |service, _, _| Answer::good(&service.capabilities())),
    ("/NetworkDriver.AllocateNetwork", |service, path, body| {
        call(path, body, |r| service.allocate_network(r))
    }),
    ("/NetworkDriver.FreeNetwork", |service, path, body| call(path, body, |r| service.free_network(r))),
    ("/NetworkDriver.GwAllocCheck", |service, path, body| call(path, body, |r| service.gw_alloc_check(r))),
    ("/NetworkDriver.CreateNetwork", |service, path, body| call(path, body, |r| service.create_network(r))),
    ("/NetworkDriver.DeleteNetwork", |service, path, body| call(path, body, |r| service.delete_network(r))),
    ("/NetworkDriver.CreateEndpoint", |service, path, body| call(path, body, |r| service.create_endpoint(r))),
    ("/NetworkDriver.DeleteEndpoint", |service, path, body| call(path, body, |r| service.delete_endpoint(r))),
    ("/NetworkDriver.EndpointOperInfo", |service, path, body| call(path, body, |r| service.oper_info(r))),
    ("/NetworkDriver.Join", |service, path, body| call(path, body, |r| service.join(r))),
    ("/NetworkDriver.Leave", |service, path, body| call(path, body, |r| service.leave(r))),
    ("/NetworkDriver.ProgramExternalConnectivity", |service, path, body| {
        call(path, body, |r| service.publish(r))
    }),
    ("/NetworkDriver.RevokeExternalConnectivity", |service, path, body| {
        call(path, body, |r| service.withdraw(r))
    }),
    ("/NetworkDriver.DiscoverNew", |service, path, body| call(path, body, |r| service.discover(r))),
    ("/NetworkDriver.DiscoverDelete", |service, path, body| call(path, body, |r| service.discover(r))),
    ("/IpamDriver.GetCapabilities", |service, _, _| Answer::good(&service.ipam_capabilities())),
    ("/IpamDriver.GetDefaultAddressSpaces", |service, path, _| answer(path, service.address_spaces())),
    ("/IpamDriver.RequestPool", |service, path, body| call(path, body, |r| service.request_pool(r))),
    ("/IpamDriver.ReleasePool", |service, path, body| call(path, body, |r| service.release_pool(r))),
    ("/IpamDriver.RequestAddress", |service, path, body| call(path, body, |r| service.request_address(r))),
    ("/IpamDriver.ReleaseAddress", |service, path, body| call(path, body, |r| service.release_address(r))),
];

/// Answers requests with what a controller has and does.
pub(super) struct Service {
    pub(super) controller: Arc<Controller>,
    /// One request about an object at a time, so that the second of two finds what the first has done.
    locks: [Mutex<()>; LOCKS],
}

impl Service {
    pub(super) fn new(controller: Arc<Controller>) -> Result<Self> {
        let service = Self { controller, locks: std::array::from_fn(|_| Mutex::new(())) };
        service.regain_pools()?;
        if service.has_networks()? {
            service.let_pass(true);
        }
        Ok(service)
    }

    pub(super) fn knows(path: &str) -> bool {
        METHODS.iter().any(|(known, _)| *known == path)
    }

    pub(super) fn answer(&self, path: &str, body: &[u8]) -> Answer {
        match METHODS.iter().find(|(known, _)| *known == path) {
            Some((_, method)) => method(self, path, body),
            None => Answer::refusal(404, path, "there is no such method"),
        }
    }

    /// Keeps other requests about the object waiting.
    pub(super) fn alone_with(&self, object: impl Hash) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        object.hash(&mut hasher);
        let number = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or(0);
        self.locks[number].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn activated() -> Activated {
    let implements = [NETWORK_PLUGIN_ENDPOINT_TYPE, IPAM_PLUGIN_ENDPOINT_TYPE];
    Activated { implements: implements.map(str::to_owned).to_vec() }
}

fn call<Q, A>(path: &str, body: &[u8], method: impl FnOnce(Q) -> Result<A>) -> Answer
where
    Q: Default + Serialize + DeserializeOwned,
    A: Serialize,
{
    match decode(body) {
        Ok(request) => answer(path, method(request)),
        Err(cause) => Answer::refusal(400, path, &format!("{} takes another request: {cause}", &path[1..])),
    }
}

fn answer(path: &str, result: Result<impl Serialize>) -> Answer {
    match result {
        Ok(message) => Answer::good(&message),
        Err(error) => {
            log::warn!("{}: {error}", &path[1..]);
            Answer::error(path, &error.to_string())
        }
    }
}
