//! What libcontainer has for networks: strategies, configs and single changes of links.
//!
//! | | |
//! |---|---|
//! | [`NetworkSetup`] | the network of a container as its [`configs::Config`] has it, brought up and taken down (seed `003`) |
//! | [`SetupState`] | what was made for it, to be taken down in whatever process; [`SetupState::find`] asks the kernel |
//! | [`configs`] | what a container is to have, as runc says it; hooks |
//! | [`setup`], [`Network`] | one network of a container (seed `001`), at once |
//! | [`NetworkStrategy`], [`get_strategy`], [`register_strategy`] | the same in two steps, and the place to add a strategy |
//! | [`get_stats`] | what a container has received and sent |
//! | [`set_interface_ip`] and the like | links of the calling thread's own network namespace, changed one by one (seed `001`) |
//!
//! # Links one by one
//! Each function does one thing to a device of the caller's, or nothing: what fails has changed nothing.
//! A device is found by its name as it is at that moment, and alternative names do not count. Nothing is
//! done behind the caller's back: no link is brought up or down, renamed or moved that was not said to be.
//!
//! What is made or added by them is the caller's: it does not carry the marks by which this library tells its
//! own.
//!
//! # What is made here
//! Pairs of a setup or a strategy are in the link group [`LINK_GROUP`](crate::link::LINK_GROUP), and the aliases
//! of both ends begin with `libnetns setup=`, the container's id or its namespace. The kernel removes them with
//! the container's namespace; nothing else remembers them.
//! [`Controller::collect`](crate::Controller::collect) leaves alone all that is made here.

mod alias;
mod assembly;
pub mod configs;
mod container;
mod initialize;
mod json;
mod links;
mod network;
mod pair;
mod setup;
mod simple;
mod stats;
mod strategy;
mod target;
mod up;
mod veth;
mod wanted;

pub use links::{
    change_interface_name, create_veth_pair, interface_down, interface_up, set_default_gateway,
    set_interface_in_namespace_fd, set_interface_in_namespace_pid, set_interface_ip, set_interface_master,
    set_mtu,
};
pub use network::{Network, NetworkState};
pub use setup::{NetworkSetup, SetupLink, SetupNamespace, SetupNetwork, SetupState};
pub use simple::{Loopback, NetNs};
pub use stats::get_stats;
pub use strategy::{get_strategy, register_strategy, NetworkStrategy};
pub use target::Target;
pub use up::setup;
pub use veth::Veth;

pub use crate::stats::Stats as NetworkStats;
