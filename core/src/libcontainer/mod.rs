//! Links of the calling thread's own network namespace, changed one by one (seed `001`).
//!
//! Each function does one thing to a device of the caller's, or nothing: what fails has changed nothing.
//! A device is found by its name as it is at that moment, and alternative names do not count. Nothing is
//! done behind the caller's back: no link is brought up or down, renamed or moved that was not said to be.
//!
//! What is made or added here is the caller's: it does not carry the marks by which this library tells its
//! own, and [`Controller::collect`](crate::Controller::collect) leaves it alone.

pub mod configs;
mod json;
mod links;

pub use links::{
    change_interface_name, create_veth_pair, interface_down, interface_up, set_default_gateway,
    set_interface_in_namespace_fd, set_interface_in_namespace_pid, set_interface_ip, set_interface_master,
    set_mtu,
};
