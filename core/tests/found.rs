//! What a setup has made is found by the container's id alone.

mod common;

use std::path::Path;

use common::{links, refused, sandbox, with_base};
use netns::libcontainer::configs::{Config, State, Status};
use netns::libcontainer::{NetworkSetup, SetupState, Target};
use netns::{ErrorKind, Sandbox};
use testhost::host;

/// Three networks, one of them without a link in the host; the host's end of the last has a name of its own.
const CONFIG: &str = r#"{
    "namespaces": [{"type": "NEWNET"}],
    "networks": [
        {"type": "veth", "bridge": "br0", "address": "10.1.0.2/24"},
        {"type": "loopback"},
        {"type": "veth", "name": "eth1", "bridge": "br0", "host_interface_name": "web1"}
    ]
}"#;

fn up(id: &str, config: &str, sandbox: &Sandbox) -> SetupState {
    let setup = NetworkSetup::from_config(&Config::from_json(config).unwrap()).unwrap().with_id(id).unwrap();
    let target = Target::from(Path::new(sandbox.key().path()));
    setup.up(Some(&target), &State::new(id, Status::Creating)).unwrap()
}

#[test]
fn what_is_found_is_what_was_brought_up_and_can_be_taken_down() {
    host(|host| {
        host.ip(&["link", "add", "br0", "address", "02:00:00:00:00:01", "type", "bridge"]);
        let before = with_base(host);
        let (web, other) = (sandbox("web"), sandbox("other"));
        let state = up("web", CONFIG, &web);
        let kept = up(
            "web.2",
            r#"{"namespaces":[{"type":"NEWNET"}],"networks":[{"type":"veth","bridge":"br0"}]}"#,
            &other,
        );

        let found = SetupState::find("web").unwrap();
        let links_of = |state: &SetupState| -> Vec<_> {
            state.networks.iter().filter_map(|network| network.host_link.clone()).collect()
        };
        assert_eq!(found.id.as_deref(), Some("web"));
        assert_eq!(links_of(&found), links_of(&state));
        assert_eq!(SetupState::from_json(&found.to_json().unwrap()).unwrap(), found);

        found.tear_down().unwrap();
        assert_eq!(links(host, "web"), ["lo"]);
        assert_eq!(links_of(&SetupState::find("web").unwrap()), []);
        assert_eq!(links_of(&SetupState::find("web.2").unwrap()), links_of(&kept));
        found.tear_down().unwrap();
        kept.tear_down().unwrap();
        web.destroy().unwrap();
        other.destroy().unwrap();
        host.assert_returns_to(&before, "setups that were found");
    });
}

#[test]
fn an_id_that_none_can_have_is_refused() {
    host(|_| {
        for id in ["", "a b", "a/b", &"x".repeat(129)] {
            refused(SetupState::find(id), ErrorKind::BadRequest, &["container id"]);
        }
    });
}
