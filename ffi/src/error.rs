//! Errors: a status for programs, an object for people.

use std::any::Any;
use std::error::Error as _;
use std::ffi::{c_char, c_void, CString};
use std::fmt;
use std::ptr;
use std::sync::Arc;

use netns::{Error, ErrorKind};

use crate::boundary::{discard, words_of};
use crate::log::{netns_release_callback, User};
use crate::text::{c_string, lossy};

/// What a function that can fail returns: 0, or one of the negative numbers here. A number is never used for
/// anything else later; a later version may add others.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_status {
    /// It succeeded.
    Ok = 0,
    /// The object, its name or its address is already there.
    AlreadyExists = -1,
    /// An argument cannot be right, whatever the state of the host.
    BadRequest = -2,
    /// The object is in use, or kept changing while it was read.
    Busy = -3,
    /// The request is valid but not allowed on this object.
    Forbidden = -4,
    /// The object is not there (any more).
    NotFound = -5,
    /// The driver does not offer the operation.
    NotImplemented = -6,
    /// The process lacks a privilege that the operation needs, or the filesystem is read-only.
    PermissionDenied = -7,
    /// A limit was reached: ports of a bridge, addresses of a subnet, descriptors, memory, the room on a disk.
    ResourceExhausted = -8,
    /// The kernel, or a driver, refused for a reason that has no number of its own; see netns_error_errno.
    System = -9,
    /// This kernel, or this build of it, does not have the feature.
    Unsupported = -10,
    /// A mistake in the library was caught. What it was doing may be half done; the process can go on.
    Panic = -11,
}

pub(crate) const NETNS_OK: i32 = netns_status::Ok as i32;

impl netns_status {
    const ALL: [(Self, &'static std::ffi::CStr); 12] = [
        (Self::Ok, c"OK"),
        (Self::AlreadyExists, c"ALREADY_EXISTS"),
        (Self::BadRequest, c"BAD_REQUEST"),
        (Self::Busy, c"BUSY"),
        (Self::Forbidden, c"FORBIDDEN"),
        (Self::NotFound, c"NOT_FOUND"),
        (Self::NotImplemented, c"NOT_IMPLEMENTED"),
        (Self::PermissionDenied, c"PERMISSION_DENIED"),
        (Self::ResourceExhausted, c"RESOURCE_EXHAUSTED"),
        (Self::System, c"SYSTEM"),
        (Self::Unsupported, c"UNSUPPORTED"),
        (Self::Panic, c"PANIC"),
    ];

    fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::AlreadyExists => Self::AlreadyExists,
            ErrorKind::BadRequest => Self::BadRequest,
            ErrorKind::Busy => Self::Busy,
            ErrorKind::Forbidden => Self::Forbidden,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::NotImplemented => Self::NotImplemented,
            ErrorKind::PermissionDenied => Self::PermissionDenied,
            ErrorKind::ResourceExhausted => Self::ResourceExhausted,
            ErrorKind::Unsupported => Self::Unsupported,
            _ => Self::System,
        }
    }

    /// The kind of a status that C code returned; what is no number of ours is a failure all the same.
    fn kind(status: i32) -> ErrorKind {
        let kinds = [
            ErrorKind::AlreadyExists,
            ErrorKind::BadRequest,
            ErrorKind::Busy,
            ErrorKind::Forbidden,
            ErrorKind::NotFound,
            ErrorKind::NotImplemented,
            ErrorKind::PermissionDenied,
            ErrorKind::ResourceExhausted,
            ErrorKind::Unsupported,
        ];
        kinds.into_iter().find(|kind| Self::of(*kind) as i32 == status).unwrap_or(ErrorKind::System)
    }
}

/// The name of a status without its prefix: "BUSY". "UNKNOWN" for a number that is none. It lasts as long as
/// the program.
#[no_mangle]
pub extern "C" fn netns_status_name(status: i32) -> *const c_char {
    let named = netns_status::ALL.iter().find(|(known, _)| *known as i32 == status);
    named.map_or(c"UNKNOWN", |(_, name)| name).as_ptr()
}

/// What an error is to the program whose callback made it: [`netns_error_set_user`].
#[derive(Clone)]
struct Origin(Arc<User>);

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error of the program's own")
    }
}

impl std::error::Error for Origin {}

/// What went wrong: operation, object and cause in words, and numbers to branch on. But for netns_error_set_user
/// it never changes, and any thread may read it. The functions that read it take NULL, too, and then return NULL
/// or 0.
pub struct netns_error {
    status: netns_status,
    errno: i32,
    operation: CString,
    subject: CString,
    message: CString,
    kernel_message: Option<CString>,
    rollback: Vec<netns_error>,
    origin: Option<Origin>,
    /// What it is to a Rust caller, for when a callback hands it back; none of what could not be undone.
    original: Option<Box<Error>>,
}

impl netns_error {
    pub(crate) fn new(error: &Error) -> Self {
        Self {
            status: netns_status::of(error.kind()),
            errno: error.errno().unwrap_or(0),
            operation: c_string(error.operation()),
            subject: c_string(error.subject()),
            message: c_string(&error.to_string()),
            kernel_message: error.kernel_message().map(c_string),
            rollback: error.rollback_failures().iter().map(Self::new).collect(),
            origin: error.source().and_then(|source| source.downcast_ref::<Origin>()).cloned(),
            original: None,
        }
    }

    /// As [`netns_error::new`], for an error that a callback may hand back.
    pub(crate) fn owning(error: Error) -> Self {
        let mut shown = Self::new(&error);
        shown.original = Some(Box::new(error));
        shown
    }

    pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let error = Error::new(ErrorKind::System, "go on after a mistake in", "libnetns")
            .with_cause(words_of(payload));
        Self { status: netns_status::Panic, ..Self::owning(error) }
    }

    pub(crate) fn status(&self) -> i32 {
        self.status as i32
    }

    /// The error that C code handed over, or one of its status when it handed none over.
    pub(crate) fn taken(error: Option<Box<Self>>, status: i32, operation: &str, subject: &str) -> Error {
        match error.and_then(|error| error.original) {
            Some(original) => *original,
            None => Error::new(netns_status::kind(status), operation, subject)
                .with_cause(format!("the callback returned {status}")),
        }
    }
}

/// Makes an error, for a callback to hand to the library by its `ret_error`.
///
/// @param status     what kind of failure it is; NETNS_STATUS_PANIC, and a number that is none of a failure's,
///                   count as NETNS_STATUS_SYSTEM
/// @param operation  what was attempted, a verb phrase: "create link"; may be NULL
/// @param subject    the object that it was attempted on; may be NULL
/// @param cause      what is wrong, or what to do about it; may be NULL
/// @param number     the system's error number, 0 when there is none
/// @return the error, never NULL. The library frees it when it was handed over, else netns_error_free does.
#[no_mangle]
pub unsafe extern "C" fn netns_error_new(
    status: i32,
    operation: *const c_char,
    subject: *const c_char,
    cause: *const c_char,
    number: i32,
) -> *mut netns_error {
    // SAFETY: strings by the header's rules.
    let [operation, subject, cause] = unsafe { [lossy(operation), lossy(subject), lossy(cause)] };
    let operation = operation.unwrap_or_else(|| "call".to_owned());
    let subject = subject.unwrap_or_else(|| "a callback".to_owned());
    let mut error = Error::new(netns_status::kind(status), operation, subject);
    if let Some(cause) = cause {
        error = error.with_cause(cause);
    }
    if number != 0 {
        error = error.with_errno(number);
    }
    Box::into_raw(Box::new(netns_error::owning(error)))
}

/// Says what an error that netns_error_new made is to the program, such as an object of its own language: an error
/// that a call ends with because a callback handed this one over has it, too. For an error that no other thread
/// knows of yet; a second call does nothing.
///
/// @param error    the error; may be NULL, and nothing is done then
/// @param user     what netns_error_user will say
/// @param release  is called once with `user`, when the last error that has it is freed, and not when nothing was
///                 done; may be NULL
/// @return 1; 0 when nothing was done
#[no_mangle]
pub extern "C" fn netns_error_set_user(
    error: Option<&mut netns_error>,
    user: *mut c_void,
    release: netns_release_callback,
) -> i32 {
    let Some(error) = error.filter(|error| error.origin.is_none()) else { return 0 };
    let Some(original) = error.original.take() else { return 0 };
    let origin = Origin(Arc::new(User::new(user, release)));
    error.original = Some(Box::new(original.with_source(origin.clone())));
    error.origin = Some(origin);
    1
}

/// What netns_error_set_user said of it, or of the error that it comes from; NULL when nobody did. Lasts as long as
/// the error.
#[no_mangle]
pub extern "C" fn netns_error_user(error: Option<&netns_error>) -> *mut c_void {
    let origin = error.and_then(|error| error.origin.as_ref());
    origin.map_or(ptr::null_mut(), |origin| origin.0.pointer())
}

/// What kind of failure it is: a negative netns_status, the one that the call returned.
#[no_mangle]
pub extern "C" fn netns_error_kind(error: Option<&netns_error>) -> i32 {
    error.map_or(NETNS_OK, netns_error::status)
}

/// The whole error for people: "operation subject: cause", with the kernel's own words where there are any,
/// and what could not be undone. Lasts as long as the error.
#[no_mangle]
pub extern "C" fn netns_error_message(error: Option<&netns_error>) -> *const c_char {
    error.map_or(ptr::null(), |error| error.message.as_ptr())
}

/// What was attempted, a verb phrase: "create link". Lasts as long as the error.
#[no_mangle]
pub extern "C" fn netns_error_operation(error: Option<&netns_error>) -> *const c_char {
    error.map_or(ptr::null(), |error| error.operation.as_ptr())
}

/// The object that it was attempted on. Lasts as long as the error.
#[no_mangle]
pub extern "C" fn netns_error_subject(error: Option<&netns_error>) -> *const c_char {
    error.map_or(ptr::null(), |error| error.subject.as_ptr())
}

/// The system's error number (errno(3)), 0 when there is none.
#[no_mangle]
pub extern "C" fn netns_error_errno(error: Option<&netns_error>) -> i32 {
    error.map_or(0, |error| error.errno)
}

/// The kernel's own words from its extended acknowledgement, NULL when there are none. Lasts as long as the
/// error.
#[no_mangle]
pub extern "C" fn netns_error_kernel_message(error: Option<&netns_error>) -> *const c_char {
    let words = error.and_then(|error| error.kernel_message.as_ref());
    words.map_or(ptr::null(), |words| words.as_ptr())
}

/// How many things could not be undone on the way back; 0 when the state is as it was before the call.
#[no_mangle]
pub extern "C" fn netns_error_rollback_count(error: Option<&netns_error>) -> usize {
    error.map_or(0, |error| error.rollback.len())
}

/// Why one of them could not be undone, NULL beyond their number. Lasts as long as the error that it is of,
/// and is not freed.
#[no_mangle]
pub extern "C" fn netns_error_rollback(error: Option<&netns_error>, index: usize) -> *const netns_error {
    error.and_then(|error| error.rollback.get(index)).map_or(ptr::null(), ptr::from_ref)
}

/// Frees an error; NULL is fine.
#[no_mangle]
pub extern "C" fn netns_error_free(error: Option<Box<netns_error>>) {
    discard(error);
}
