//! A real Docker with the built program for its network plugin, each test in a host of its own and looked at
//! with the eyes of others.

mod addresses;
mod drivers;
mod errors;
mod isolation;
mod live;
mod page;
mod ports;
mod restarts;
mod stage;
mod traffic;
