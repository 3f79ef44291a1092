//! Promises about indices: whatever else has come to a sandbox and gone, a join configures the interface
//! that it made and no other.

use netns::{EndpointOptions, Network, NetworkOptions, Sandbox, SandboxKey};
use serde_json::Value;
use testhost::{host, Host};

fn network() -> Network {
    let options = NetworkOptions::default().with_gateway("10.1.0.1/24".parse().unwrap());
    Network::create("bridge", "blue", options).unwrap()
}

fn endpoint(name: &str, address: &str) -> EndpointOptions {
    EndpointOptions::new(name).unwrap().with_address(address.parse().unwrap())
}

/// The IPv4 addresses of `link` in the sandbox `web`, and its alias.
fn seen(host: &Host, link: &str) -> (Vec<String>, Value) {
    let shown = host.ip_in("web", &["-4", "address", "show", "dev", link]);
    let addresses = shown[0]["addr_info"].as_array().into_iter().flatten();
    let addresses = addresses.map(|address| address["local"].as_str().unwrap().to_owned()).collect();
    (addresses, host.ip_in("web", &["link", "show", "dev", link])[0]["ifalias"].clone())
}

#[test]
fn a_device_that_others_put_into_a_fresh_sandbox_is_left_alone() {
    host(|host| {
        let network = network();
        let sandbox = Sandbox::create(&SandboxKey::new("web").unwrap()).unwrap();
        // It has the index that a join would choose.
        host.ip_in("web", &["link", "add", "theirs", "index", "2", "type", "bridge"]);
        let joined = network.join(&sandbox, &endpoint("web", "10.1.0.2/24")).unwrap();
        assert_eq!(joined.name().unwrap().as_str(), "eth0");
        assert_eq!(seen(host, "theirs"), (vec![], Value::Null));
        assert_eq!(seen(host, "eth0").0, ["10.1.0.2"]);
        assert!(host.ping("web", "10.1.0.1".parse().unwrap()));
    });
}

#[test]
fn a_sandbox_can_be_joined_again_after_its_interface_went() {
    host(|host| {
        let network = network();
        let sandbox = Sandbox::create(&SandboxKey::new("web").unwrap()).unwrap();
        for turn in 0..5 {
            let name = format!("web{turn}");
            network.join(&sandbox, &endpoint(&name, "10.1.0.2/24")).unwrap();
            assert_eq!(seen(host, "eth0").0, ["10.1.0.2"]);
            assert!(host.ping("web", "10.1.0.1".parse().unwrap()), "after {turn} others");
            network.unlink(&name).unwrap();
        }
    });
}

#[test]
fn a_link_that_has_the_index_of_an_endpoint_is_left_alone() {
    host(|host| {
        let network = network();
        let sandbox = Sandbox::create(&SandboxKey::new("web").unwrap()).unwrap();
        let web = endpoint("web", "10.1.0.2/24");
        let plan = serde_json::to_value(network.plan_join(&sandbox, &web).unwrap()).unwrap();
        let create =
            plan["steps"].as_array().unwrap().iter().find_map(|step| step["action"].get("create_link"));
        let index = create.unwrap()["index"].to_string();
        host.ip(&["link", "add", "theirs", "index", &index, "type", "veth", "peer", "name", "other"]);
        let theirs = || host.ip(&["link", "show", "dev", "theirs"]);
        let before = theirs();
        network.join(&sandbox, &web).unwrap();
        assert_eq!(theirs(), before);
        assert!(host.ping("web", "10.1.0.1".parse().unwrap()));
    });
}
