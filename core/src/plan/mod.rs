//! What is to be done, as data: steps by namespace, each with its way back.
//!
//! A plan is known whole before the first system call. It can be printed, serialised, compared and
//! changed; `apply` alone brings it to the kernel.

mod answer;
mod apply;
mod print;
mod step;
#[cfg(test)]
mod tests;

pub(crate) use answer::Unanswered;
pub(crate) use apply::{apply, apply_towards, apply_unanswered, take_back, Ground, Inside, Programs};
pub use step::{Action, Plan, Step, Undo};
