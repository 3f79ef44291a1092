//! Many requests at once, and what they cost.

use std::thread;

use serde_json::{json, Value};
use testhost::{host, report};

use crate::control::{open, settled};
use crate::dockerd::{id, network, of, of_network};
use crate::killed::{serve_if_child, Process};
use crate::wire::Plugin;

/// What the process may have resident, in KiB.
const MOST: u64 = 30 << 10;

fn request(number: usize) -> Value {
    let mut request = of("blue", &format!("e{number}"));
    request["Interface"] =
        json!({ "Address": format!("172.18.{}.{}/16", 1 + number / 200, 1 + number % 200) });
    request
}

fn all<T: Send>(count: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let act = &act;
        let all: Vec<_> = (0..count).map(|number| scope.spawn(move || act(number))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

#[test]
fn two_hundred_requests_at_once_are_answered_and_five_hundred_endpoints_fit_into_30_mib() {
    const TEST: &str =
        "many::two_hundred_requests_at_once_are_answered_and_five_hundred_endpoints_fit_into_30_mib";
    serve_if_child();
    host(|host| {
        let (_, _) = settled(host);
        let server = Process::start(TEST);
        let plugin = Plugin::elsewhere();
        let mut blue = network("blue", &json!({}));
        blue["IPv6Data"] = Value::Null;
        plugin.good("NetworkDriver.CreateNetwork", &blue);
        let before = host.dump();
        all(200, |_| plugin.good("NetworkDriver.GetCapabilities", &json!(null)));
        all(200, |number| plugin.good("NetworkDriver.CreateEndpoint", &request(number)));
        let names = all(200, |number| {
            let mut join = of("blue", &format!("e{number}"));
            join["SandboxKey"] = format!("/run/docker/netns/{number}").into();
            plugin.good("NetworkDriver.Join", &join)["InterfaceName"]["SrcName"].clone()
        });
        let distinct: std::collections::BTreeSet<_> = names.iter().map(ToString::to_string).collect();
        assert_eq!(distinct.len(), 200);
        for number in 200..500 {
            plugin.good("NetworkDriver.CreateEndpoint", &request(number));
        }
        assert_eq!(open().inspect_network(&id("blue")).unwrap().endpoints.len(), 500);
        let (now, peak) = (server.memory("VmRSS:"), server.memory("VmHWM:"));
        report(&format!("{peak} KiB at most of a plugin server: {TEST}"));
        assert!(now < MOST && peak < MOST, "{now} KiB resident, {peak} KiB at most");
        all(200, |number| plugin.good("NetworkDriver.DeleteEndpoint", &of("blue", &format!("e{number}"))));
        host_is_empty_but_for(&plugin, 200..500);
        host.assert_returns_to(&before, "500 endpoints");
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
        server.kill();
    });
}

fn host_is_empty_but_for(plugin: &Plugin, rest: std::ops::Range<usize>) {
    for number in rest {
        plugin.good("NetworkDriver.DeleteEndpoint", &of("blue", &format!("e{number}")));
    }
    assert_eq!(open().endpoints().unwrap(), []);
}

/// What a process may have resident that is sent as much as it takes, in KiB: half of what its unit lets it have.
const MOST_OF_LONG: u64 = 128 << 10;

#[test]
fn long_bodies_at_once_are_taken_one_after_the_other() {
    const TEST: &str = "many::long_bodies_at_once_are_taken_one_after_the_other";
    serve_if_child();
    host(|host| {
        let (_, _) = settled(host);
        let server = Process::start(TEST);
        let plugin = Plugin::elsewhere();
        let mut request = of_network("blue");
        request["Options"] = json!({ "x": vec![json!([]); 340_000] });
        let body = request.to_string().into_bytes();
        assert!((1_000_000..1 << 20).contains(&body.len()));
        let replies = all(32, |_| plugin.post("/NetworkDriver.CreateNetwork", &body).unwrap());
        assert!(replies.iter().all(|reply| reply.status == 200), "{replies:?}");
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
        let peak = server.memory("VmHWM:");
        report(&format!("{peak} KiB at most of a plugin server: {TEST}"));
        assert!(peak < MOST_OF_LONG, "{peak} KiB at most");
        server.kill();
    });
}
