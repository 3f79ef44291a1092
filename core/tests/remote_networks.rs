//! Networks of plugins that are made and deleted while others are at them, in this process and in others.

mod common;
mod control;
mod plugin;

use std::time::Duration;

use common::refused;
use control::{endpoint, with_subnets};
use netns::{Controller, ErrorKind, NetworkConfig};
use plugin::{meanwhile, of, options, Plugin};
use serde_json::json;
use testhost::host;

/// Longer than anything takes that is not meant to hang.
const LONG: Duration = Duration::from_secs(60);

fn open(timeout: Duration) -> Controller {
    Controller::open(options(timeout)).unwrap()
}

fn far() -> NetworkConfig {
    with_subnets("wire", "far", &["10.7.0.0/24"])
}

#[test]
fn a_network_that_is_deleted_while_it_is_made_is_left_nowhere() {
    host(|host| {
        let (controller, plugin) = (open(LONG), Plugin::start("wire"));
        controller.create_network(far()).unwrap();
        controller.delete_network("far").unwrap();
        let before = host.dump();
        let other = open(LONG);
        // The plugin may make it after it was asked to delete it.
        let create =
            || drop(refused(controller.create_network(far()), ErrorKind::Busy, &["deleted by another"]));
        meanwhile(&plugin, "CreateNetwork", create, || other.delete_network("far").unwrap());
        let calls = plugin.calls();
        assert_eq!(calls.last(), Some(&of("DeleteNetwork")), "{calls:?}");
        assert_eq!(controller.networks().unwrap().len(), 0);
        host.assert_returns_to(&before, "deleted");
        controller.create_network(far()).unwrap();
        controller.delete_network("far").unwrap();
    });
}

#[test]
fn a_network_that_could_not_be_made_stays_while_somebody_uses_it() {
    host(|_| {
        let (controller, plugin) = (open(LONG), Plugin::start("wire"));
        let short = open(Duration::from_millis(400));
        plugin.does(&[(&of("CreateNetwork"), json!("refuse"))]);
        refused(controller.create_network(far()), ErrorKind::System, &["says no"]);
        assert_eq!(controller.networks().unwrap().len(), 0);
        plugin.is_well();
        let create = || {
            let error = short.create_network(far()).unwrap_err();
            assert!(error.to_string().contains("in use by web"), "{error}");
        };
        plugin.requests();
        plugin.does(&[(&of("CreateNetwork"), json!("late"))]);
        std::thread::scope(|scope| {
            let created = scope.spawn(create);
            plugin.await_call(&of("CreateNetwork"));
            plugin.does(&[(&of("CreateNetwork"), json!("refuse")), (&of("DeleteNetwork"), json!("hang"))]);
            controller.create_endpoint("far", endpoint("web")).unwrap();
            created.join().unwrap();
        });
        plugin.is_well();
        assert_eq!(controller.inspect_network("far").unwrap().endpoints.len(), 1);
    });
}

#[test]
fn a_network_that_is_used_again_while_it_is_deleted_is_told_of_by_all() {
    host(|_| {
        let plugin = Plugin::start("wire");
        let (controller, other) = (open(LONG), open(LONG));
        controller.create_network(far()).unwrap();
        other.create_endpoint("far", endpoint("first")).unwrap();
        other.delete_endpoint("far", "first").unwrap();
        let delete = || drop(refused(controller.delete_network("far"), ErrorKind::Busy, &["web"]));
        meanwhile(&plugin, "DeleteNetwork", delete, || {
            drop(other.create_endpoint("far", endpoint("web")).unwrap());
        });
        plugin.requests();
        other.create_endpoint("far", endpoint("next")).unwrap();
        assert_eq!(plugin.calls(), ["CreateNetwork", "CreateEndpoint"].map(of));
        controller.create_endpoint("far", endpoint("last")).unwrap();
        assert_eq!(plugin.calls(), [of("CreateEndpoint")]);
    });
}

#[test]
fn a_network_that_was_refused_is_told_of_again() {
    host(|_| {
        let plugin = Plugin::start("wire");
        let controller = open(LONG);
        controller.create_network(far()).unwrap();
        drop(controller);
        // The host and the plugin have started anew.
        std::fs::remove_dir_all("/run/libnetns").unwrap();
        plugin.kill();
        plugin.start_again();
        plugin.does(&[(&of("CreateNetwork"), json!("refuse"))]);
        let error = open(LONG).create_endpoint("far", endpoint("web")).unwrap_err().to_string();
        assert!(error.contains("no such one of networks"), "{error}");
        plugin.is_well();
        open(LONG).create_endpoint("far", endpoint("web")).unwrap();
    });
}
