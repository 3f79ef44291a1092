//! Calling C back: what it answers, and what it leaves behind.

use std::ptr;

use netns::plan::Plan;
use netns::{Error, ErrorKind, Result};

use crate::error::{netns_error, NETNS_OK};
use crate::plan::netns_plan;

/// Makes a call that hands over nothing but a failure. A number that is none of ours is a failure, too.
pub(crate) fn fallible(
    operation: &str,
    subject: &str,
    callback: impl FnOnce(*mut *mut netns_error) -> i32,
) -> Result<()> {
    let mut left = ptr::null_mut();
    let status = callback(&raw mut left);
    // SAFETY: what a callback leaves is NULL or an error of the library's that it hands over.
    let error = unsafe { taken(left) };
    match status {
        NETNS_OK => {
            if let Some(error) = error {
                let error = netns_error::taken(Some(error), status, operation, subject);
                log::warn!("{operation} {subject}: the callback succeeded and left an error: {error}");
            }
            Ok(())
        }
        _ => Err(netns_error::taken(error, status, operation, subject)),
    }
}

/// Makes a call that may hand over a plan, which counts when the call succeeds.
pub(crate) fn planning(
    operation: &str,
    subject: &str,
    callback: impl FnOnce(*mut *mut netns_plan, *mut *mut netns_error) -> i32,
) -> Result<Plan> {
    let mut left = ptr::null_mut();
    let ret_plan = &raw mut left;
    let outcome = fallible(operation, subject, |ret_error| callback(ret_plan, ret_error));
    // SAFETY: what a callback leaves is NULL or a plan of the library's that it hands over.
    let plan = unsafe { taken(left) };
    outcome.map(|()| plan.map_or_else(Plan::default, |plan| plan.plan().clone()))
}

/// The error of a callback that says that it succeeded and did not answer.
pub(crate) fn no_answer(operation: &str, subject: &str, setter: &str) -> Error {
    let cause = format!("the callback returned 0 and did not call {setter}");
    Error::new(ErrorKind::System, operation, subject).with_cause(cause)
}

/// # Safety
/// NULL, or an object that the library handed out and that nobody else frees.
unsafe fn taken<T>(left: *mut T) -> Option<Box<T>> {
    // SAFETY: the same.
    (!left.is_null()).then(|| unsafe { Box::from_raw(left) })
}
