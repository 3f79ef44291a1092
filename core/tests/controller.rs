//! smoke
mod common;
use netns::{Controller, ControllerOptions, EndpointConfig, NetworkConfig};
use testhost::host;

#[test]
fn smoke() {
    host(|host| {
        let controller = Controller::open(ControllerOptions::default()).unwrap();
        for (kind, name) in [("bridge", "blue"), ("routed", "red")] {
            let before = host.dump();
            let made =
                controller.create_network(NetworkConfig::new(kind, name).unwrap().with_ipv6()).unwrap();
            println!("{}", serde_json::to_string_pretty(&made).unwrap());
            let a = controller.create_sandbox("a").unwrap();
            let b = controller.create_sandbox("b").unwrap();
            println!("{}", controller.plan_connect(name, &a, EndpointConfig::new("a").unwrap()).unwrap());
            let one = controller.connect(name, &a, EndpointConfig::new("a").unwrap()).unwrap();
            let two = controller.connect(name, &b, EndpointConfig::new("b").unwrap()).unwrap();
            println!("{one:?}\n{}", controller.collect().unwrap().findings.len());
            println!("{:?}", controller.plan_collect().unwrap());
            let gw = made.subnets[0].gateway.unwrap();
            println!("{}", host.run("ip", &["-n", "a", "route"]).stdout);
            assert!(host.ping("a", gw));
            assert!(host.ping("a", made.subnets[1].gateway.unwrap()));
            println!("ping other {}", host.ping("a", two.address.unwrap().addr().into()));
            println!("ping other6 {}", host.ping("a", two.address_ipv6.unwrap().addr().into()));
            println!("{}", controller.delete_network(name).unwrap_err());
            controller.disconnect(name, "a").unwrap();
            controller.destroy_sandbox(&a).unwrap();
            controller.destroy_sandbox(&b).unwrap();
            println!("{:?}", controller.endpoints().unwrap());
            controller.delete_network(name).unwrap();
            host.assert_returns_to(&before, "x");
        }
    });
}
