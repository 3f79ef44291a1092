//! Does the job of the comparison of tools in Rust, as it is told, a line of its input each: by the controller, with
//! counters or without, or by the foundation, `Sandbox` and `Network`.
//!
//! usage: tool-worker controller|unmetered|foundation NAME GATEWAY/LENGTH

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};

use netns::ipnet::{IpNet, Ipv4Net};
use netns::{
    Controller, EndpointConfig, EndpointOptions, Network, NetworkConfig, NetworkOptions, Sandbox, SandboxKey,
};
use netns_benches::managed::options;
use netns_benches::stats::timed;

type Failure = Box<dyn Error>;

/// What does the job.
enum Side {
    Controller(Box<Controller>, String),
    Foundation(Network),
}

fn main() -> Result<(), Failure> {
    let words: Vec<_> = env::args().skip(1).collect();
    let [kind, name, gateway] = &words[..] else { return Err("usage: tool-worker KIND NAME GATEWAY".into()) };
    let side = Side::new(kind, name, gateway.parse()?)?;
    let mut output = io::stdout().lock();
    writeln!(output, "{}", env!("CARGO_PKG_VERSION"))?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (took, done) = timed(|| side.act(&line.split(' ').collect::<Vec<_>>()));
        match done {
            Ok(()) => writeln!(output, "{}", took.as_nanos())?,
            Err(error) => writeln!(output, "error: {error}")?,
        }
        output.flush()?;
    }
    side.end()
}

impl Side {
    fn new(kind: &str, name: &str, gateway: Ipv4Net) -> Result<Self, Failure> {
        if kind == "foundation" {
            let options = NetworkOptions::default().with_gateway(IpNet::V4(gateway));
            return Ok(Self::Foundation(Network::create("bridge", name, options)?));
        }
        let controller = Controller::open(options())?;
        let mut config = NetworkConfig::new("bridge", name)?.with_subnet(gateway.trunc().into());
        config.meter = kind != "unmetered";
        controller.create_network(config)?;
        Ok(Self::Controller(Box::new(controller), name.to_owned()))
    }

    fn act(&self, words: &[&str]) -> Result<(), Failure> {
        match (self, words) {
            (Self::Controller(own, _), ["attach", name, address, _]) => {
                self.connect(&own.open_sandbox(name)?, name, address)
            }
            (Self::Controller(own, _), ["whole", name, address, _]) => {
                self.connect(&own.create_sandbox(name)?, name, address)
            }
            (Self::Controller(own, network), ["detach", name]) => Ok(own.disconnect(network, name)?),
            (Self::Controller(own, _), ["remove", name]) => Ok(own.remove_sandbox(name)?),
            (Self::Foundation(_), ["attach", name, address, _]) => {
                self.connect(&Sandbox::open(&SandboxKey::new(name)?)?, name, address)
            }
            (Self::Foundation(_), ["whole", name, address, _]) => {
                self.connect(&Sandbox::create(&SandboxKey::new(name)?)?, name, address)
            }
            (Self::Foundation(network), ["detach", name]) => Ok(network.unlink(name)?),
            (Self::Foundation(_), ["remove", name]) => Ok(Sandbox::open(&SandboxKey::new(name)?)?.destroy()?),
            _ => Err(format!("unknown: {words:?}").into()),
        }
    }

    fn connect(&self, sandbox: &Sandbox, name: &str, address: &str) -> Result<(), Failure> {
        let address: Ipv4Net = address.parse()?;
        match self {
            Self::Controller(own, network) => {
                let endpoint = EndpointConfig::new(name)?.with_address(address.addr().into());
                own.connect(network, sandbox, endpoint)?;
            }
            Self::Foundation(network) => {
                network.join(sandbox, &EndpointOptions::new(name)?.with_address(address.into()))?;
            }
        }
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        match self {
            Self::Controller(own, network) => Ok(own.delete_network(&network)?),
            Self::Foundation(network) => Ok(network.delete()?),
        }
    }
}
