//! The namespaces of a config (seed 003).

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;

use super::config::netns_config;
use super::kind::{kind, known_kind, number};
use crate::boundary::{call, required};
use crate::error::netns_error;
use crate::text::optional;

/// How many namespaces a config has.
///
/// @param config  the config; may be NULL, which has none
#[no_mangle]
pub extern "C" fn netns_config_namespace_count(config: Option<&netns_config>) -> usize {
    config.map_or(0, |config| config.config.namespaces.0.len())
}

/// The type of one of a config's namespaces, in the order in which they were added: a netns_namespace_type, 0
/// beyond their number.
///
/// @param config  the config; may be NULL, as if it had none
/// @param index   which, from 0 on
#[no_mangle]
pub extern "C" fn netns_config_namespace(config: Option<&netns_config>, index: usize) -> i32 {
    let namespace = config.and_then(|config| config.config.namespaces.0.get(index));
    namespace.map_or(0, |namespace| number(namespace.kind))
}

/// Whether a config has a namespace of a type, new or to be joined: 1 or 0 (seed 003, Namespaces.Contains).
///
/// @param config  the config; may be NULL, which has none
/// @param type    a netns_namespace_type
#[no_mangle]
pub extern "C" fn netns_config_has_namespace(config: Option<&netns_config>, r#type: i32) -> i32 {
    let of = config.zip(known_kind(r#type));
    of.is_some_and(|(config, kind)| config.config.namespaces.contains(kind)).into()
}

/// The path of the namespace of a type that the container joins (seed 003, Namespaces.PathOf): empty when it gets
/// a new one, NULL when there is none. Lasts until the config changes or is freed.
///
/// @param config  the config; may be NULL, as is the answer then
/// @param type    a netns_namespace_type
#[no_mangle]
pub extern "C" fn netns_config_namespace_path(config: Option<&netns_config>, r#type: i32) -> *const c_char {
    let of = config.zip(known_kind(r#type));
    let path = of.and_then(|(config, kind)| {
        let at = config.config.namespaces.iter().position(|namespace| namespace.kind == kind)?;
        config.paths.get(at)
    });
    path.map_or(ptr::null(), |path| path.as_ptr())
}

/// Whether the container gets a new namespace of a type: 1 or 0 (runc, Namespaces.IsPrivate).
///
/// @param config  the config; may be NULL, which has none
/// @param type    a netns_namespace_type
#[no_mangle]
pub extern "C" fn netns_config_is_private(config: Option<&netns_config>, r#type: i32) -> i32 {
    let of = config.zip(known_kind(r#type));
    of.is_some_and(|(config, kind)| config.config.namespaces.is_private(kind)).into()
}

/// The flags of clone(2) and unshare(2) of all namespaces that are new, those with a path left out (seed 003,
/// Namespaces.CloneFlags). CLONE_NEWTIME, 0x80, is for unshare(2) and clone3(2) alone: clone(2) would take it for a
/// signal.
///
/// @param config  the config; may be NULL, which has none
#[no_mangle]
pub extern "C" fn netns_config_clone_flags(config: Option<&netns_config>) -> u64 {
    config.map_or(0, |config| config.config.namespaces.clone_flags())
}

/// Adds a namespace to a config, or gives the one of that type another path (seed 003, Namespaces.Add).
///
/// @param config     the config
/// @param type       a netns_namespace_type
/// @param path       where the one to join is: "/proc/1/ns/net"; may be NULL or empty, for a new one
/// @param ret_error  what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub unsafe extern "C" fn netns_config_add_namespace(
    config: Option<&mut netns_config>,
    r#type: i32,
    path: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let config = required(config, "config")?;
        let kind = kind(r#type)?;
        // SAFETY: a string by the header's rules.
        let path = unsafe { optional(path, "path") }?.unwrap_or_default();
        config.config.namespaces.add(kind, path);
        config.show();
        Ok(())
    })
}

/// Takes the namespace of a type out of a config (seed 003, Namespaces.Remove).
///
/// @param config       the config
/// @param type         a netns_namespace_type
/// @param ret_removed  1 when there was one, else 0; may be NULL
/// @param ret_error    what went wrong; may be NULL
/// @return 0, also when there is none
#[no_mangle]
pub extern "C" fn netns_config_remove_namespace(
    config: Option<&mut netns_config>,
    r#type: i32,
    ret_removed: Option<&mut MaybeUninit<i32>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let config = required(config, "config")?;
        let removed = config.config.namespaces.remove(kind(r#type)?);
        config.show();
        if let Some(ret_removed) = ret_removed {
            ret_removed.write(removed.into());
        }
        Ok(())
    })
}
