use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::DeserializeOwned;
use serde::Serialize;

use super::id::check_prefixes;
use super::{AddressSpace, AddressSpaces, Ipam, Pool, PoolId, PoolRequest};
use crate::error::{Error, Result};
use crate::link::check_endpoint_address;
use crate::name::Name;
use crate::plugin::client::{is_unreachable, Client};
use crate::plugin::ipam::{
    AddressReply, AddressSpacesReply, Capabilities, PoolReply, ReleaseAddress, ReleasePool, Reply,
    RequestAddress, RequestPool,
};
use crate::plugin::IPAM_PLUGIN_ENDPOINT_TYPE;

/// An [`Ipam`] in another process: a plugin.
pub(crate) struct RemoteIpam {
    client: Client,
    requires_mac_address: bool,
}

impl RemoteIpam {
    /// A plugin that has said that it is one, and what it can do.
    ///
    /// # Errors
    /// System when it does not answer.
    pub(crate) fn new(client: Client) -> Result<Self> {
        let method = method("GetCapabilities");
        // Older ones do not know the method, and refuse in whatever way.
        let capabilities = match client.call_empty::<Capabilities>(&method) {
            Err(error) if is_unreachable(&error) => return Err(error),
            answer => answer.unwrap_or_default(),
        };
        Ok(Self { client, requires_mac_address: capabilities.requires_mac_address })
    }

    fn call<T>(&self, name: &str, request: &impl Serialize) -> Result<T>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        self.client.call(&method(name), request)
    }

    fn wrong(&self, name: &str, cause: impl Into<String>) -> Error {
        self.client.error(&method(name), cause)
    }

    fn release_pool_called(&self, pool_id: String) -> Result<()> {
        self.call::<Reply>("ReleasePool", &ReleasePool { pool_id }).map(drop)
    }

    /// The pool that was answered, if it is what was asked for.
    fn pool(&self, request: &PoolRequest, id: PoolId, answer: PoolReply) -> Result<Pool> {
        let wrong = |cause: String| self.wrong("RequestPool", cause);
        let pool: IpNet =
            answer.pool.parse().map_err(|_| wrong(format!("its Pool {:?} is no prefix", answer.pool)))?;
        check_prefixes(pool, request.sub_pool).map_err(|error| wrong(error.to_string()))?;
        if request.pool.is_none() && pool.addr().is_ipv6() != request.ipv6 {
            return Err(wrong(format!("its Pool {pool} is of the other family")));
        }
        match request.pool {
            Some(wanted) if wanted != pool => {
                Err(wrong(format!("its Pool is {pool}, and {wanted} was asked for")))
            }
            _ => Ok(Pool { data: answer.data, id, pool }),
        }
    }
}

fn method(name: &str) -> String {
    format!("{IPAM_PLUGIN_ENDPOINT_TYPE}.{name}")
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

impl Ipam for RemoteIpam {
    /// Where it has none for networks that span hosts, that of one host.
    fn default_address_spaces(&self) -> Result<AddressSpaces> {
        let answer: AddressSpacesReply = self.client.call_empty(&method("GetDefaultAddressSpaces"))?;
        let space = |name: &str| {
            let wrong = |error: Error| self.wrong("GetDefaultAddressSpaces", error.to_string());
            Name::new(name).map_err(wrong)
        };
        let local = match &*answer.local_default_address_space {
            "" => space(AddressSpace::Local.as_str())?,
            name => space(name)?,
        };
        let global = match &*answer.global_default_address_space {
            "" => local.clone(),
            name => space(name)?,
        };
        Ok(AddressSpaces { global, local })
    }

    /// What is in use it cannot be told.
    fn request_pool(&self, request: &PoolRequest) -> Result<Pool> {
        let answer: PoolReply = self.call(
            "RequestPool",
            &RequestPool {
                address_space: request.address_space.to_string(),
                pool: text(request.pool),
                sub_pool: text(request.sub_pool),
                options: request.options.clone(),
                v6: request.pool.map_or(request.ipv6, |pool| pool.addr().is_ipv6()),
            },
        )?;
        let id: PoolId = match answer.pool_id.parse() {
            Ok(id) => id,
            Err(error) => {
                let wrong = self.wrong("RequestPool", format!("its PoolID is wrong: {error}"));
                let nameless = answer.pool_id.is_empty();
                let released = if nameless { Ok(()) } else { self.release_pool_called(answer.pool_id) };
                return Err(wrong.with_rollback(released.err().into_iter().collect()));
            }
        };
        self.pool(request, id.clone(), answer)
            .map_err(|error| error.with_rollback(self.release_pool(&id).err().into_iter().collect()))
    }

    fn release_pool(&self, pool: &PoolId) -> Result<()> {
        self.release_pool_called(pool.to_string())
    }

    /// Whether it is the one that was wanted is for who asks to see, who knows whose it is otherwise.
    fn request_address(
        &self,
        pool: &PoolId,
        wanted: Option<IpAddr>,
        options: &BTreeMap<String, String>,
    ) -> Result<(IpNet, BTreeMap<String, String>)> {
        let (pool_id, options) = (pool.to_string(), options.clone());
        let request = RequestAddress { pool_id, address: text(wanted), options };
        let answer: AddressReply = self.call("RequestAddress", &request)?;
        let read =
            answer.address.parse::<IpNet>().map_err(|_| "is no address with a prefix length".to_owned());
        let checked = read.and_then(|address| {
            let checked = check_endpoint_address(address);
            checked.map(|()| address).map_err(|error| format!("is wrong: {error}"))
        });
        let address = checked.map_err(|cause| {
            let error = self.wrong("RequestAddress", format!("its Address {:?} {cause}", answer.address));
            // Whatever that is, an address was given.
            let given = answer.address.split('/').next().and_then(|address| address.parse().ok());
            let released = given.or(wanted).map_or(Ok(()), |given| self.release_address(pool, given));
            error.with_rollback(released.err().into_iter().collect())
        })?;
        Ok((address, answer.data))
    }

    fn release_address(&self, pool: &PoolId, address: IpAddr) -> Result<()> {
        let request = ReleaseAddress { pool_id: pool.to_string(), address: address.to_string() };
        self.call::<Reply>("ReleaseAddress", &request).map(drop)
    }

    fn requires_mac_address(&self) -> bool {
        self.requires_mac_address
    }
}
