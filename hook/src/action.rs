//! What is done at a turning point of a container's life.

use std::io::{self, IsTerminal};

use netns::ipnet::IpNet;
use netns::libcontainer::configs::{self, Config, ParsedNetwork, State, Status};
use netns::libcontainer::{NetworkSetup, SetupState, Target};
use netns::{Error, Namespace, Network, NetworkOptions, Result};

use crate::arguments::{Arguments, Point};
use crate::config;

/// Reads the container's state and does what the arguments, or else its status, say.
pub(crate) fn act(arguments: &Arguments) -> Result<()> {
    let state = read_state()?;
    match arguments.point.map_or_else(|| point_of(&state), Ok)? {
        Point::CreateRuntime => join(arguments, &state),
        Point::Poststop => SetupState::find(&owner(&state)?)?.tear_down(),
    }
}

/// Who the links are for. Runtimes that do not know of each other may have containers of one id, but not of one
/// bundle; of an id that is too long to have the digest behind it, the beginning is there to be read.
fn owner(state: &State) -> Result<String> {
    NetworkSetup::from_config(&Config::default())?.with_id(&state.id)?;
    let digest = digest(&[&state.id, &state.bundle]);
    let length = state.id.len().min(NetworkSetup::MAX_ID - 1 - 16);
    Ok(format!("{}.{digest:016x}", &state.id[..length]))
}

/// FNV-1a of the texts, each with a NUL behind it.
fn digest(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn read_state() -> Result<State> {
    const SUBJECT: &str = "the container's state on standard input";
    let input = io::stdin().lock();
    if input.is_terminal() {
        return Err(Error::bad_request("read", SUBJECT, "it is a terminal: a runtime is to run this"));
    }
    let text = config::read(input).map_err(|error| config::unread(SUBJECT, &error))?;
    if text.trim().is_empty() {
        return Err(Error::bad_request("read", SUBJECT, "it is empty"));
    }
    State::from_json(&text)
}

fn point_of(state: &State) -> Result<Point> {
    match state.status {
        Status::Creating | Status::Created => Ok(Point::CreateRuntime),
        Status::Stopped => Ok(Point::Poststop),
        _ => {
            let status = state.status.as_str();
            refuse(state, format!("its status is {status:?}: say createRuntime or poststop"))
        }
    }
}

/// Nothing is left of the container's network when this fails. A bridge stays, as others may use it by then.
fn join(arguments: &Arguments, state: &State) -> Result<()> {
    let config = config::of(arguments.config.as_deref(), state)?;
    let setup = NetworkSetup::from_config(&config)?.with_id(&owner(state)?)?;
    if state.pid == 0 {
        return refuse(state, "its state has no process: its network namespace is not known");
    }
    if arguments.create_bridge {
        check_namespace(state)?;
        config.networks.iter().try_for_each(create_bridge)?;
    }
    setup.up(Some(&Target::Pid(state.pid)), state).map(drop)
}

/// Before bridges are made for a container that cannot be joined to them.
fn check_namespace(state: &State) -> Result<()> {
    if Namespace::from_pid(state.pid)?.id() == Namespace::current()?.id() {
        return refuse(state, "it has no network namespace of its own");
    }
    Ok(())
}

fn refuse<T>(state: &State, cause: impl Into<String>) -> Result<T> {
    Err(Error::bad_request("use container", format!("{:?}", state.id), cause))
}

/// The bridge is there afterwards, is up, and has the gateways for addresses.
fn create_bridge(network: &configs::Network) -> Result<()> {
    let network = network.parsed()?;
    let Some(bridge) = &network.bridge else { return Ok(()) };
    let mut options = NetworkOptions::default().with_bridge(bridge.clone());
    options.mtu = network.mtu;
    for gateway in gateways(&network) {
        options = options.with_gateway(gateway);
    }
    Network::create("bridge", bridge.as_str(), options).map(drop)
}

/// The gateways with the lengths of their addresses' prefixes.
fn gateways(network: &ParsedNetwork) -> impl Iterator<Item = IpNet> {
    let v4 = network.gateway.zip(network.address).map(|(gateway, own)| (gateway.into(), own.prefix_len()));
    let v6 = network
        .ipv6_gateway
        .zip(network.ipv6_address)
        .map(|(gateway, own)| (gateway.into(), own.prefix_len()));
    v4.into_iter().chain(v6).filter_map(|(gateway, length)| IpNet::new(gateway, length).ok())
}
