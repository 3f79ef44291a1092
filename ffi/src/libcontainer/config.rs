//! Configs of containers, with their hooks (seed 003).

use std::ffi::{c_char, CString};
use std::mem::MaybeUninit;

use netns::libcontainer::configs::{CommandHook, Config, Hook};
use netns::Result;

use super::command::{command as read_command, netns_hook_command};
use super::function::netns_hook_function;
use super::hook::{known_name, name};
use super::oci_state as read_state;
use crate::boundary::{call, discard, give, required};
use crate::error::netns_error;
use crate::input::sized;
use crate::text::{c_string, text};

/// What a container is to have, as runc describes it (seed 003, Config): the part that concerns the network, with
/// namespaces and hooks. A forked child may use those that it inherits.
pub struct netns_config {
    pub(super) config: Config,
    /// The paths of its namespaces for C, in their order.
    pub(super) paths: Vec<CString>,
}

impl netns_config {
    fn new(config: Config) -> Self {
        let mut config = Self { config, paths: Vec::new() };
        config.show();
        config
    }

    /// Has C see the namespaces as they are now.
    pub(super) fn show(&mut self) {
        self.paths = self.config.namespaces.iter().map(|namespace| c_string(&namespace.path)).collect();
    }
}

/// The config that is there.
pub(super) fn get(config: Option<&netns_config>) -> Result<&Config> {
    Ok(&required(config, "config")?.config)
}

/// Reads a config from JSON, of which 4 MiB at most; the "config" of a runc state file is one, too. Nothing is
/// checked but that it fits, for which netns_config_check is there; what is not known is passed over.
///
/// @param json        the config
/// @param ret_config  the config, for netns_config_free
/// @param ret_error   what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST, with line and column, for what is no such JSON
#[no_mangle]
pub unsafe extern "C" fn netns_config_from_json(
    json: *const c_char,
    ret_config: Option<&mut MaybeUninit<*mut netns_config>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let json = unsafe { text(json, "json") }?;
        let ret_config = required(ret_config, "ret_config")?;
        give(ret_config, netns_config::new(Config::from_json(json)?));
        Ok(())
    })
}

/// The config as JSON, byte by byte as Go's encoding/json writes it. Hooks that are functions are left out, with a
/// warning in the log.
///
/// @param config     the config
/// @param ret_json   the JSON, for netns_text_free
/// @param ret_error  what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub extern "C" fn netns_config_json(
    config: Option<&netns_config>,
    ret_json: Option<&mut MaybeUninit<*mut c_char>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let config = get(config)?;
        let ret_json = required(ret_json, "ret_json")?;
        ret_json.write(c_string(&config.to_json()?).into_raw());
        Ok(())
    })
}

/// Finds what cannot be right in namespaces, networks, routes and hooks, whatever the host is like, and touches
/// nothing. It does not ask whether there is a strategy for a network's type: netns_setup_from_config does.
///
/// @param config     the config
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST, with the place in the config and the rule that it breaks: networks or
///         routes without a NEWNET, one type of namespace twice, a path that is not absolute, two networks that
///         name one interface, a value that is none
#[no_mangle]
pub extern "C" fn netns_config_check(
    config: Option<&netns_config>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || get(config)?.check())
}

/// Adds a hook that is a program, after those of that turning point.
///
/// @param config     the config
/// @param hook       a netns_hook: when it runs
/// @param command    the program
/// @param ret_error  what went wrong; may be NULL
/// @return 0. What cannot be right of a command netns_config_check finds.
#[no_mangle]
pub unsafe extern "C" fn netns_config_add_command(
    config: Option<&mut netns_config>,
    hook: i32,
    command: *const netns_hook_command,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    // SAFETY: a struct by the header's rules.
    call(ret_error, || add(config, hook, || Ok(CommandHook(unsafe { read_command(command) }?))))
}

/// Adds a hook that is a function, after those of that turning point.
///
/// @param config     the config
/// @param hook       a netns_hook: when it runs
/// @param function   the function; the library copies the struct
/// @param ret_error  what went wrong; may be NULL
/// @return 0. After a failure `function->user` is the caller's as before, and `function->release` is not called
#[no_mangle]
pub unsafe extern "C" fn netns_config_add_function(
    config: Option<&mut netns_config>,
    hook: i32,
    function: *const netns_hook_function,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    // SAFETY: a struct by the header's rules.
    call(ret_error, || add(config, hook, || unsafe { sized(function, "function") }?.hook()))
}

/// Adds the hook that `make` makes, which nothing refuses any more.
fn add<H: Hook + 'static>(
    config: Option<&mut netns_config>,
    hook: i32,
    make: impl FnOnce() -> Result<H>,
) -> Result<()> {
    let config = required(config, "config")?;
    let name = name(hook)?;
    config.config.hooks.add(name, make()?);
    Ok(())
}

/// How many hooks there are at a turning point.
///
/// @param config  the config; may be NULL, which has none
/// @param hook    a netns_hook; of another number there is none
#[no_mangle]
pub extern "C" fn netns_config_hook_count(config: Option<&netns_config>, hook: i32) -> usize {
    let hooks = config.zip(known_name(hook));
    hooks.map_or(0, |(config, name)| config.config.hooks.get(name).len())
}

/// Runs the hooks of a turning point, one after the other, on the calling thread and in its namespaces (seed 003,
/// Hooks.Run).
///
/// The first that fails ends it. But NETNS_HOOK_POSTSTART and NETNS_HOOK_POSTSTOP are past undoing: there all run,
/// the first failure is returned at the end, and the others are in the log.
///
/// @param config     the config
/// @param hook       a netns_hook: which
/// @param oci_state  the container's state as JSON (OCI runtime specification): {"id": "web", "status": "created"}
/// @param ret_error  what went wrong; may be NULL
/// @return 0, also when there are none; NETNS_STATUS_BAD_REQUEST for what is no such JSON; that of the hook, with
///         its name and number
#[no_mangle]
pub unsafe extern "C" fn netns_config_run_hooks(
    config: Option<&netns_config>,
    hook: i32,
    oci_state: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let config = get(config)?;
        let name = name(hook)?;
        // SAFETY: a string by the header's rules.
        config.hooks.run(name, &unsafe { read_state(oci_state) }?)
    })
}

/// Frees a config. Setups that were made from it keep what they need.
///
/// @param config  the config; may be NULL
#[no_mangle]
pub extern "C" fn netns_config_free(config: Option<Box<netns_config>>) {
    discard(config);
}
