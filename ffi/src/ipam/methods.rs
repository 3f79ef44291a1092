//! The callbacks of address management as the library knows it.

use std::collections::BTreeMap;
use std::mem::size_of;
use std::net::IpAddr;

use netns::ipam::{AddressSpace, AddressSpaces, Ipam, Pool, PoolId, PoolRequest};
use netns::ipnet::IpNet;
use netns::{Name, Result};

use super::reply::{netns_ipam_reply, Answer};
use super::{netns_address_request, netns_ipam, netns_pool_request, NETNS_POOL_IPV6};
use crate::arena::Arena;
use crate::boundary::required;
use crate::callback::{fallible, no_answer};
use crate::driver::show_pairs;
use crate::log::User;

/// Address management that is written in C.
pub(super) struct Foreign {
    table: netns_ipam,
    user: User,
}

// SAFETY: the header says that callbacks come from any thread, several at once.
unsafe impl Send for Foreign {}
// SAFETY: the same.
unsafe impl Sync for Foreign {}

impl Foreign {
    /// One whose table was checked.
    pub(super) fn new(table: netns_ipam) -> Self {
        Self { table, user: User::new(table.user, table.release) }
    }

    /// Ends it without telling the caller.
    pub(super) fn hand_back(self) {
        self.user.hand_back();
    }
}

impl Ipam for Foreign {
    fn default_address_spaces(&self) -> Result<AddressSpaces> {
        const OPERATION: &str = "ask for address spaces of";
        const SUBJECT: &str = "an address management";
        let Some(callback) = self.table.default_address_spaces else {
            let global = Name::new(AddressSpace::Global.as_str())?;
            return Ok(AddressSpaces { global, local: Name::new(AddressSpace::Local.as_str())? });
        };
        let mut reply = netns_ipam_reply::new(Answer::AddressSpaces(None));
        let at = &raw mut reply;
        fallible(OPERATION, SUBJECT, |ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), at, ret_error) }
        })?;
        match reply.answer {
            Answer::AddressSpaces(Some(spaces)) => Ok(spaces),
            _ => Err(no_answer(OPERATION, SUBJECT, "netns_ipam_reply_set_address_spaces")),
        }
    }

    fn request_pool(&self, request: &PoolRequest) -> Result<Pool> {
        const OPERATION: &str = "request pool";
        let callback = required(self.table.request_pool, "request_pool")?;
        let subject = request.pool.map_or_else(|| request.address_space.to_string(), |pool| pool.to_string());
        let mut arena = Arena::default();
        let about = pool_request(&mut arena, request);
        let mut reply = netns_ipam_reply::new(Answer::Pool(Box::new(request.clone()), None));
        let at = &raw mut reply;
        fallible(OPERATION, &subject, |ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), &raw const about, at, ret_error) }
        })?;
        match reply.answer {
            Answer::Pool(_, Some((id, pool))) => Ok(Pool { data: reply.data, id, pool }),
            _ => Err(no_answer(OPERATION, &subject, "netns_ipam_reply_set_pool")),
        }
    }

    fn release_pool(&self, pool: &PoolId) -> Result<()> {
        let callback = required(self.table.release_pool, "release_pool")?;
        let mut arena = Arena::default();
        let subject = pool.to_string();
        let pool = arena.text(&subject);
        fallible("release pool", &subject, |ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), pool, ret_error) }
        })
    }

    fn request_address(
        &self,
        pool: &PoolId,
        wanted: Option<IpAddr>,
        options: &BTreeMap<String, String>,
    ) -> Result<(IpNet, BTreeMap<String, String>)> {
        const OPERATION: &str = "request address";
        let callback = required(self.table.request_address, "request_address")?;
        let subject = wanted.map_or_else(|| format!("of {pool}"), |wanted| format!("{wanted} of {pool}"));
        let mut arena = Arena::default();
        let about = netns_address_request {
            size: size_of::<netns_address_request>(),
            pool: arena.text(&pool.to_string()),
            address: arena.optional(wanted.as_ref()),
            options: show_pairs(&mut arena, options),
            option_count: options.len(),
        };
        let mut reply = netns_ipam_reply::new(Answer::Address(None));
        let at = &raw mut reply;
        fallible(OPERATION, &subject, |ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), &raw const about, at, ret_error) }
        })?;
        match reply.answer {
            Answer::Address(Some(address)) => Ok((address, reply.data)),
            _ => Err(no_answer(OPERATION, &subject, "netns_ipam_reply_set_address")),
        }
    }

    fn release_address(&self, pool: &PoolId, address: IpAddr) -> Result<()> {
        let callback = required(self.table.release_address, "release_address")?;
        let mut arena = Arena::default();
        let subject = format!("{address} of {pool}");
        let [pool, address] = [pool.to_string(), address.to_string()].map(|text| arena.text(&text));
        fallible("release address", &subject, |ret_error| {
            // SAFETY: a callback by the header's rules, with arguments that last until it returns.
            unsafe { callback(self.user.pointer(), pool, address, ret_error) }
        })
    }
}

fn pool_request(arena: &mut Arena, request: &PoolRequest) -> netns_pool_request {
    let in_use: Vec<_> = request.in_use.iter().map(|net| arena.text(&net.to_string())).collect();
    netns_pool_request {
        size: size_of::<netns_pool_request>(),
        flags: if request.ipv6 { NETNS_POOL_IPV6 } else { 0 },
        address_space: arena.text(request.address_space.as_str()),
        pool: arena.optional(request.pool.as_ref()),
        sub_pool: arena.optional(request.sub_pool.as_ref()),
        in_use: arena.array(in_use),
        in_use_count: request.in_use.len(),
        options: show_pairs(arena, &request.options),
        option_count: request.options.len(),
    }
}
