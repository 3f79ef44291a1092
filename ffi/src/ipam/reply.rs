//! What address management answers.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::mem::MaybeUninit;

use netns::ipam::{AddressSpaces, PoolId, PoolRequest};
use netns::ipnet::IpNet;
use netns::{Error, ErrorKind, Name, Result};

use crate::boundary::{call, required};
use crate::error::netns_error;
use crate::interface::net;
use crate::text::{parsed, text};

/// What address management answers. It lasts until the callback that got it returns, and takes the one kind of
/// answer that the callback is to give.
pub struct netns_ipam_reply {
    pub(super) answer: Answer,
    pub(super) data: BTreeMap<String, String>,
}

/// What is asked, and the answer once it is there.
pub(super) enum Answer {
    Address(Option<IpNet>),
    AddressSpaces(Option<AddressSpaces>),
    Pool(Box<PoolRequest>, Option<(PoolId, IpNet)>),
}

impl netns_ipam_reply {
    pub(super) fn new(answer: Answer) -> Self {
        Self { answer, data: BTreeMap::new() }
    }

    /// The refusal of what was not asked.
    fn refuse(&self, operation: &str) -> Error {
        let setter = match self.answer {
            Answer::Address(_) => "netns_ipam_reply_set_address",
            Answer::AddressSpaces(_) => "netns_ipam_reply_set_address_spaces",
            Answer::Pool(..) => "netns_ipam_reply_set_pool",
        };
        let cause = format!("this callback answers with {setter}");
        Error::new(ErrorKind::Forbidden, operation, "of a reply").with_cause(cause)
    }
}

/// Answers `default_address_spaces`.
///
/// @param reply      what the callback got
/// @param local      the name of the address space of networks of one host
/// @param global     the name of the address space of networks that span hosts
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for what is no name; NETNS_STATUS_FORBIDDEN in another callback
#[no_mangle]
pub unsafe extern "C" fn netns_ipam_reply_set_address_spaces(
    reply: Option<&mut netns_ipam_reply>,
    local: *const c_char,
    global: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        let (local, global) = unsafe { (text(local, "local")?, text(global, "global")?) };
        let reply = required(reply, "reply")?;
        match &mut reply.answer {
            Answer::AddressSpaces(spaces) => {
                *spaces = Some(AddressSpaces { global: Name::new(global)?, local: Name::new(local)? });
                Ok(())
            }
            _ => Err(reply.refuse("set address spaces")),
        }
    })
}

/// Answers `request_pool`.
///
/// @param reply      what the callback got
/// @param pool       the pool, without host bits: "10.1.0.0/16"
/// @param id         how the pool is known from now on: text of 1 to 1,024 bytes without control characters, which
///                   the callbacks get again; may be NULL, for the address space, the pool and the sub-pool of the
///                   request, as in "LocalDefault/10.1.0.0/16"
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for what is no pool, or no such text; NETNS_STATUS_FORBIDDEN in another
///         callback
#[no_mangle]
pub unsafe extern "C" fn netns_ipam_reply_set_pool(
    reply: Option<&mut netns_ipam_reply>,
    pool: *const c_char,
    id: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        let (pool, id) = unsafe { (net(pool, "pool")?, parsed::<PoolId>(id, "id")?) };
        let (reply, pool) = (required(reply, "reply")?, required(pool, "pool")?);
        match &mut reply.answer {
            Answer::Pool(request, answer) => {
                *answer = Some((id_of(request, pool, id)?, pool));
                Ok(())
            }
            _ => Err(reply.refuse("set pool")),
        }
    })
}

fn id_of(request: &PoolRequest, pool: IpNet, id: Option<PoolId>) -> Result<PoolId> {
    id.map_or_else(|| PoolId::new(request.address_space.clone(), pool, request.sub_pool), Ok)
}

/// Answers `request_address`.
///
/// @param reply      what the callback got
/// @param address    the address with the pool's prefix length: "10.1.0.5/16"
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for what is no such address; NETNS_STATUS_FORBIDDEN in another callback
#[no_mangle]
pub unsafe extern "C" fn netns_ipam_reply_set_address(
    reply: Option<&mut netns_ipam_reply>,
    address: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let address = required(unsafe { net(address, "address") }?, "address")?;
        let reply = required(reply, "reply")?;
        match &mut reply.answer {
            Answer::Address(answer) => {
                *answer = Some(address);
                Ok(())
            }
            _ => Err(reply.refuse("set address")),
        }
    })
}

/// Adds what the address management says besides, to a pool or an address. A second value of a key overwrites
/// the first.
///
/// @param reply      what the callback got
/// @param key        the key
/// @param value      the value
/// @param ret_error  what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub unsafe extern "C" fn netns_ipam_reply_add_data(
    reply: Option<&mut netns_ipam_reply>,
    key: *const c_char,
    value: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        let (key, value) = unsafe { (text(key, "key")?, text(value, "value")?) };
        required(reply, "reply")?.data.insert(key.to_owned(), value.to_owned());
        Ok(())
    })
}
