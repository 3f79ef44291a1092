//! What happens, in this process and every other that has the run directory open.

use std::ffi::{c_char, c_void};
use std::mem::{size_of, MaybeUninit};
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use netns::{Closer, Event, EventKind, Events, Subscription};

use crate::arena::{hand_out, take_back, Arena};
use crate::boundary::{call, give, plain, required, Handle};
use crate::controller::{get as get_controller, netns_controller};
use crate::error::netns_error;
use crate::log::{netns_release_callback, User};

/// Hears what happens to networks, endpoints and sandboxes from the moment on at which it was opened.
pub struct netns_events {
    handle: Handle<Listening>,
}

struct Listening {
    events: Events,
    closer: Closer,
}

/// Has a callback hear what happens, until it is freed.
pub struct netns_subscription {
    handle: Handle<Subscription>,
}

/// What an event is about. A later version may add others.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_event_kind {
    /// Something that this version of the header has no number for.
    Other = 0,
    /// What a process that is gone had left was removed.
    Collected = 1,
    /// An endpoint was created.
    EndpointCreated = 2,
    /// An endpoint was deleted.
    EndpointDeleted = 3,
    /// An endpoint joined a sandbox.
    EndpointJoined = 4,
    /// An endpoint left its sandbox.
    EndpointLeft = 5,
    /// A network was created.
    NetworkCreated = 6,
    /// A network was deleted.
    NetworkDeleted = 7,
    /// A sandbox was created.
    SandboxCreated = 8,
    /// A sandbox was destroyed.
    SandboxDestroyed = 9,
}

impl From<EventKind> for netns_event_kind {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Collected => Self::Collected,
            EventKind::EndpointCreated => Self::EndpointCreated,
            EventKind::EndpointDeleted => Self::EndpointDeleted,
            EventKind::EndpointJoined => Self::EndpointJoined,
            EventKind::EndpointLeft => Self::EndpointLeft,
            EventKind::NetworkCreated => Self::NetworkCreated,
            EventKind::NetworkDeleted => Self::NetworkDeleted,
            EventKind::SandboxCreated => Self::SandboxCreated,
            EventKind::SandboxDestroyed => Self::SandboxDestroyed,
            _ => Self::Other,
        }
    }
}

/// Something that happened, after it did; freed by netns_event_free.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_event {
    /// Bytes of this struct.
    pub size: usize,
    /// A netns_event_kind.
    pub kind: i32,
    /// The number of the process that did it.
    pub process: u32,
    /// When: milliseconds since 1970 in UTC.
    pub time_ms: u64,
    /// How many events this listener could not take since the one before.
    pub missed: u64,
    /// The name of the network; NULL where none is concerned.
    pub network: *const c_char,
    /// The name of the endpoint; NULL where none is concerned.
    pub endpoint: *const c_char,
    /// The key of the sandbox; NULL where none is concerned.
    pub sandbox: *const c_char,
}

fn show(arena: &mut Arena, event: &Event) -> netns_event {
    let since = event.time.duration_since(UNIX_EPOCH).unwrap_or_default();
    netns_event {
        size: size_of::<netns_event>(),
        kind: netns_event_kind::from(event.kind) as i32,
        process: event.process,
        time_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        missed: event.missed,
        network: arena.optional(event.network.as_ref()),
        endpoint: arena.optional(event.endpoint.as_ref()),
        sandbox: arena.optional(event.sandbox.as_ref()),
    }
}

/// Begins to listen. A thread of the library's takes events out of the kernel's short queue until the object
/// is freed.
///
/// @param controller  the controller in whose run directory it happens
/// @param ret_events  the listener, for netns_events_free
/// @param ret_error   what went wrong; may be NULL
/// @return 0; NETNS_STATUS_RESOURCE_EXHAUSTED at the limit of descriptors or threads
#[no_mangle]
pub extern "C" fn netns_events_open(
    controller: Option<&netns_controller>,
    ret_events: Option<&mut MaybeUninit<*mut netns_events>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get_controller(controller)?;
        let ret_events = required(ret_events, "ret_events")?;
        let events = controller.events()?;
        let closer = events.closer();
        give(ret_events, netns_events { handle: Handle::new(Listening { events, closer }) });
        Ok(())
    })
}

/// The next event. Of several threads that wait one gets it.
///
/// @param events      the listener
/// @param timeout_ms  how long to wait for it, in milliseconds; 0 does not wait, -1 waits until it comes, or
///                    netns_events_close is called
/// @param ret_event   the event, for netns_event_free; NULL when none came in time, or netns_events_close was
///                    called
/// @param ret_error   what went wrong; may be NULL
/// @return 0, also when none came
#[no_mangle]
pub extern "C" fn netns_events_next(
    events: Option<&netns_events>,
    timeout_ms: i32,
    ret_event: Option<&mut MaybeUninit<*mut netns_event>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let events = &required(events, "events")?.handle.get()?.events;
        let ret_event = required(ret_event, "ret_event")?;
        let timeout = match u64::try_from(timeout_ms) {
            Ok(timeout) => Duration::from_millis(timeout),
            Err(_) if timeout_ms == -1 => Duration::MAX,
            Err(_) => {
                let cause = format!("{timeout_ms} is neither -1 nor a time");
                return Err(netns::Error::bad_request("use argument", "timeout_ms", cause));
            }
        };
        let event = events.next_timeout(timeout).map_or(ptr::null_mut(), |event| {
            let mut arena = Arena::default();
            hand_out(show(&mut arena, &event), arena)
        });
        ret_event.write(event);
        Ok(())
    })
}

/// Ends the waiting of netns_events_next, now and from now on, from any thread. The object stays to be freed
/// when no thread is inside any more.
///
/// @param events  the listener; may be NULL
#[no_mangle]
pub extern "C" fn netns_events_close(events: Option<&netns_events>) {
    plain((), || {
        if let Some(Ok(listening)) = events.map(|events| events.handle.get()) {
            listening.closer.close();
        }
    });
}

/// Stops listening and frees the listener.
///
/// @param events  the listener; may be NULL
#[no_mangle]
pub extern "C" fn netns_events_free(events: Option<Box<netns_events>>) {
    plain((), || {
        if let Some(events) = events {
            events.handle.end();
        }
    });
}

/// Frees an event.
///
/// @param event  the event; may be NULL
#[no_mangle]
pub unsafe extern "C" fn netns_event_free(event: *mut netns_event) {
    // SAFETY: it was handed out, and is freed once, by the header's rules.
    unsafe { take_back(event) };
}

/// Hears an event, which lasts until the callback returns and is not freed by it.
pub type netns_event_callback = Option<unsafe extern "C" fn(user: *mut c_void, event: *const netns_event)>;

/// Has a callback hear what happens from now on, one event at a time, on a thread of the library's.
///
/// @param controller        the controller in whose run directory it happens
/// @param callback          hears it; it may call the library, and free the subscription where it has it: the
///                          first call may come before ret_subscription is written
/// @param user              is handed to the callback as it is; may be NULL
/// @param release           is told when `user` is needed no more; may be NULL. Not called when this function
///                          fails
/// @param ret_subscription  the subscription, for netns_subscription_free
/// @param ret_error         what went wrong; may be NULL
/// @return 0; NETNS_STATUS_RESOURCE_EXHAUSTED at the limit of descriptors or threads
#[no_mangle]
pub unsafe extern "C" fn netns_events_subscribe(
    controller: Option<&netns_controller>,
    callback: netns_event_callback,
    user: *mut c_void,
    release: netns_release_callback,
    ret_subscription: Option<&mut MaybeUninit<*mut netns_subscription>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get_controller(controller)?;
        let callback = required(callback, "callback")?;
        let ret_subscription = required(ret_subscription, "ret_subscription")?;
        let events = controller.events()?;
        let user = Arc::new(User::new(user, release));
        let heard_by = Arc::clone(&user);
        let hear = move |event: Event| {
            let mut arena = Arena::default();
            let event = show(&mut arena, &event);
            // SAFETY: the caller's own function, with an event that lasts until it returns.
            unsafe { callback(heard_by.pointer(), &raw const event) };
        };
        let subscribed = events.for_each_in_background(hear);
        let subscription = match (subscribed, Arc::into_inner(user)) {
            // Nobody else has it.
            (Err(error), Some(user)) => {
                user.hand_back();
                return Err(error);
            }
            (subscribed, _) => subscribed?,
        };
        give(ret_subscription, netns_subscription { handle: Handle::new(subscription) });
        Ok(())
    })
}

/// Ends a subscription: the callback is not called any more when this returns, unless it is the callback
/// itself that calls this.
///
/// @param subscription  the subscription; may be NULL
#[no_mangle]
pub extern "C" fn netns_subscription_free(subscription: Option<Box<netns_subscription>>) {
    plain((), || {
        if let Some(subscription) = subscription {
            subscription.handle.end();
        }
    });
}
