//! Promises to those who write drivers (seed `004`), and to those who use what others wrote.

mod common;
mod control;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::{addresses, assert_inside_is, inside, is_up, link, links, refused, routes, veth};
use control::{addresses_of, at, blue, config, endpoint, ip, open, sandbox, settled, with_subnets};
use netns::driver::{
    Capability, DiscoveryType, Driver, DriverCallback, EventType, InterfaceInfo, IpamData, JoinInfo,
    NetworkInfo, ObjectType, Options, Registry, RouteType, Scope, NETWORK_PLUGIN_ENDPOINT_TYPE,
};
use netns::ipam::{AddressSpaces, Ipam, Pool, PoolId, PoolRequest};
use netns::ipnet::IpNet;
use netns::plan::Plan;
use netns::{Controller, Error, ErrorKind, InterfaceName, MacAddr, Name, Result};
use serde_json::{json, Value};
use testhost::{host, Host};

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn mac(text: &str) -> MacAddr {
    text.parse().unwrap()
}

/// How a method that is told to goes wrong.
#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    Fails,
    Panics,
}

/// A driver that acts by itself, as those in other processes do: its device is there, and it names it.
#[derive(Default)]
struct Wire {
    calls: Mutex<Vec<String>>,
    wrong: Mutex<Vec<(&'static str, Wrong)>>,
    chooses: Option<(MacAddr, IpNet)>,
    without_gateway: bool,
    without_device: bool,
    /// Also what a driver can do without.
    offers_all: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    fn call(&self, method: &'static str, about: &str) -> Result<()> {
        locked(&self.calls).push(format!("{method} {about}"));
        let wrong = locked(&self.wrong).iter().find(|(name, _)| *name == method).map(|(_, how)| *how);
        match wrong {
            None => Ok(()),
            Some(Wrong::Fails) => {
                Err(Error::new(ErrorKind::System, method, about).with_cause("the wire is cut"))
            }
            Some(Wrong::Panics) => panic!("the wire sparks in {method}"),
        }
    }

    /// What was called since the last look.
    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.calls))
    }

    fn goes_wrong(&self, methods: &[&'static str], how: Wrong) {
        *locked(&self.wrong) = methods.iter().map(|method| (*method, how)).collect();
    }

    /// What is offered only by a driver that offers all.
    fn offer<T>(&self, method: &'static str, about: &str, answer: T) -> Result<T> {
        if !self.offers_all {
            return Err(self.not_implemented(method, about));
        }
        self.call(method, about).map(|()| answer)
    }

    fn is_mended(&self) {
        locked(&self.wrong).clear();
    }
}

impl Driver for Wire {
    fn network_type(&self) -> &str {
        "wire"
    }

    fn create_network(
        &self,
        network: &str,
        _: &Options,
        info: &mut NetworkInfo,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<Plan> {
        info.table_event_register("wires")?;
        let pools: Vec<_> = ipv4.iter().chain(ipv6).filter_map(|data| data.gateway).collect();
        self.call("create_network", &format!("{network} {pools:?}")).map(|()| Plan::default())
    }

    fn delete_network(&self, network: &str) -> Result<Plan> {
        self.call("delete_network", network).map(|()| Plan::default())
    }

    fn create_endpoint(
        &self,
        network: &str,
        endpoint: &str,
        interface: &mut InterfaceInfo,
        _: &Options,
    ) -> Result<Plan> {
        self.call("create_endpoint", &format!("{network} {endpoint}"))?;
        if let Some((mac, address)) = self.chooses {
            interface.set_mac_address(mac)?;
            interface.set_ip_address(address)?;
        }
        Ok(Plan::default())
    }

    fn delete_endpoint(&self, network: &str, endpoint: &str) -> Result<Plan> {
        self.call("delete_endpoint", &format!("{network} {endpoint}")).map(|()| Plan::default())
    }

    fn endpoint_oper_info(&self, network: &str, endpoint: &str) -> Result<Options> {
        self.call("endpoint_oper_info", &format!("{network} {endpoint}"))?;
        Ok([("colour".to_owned(), json!("red"))].into_iter().collect())
    }

    fn join(
        &self,
        network: &str,
        endpoint: &str,
        sandbox_key: &str,
        join: &mut JoinInfo,
        options: &Options,
    ) -> Result<()> {
        let about = format!("{network} {endpoint} {sandbox_key} {}", serde_json::to_string(options).unwrap());
        self.call("join", &about)?;
        if self.without_device {
            return Ok(());
        }
        join.interface_name().set_names("nobody0".parse()?, "no".parse()?);
        join.interface_name().set_names("wire0".parse()?, "net".parse()?);
        join.set_gateway("10.7.0.1".parse().unwrap());
        join.set_gateway_ipv6("fd07::1".parse().unwrap());
        join.add_static_route(net("10.8.0.0/16"), RouteType::NextHop, Some(ip("10.7.0.9")))?;
        join.add_static_route(net("10.9.0.0/16"), RouteType::Connected, None)?;
        join.add_table_entry("wires", endpoint, b"0")?;
        if self.without_gateway {
            join.disable_gateway_service();
        }
        Ok(())
    }

    fn leave(&self, network: &str, endpoint: &str) -> Result<Plan> {
        self.call("leave", &format!("{network} {endpoint}")).map(|()| Plan::default())
    }

    fn network_allocate(
        &self,
        network: &str,
        _: &BTreeMap<String, String>,
        _: &[IpamData],
        _: &[IpamData],
    ) -> Result<BTreeMap<String, String>> {
        let allocated = BTreeMap::from([("vni".to_owned(), "4096".to_owned())]);
        self.offer("network_allocate", network, allocated)
    }

    fn network_free(&self, network: &str) -> Result<()> {
        self.offer("network_free", network, ())
    }

    fn program_external_connectivity(&self, network: &str, endpoint: &str, _: &Options) -> Result<Plan> {
        self.offer("program_external_connectivity", &format!("{network} {endpoint}"), Plan::default())
    }

    fn revoke_external_connectivity(&self, network: &str, endpoint: &str) -> Result<Plan> {
        self.offer("revoke_external_connectivity", &format!("{network} {endpoint}"), Plan::default())
    }

    fn discover_new(&self, discovery: DiscoveryType, data: &Value) -> Result<()> {
        self.offer("discover_new", &format!("{discovery} {data}"), ())
    }

    fn discover_delete(&self, discovery: DiscoveryType, data: &Value) -> Result<()> {
        self.offer("discover_delete", &format!("{discovery} {data}"), ())
    }
}

/// A controller with `driver`, its network `far` of both families, and a device for it: `wire0`, whose
/// other end has the gateways' addresses.
fn wired(host: &Host, driver: Wire) -> (Controller, Arc<Wire>) {
    let (controller, _) = settled(host);
    let wire = Arc::new(driver);
    controller.register_driver("wire", wire.clone(), Capability::default()).unwrap();
    controller.create_network(with_subnets("wire", "far", &["10.7.0.0/24", "fd07::/64"])).unwrap();
    wire.calls();
    device(host);
    (controller, wire)
}

fn device(host: &Host) {
    veth(host, "wire0", "end0");
    host.ip(&["link", "set", "wire0", "address", "02:00:00:00:00:09"]);
    host.ip(&["link", "set", "end0", "up"]);
    host.ip(&["address", "add", "10.7.0.1/24", "dev", "end0"]);
    host.ip(&["address", "add", "fd07::1/64", "dev", "end0", "nodad"]);
    // The kernel adds the route to the host's own address later, from a work queue.
    let local = || host.ip(&["-6", "route", "show", "table", "local"]).to_string();
    let begin = Instant::now();
    while !local().contains("fd07::1") {
        assert!(begin.elapsed() < Duration::from_secs(5), "{}", local());
    }
}

fn defaults(host: &Host, place: &str) -> Vec<String> {
    let mut all = [routes(host, place, "-4"), routes(host, place, "-6")].concat();
    all.retain(|line| line.starts_with("default"));
    all
}

// The seed's items.

/// No more than a driver must have.
struct Bare;

impl Driver for Bare {
    fn network_type(&self) -> &str {
        "bare"
    }

    fn create_network(
        &self,
        _: &str,
        _: &Options,
        _: &mut NetworkInfo,
        _: &[IpamData],
        _: &[IpamData],
    ) -> Result<Plan> {
        Ok(Plan::default())
    }

    fn delete_network(&self, _: &str) -> Result<Plan> {
        Ok(Plan::default())
    }

    fn create_endpoint(&self, _: &str, _: &str, _: &mut InterfaceInfo, _: &Options) -> Result<Plan> {
        Ok(Plan::default())
    }

    fn delete_endpoint(&self, _: &str, _: &str) -> Result<Plan> {
        Ok(Plan::default())
    }

    fn endpoint_oper_info(&self, _: &str, _: &str) -> Result<Options> {
        Ok(Options::new())
    }

    fn join(&self, _: &str, _: &str, _: &str, _: &mut JoinInfo, _: &Options) -> Result<()> {
        Ok(())
    }

    fn leave(&self, _: &str, _: &str) -> Result<Plan> {
        Ok(Plan::default())
    }
}

#[test]
fn what_a_driver_need_not_offer_is_not_implemented_and_nobody_minds() {
    let data = json!({});
    let refusals = [
        Bare.network_allocate("far", &BTreeMap::new(), &[], &[]).map(drop),
        Bare.network_free("far"),
        Bare.program_external_connectivity("far", "web", &Options::new()).map(drop),
        Bare.revoke_external_connectivity("far", "web").map(drop),
        Bare.discover_new(DiscoveryType::Node, &data),
        Bare.discover_delete(DiscoveryType::EncryptionKeysUpdate, &data),
    ];
    for refusal in refusals {
        refused(refusal, ErrorKind::NotImplemented, &["the driver bare does not offer it"]);
    }
    Bare.event_notify(EventType::Create, "far", "wires", "web", b"0");
    host(|host| {
        let (controller, before) = settled(host);
        let global = Capability { data_scope: Scope::Global, connectivity_scope: Scope::Global };
        controller.register_driver("bare", Arc::new(Bare), global).unwrap();
        controller.create_network(with_subnets("bare", "far", &["10.7.0.0/24"])).unwrap();
        controller.discover_new(DiscoveryType::Node, &data).unwrap();
        let web = sandbox(&controller, "web");
        controller.connect("far", &web, endpoint("web")).unwrap();
        controller.destroy_sandbox(&web).unwrap();
        controller.delete_network("far").unwrap();
        host.assert_returns_to(&before, "a driver that offers little");
    });
}

#[test]
fn a_type_has_one_driver() {
    let registry = Registry::default();
    let global = Capability { data_scope: Scope::Global, connectivity_scope: Scope::Global };
    registry.register_driver("wire", Arc::new(Wire::default()), global).unwrap();
    let again = registry.register_driver("wire", Arc::new(Wire::default()), Capability::default());
    refused(again, ErrorKind::Forbidden, &["register driver", "wire", "already"]);
    let (driver, capability) = registry.driver("wire").unwrap();
    assert_eq!((driver.network_type(), capability), ("wire", global));
    for bad in ["", "a/b", "..", "-x", "a b"] {
        let refusal = registry.register_driver(bad, Arc::new(Wire::default()), global);
        refused(refusal, ErrorKind::BadRequest, &["register driver"]);
    }
    assert_eq!(registry.types(), ["wire"]);
    refused(
        registry.driver("overlay").map(|_| ()),
        ErrorKind::NotFound,
        &["overlay", "the known types are wire"],
    );
    host(|_| {
        let controller = open();
        for taken in ["bridge", "null"] {
            let refusal = controller.register_driver(taken, Arc::new(Wire::default()), global);
            refused(refusal, ErrorKind::Forbidden, &[taken]);
        }
        controller.register_driver("wire", Arc::new(Wire::default()), global).unwrap();
        assert_eq!(controller.network_types().last().map(String::as_str), Some("wire"));
    });
}

#[test]
fn an_address_of_an_interface_is_set_once_and_never_empty() {
    let mut interface = InterfaceInfo::default();
    assert_eq!(interface.set_ip_address(net("0.0.0.0/0")).unwrap_err().kind(), ErrorKind::BadRequest);
    assert_eq!(interface.set_ip_address(net("::/64")).unwrap_err().kind(), ErrorKind::BadRequest);
    assert_eq!("".parse::<MacAddr>().unwrap_err().kind(), ErrorKind::BadRequest);
    assert_eq!(MacAddr::new([0; 6]).unwrap_err().kind(), ErrorKind::BadRequest);
    interface.set_mac_address(mac("02:00:00:00:00:01")).unwrap();
    interface.set_ip_address(net("10.7.0.2/24")).unwrap();
    interface.set_ip_address(net("fd07::2/64")).unwrap();
    refused(
        interface.set_mac_address(mac("02:00:00:00:00:02")),
        ErrorKind::Forbidden,
        &["02:00:00:00:00:02", "set already, to 02:00:00:00:00:01"],
    );
    for again in ["10.7.0.3/24", "fd07::3/64"] {
        refused(interface.set_ip_address(net(again)), ErrorKind::Forbidden, &[again, "set already"]);
    }
    assert_eq!(interface.mac_address(), Some(mac("02:00:00:00:00:01")));
    assert_eq!(interface.address().unwrap().to_string(), "10.7.0.2/24");
    assert_eq!(interface.address_ipv6().unwrap().to_string(), "fd07::2/64");
}

#[test]
fn a_route_of_a_join_suits_its_type() {
    let mut join = JoinInfo::new(InterfaceInfo::default(), None);
    let mut add = |destination: &str, kind, hop: Option<&str>| {
        join.add_static_route(net(destination), kind, hop.map(ip))
    };
    add("10.8.0.0/16", RouteType::NextHop, Some("10.7.0.9")).unwrap();
    add("fd08::/48", RouteType::NextHop, Some("fd07::9")).unwrap();
    add("10.9.0.0/16", RouteType::Connected, None).unwrap();
    for (destination, kind, hop, word) in [
        ("10.8.0.0/16", RouteType::NextHop, None, "needs one"),
        ("10.9.0.0/16", RouteType::Connected, Some("10.7.0.9"), "no next hop"),
        ("10.8.0.0/16", RouteType::NextHop, Some("fd07::9"), "family"),
    ] {
        refused(add(destination, kind, hop), ErrorKind::BadRequest, &[destination, word]);
    }
    assert_eq!(RouteType::try_from(0).unwrap(), RouteType::NextHop);
    assert_eq!(RouteType::try_from(1).unwrap(), RouteType::Connected);
    assert_eq!(RouteType::try_from(2).unwrap_err().kind(), ErrorKind::BadRequest);
    assert_eq!(join.add_table_entry("", "web", b"").unwrap_err().kind(), ErrorKind::BadRequest);
    assert_eq!(join.add_table_entry("wires", "", b"").unwrap_err().kind(), ErrorKind::BadRequest);
    assert_eq!(NetworkInfo::default().table_event_register("").unwrap_err().kind(), ErrorKind::BadRequest);
}

#[test]
fn numbers_and_names_are_the_plugin_protocols() {
    assert_eq!(NETWORK_PLUGIN_ENDPOINT_TYPE, "NetworkDriver");
    assert_eq!([EventType::Create as u8, EventType::Update as u8, EventType::Delete as u8], [1, 2, 3]);
    assert_eq!([ObjectType::Endpoint as u8, ObjectType::Network as u8, ObjectType::Opaque as u8], [1, 2, 3]);
    let discoveries = [
        DiscoveryType::Node,
        DiscoveryType::DatastoreConfig,
        DiscoveryType::EncryptionKeysConfig,
        DiscoveryType::EncryptionKeysUpdate,
    ];
    assert_eq!(discoveries.map(|discovery| discovery as u8), [1, 2, 3, 4]);
    assert_eq!((RouteType::NextHop as u8, RouteType::Connected as u8), (0, 1));
    let whole = r#"{"AddressSpace":"LocalDefault","Pool":"10.1.0.0/16","Gateway":"10.1.0.1/16","AuxAddresses":{"printer":"10.1.0.9/16"}}"#;
    let data: IpamData = serde_json::from_str(whole).unwrap();
    assert_eq!((data.pool, data.gateway), (Some(net("10.1.0.0/16")), Some(net("10.1.0.1/16"))));
    assert_eq!(data.aux_addresses["printer"], net("10.1.0.9/16"));
    assert_eq!(serde_json::to_string(&data).unwrap(), whole);
    for empty in ["{}", r#"{"AddressSpace":"","Pool":"","Gateway":null,"AuxAddresses":null}"#] {
        assert_eq!(serde_json::from_str::<IpamData>(empty).unwrap(), IpamData::default(), "{empty}");
    }
    for bad in [r#"{"Pool":"10.1.0.0"}"#, r#"{"Gateway":"x/16"}"#, r#"{"AuxAddresses":{"a":""}}"#] {
        assert!(serde_json::from_str::<IpamData>(bad).is_err(), "{bad}");
    }
}

// A driver that acts by itself.

#[test]
fn a_device_that_a_driver_names_moves_in_and_is_given_back() {
    host(|host| {
        let (controller, wire) = wired(host, Wire::default());
        let web = sandbox(&controller, "web");
        let (before, within) = (host.dump(), inside(host, &web));
        let mut config = endpoint("web");
        config.options.insert("speed".to_owned(), json!("high"));
        refused(
            controller.plan_connect("far", &web, config.clone()),
            ErrorKind::NotImplemented,
            &["the driver wire acts by itself"],
        );
        assert_eq!(wire.calls(), ["create_network far [10.7.0.1/24, fd07::1/64]"]);
        let made = controller.connect("far", &web, config.clone()).unwrap();
        let join = r#"join far web /run/netns/web {"speed":"high"}"#;
        assert_eq!(wire.calls(), ["create_endpoint far web", join]);
        assert_eq!(addresses_of(&made), ["10.7.0.2/24", "fd07::2/64"]);
        assert_eq!(made.interface.unwrap().name().unwrap().as_str(), "net0");
        assert_eq!(links(host, "web"), ["lo", "net0"]);
        let net0 = link(host, "web", "net0");
        assert!(is_up(&net0));
        assert_eq!(net0["address"], "02:00:00:00:00:09", "the driver's device keeps its MAC address");
        assert_eq!(addresses(&net0)[..2], ["10.7.0.2/24", "fd07::2/64"]);
        assert_eq!(
            routes(host, "web", "-4"),
            [
                "10.7.0.0/24 dev net0",
                "10.8.0.0/16 via 10.7.0.9 dev net0",
                "10.9.0.0/16 dev net0",
                "default via 10.7.0.1 dev net0"
            ]
        );
        assert!(host.ping("web", ip("10.7.0.1")) && host.ping("web", ip("fd07::1")));
        assert_eq!(controller.endpoint_oper_info("far", "web").unwrap()["colour"], "red");
        assert_eq!(open_with(&wire).collect().unwrap().findings, []);
        wire.calls();

        controller.leave("far", "web").unwrap();
        assert_eq!(wire.calls(), ["leave far web"]);
        assert_eq!(links(host, "web"), ["lo"]);
        assert!(!is_up(&link(host, "", "wire0")));
        controller.join("far", "web", &web).unwrap();
        assert_eq!(wire.calls(), [join]);
        assert!(host.ping("web", ip("10.7.0.1")));
        controller.disconnect("far", "web").unwrap();
        assert_eq!(wire.calls(), ["leave far web", "delete_endpoint far web"]);
        controller.disconnect("far", "web").unwrap();
        assert_eq!(wire.calls(), Vec::<String>::new());
        host.assert_returns_to(&before, "a device that was given back");
        assert_inside_is(host, &web, &within, "a device that was given back");

        controller.connect("far", &web, config).unwrap();
        wire.calls();
        controller.destroy_sandbox(&web).unwrap();
        assert_eq!(wire.calls(), ["leave far web", "delete_endpoint far web"]);
        controller.delete_network("far").unwrap();
        assert_eq!(wire.calls().last().unwrap(), "delete_network far");
    });
}

#[test]
fn a_device_that_a_driver_names_is_handed_over_as_it_is() {
    host(|host| {
        let (controller, wire) = wired(host, Wire { offers_all: true, ..Wire::default() });
        let web = sandbox(&controller, "web");
        let before = host.dump();
        refused(
            controller.plan_link("far", endpoint("web")),
            ErrorKind::NotImplemented,
            &["the driver wire acts by itself"],
        );
        wire.calls();
        let made = controller.link("far", endpoint("web")).unwrap();
        let outside = "program_external_connectivity far web";
        assert_eq!(wire.calls(), ["create_endpoint far web", "join far web  {}", outside]);
        assert_eq!(addresses_of(&made), ["10.7.0.2/24", "fd07::2/64"]);
        let interface = made.interface.unwrap();
        assert_eq!(interface.src_name.as_str(), "wire0");
        assert_eq!(open_with(&wire).collect().unwrap().findings, []);
        wire.calls();
        web.add_interface(&interface).unwrap();
        assert!(host.ping("web", ip("10.7.0.1")) && host.ping("web", ip("fd07::1")));
        assert_eq!(controller.collect().unwrap().findings, []);
        web.remove_interface(&interface).unwrap();
        let ends = ["revoke_external_connectivity far web", "leave far web", "delete_endpoint far web"];
        controller.delete_endpoint("far", "web").unwrap();
        assert_eq!(wire.calls(), ends);
        controller.delete_endpoint("far", "web").unwrap();
        assert_eq!(wire.calls(), Vec::<String>::new());
        host.assert_returns_to(&before, "a device that was handed over");

        controller.link("far", endpoint("web")).unwrap();
        wire.calls();
        controller.disconnect("far", "web").unwrap();
        assert_eq!(wire.calls(), ends);
        host.assert_returns_to(&before, "a device that was handed over again");
    });
}

#[test]
fn a_link_that_its_driver_fails_at_is_rolled_back() {
    host(|host| {
        let (controller, wire) = wired(host, Wire { offers_all: true, ..Wire::default() });
        let before = host.dump();
        for method in ["create_endpoint", "join", "program_external_connectivity"] {
            wire.goes_wrong(&[method], Wrong::Fails);
            refused(controller.link("far", endpoint("web")), ErrorKind::System, &["web", "the wire is cut"]);
            assert_eq!(wire.calls().last().unwrap(), "delete_endpoint far web", "{method}");
            assert_eq!(controller.endpoints().unwrap(), []);
        }
        wire.is_mended();
        assert_eq!(
            addresses_of(&controller.link("far", at("web", &["10.7.0.2"])).unwrap())[0],
            "10.7.0.2/24"
        );
        wire.goes_wrong(&["leave"], Wrong::Fails);
        refused(controller.delete_endpoint("far", "web"), ErrorKind::System, &["the wire is cut"]);
        assert!(controller.endpoint("far", "web").unwrap().linked);
        wire.is_mended();
        controller.delete_endpoint("far", "web").unwrap();
        host.assert_returns_to(&before, "links that failed");
    });
}

#[test]
fn a_driver_without_a_device_has_no_links() {
    host(|host| {
        let (controller, wire) = wired(host, Wire { without_device: true, ..Wire::default() });
        let refusal = controller.link("far", endpoint("web"));
        refused(refusal, ErrorKind::NotImplemented, &["the driver wire names no device"]);
        let undone = ["leave far web", "delete_endpoint far web"];
        assert!(wire.calls().ends_with(&undone.map(str::to_owned)));
        assert_eq!(controller.endpoints().unwrap(), []);
    });
}

#[test]
fn an_endpoint_that_joins_again_is_not_made_again() {
    host(|host| {
        let (controller, wire) = wired(host, Wire::default());
        let web = sandbox(&controller, "web");
        controller.connect("far", &web, endpoint("web")).unwrap();
        controller.leave("far", "web").unwrap();
        wire.calls();
        controller.join("far", "web", &web).unwrap();
        assert_eq!(wire.calls(), ["join far web /run/netns/web {}"]);
    });
}

/// Another controller with the same driver.
fn open_with(wire: &Arc<Wire>) -> Controller {
    let controller = open();
    controller.register_driver("wire", wire.clone(), Capability::default()).unwrap();
    controller
}

#[test]
fn a_device_is_given_back_when_its_sandbox_is_destroyed() {
    host(|host| {
        let (controller, _wire) = wired(host, Wire::default());
        let web = sandbox(&controller, "web");
        controller.connect("far", &web, endpoint("web")).unwrap();
        controller.destroy_sandbox(&web).unwrap();
        // The kernel deletes a veth with its namespace, a moment later, and the driver still has use for it.
        std::thread::sleep(Duration::from_millis(500));
        assert!(links(host, "").iter().any(|name| name == "wire0"), "the driver's device is gone");
    });
}

#[test]
fn a_driver_that_disables_the_gateway_gives_none() {
    host(|host| {
        let (controller, _wire) = wired(host, Wire { without_gateway: true, ..Wire::default() });
        let web = sandbox(&controller, "web");
        let mut config = endpoint("web");
        config.gateway_priority = 9;
        controller.connect("far", &web, config).unwrap();
        assert_eq!(defaults(host, "web"), Vec::<String>::new());
        controller.create_network(blue()).unwrap();
        controller.connect("blue", &web, endpoint("web")).unwrap();
        assert_eq!(defaults(host, "web"), ["default via 10.1.0.1 dev eth0", "default via fd01::1 dev eth0"]);
    });
}

#[test]
fn the_gateway_moves_between_a_driver_of_others_and_our_own() {
    host(|host| {
        let (controller, _wire) = wired(host, Wire::default());
        let web = sandbox(&controller, "web");
        controller.create_network(blue()).unwrap();
        controller.connect("blue", &web, endpoint("web")).unwrap();
        let mut better = endpoint("web");
        better.gateway_priority = 1;
        controller.connect("far", &web, better).unwrap();
        assert_eq!(defaults(host, "web"), ["default via 10.7.0.1 dev net0", "default via fd07::1 dev net0"]);
        controller.disconnect("far", "web").unwrap();
        assert_eq!(defaults(host, "web"), ["default via 10.1.0.1 dev eth0", "default via fd01::1 dev eth0"]);
        assert!(host.ping("web", ip("10.1.0.1")));
    });
}

#[test]
fn a_driver_without_a_device_gives_none() {
    host(|host| {
        let (controller, wire) = wired(host, Wire { without_device: true, ..Wire::default() });
        let web = sandbox(&controller, "web");
        let made = controller.connect("far", &web, endpoint("web")).unwrap();
        assert_eq!(made.interface, None);
        assert_eq!(links(host, "web"), ["lo"]);
        controller.disconnect("far", "web").unwrap();
        assert!(wire.calls().contains(&"leave far web".to_owned()));
    });
}

#[test]
fn a_driver_may_choose_the_addresses() {
    host(|host| {
        let (controller, _) = settled(host);
        let chosen = (mac("02:00:00:00:00:77"), net("10.7.0.77/24"));
        let wire = Arc::new(Wire { chooses: Some(chosen), ..Wire::default() });
        controller.register_driver("wire", wire.clone(), Capability::default()).unwrap();
        let mut network = config("wire", "far");
        network.ipv4 = false;
        controller.create_network(network).unwrap();
        device(host);
        let web = sandbox(&controller, "web");
        let made = controller.connect("far", &web, endpoint("web")).unwrap();
        assert_eq!((addresses_of(&made), made.mac), (vec!["10.7.0.77/24".to_owned()], Some(chosen.0)));
        assert_eq!(link(host, "web", "net0")["address"], "02:00:00:00:00:77");
        assert!(host.ping("web", ip("10.7.0.1")));
        let kept = open_with(&wire).endpoint("far", "web").unwrap();
        assert_eq!((addresses_of(&kept), kept.mac), (addresses_of(&made), made.mac));
        controller.disconnect("far", "web").unwrap();

        // Where the library has chosen, the driver is refused, and nothing is left of it.
        controller.create_network(with_subnets("wire", "given", &["10.6.0.0/24"])).unwrap();
        let mut config = endpoint("web");
        config.mac = Some(mac("02:00:00:00:00:01"));
        refused(controller.connect("given", &web, config), ErrorKind::Forbidden, &["set already"]);
        assert_eq!(controller.endpoints().unwrap(), []);
        refused(
            controller.create_endpoint("given", endpoint("web")),
            ErrorKind::Forbidden,
            &["10.7.0.77/24", "set already, to 10.6.0."],
        );
        assert_eq!(controller.endpoints().unwrap(), []);
    });
}

#[test]
fn what_a_driver_fails_at_is_rolled_back() {
    host(|host| {
        let (controller, wire) = wired(host, Wire::default());
        let web = sandbox(&controller, "web");
        let (before, within) = (host.dump(), inside(host, &web));
        let nothing_is_left = |context: &str| {
            host.assert_returns_to(&before, context);
            assert_inside_is(host, &web, &within, context);
            assert_eq!(controller.endpoints().unwrap(), [], "{context}");
        };
        for method in ["create_endpoint", "join"] {
            wire.goes_wrong(&[method], Wrong::Fails);
            let words = ["connect /run/netns/web as web of network far", method, "the wire is cut"];
            refused(controller.connect("far", &web, at("web", &["10.7.0.77"])), ErrorKind::System, &words);
            assert_eq!(wire.calls().last().unwrap(), "delete_endpoint far web", "{method}");
            nothing_is_left(method);
        }
        wire.goes_wrong(&["create_endpoint"], Wrong::Fails);
        let made = controller.create_endpoint("far", at("web", &["10.7.0.77"]));
        refused(made, ErrorKind::System, &["create endpoint web of network far", "the wire is cut"]);
        nothing_is_left("create_endpoint alone");
        wire.calls();

        // The driver is fine, and its device is not there.
        wire.is_mended();
        host.ip(&["link", "set", "wire0", "name", "away0"]);
        let error = controller.connect("far", &web, at("web", &["10.7.0.77"])).unwrap_err();
        assert!(error.to_string().contains("wire0") && error.rollback_failures().is_empty(), "{error}");
        let calls = wire.calls();
        assert_eq!(calls[calls.len() - 2..], ["leave far web", "delete_endpoint far web"]);
        host.ip(&["link", "set", "away0", "name", "wire0"]);
        nothing_is_left("a device that is missing");

        // An endpoint that was made before stays, with what it has.
        let made = controller.create_endpoint("far", at("web", &["10.7.0.77"])).unwrap();
        wire.goes_wrong(&["join"], Wrong::Fails);
        refused(controller.join("far", "web", &web), ErrorKind::System, &["the wire is cut"]);
        assert_eq!(controller.endpoint("far", "web").unwrap(), made);
        host.assert_returns_to(&before, "a join that failed");
        wire.is_mended();
        controller.join("far", "web", &web).unwrap();
        controller.disconnect("far", "web").unwrap();
        nothing_is_left("the end");
    });
}

#[test]
fn a_network_that_its_driver_cannot_make_or_delete_is_not_half_there() {
    host(|host| {
        let (controller, wire) = wired(host, Wire::default());
        let before = host.dump();
        wire.goes_wrong(&["create_network"], Wrong::Fails);
        let near = with_subnets("wire", "near", &["10.6.0.0/24"]);
        let words = ["create network near", "the wire is cut"];
        refused(controller.create_network(near.clone()), ErrorKind::System, &words);
        assert_eq!(controller.networks().unwrap().len(), 1);
        before.assert_same(&host.dump(), "a network that its driver could not make");
        wire.is_mended();
        let made = controller.create_network(near).unwrap();
        assert_eq!(made.subnets[0].gateway, Some(ip("10.6.0.1")));
        assert_eq!(wire.calls().last().unwrap(), "create_network near [10.6.0.1/24]");
        wire.goes_wrong(&["delete_network"], Wrong::Fails);
        refused(controller.delete_network("near"), ErrorKind::System, &["delete network near", "is cut"]);
        assert_eq!(controller.inspect_network("near").unwrap().config, made);
        wire.is_mended();
        controller.delete_network("near").unwrap();
        before.assert_same(&host.dump(), "a network that its driver could not delete at first");
    });
}

#[test]
fn what_a_driver_refuses_to_take_away_stays_to_be_tried_again_or_is_forgotten() {
    host(|host| {
        let (controller, wire) = wired(host, Wire::default());
        let web = sandbox(&controller, "web");
        let (before, within) = (host.dump(), inside(host, &web));
        let connect = || controller.connect("far", &web, at("web", &["10.7.0.77"])).map(drop);
        for method in ["leave", "delete_endpoint"] {
            for mended in [true, false] {
                connect().unwrap();
                wire.goes_wrong(&[method], Wrong::Fails);
                for _ in 0..2 {
                    let words = ["disconnect web of network far", method, "the wire is cut"];
                    refused(controller.disconnect("far", "web"), ErrorKind::System, &words);
                    // The device is back all the same, and the address is kept.
                    host.assert_returns_to(&before, method);
                    assert_inside_is(host, &web, &within, method);
                    assert_eq!(addresses_of(&controller.endpoint("far", "web").unwrap())[0], "10.7.0.77/24");
                }
                if mended {
                    wire.is_mended();
                    controller.disconnect("far", "web").unwrap();
                } else {
                    controller.forget_endpoint("far", "web").unwrap();
                    controller.forget_endpoint("far", "web").unwrap();
                    wire.is_mended();
                }
                assert_eq!(controller.endpoints().unwrap(), [], "{method}");
                host.assert_returns_to(&before, method);
            }
        }
        // What a rollback cannot undo is in the error, and stays likewise.
        wire.goes_wrong(&["join", "delete_endpoint"], Wrong::Fails);
        let error = connect().unwrap_err();
        assert!(error.to_string().contains("join"), "{error}");
        let failures = error.rollback_failures();
        assert!(failures.iter().any(|own| own.to_string().contains("delete_endpoint")), "{error}");
        wire.is_mended();
        controller.disconnect("far", "web").unwrap();
        connect().unwrap();
        controller.disconnect("far", "web").unwrap();
        host.assert_returns_to(&before, "a rollback that failed");
    });
}

#[test]
fn a_driver_of_global_scope_allocates_hears_and_connects_to_the_outside() {
    host(|host| {
        let (controller, _) = settled(host);
        let wire = Arc::new(Wire { offers_all: true, ..Wire::default() });
        let global = Capability { data_scope: Scope::Global, connectivity_scope: Scope::Global };
        controller.register_driver("wire", wire.clone(), global).unwrap();
        let network = with_subnets("wire", "far", &["10.7.0.0/24", "fd07::/64"]);
        let made = controller.create_network(network.clone()).unwrap();
        assert_eq!(made.options["vni"], "4096");
        let calls = wire.calls();
        assert_eq!(calls[0], "network_allocate far");
        assert_eq!(calls[1], "create_network far [10.7.0.1/24, fd07::1/64]");
        device(host);
        let web = sandbox(&controller, "web");
        controller.connect("far", &web, endpoint("web")).unwrap();
        assert_eq!(wire.calls().last().unwrap(), "program_external_connectivity far web");
        controller.disconnect("far", "web").unwrap();
        let calls = wire.calls();
        for call in ["revoke_external_connectivity far web", "leave far web", "delete_endpoint far web"] {
            assert!(calls.iter().any(|own| own == call), "{call} is missing in {calls:?}");
        }

        // The outside is the last thing that can fail.
        let (before, within) = (host.dump(), inside(host, &web));
        wire.goes_wrong(&["program_external_connectivity"], Wrong::Fails);
        let refusal = controller.connect("far", &web, endpoint("web"));
        refused(refusal, ErrorKind::System, &["program_external_connectivity", "the wire is cut"]);
        host.assert_returns_to(&before, "no way to the outside");
        assert_inside_is(host, &web, &within, "no way to the outside");
        assert_eq!(controller.endpoints().unwrap(), []);
        let calls = wire.calls();
        assert_eq!(calls[calls.len() - 2..], ["leave far web", "delete_endpoint far web"]);
        wire.is_mended();

        let node = json!({"Address": "192.0.2.1", "Self": true});
        controller.discover_new(DiscoveryType::Node, &node).unwrap();
        controller.discover_delete(DiscoveryType::Node, &node).unwrap();
        assert_eq!(
            wire.calls(),
            [format!("discover_new node {node}"), format!("discover_delete node {node}")]
        );
        wire.goes_wrong(&["discover_new"], Wrong::Fails);
        let refusal = controller.discover_new(DiscoveryType::Node, &node);
        refused(refusal, ErrorKind::System, &["the wire is cut"]);
        wire.is_mended();
        wire.calls();

        controller.delete_network("far").unwrap();
        assert_eq!(wire.calls().last().unwrap(), "network_free far");
        // What was allocated for a network that cannot be made is freed.
        wire.goes_wrong(&["create_network"], Wrong::Fails);
        let refusal = controller.create_network(with_subnets("wire", "near", &["10.6.0.0/24"]));
        refused(refusal, ErrorKind::System, &["the wire is cut"]);
        assert_eq!(wire.calls().last().unwrap(), "network_free near");
        wire.goes_wrong(&["network_allocate"], Wrong::Fails);
        let refusal = controller.create_network(with_subnets("wire", "near", &["10.6.0.0/24"]));
        refused(refusal, ErrorKind::System, &["the wire is cut"]);
        assert_eq!(controller.networks().unwrap().len(), 0);
    });
}

#[test]
fn a_driver_of_local_scope_hears_nothing_of_other_hosts() {
    host(|host| {
        let (controller, wire) = wired(host, Wire { offers_all: true, ..Wire::default() });
        controller.discover_new(DiscoveryType::Node, &json!({})).unwrap();
        controller.delete_network("far").unwrap();
        let calls = wire.calls();
        assert!(!calls.iter().any(|call| call.starts_with("discover") || call.contains("free")), "{calls:?}");
    });
}

#[test]
fn a_sandbox_goes_although_a_driver_fails() {
    host(|host| {
        for method in ["leave", "delete_endpoint"] {
            let (controller, wire) = if links(host, "").iter().any(|name| name == "end0") {
                host.ip(&["link", "delete", "end0"]);
                open().delete_network("far").unwrap();
                wired(host, Wire::default())
            } else {
                wired(host, Wire::default())
            };
            controller.create_network(blue()).unwrap();
            let web = sandbox(&controller, "web");
            controller.connect("far", &web, endpoint("web")).unwrap();
            controller.connect("blue", &web, endpoint("web")).unwrap();
            wire.goes_wrong(&[method], Wrong::Fails);
            let error = controller.destroy_sandbox(&web).unwrap_err();
            assert!(error.to_string().contains("the wire is cut"), "{error}");
            assert_eq!(host.netns_list(), Vec::<String>::new());
            wire.is_mended();
            let left: Vec<_> =
                controller.endpoints().unwrap().into_iter().map(|own| own.network.to_string()).collect();
            assert!(!left.contains(&"blue".to_owned()), "{method}: {left:?}");
            controller.disconnect("far", "web").unwrap();
            controller.delete_network("blue").unwrap();
            controller.delete_network("far").unwrap();
        }
    });
}

/// A panic of a driver is its caller's: it goes through the call. What was recorded by then can be taken
/// away, and nobody else is kept from anything.
#[test]
fn a_driver_that_panics_spoils_nothing_for_others() {
    host(|host| {
        let (controller, wire) = wired(host, Wire::default());
        controller.create_network(blue()).unwrap();
        let (web, db) = (sandbox(&controller, "web"), sandbox(&controller, "db"));
        let panics = |f: &dyn Fn()| assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
        for method in ["create_endpoint", "join"] {
            wire.goes_wrong(&[method], Wrong::Panics);
            panics(&|| drop(controller.connect("far", &web, at("web", &["10.7.0.77"]))));
            wire.is_mended();
            // Others go on, here and elsewhere.
            controller.connect("blue", &db, endpoint("db")).unwrap();
            assert!(host.ping("db", ip("10.1.0.1")));
            open_with(&wire).disconnect("blue", "db").unwrap();
            // And so does the one that it happened to.
            controller.disconnect("far", "web").unwrap();
            let made = controller.connect("far", &web, at("web", &["10.7.0.77"])).unwrap();
            assert_eq!(addresses_of(&made)[0], "10.7.0.77/24");
            controller.disconnect("far", "web").unwrap();
        }
        for method in ["leave", "delete_endpoint"] {
            controller.connect("far", &web, endpoint("web")).unwrap();
            wire.goes_wrong(&[method], Wrong::Panics);
            panics(&|| drop(controller.disconnect("far", "web")));
            wire.is_mended();
            controller.disconnect("far", "web").unwrap();
            assert_eq!(controller.endpoints().unwrap(), []);
        }
        wire.goes_wrong(&["create_network"], Wrong::Panics);
        let near = with_subnets("wire", "near", &["10.6.0.0/24"]);
        panics(&|| drop(controller.create_network(near.clone())));
        wire.is_mended();
        controller.create_network(near).unwrap();
        wire.goes_wrong(&["delete_network"], Wrong::Panics);
        panics(&|| drop(controller.delete_network("near")));
        wire.is_mended();
        controller.delete_network("near").unwrap();
        controller.delete_network("blue").unwrap();
    });
}

#[test]
fn a_sandbox_whose_driver_failed_is_destroyed_by_the_next_call() {
    host(|host| {
        let (controller, wire) = wired(host, Wire::default());
        let web = sandbox(&controller, "web");
        controller.connect("far", &web, endpoint("web")).unwrap();
        wire.goes_wrong(&["leave"], Wrong::Fails);
        let error = controller.destroy_sandbox(&web).unwrap_err();
        assert!(error.to_string().contains("the wire is cut"), "{error}");
        assert_eq!(controller.endpoints().unwrap().len(), 1);
        // Another that has the path by now is not what the handle is for.
        let other = sandbox(&controller, "web");
        wire.is_mended();
        controller.destroy_sandbox(&web).unwrap();
        assert_eq!(controller.endpoints().unwrap(), []);
        assert_eq!(controller.sandboxes().unwrap().len(), 1);
        assert_eq!(host.netns_list(), ["web"]);
        controller.destroy_sandbox(&web).unwrap();
        controller.destroy_sandbox(&other).unwrap();
        assert!(controller.sandboxes().unwrap().is_empty());
        controller.delete_network("far").unwrap();
    });
}

#[test]
fn a_network_whose_driver_is_not_there_says_so() {
    host(|host| {
        let (controller, _wire) = wired(host, Wire::default());
        let web = sandbox(&controller, "web");
        let other = open();
        let refusal = other.connect("far", &web, endpoint("web"));
        refused(refusal, ErrorKind::NotFound, &["wire", "the known types are bridge"]);
        assert_eq!(other.inspect_network("far").unwrap().config.network_type, "wire");
        other.delete_network("far").unwrap();
        refused(controller.inspect_network("far"), ErrorKind::NotFound, &["far"]);
    });
}

// Address management of others.

/// Gives 10.66.0.0/24 and fd66::/64, the addresses from the end.
#[derive(Default)]
struct Own {
    calls: Mutex<Vec<String>>,
    taken: Mutex<BTreeSet<IpAddr>>,
    fails_for_ipv6: Mutex<bool>,
}

impl Own {
    fn taken(&self) -> Vec<String> {
        locked(&self.taken).iter().map(ToString::to_string).collect()
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.calls))
    }
}

impl Ipam for Own {
    fn default_address_spaces(&self) -> Result<AddressSpaces> {
        Ok(AddressSpaces { global: Name::new("everywhere")?, local: Name::new("here")? })
    }

    fn request_pool(&self, request: &PoolRequest) -> Result<Pool> {
        locked(&self.calls).push(format!("pool {:?} {:?}", request.pool, request.options));
        let pool =
            request.pool.unwrap_or_else(|| net(if request.ipv6 { "fd66::/64" } else { "10.66.0.0/24" }));
        let id = PoolId::new(request.address_space.clone(), pool, request.sub_pool)?;
        Ok(Pool { data: BTreeMap::new(), id, pool })
    }

    fn release_pool(&self, pool: &PoolId) -> Result<()> {
        locked(&self.calls).push(format!("release {pool}"));
        let pool = pool.parts()?.pool;
        locked(&self.taken).retain(|address| !pool.contains(address));
        Ok(())
    }

    fn request_address(
        &self,
        pool: &PoolId,
        wanted: Option<IpAddr>,
        options: &BTreeMap<String, String>,
    ) -> Result<(IpNet, BTreeMap<String, String>)> {
        let is_gateway =
            options.get("RequestAddressType").is_some_and(|kind| kind == "com.docker.network.gateway");
        if *locked(&self.fails_for_ipv6) && pool.parts()?.pool.addr().is_ipv6() && !is_gateway {
            return Err(Error::new(ErrorKind::ResourceExhausted, "request address", pool.to_string()));
        }
        let mut taken = locked(&self.taken);
        let net = pool.parts()?.pool;
        let last = |number: u8| match net {
            IpNet::V4(_) => ip(&format!("10.66.0.{number}")),
            IpNet::V6(_) => ip(&format!("fd66::{number}")),
        };
        let free = (1..=254).rev().map(last).find(|address| !taken.contains(address));
        let address = match wanted.or(if is_gateway { Some(last(200)) } else { free }) {
            Some(address) if taken.insert(address) => address,
            _ => return Err(Error::new(ErrorKind::AlreadyExists, "request address", format!("{wanted:?}"))),
        };
        Ok((IpNet::new(address, pool.parts()?.pool.prefix_len()).unwrap(), BTreeMap::new()))
    }

    fn release_address(&self, _: &PoolId, address: IpAddr) -> Result<()> {
        locked(&self.taken).remove(&address);
        Ok(())
    }
}

fn with_own(network: netns::NetworkConfig) -> netns::NetworkConfig {
    let mut network = network;
    network.ipam = "own".to_owned();
    network.ipam_options = BTreeMap::from([("rack".to_owned(), "7".to_owned())]);
    network
}

#[test]
fn an_address_management_of_others_gives_the_addresses_and_gets_them_back() {
    host(|host| {
        let (controller, before) = settled(host);
        let own = Arc::new(Own::default());
        controller.register_ipam("own", own.clone()).unwrap();
        refused(controller.register_ipam("own", own.clone()), ErrorKind::Forbidden, &["own", "already"]);
        refused(controller.register_ipam("default", own.clone()), ErrorKind::Forbidden, &["default"]);
        assert_eq!(controller.register_ipam("a/b", own.clone()).unwrap_err().kind(), ErrorKind::BadRequest);

        let made = controller.create_network(with_own(config("bridge", "blue").with_ipv6())).unwrap();
        let asked = r#"pool None {"rack": "7"}"#;
        assert_eq!(own.calls(), [asked, asked]);
        assert_eq!(own.taken(), ["10.66.0.200", "fd66::200"]);
        let gateways: Vec<_> = made.subnets.iter().map(|own| own.gateway.unwrap().to_string()).collect();
        assert_eq!(gateways, ["10.66.0.200", "fd66::200"]);

        let web = sandbox(&controller, "web");
        let endpoint_made = controller.connect("blue", &web, endpoint("web")).unwrap();
        assert_eq!(addresses_of(&endpoint_made), ["10.66.0.254/24", "fd66::254/64"]);
        assert!(host.ping("web", ip("10.66.0.200")) && host.ping("web", ip("fd66::200")));
        let with_web = own.taken();
        assert_eq!(with_web.len(), 4);

        // What fails gives back what it took.
        let refusal = |config| controller.connect("blue", &web, config).map(drop);
        refused(refusal(endpoint("web")), ErrorKind::AlreadyExists, &["of that name"]);
        assert_eq!(own.taken(), with_web);
        let mut named = endpoint("other");
        named.destination = netns::Destination::Name(InterfaceName::new("eth0").unwrap());
        refused(refusal(named), ErrorKind::AlreadyExists, &[]);
        assert_eq!(own.taken(), with_web);
        refused(refusal(at("other", &["10.66.0.254"])), ErrorKind::AlreadyExists, &["10.66.0.254"]);
        assert_eq!(own.taken(), with_web);
        *locked(&own.fails_for_ipv6) = true;
        refused(refusal(endpoint("other")), ErrorKind::ResourceExhausted, &[]);
        refused(controller.create_endpoint("blue", endpoint("other")), ErrorKind::ResourceExhausted, &[]);
        assert_eq!(own.taken(), with_web);
        *locked(&own.fails_for_ipv6) = false;

        controller.leave("blue", "web").unwrap();
        assert_eq!(own.taken(), with_web, "leaving gives no address back");
        controller.delete_endpoint("blue", "web").unwrap();
        assert_eq!(own.taken(), ["10.66.0.200", "fd66::200"]);
        let named = controller.create_endpoint("blue", at("web", &["10.66.0.9"])).unwrap();
        assert_eq!(named.address.unwrap().to_string(), "10.66.0.9/24");
        controller.delete_endpoint("blue", "web").unwrap();
        controller.destroy_sandbox(&web).unwrap();
        own.calls();
        controller.delete_network("blue").unwrap();
        assert_eq!(own.calls(), ["release here/10.66.0.0/24", "release here/fd66::/64"]);
        host.assert_returns_to(&before, "an address management of others");
    });
}

#[test]
fn an_address_management_of_others_is_told_what_is_taken() {
    host(|host| {
        let (controller, before) = settled(host);
        let own = Arc::new(Own::default());
        controller.register_ipam("own", own.clone()).unwrap();
        let mut network = with_own(with_subnets("bridge", "blue", &["10.66.0.0/24"]));
        network.subnets[0].gateway = Some(ip("10.66.0.7"));
        network.subnets[0].auxiliary = BTreeMap::from([("printer".to_owned(), ip("10.66.0.254"))]);
        controller.create_network(network.clone()).unwrap();
        assert_eq!(own.taken(), ["10.66.0.7", "10.66.0.254"]);
        let made = controller.create_endpoint("blue", endpoint("web")).unwrap();
        assert_eq!(addresses_of(&made), ["10.66.0.253/24"]);
        controller.delete_endpoint("blue", "web").unwrap();
        controller.delete_network("blue").unwrap();
        assert_eq!(own.taken(), Vec::<String>::new());
        // A network that cannot be made gives its pools back.
        host.ip(&["link", "add", "br-blue", "type", "veth", "peer", "name", "other"]);
        own.calls();
        refused(controller.create_network(network), ErrorKind::AlreadyExists, &["br-blue"]);
        assert_eq!(own.taken(), Vec::<String>::new());
        assert_eq!(own.calls().last().unwrap(), "release here/10.66.0.0/24");
        host.ip(&["link", "delete", "br-blue"]);
        host.assert_returns_to(&before, "what is taken");
    });
}

#[test]
fn an_endpoint_that_is_forgotten_gives_its_addresses_back_to_whoever_gave_them() {
    host(|host| {
        let (controller, wire) = wired(host, Wire::default());
        let own = Arc::new(Own::default());
        controller.register_ipam("own", own.clone()).unwrap();
        controller.create_network(with_own(with_subnets("wire", "near", &["10.66.0.0/24"]))).unwrap();
        let network = own.taken();
        controller.create_endpoint("near", endpoint("web")).unwrap();
        assert_eq!(own.taken().len(), network.len() + 1);
        wire.goes_wrong(&["delete_endpoint"], Wrong::Fails);
        controller.forget_endpoint("near", "web").unwrap();
        assert_eq!(controller.endpoints().unwrap(), []);
        assert_eq!(own.taken(), network);
    });
}
