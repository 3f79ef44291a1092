//! A network, a sandbox, a join.
use netns::{Controller, ControllerOptions, EndpointConfig, NetworkConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let controller = Controller::open(ControllerOptions::from_env())?;
    let network = NetworkConfig::new("bridge", "demo")?.with_ipv6();
    for subnet in controller.create_network(network)?.subnets {
        println!("demo has {}", subnet.subnet); // chosen: no other network, no route of the host is there
    }

    let sandbox = controller.create_sandbox("web")?; // `ip netns list` shows it
    let web = EndpointConfig::new("web")?; // its addresses are chosen too
    println!("{}", controller.plan_connect("demo", &sandbox, web.clone())?); // a dry run
    let web = controller.connect("demo", &sandbox, web)?; // eth0 is up, with addresses and default routes
    if let Some(interface) = web.interface {
        println!("{} has {}", sandbox.key(), interface.destination);
    }

    controller.destroy_sandbox(&sandbox)?; // its endpoint goes with it
    controller.delete_network("demo")?;
    Ok(())
}
