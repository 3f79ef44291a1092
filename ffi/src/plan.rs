//! Plans: what a call would do, as text and as JSON.

use std::ffi::{c_char, CString};
use std::mem::MaybeUninit;
use std::ptr;

use netns::plan::Plan;
use netns::{Error, Result};

use crate::boundary::{call, discard, give, required};
use crate::error::netns_error;
use crate::text::{c_string, text};

/// What a call would do: steps by namespace, each with its way back (a dry run). It never changes, and any
/// thread may read it.
pub struct netns_plan {
    plan: Plan,
    text: CString,
    json: CString,
}

impl netns_plan {
    pub(crate) fn new(plan: Plan) -> Result<Self> {
        let json = serde_json::to_string(&plan)
            .map_err(|error| Error::bad_request("serialise", "a plan", error.to_string()))?;
        Ok(Self { text: c_string(&plan.to_string()), json: c_string(&json), plan })
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }
}

/// Hands out the plan that `make` makes.
pub(crate) fn give_plan(
    ret_plan: Option<&mut MaybeUninit<*mut netns_plan>>,
    make: impl FnOnce() -> Result<Plan>,
) -> Result<()> {
    let ret_plan = required(ret_plan, "ret_plan")?;
    give(ret_plan, netns_plan::new(make()?)?);
    Ok(())
}

/// Reads a plan that netns_plan_json wrote, or that was written by hand.
///
/// @param json      the plan
/// @param ret_plan  the plan, for netns_plan_free
/// @param ret_error what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST when it is no plan
#[no_mangle]
pub unsafe extern "C" fn netns_plan_from_json(
    json: *const c_char,
    ret_plan: Option<&mut MaybeUninit<*mut netns_plan>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let json = unsafe { text(json, "json") }?;
        give_plan(ret_plan, || {
            serde_json::from_str(json)
                .map_err(|error| Error::bad_request("read", "a plan", error.to_string()))
        })
    })
}

/// The plan for people: a line a step. Lasts as long as the plan.
///
/// @param plan  the plan; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_plan_text(plan: Option<&netns_plan>) -> *const c_char {
    plan.map_or(ptr::null(), |plan| plan.text.as_ptr())
}

/// The plan as JSON, an object with its `steps`. Lasts as long as the plan.
///
/// @param plan  the plan; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_plan_json(plan: Option<&netns_plan>) -> *const c_char {
    plan.map_or(ptr::null(), |plan| plan.json.as_ptr())
}

/// How many steps it has.
///
/// @param plan  the plan; may be NULL, which has none
#[no_mangle]
pub extern "C" fn netns_plan_step_count(plan: Option<&netns_plan>) -> usize {
    plan.map_or(0, |plan| plan.plan().steps.len())
}

/// Frees a plan.
///
/// @param plan  the plan; may be NULL
#[no_mangle]
pub extern "C" fn netns_plan_free(plan: Option<Box<netns_plan>>) {
    discard(plan);
}
