//! A synchronous route socket: batches, extended acknowledgements, dumps (netlink(7), rtnetlink(7)).

mod reply;
mod socket;
#[cfg(test)]
mod tests;

pub(crate) use reply::Refusal;
pub(crate) use socket::{Request, RouteSocket};
