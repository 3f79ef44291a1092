//! Synchronous netlink sockets: batches, extended acknowledgements, dumps (netlink(7), rtnetlink(7)).

mod attributes;
mod channel;
mod reply;
mod socket;
#[cfg(test)]
mod tests;

pub(crate) use attributes::{attribute, attributes, number, text, Attributes};
pub(crate) use channel::{packets, Channel};
pub(crate) use reply::{bad_attribute, parse_error, Refusal};
pub(crate) use socket::{Request, RouteSocket};
