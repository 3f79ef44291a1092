//! Promises of macvlans: born in a sandbox, whole or not at all, and refused with the cause.

mod common;

use common::{inside, link, links, network, refused, sandbox, veth, with_base};
use netns::link::{AddressSpec, LinkChange, LinkKind, LinkRef, LinkSpec, MacvlanMode, Place};
use netns::plan::{Action, Plan, Step};
use netns::{ErrorKind, Interface, InterfaceName, MacAddr, Mtu, Network, Sandbox};
use testhost::{host, skip, Host};

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).unwrap()
}

/// `eth0` with the index 1000 and an MTU of 1400 bytes, born in the sandbox on a link of the host.
fn macvlan(parent: &str, mode: MacvlanMode) -> LinkSpec {
    let parent = LinkRef::named(name(parent));
    let mut spec = LinkSpec::new(name("eth0"), LinkKind::Macvlan { parent, mode });
    spec.index = Some(1000);
    spec.mtu = Some(Mtu::new(1400).unwrap());
    spec.born_in = Some(Place::Sandbox);
    spec
}

fn born(spec: LinkSpec) -> Plan {
    Plan { steps: vec![Step::new(Place::Host, Action::CreateLink(spec))] }
}

/// A macvlan on `parent` with an address, up.
fn attach(network: &Network, sandbox: &Sandbox, parent: &str, address: &str) {
    let mut plan = born(macvlan(parent, MacvlanMode::Bridge));
    let link = LinkRef::indexed(name("eth0"), 1000);
    let address = AddressSpec { link: link.clone(), address: address.parse().unwrap(), callers: false };
    plan.push(Place::Sandbox, Action::AddAddress(address));
    let mut change = LinkChange::new(link);
    change.up = Some(true);
    plan.push(Place::Sandbox, Action::SetLink(change));
    network.apply(&plan, sandbox).unwrap();
}

/// A pair of links, both up, of which `lan0` is to be a parent.
fn lan(host: &Host) {
    veth(host, "lan0", "lan1");
    for end in ["lan0", "lan1"] {
        host.ip(&["link", "set", end, "up"]);
    }
}

#[test]
fn a_macvlan_is_born_in_the_sandbox_as_it_was_asked_for() {
    for mode in ["bridge", "passthru", "private", "vepa"] {
        host(|host| {
            lan(host);
            let network = network("net");
            let sandbox = sandbox("web");
            let mut spec = macvlan("lan0", mode.parse().unwrap());
            let mac = if mode == "passthru" { None } else { Some("02:00:00:00:00:07") };
            spec.mac = mac.map(|mac| mac.parse::<MacAddr>().unwrap());
            network.apply(&born(spec), &sandbox).unwrap();
            assert_eq!(links(host, "web"), ["eth0", "lo"]);
            let made = link(host, "web", "eth0");
            assert_eq!(made["ifindex"], 1000);
            assert_eq!(made["mtu"], 1400);
            assert!(common::is_ours(&made), "{made}");
            assert_eq!(made["linkinfo"]["info_kind"], "macvlan");
            assert_eq!(made["linkinfo"]["info_data"]["mode"], mode);
            assert_eq!(made["link_index"], link(host, "", "lan0")["ifindex"]);
            let parents = link(host, "", "lan0")["address"].as_str().unwrap().to_owned();
            assert_eq!(made["address"].as_str().unwrap(), mac.unwrap_or(&parents));
        });
    }
}

#[test]
fn a_macvlan_may_have_the_name_and_the_index_of_a_link_of_the_host() {
    host(|host| {
        lan(host);
        let network = network("net");
        let sandbox = sandbox("web");
        host.ip(&["link", "add", "eth0", "index", "1000", "type", "bridge"]);
        match network.apply(&born(macvlan("lan0", MacvlanMode::Bridge)), &sandbox) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return skip("a_macvlan_may_have_the_name", "Linux before 6.15 looks for it in the host");
            }
            result => result.unwrap(),
        }
        assert_eq!(links(host, "web"), ["eth0", "lo"]);
        assert_eq!(link(host, "", "eth0")["linkinfo"]["info_kind"], "bridge");
    });
}

#[test]
fn two_sandboxes_on_one_link_reach_each_other() {
    host(|host| {
        lan(host);
        let network = network("net");
        let before = with_base(host);
        let (web, db) = (sandbox("web"), sandbox("db"));
        attach(&network, &web, "lan0", "10.7.0.2/24");
        attach(&network, &db, "lan0", "10.7.0.3/24");
        assert!(host.ping("web", "10.7.0.3".parse().unwrap()));
        assert!(host.ping("db", "10.7.0.2".parse().unwrap()));
        web.destroy().unwrap();
        db.destroy().unwrap();
        host.assert_returns_to(&before, "two macvlans that came and went");
    });
}

#[test]
fn a_macvlan_that_is_refused_says_why_and_leaves_nothing() {
    host(|host| {
        lan(host);
        let network = network("net");
        let sandbox = sandbox("web");
        veth(host, "port0", "port1");
        host.ip(&["link", "set", "port0", "master", network.bridge().as_str()]);
        let before = (host.dump(), inside(host, &sandbox));
        let try_with = |kind: ErrorKind, words: &[&str], change: &dyn Fn(&mut LinkSpec)| {
            let mut spec = macvlan("lan0", MacvlanMode::Bridge);
            change(&mut spec);
            refused(network.apply(&born(spec), &sandbox), kind, words);
            host.assert_returns_to(&before.0, "a macvlan that was refused");
            common::assert_inside_is(host, &sandbox, &before.1, "a macvlan that was refused");
        };
        let on = |parent: LinkRef| LinkKind::Macvlan { parent, mode: MacvlanMode::Bridge };
        let gone = |spec: &mut LinkSpec| spec.kind = on(LinkRef::named(name("gone0")));
        try_with(ErrorKind::NotFound, &["find link gone0", "in the host"], &gone);
        let gone = |spec: &mut LinkSpec| spec.kind = on(LinkRef::indexed(name("gone0"), 4711));
        try_with(ErrorKind::NotFound, &["create macvlan eth0 on gone0", "is gone0 still there?"], &gone);
        let port = |spec: &mut LinkSpec| spec.kind = on(LinkRef::named(name("port0")));
        try_with(ErrorKind::Busy, &["create macvlan eth0 on port0", "port of a bridge"], &port);
        let lo = |spec: &mut LinkSpec| spec.kind = on(LinkRef::named(name("lo")));
        try_with(ErrorKind::BadRequest, &["no Ethernet link"], &lo);
        let large = |spec: &mut LinkSpec| spec.mtu = Some(Mtu::new(9000).unwrap());
        try_with(ErrorKind::BadRequest, &["the MTU of lan0 is below 9000"], &large);
        let taken = |spec: &mut LinkSpec| spec.name = name("lo");
        try_with(ErrorKind::AlreadyExists, &["named lo", "exists in the sandbox"], &taken);
        let taken = |spec: &mut LinkSpec| spec.index = Some(1);
        try_with(ErrorKind::AlreadyExists, &["index 1 exists in the sandbox"], &taken);
        let master = |spec: &mut LinkSpec| spec.master = Some(LinkRef::named(name("br-net")));
        try_with(ErrorKind::BadRequest, &["create link eth0", "a master by a change later"], &master);
    });
}

#[test]
fn a_link_that_one_macvlan_has_to_itself_is_refused_to_another() {
    host(|host| {
        lan(host);
        let network = network("net");
        let (web, db) = (sandbox("web"), sandbox("db"));
        network.apply(&born(macvlan("lan0", MacvlanMode::Passthru)), &web).unwrap();
        let second = |mode| network.apply(&born(macvlan("lan0", mode)), &db);
        refused(second(MacvlanMode::Bridge), ErrorKind::BadRequest, &["lan0 has a macvlan in mode passthru"]);
        web.destroy().unwrap();
        network.apply(&born(macvlan("lan1", MacvlanMode::Bridge)), &db).unwrap();
        let web = sandbox("web");
        let second = network.apply(&born(macvlan("lan1", MacvlanMode::Passthru)), &web);
        refused(second, ErrorKind::BadRequest, &["lan1 has a macvlan already"]);
    });
}

#[test]
fn a_veth_is_not_born_elsewhere() {
    host(|_| {
        let network = network("net");
        let sandbox = sandbox("web");
        let joined = network.plan_join(&sandbox, &common::endpoint("web", &["10.1.0.2/24"])).unwrap();
        let is_birth = |step: &&Step| matches!(step.action, Action::CreateLink(_));
        let mut step = joined.steps.iter().find(is_birth).unwrap().clone();
        let Action::CreateLink(spec) = &mut step.action else { unreachable!("it was looked for") };
        spec.born_in = Some(Place::Sandbox);
        let plan = Plan { steps: vec![step] };
        refused(network.apply(&plan, &sandbox), ErrorKind::BadRequest, &["the peer alone"]);
        assert_eq!(sandbox.interfaces().unwrap(), Vec::<Interface>::new());
    });
}

#[test]
fn a_mode_is_read_by_the_name_that_it_prints() {
    for mode in ["bridge", "passthru", "private", "vepa"] {
        assert_eq!(mode.parse::<MacvlanMode>().unwrap().to_string(), mode);
        assert_eq!(
            serde_json::to_string(&mode.parse::<MacvlanMode>().unwrap()).unwrap(),
            format!("{mode:?}")
        );
    }
    for mode in ["", "Bridge", "source", "passthrough"] {
        refused(mode.parse::<MacvlanMode>(), ErrorKind::BadRequest, &["bridge, passthru, private and vepa"]);
    }
}
