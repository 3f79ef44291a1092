//! What the drivers of global scope are told of other hosts.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use netns::driver::DiscoveryType;
use netns::{Controller, Result};
use serde_json::Value;

use super::reply::parse;
use crate::boundary::call;
use crate::controller::{self, netns_controller};
use crate::error::netns_error;
use crate::input::chosen;
use crate::text::text;

/// What was discovered (libnetwork's discoverapi.DiscoveryType).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_discovery {
    /// A host of the cluster.
    Node = 1,
    /// The configuration of a datastore.
    DatastoreConfig = 2,
    /// Keys, with their tags.
    EncryptionKeysConfig = 3,
    /// A change of the keys.
    EncryptionKeysUpdate = 4,
}

/// Tells the drivers of global scope of a node, or of keys, that have come (seed 004, discoverapi.Discover,
/// DiscoverNew). Those that do not offer it are passed over.
///
/// @param controller  the controller whose drivers are told
/// @param discovery   a netns_discovery
/// @param data        what was discovered, as the plugin protocol has it in JSON: {"Address": "192.0.2.1"}
/// @param ret_error   what went wrong; may be NULL
/// @return 0; the status of the first driver that fails, after all were told
#[no_mangle]
pub unsafe extern "C" fn netns_controller_discover_new(
    controller: Option<&netns_controller>,
    discovery: i32,
    data: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    // SAFETY: a string by the header's rules.
    call(ret_error, || unsafe { tell(controller, discovery, data, Controller::discover_new) })
}

/// Tells the drivers of global scope of a node, or of keys, that have gone (seed 004, discoverapi.Discover,
/// DiscoverDelete). Those that do not offer it are passed over.
///
/// @param controller  the controller whose drivers are told
/// @param discovery   a netns_discovery
/// @param data        what has gone, as of netns_controller_discover_new
/// @param ret_error   what went wrong; may be NULL
/// @return 0; the status of the first driver that fails, after all were told
#[no_mangle]
pub unsafe extern "C" fn netns_controller_discover_delete(
    controller: Option<&netns_controller>,
    discovery: i32,
    data: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    // SAFETY: a string by the header's rules.
    call(ret_error, || unsafe { tell(controller, discovery, data, Controller::discover_delete) })
}

/// # Safety
/// A string by the header's rules.
unsafe fn tell(
    controller: Option<&netns_controller>,
    discovery: i32,
    data: *const c_char,
    told: impl Fn(&Controller, DiscoveryType, &Value) -> Result<()>,
) -> Result<()> {
    let known = [
        (netns_discovery::Node as i32, DiscoveryType::Node),
        (netns_discovery::DatastoreConfig as i32, DiscoveryType::DatastoreConfig),
        (netns_discovery::EncryptionKeysConfig as i32, DiscoveryType::EncryptionKeysConfig),
        (netns_discovery::EncryptionKeysUpdate as i32, DiscoveryType::EncryptionKeysUpdate),
    ];
    let discovery = chosen(discovery, &known, "discovery", "netns_discovery")?;
    // SAFETY: the same.
    let data = parse(unsafe { text(data, "data") }?, "data")?;
    told(controller::get(controller)?, discovery, &data)
}
