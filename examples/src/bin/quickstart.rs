//! A network, a sandbox, a join.
use netns::{EndpointOptions, Network, NetworkOptions, Sandbox, SandboxKey};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = NetworkOptions::default()
        .with_gateway("10.88.0.1/24".parse()?)
        .with_gateway("fd00:88::1/64".parse()?);
    let network = Network::create("bridge", "demo", options)?; // the bridge br-demo

    let sandbox = Sandbox::create(&SandboxKey::new("web")?)?; // `ip netns list` shows it
    let web = EndpointOptions::new("web")?
        .with_address("10.88.0.2/24".parse()?)
        .with_address("fd00:88::2/64".parse()?);
    println!("{}", network.plan_join(&sandbox, &web)?); // a dry run
    let interface = network.join(&sandbox, &web)?; // eth0 is up, with addresses and default routes
    println!("{} has {}", sandbox.key(), interface.destination);

    sandbox.destroy()?;
    network.delete()?;
    Ok(())
}
