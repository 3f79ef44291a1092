//! The way out and in, with real traffic: a world outside, a host, and containers on its networks.

#[path = "crash/campaign.rs"]
mod campaign;
#[path = "crash/look.rs"]
mod look;
#[path = "crash/trace.rs"]
mod trace;

mod child;
mod control;

#[path = "outside/failure.rs"]
mod failure;
#[path = "outside/flows.rs"]
mod flows;
#[path = "outside/frame.rs"]
mod frame;
#[path = "outside/isolation.rs"]
mod isolation;
#[path = "outside/killed.rs"]
mod killed;
#[path = "outside/lifetime.rs"]
mod lifetime;
#[path = "outside/linked.rs"]
mod linked;
#[path = "outside/modes.rs"]
mod modes;
#[path = "outside/out.rs"]
mod out;
#[path = "outside/ports.rs"]
mod ports;
#[path = "outside/programs.rs"]
mod programs;
#[path = "outside/rights.rs"]
mod rights;
#[path = "outside/rogue.rs"]
mod rogue;
#[path = "outside/shut.rs"]
mod shut;
#[path = "outside/spoofing.rs"]
mod spoofing;
#[path = "outside/staying.rs"]
mod staying;
#[path = "outside/stores.rs"]
mod stores;
#[path = "outside/users.rs"]
mod users;
#[path = "outside/world.rs"]
mod world;
