//! Sandboxes: a container's network namespace, mounted where others can find it.

mod contents;

use std::ffi::{c_char, c_void, CString};
use std::mem::MaybeUninit;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use netns::{generate_key, Controller, Error, ErrorKind, Result, Sandbox, SandboxKey, DEFAULT_BASE};

use crate::boundary::{call, give, plain, required, Handle};
use crate::controller::{get as get_controller, netns_controller};
use crate::error::netns_error;
use crate::names::{give_names, netns_names};
use crate::namespace::{give_fd, give_namespace, netns_namespace, netns_run_callback, run_inside};
use crate::text::{c_string, optional, text};

/// A container's network: a namespace, identified by the path where it is mounted (seed 000, Sandbox).
///
/// The object is a handle: freeing it leaves the sandbox as it is, netns_sandbox_destroy ends it. It holds
/// three descriptors.
pub struct netns_sandbox {
    handle: Handle<Inner>,
    key: CString,
    name: CString,
}

struct Inner {
    sandbox: Sandbox,
    /// Of a sandbox that a controller knows of.
    controller: Option<Arc<Controller>>,
}

impl netns_sandbox {
    fn new(sandbox: Sandbox, controller: Option<Arc<Controller>>) -> Self {
        let key = c_string(&sandbox.key().to_string());
        let name = c_string(sandbox.key().name().as_str());
        Self { handle: Handle::new(Inner { sandbox, controller }), key, name }
    }
}

/// The sandbox of a handle.
pub(crate) fn get(sandbox: Option<&netns_sandbox>) -> Result<&Sandbox> {
    Ok(&required(sandbox, "sandbox")?.handle.get()?.sandbox)
}

/// # Safety
/// Strings by the header's rules.
unsafe fn key_in(base: *const c_char, name: *const c_char) -> Result<SandboxKey> {
    // SAFETY: the same.
    let (base, name) = unsafe { (optional(base, "base")?, text(name, "name")?) };
    SandboxKey::in_base(Path::new(base.unwrap_or(DEFAULT_BASE)), name)
}

/// Makes a sandbox that the controller knows of, with `lo` up; `ip netns list` shows it.
///
/// @param controller   the controller, in whose sandbox directory it is mounted
/// @param name         1 to 64 letters, digits, '_', '.' and '-', the first a letter or a digit
/// @param ret_sandbox  the sandbox, for netns_sandbox_free
/// @param ret_error    what went wrong; may be NULL
/// @return 0; NETNS_STATUS_ALREADY_EXISTS when there is one of that name;
///         NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN. Nothing is left behind.
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_create(
    controller: Option<&netns_controller>,
    name: *const c_char,
    ret_sandbox: Option<&mut MaybeUninit<*mut netns_sandbox>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get_controller(controller)?;
        // SAFETY: a string by the header's rules.
        let name = unsafe { text(name, "name") }?;
        let ret_sandbox = required(ret_sandbox, "ret_sandbox")?;
        let sandbox = controller.create_sandbox(name)?;
        give(ret_sandbox, netns_sandbox::new(sandbox, Some(Arc::clone(controller))));
        Ok(())
    })
}

/// Opens the sandbox that this or another process, or `ip netns add`, made in the controller's directory.
///
/// @param controller   the controller
/// @param name         its name
/// @param ret_sandbox  the sandbox, for netns_sandbox_free
/// @param ret_error    what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is none; NETNS_STATUS_BAD_REQUEST when what lies there is no
///         network namespace
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_open(
    controller: Option<&netns_controller>,
    name: *const c_char,
    ret_sandbox: Option<&mut MaybeUninit<*mut netns_sandbox>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get_controller(controller)?;
        // SAFETY: a string by the header's rules.
        let name = unsafe { text(name, "name") }?;
        let ret_sandbox = required(ret_sandbox, "ret_sandbox")?;
        let sandbox = controller.open_sandbox(name)?;
        give(ret_sandbox, netns_sandbox::new(sandbox, Some(Arc::clone(controller))));
        Ok(())
    })
}

/// Makes a sandbox without a controller: nothing but the kernel knows of it.
///
/// @param base         the directory where it is mounted, absolute; may be NULL, for /run/netns
/// @param name         its name there
/// @param ret_sandbox  the sandbox, for netns_sandbox_free
/// @param ret_error    what went wrong; may be NULL
/// @return as of netns_sandbox_create
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_create_in(
    base: *const c_char,
    name: *const c_char,
    ret_sandbox: Option<&mut MaybeUninit<*mut netns_sandbox>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        let key = unsafe { key_in(base, name) }?;
        let ret_sandbox = required(ret_sandbox, "ret_sandbox")?;
        give(ret_sandbox, netns_sandbox::new(Sandbox::create(&key)?, None));
        Ok(())
    })
}

/// Opens a sandbox without a controller.
///
/// @param base         the directory where it is mounted, absolute; may be NULL, for /run/netns
/// @param name         its name there
/// @param ret_sandbox  the sandbox, for netns_sandbox_free
/// @param ret_error    what went wrong; may be NULL
/// @return as of netns_sandbox_open
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_open_in(
    base: *const c_char,
    name: *const c_char,
    ret_sandbox: Option<&mut MaybeUninit<*mut netns_sandbox>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        let key = unsafe { key_in(base, name) }?;
        let ret_sandbox = required(ret_sandbox, "ret_sandbox")?;
        give(ret_sandbox, netns_sandbox::new(Sandbox::open(&key)?, None));
        Ok(())
    })
}

/// The names of the sandboxes that a controller made or joined and that are there, those in other directories
/// than the controller's by their paths.
///
/// @param controller  the controller
/// @param ret_names   the names, for netns_names_free
/// @param ret_error   what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub extern "C" fn netns_sandbox_list(
    controller: Option<&netns_controller>,
    ret_names: Option<&mut MaybeUninit<*mut netns_names>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        give_names(ret_names, || {
            let controller = get_controller(controller)?;
            let own = &controller.options().sandbox_dir;
            let name = |path: &Path| path.strip_prefix(own).unwrap_or(path).display().to_string();
            Ok(controller.sandboxes()?.iter().map(|sandbox| name(&sandbox.path)).collect())
        })
    })
}

/// The path of the sandbox of a container: the directory of sandboxes and the first 12 bytes of the container's
/// id, a shorter id whole (seed 000, GenerateKey).
///
/// @param id         the container's id
/// @param buffer     where the path goes, with a NUL; may be NULL, to learn how long it is
/// @param size       bytes of the buffer, where there is one; afterwards the bytes that the path needs with
///                   its NUL, also when the buffer is too small
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST when the id is no name; NETNS_STATUS_RESOURCE_EXHAUSTED when the buffer
///         is too small, and is left as it is
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_generate_key(
    id: *const c_char,
    buffer: *mut c_char,
    size: Option<&mut MaybeUninit<usize>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let id = unsafe { text(id, "id") }?;
        let size = required(size, "size")?;
        let key = c_string(&generate_key(id)?.to_string());
        let bytes = key.as_bytes_with_nul();
        // Nothing has to be there when there is no buffer.
        let there = std::mem::replace(size, MaybeUninit::new(bytes.len()));
        if buffer.is_null() {
            return Ok(());
        }
        // SAFETY: where there is a buffer, the caller says of how many bytes.
        let there = unsafe { there.assume_init() };
        if bytes.len() > there {
            let cause = format!("the key needs {} bytes", bytes.len());
            return Err(Error::new(
                ErrorKind::ResourceExhausted,
                "use",
                format!("a buffer of {there} bytes"),
            )
            .with_cause(cause));
        }
        // SAFETY: the buffer is of as many bytes as the caller says, which are enough.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr().cast(), buffer, bytes.len()) };
        Ok(())
    })
}

/// Where the namespace is mounted (seed 000, Key). Lasts as long as the object.
///
/// @param sandbox  the sandbox; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_sandbox_key(sandbox: Option<&netns_sandbox>) -> *const c_char {
    sandbox.map_or(ptr::null(), |sandbox| sandbox.key.as_ptr())
}

/// The last part of the key, what `ip netns` calls the sandbox. Lasts as long as the object.
///
/// @param sandbox  the sandbox; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_sandbox_name(sandbox: Option<&netns_sandbox>) -> *const c_char {
    sandbox.map_or(ptr::null(), |sandbox| sandbox.name.as_ptr())
}

/// The namespace, which the object keeps alive.
///
/// @param sandbox        the sandbox
/// @param ret_namespace  the namespace, for netns_namespace_free
/// @param ret_error      what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when the sandbox was destroyed by this object
#[no_mangle]
pub extern "C" fn netns_sandbox_namespace(
    sandbox: Option<&netns_sandbox>,
    ret_namespace: Option<&mut MaybeUninit<*mut netns_namespace>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let sandbox = get(sandbox)?;
        give_namespace(ret_namespace, || sandbox.namespace())
    })
}

/// A descriptor of the namespace, close-on-exec, for setns(2) and the like. The caller closes it; as long as
/// it is open the namespace lives.
///
/// @param sandbox    the sandbox
/// @param ret_fd     the descriptor
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when the sandbox was destroyed by this object
#[no_mangle]
pub extern "C" fn netns_sandbox_fd(
    sandbox: Option<&netns_sandbox>,
    ret_fd: Option<&mut MaybeUninit<i32>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || give_fd(ret_fd, &get(sandbox)?.namespace()?))
}

/// Runs a function with the calling thread inside the sandbox. The thread is back when this returns; should
/// the way back fail, the process is aborted, since no caller could recover. The function may call the
/// library, but not free the sandbox's object; what it makes there has the sandbox for its host.
///
/// @param sandbox    the sandbox
/// @param callback   the function, called once, on the calling thread
/// @param user       is handed to it as it is; may be NULL
/// @param ret_value  what the function returned; may be NULL
/// @param ret_error  what went wrong; may be NULL
/// @return 0 when the function ran, whatever it returned; NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_run(
    sandbox: Option<&netns_sandbox>,
    callback: netns_run_callback,
    user: *mut c_void,
    ret_value: Option<&mut MaybeUninit<i32>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || run_inside(&get(sandbox)?.namespace()?, callback, user, ret_value))
}

/// Ends the sandbox: unmounts it, and the kernel takes it down with every virtual device in it (seed 000,
/// Destroy). Its endpoints leave it; those that netns_endpoint_connect made are deleted. The object stays to
/// be freed. Repeated calls succeed, also when somebody else removed the sandbox; one that was made at the
/// same key since is left alone.
///
/// @param sandbox    the sandbox
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN
#[no_mangle]
pub extern "C" fn netns_sandbox_destroy(
    sandbox: Option<&netns_sandbox>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let inner = required(sandbox, "sandbox")?.handle.get()?;
        match &inner.controller {
            Some(controller) => controller.destroy_sandbox(&inner.sandbox),
            None => inner.sandbox.destroy(),
        }
    })
}

/// Ends a sandbox of the controller's that is not open here, as netns_sandbox_destroy does. One that is gone
/// is no error.
///
/// @param controller  the controller
/// @param name        its name
/// @param ret_error   what went wrong; may be NULL
/// @return as of netns_sandbox_destroy
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_remove(
    controller: Option<&netns_controller>,
    name: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get_controller(controller)?;
        // SAFETY: a string by the header's rules.
        controller.remove_sandbox(unsafe { text(name, "name") }?)
    })
}

/// Removes whatever sandbox is there without a controller, a stale file too. Nothing there is no error.
///
/// @param base       the directory where it is mounted, absolute; may be NULL, for /run/netns
/// @param name       its name there
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_FORBIDDEN for a file that this library did not make;
///         NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_remove_in(
    base: *const c_char,
    name: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        Sandbox::remove(&unsafe { key_in(base, name) }?)
    })
}

/// Frees the object; the sandbox stays.
///
/// @param sandbox  the object; may be NULL
#[no_mangle]
pub extern "C" fn netns_sandbox_free(sandbox: Option<Box<netns_sandbox>>) {
    plain((), || {
        if let Some(sandbox) = sandbox {
            sandbox.handle.end_with(|inner| std::mem::forget(inner.controller));
        }
    });
}
