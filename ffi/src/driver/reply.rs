//! Options that a driver answers with.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use netns::driver::Options;
use netns::{Error, Result};
use serde_json::Value;

use crate::boundary::{call, required};
use crate::error::netns_error;
use crate::text::text;

/// Options that a driver answers with. It lasts until the callback that got it returns.
#[derive(Default)]
pub struct netns_driver_reply {
    options: Options,
}

impl netns_driver_reply {
    pub(super) fn into_options(self) -> Options {
        self.options
    }
}

/// Adds an option whose value is a string. A second value of a key overwrites the first.
///
/// @param reply      what the callback got
/// @param key        the key
/// @param value      the value
/// @param ret_error  what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub unsafe extern "C" fn netns_driver_reply_add(
    reply: Option<&mut netns_driver_reply>,
    key: *const c_char,
    value: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        let (key, value) = unsafe { (text(key, "key")?, text(value, "value")?) };
        add(reply, key, value.into())
    })
}

/// Adds an option whose value is any JSON. A second value of a key overwrites the first.
///
/// @param reply      what the callback got
/// @param key        the key
/// @param json       the value: "7", "{\"colour\": \"red\"}"
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for what is no JSON
#[no_mangle]
pub unsafe extern "C" fn netns_driver_reply_add_json(
    reply: Option<&mut netns_driver_reply>,
    key: *const c_char,
    json: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        let (key, json) = unsafe { (text(key, "key")?, text(json, "json")?) };
        add(reply, key, parse(json, "json")?)
    })
}

fn add(reply: Option<&mut netns_driver_reply>, key: &str, value: Value) -> Result<()> {
    required(reply, "reply")?.options.insert(key.to_owned(), value);
    Ok(())
}

/// Any JSON.
pub(super) fn parse(json: &str, name: &str) -> Result<Value> {
    serde_json::from_str(json).map_err(|error| {
        Error::bad_request("use argument", format!("{name}, {json:?}"), format!("it is no JSON: {error}"))
    })
}
