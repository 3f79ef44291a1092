//! Plugins that are found at run time: drivers of networks and address managements in other processes.

use std::ffi::c_char;
use std::mem::{size_of, MaybeUninit};

use netns::plugin::FoundPlugin;

use crate::arena::{hand_out, take_back, Arena};
use crate::boundary::{call, required};
use crate::controller::{get, netns_controller};
use crate::error::netns_error;
use crate::names::{give_names, netns_names};
use crate::text::text;

/// A plugin that is there; whether it answers is not known.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_plugin {
    /// Bytes of this struct.
    pub size: usize,
    /// What it is called: the type of network that it drives, or the address management that it is.
    pub name: *const c_char,
    /// Its socket, or the file that says where it is.
    pub path: *const c_char,
    /// Where it is, as a URL; NULL when its file cannot be used.
    pub address: *const c_char,
    /// What is wrong with its file; NULL when nothing is.
    pub error: *const c_char,
}

/// A list of plugins, freed by netns_plugins_free.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_plugins {
    /// Bytes of this struct.
    pub size: usize,
    /// By their names; NULL when there are none.
    pub plugins: *const *const netns_plugin,
    /// How many.
    pub count: usize,
}

fn show(found: &[FoundPlugin]) -> *mut netns_plugins {
    let mut arena = Arena::default();
    let plugins = found.iter().map(|plugin| netns_plugin {
        size: size_of::<netns_plugin>(),
        name: arena.text(plugin.name.as_str()),
        path: arena.text(&plugin.path.to_string_lossy()),
        address: arena.optional(plugin.address.as_ref()),
        error: arena.optional(plugin.error.as_ref()),
    });
    let plugins: Vec<_> = plugins.collect();
    let count = plugins.len();
    let plugins = arena.pointers(plugins);
    hand_out(netns_plugins { size: size_of::<netns_plugins>(), plugins, count }, arena)
}

/// The plugins that are there: sockets and spec files in the directories that the controller's options name. None is
/// asked anything.
///
/// @param controller   the controller
/// @param ret_plugins  the plugins, for netns_plugins_free
/// @param ret_error    what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub extern "C" fn netns_controller_plugins(
    controller: Option<&netns_controller>,
    ret_plugins: Option<&mut MaybeUninit<*mut netns_plugins>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let ret_plugins = required(ret_plugins, "ret_plugins")?;
        ret_plugins.write(show(&get(controller)?.plugins()?));
        Ok(())
    })
}

/// Frees a list of plugins.
///
/// @param plugins  the list; may be NULL
#[no_mangle]
pub unsafe extern "C" fn netns_plugins_free(plugins: *mut netns_plugins) {
    // SAFETY: the list was handed out, and is freed once, by the header's rules.
    unsafe { take_back(plugins) };
}

/// Finds a plugin and asks what it implements, and registers it as the driver of the network type of its name and as
/// the address management of its name, as far as it is one and there is none. Networks that need it do so by
/// themselves.
///
/// @param controller  the controller
/// @param name        the plugin's name
/// @param ret_names   what it implements, in Docker's words: "NetworkDriver", "IpamDriver", and others that are of no
///                    use here; for netns_names_free
/// @param ret_error   what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such plugin; NETNS_STATUS_BAD_REQUEST when its file cannot be
///         used; NETNS_STATUS_UNSUPPORTED for HTTPS in a library that was built without; NETNS_STATUS_SYSTEM when it
///         does not answer in time, or wrongly
#[no_mangle]
pub unsafe extern "C" fn netns_controller_activate_plugin(
    controller: Option<&netns_controller>,
    name: *const c_char,
    ret_names: Option<&mut MaybeUninit<*mut netns_names>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        give_names(ret_names, || {
            // SAFETY: a string by the header's rules.
            get(controller)?.activate_plugin(unsafe { text(name, "name") }?)
        })
    })
}
