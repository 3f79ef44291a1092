//! Promises of plans as data: they print as a person reads them, survive a round trip through JSON, and
//! every step knows its way back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netns::ipnet::IpNet;
use netns::link::{
    AddressSpec, BridgePort, Direction, FilterSpec, LinkChange, LinkKind, LinkRef, LinkSpec, MacvlanMode,
    MoveSpec, NeighbourSpec, Place, ProxySpec, RouteSpec, SysctlSpec, VethPeer,
};
use netns::plan::{Action, Plan, Step, Undo};
use netns::{
    EndpointOptions, Interface, InterfaceName, MacAddr, Mtu, Neighbour, Network, NetworkOptions, Sandbox,
    SandboxKey, StaticRoute,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use testhost::host;

fn name() -> impl Strategy<Value = InterfaceName> {
    "[a-z][a-z0-9.-]{0,14}".prop_map(|text| text.parse().unwrap())
}

fn link() -> impl Strategy<Value = LinkRef> {
    (name(), option::of(1_u32..)).prop_map(|(name, index)| LinkRef { name, index })
}

fn mac() -> impl Strategy<Value = MacAddr> {
    any::<[u8; 6]>().prop_filter_map("a unicast address", |octets| MacAddr::new(octets).ok())
}

fn mtu() -> impl Strategy<Value = Mtu> {
    (68_u32..=65_535).prop_map(|bytes| Mtu::new(bytes).unwrap())
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![Just(Place::Host), Just(Place::Sandbox)]
}

fn ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| Ipv4Addr::from(bits).into()),
        any::<u128>().prop_map(|bits| Ipv6Addr::from(bits).into()),
    ]
}

fn net() -> impl Strategy<Value = IpNet> {
    (ip(), 0_u8..=128).prop_map(|(ip, prefix)| {
        let longest = if ip.is_ipv4() { 32 } else { 128 };
        IpNet::new(ip, prefix.min(longest)).unwrap()
    })
}

fn mode() -> impl Strategy<Value = MacvlanMode> {
    prop_oneof![
        Just(MacvlanMode::Bridge),
        Just(MacvlanMode::Passthru),
        Just(MacvlanMode::Private),
        Just(MacvlanMode::Vepa),
    ]
}

fn kind() -> impl Strategy<Value = LinkKind> {
    let bridge = (any::<bool>(), any::<u16>()).prop_map(|(multicast_snooping, vlan_default_pvid)| {
        LinkKind::Bridge { multicast_snooping, vlan_default_pvid }
    });
    let veth = (name(), place(), option::of(1_u32..), option::of(mac()))
        .prop_map(|(name, place, index, mac)| LinkKind::Veth { peer: VethPeer { name, place, index, mac } });
    let macvlan = (link(), mode()).prop_map(|(parent, mode)| LinkKind::Macvlan { parent, mode });
    prop_oneof![bridge, macvlan, veth]
}

fn create() -> impl Strategy<Value = Action> {
    let numbers = (option::of(1_u32..), option::of(1_u32..9), option::of(any::<u32>()));
    let places = (option::of(link()), option::of(place()));
    (name(), kind(), option::of(mac()), option::of(mtu()), places, numbers, any::<bool>()).prop_map(
        |(name, kind, mac, mtu, (master, born_in), (index, queues, tx_queue_len), up)| {
            let mut spec = LinkSpec::new(name, kind);
            (spec.mac, spec.mtu, spec.master, spec.born_in) = (mac, mtu, master, born_in);
            (spec.index, spec.queues, spec.tx_queue_len, spec.up) = (index, queues, tx_queue_len, up);
            Action::CreateLink(spec)
        },
    )
}

fn change() -> impl Strategy<Value = Action> {
    let port = any::<(bool, bool)>().prop_map(|(hairpin, isolated)| BridgePort { hairpin, isolated });
    let flags = (option::of(any::<bool>()), any::<bool>(), option::of(any::<bool>()), option::of(port));
    (link(), option::of(link()), option::of(mtu()), option::of(mac()), option::of(".{0,40}"), flags).prop_map(
        |(link, master, mtu, mac, alias, (up, no_link_local, ipv4_forwarding, port))| {
            let mut change = LinkChange::new(link);
            (change.master, change.mtu, change.mac, change.alias) = (master, mtu, mac, alias);
            (change.up, change.no_link_local, change.port) = (up, no_link_local, port);
            change.ipv4_forwarding = ipv4_forwarding;
            Action::SetLink(change)
        },
    )
}

fn sysctl() -> impl Strategy<Value = SysctlSpec> {
    ("net(/[a-z0-9_]{1,9}){1,5}", "[ -~]{1,40}")
        .prop_map(|(path, value)| SysctlSpec::new(&path, &value).unwrap())
}

fn action() -> impl Strategy<Value = Action> {
    let address =
        || (link(), net()).prop_map(|(link, address)| AddressSpec { link, address, callers: false });
    let route = || {
        let optional = (option::of(ip()), option::of(ip()), option::of(any::<u32>()));
        (link(), net(), optional, any::<bool>()).prop_map(
            |(link, destination, (gateway, source, metric), replace)| RouteSpec {
                link,
                destination,
                gateway,
                source,
                metric,
                replace,
                callers: false,
                local: false,
            },
        )
    };
    let neighbour =
        || (link(), ip(), mac()).prop_map(|(link, address, mac)| NeighbourSpec { link, address, mac });
    let proxy = || (link(), ip()).prop_map(|(link, address)| ProxySpec { link, address });
    let filter = || {
        let direction = prop_oneof![Just(Direction::Ingress), Just(Direction::Egress)];
        (link(), direction, any::<u16>()).prop_map(|(link, direction, slot)| FilterSpec {
            link,
            direction,
            slot,
        })
    };
    let movement =
        (link(), place(), name(), option::of(1_u32..), option::of(mtu()), option::of(mac())).prop_map(
            |(link, to, name, index, mtu, mac)| MoveSpec { link, to, name, index, mtu, mac, alias: None },
        );
    prop_oneof![
        address().prop_map(Action::AddAddress),
        address().prop_map(Action::DeleteAddress),
        route().prop_map(Action::AddRoute),
        route().prop_map(Action::DeleteRoute),
        neighbour().prop_map(Action::AddNeighbour),
        neighbour().prop_map(Action::DeleteNeighbour),
        proxy().prop_map(Action::AddProxy),
        proxy().prop_map(Action::DeleteProxy),
        filter().prop_map(Action::AddFilter),
        filter().prop_map(Action::DeleteFilter),
        link().prop_map(Action::AddClsact),
        link().prop_map(Action::DeleteClsact),
        create(),
        change(),
        link().prop_map(Action::DeleteLink),
        link().prop_map(Action::SyncLink),
        movement.prop_map(Action::MoveLink),
        any::<bool>().prop_map(Action::SetIpv6Default),
        link().prop_map(Action::ForceIpv6Forwarding),
        link().prop_map(Action::IgnoreRouters),
        link().prop_map(Action::TurnOffIpv6),
        sysctl().prop_map(Action::SetSysctl),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let undo = (place(), action()).prop_map(|(place, action)| Undo { place, action });
    (place(), action(), option::of(vec(undo, 0..3)), any::<bool>()).prop_map(
        |(place, action, undo, existing_ok)| {
            let mut step = Step::new(place, action);
            if let Some(undo) = undo {
                step = step.undone_by(undo);
            }
            step.existing_ok = existing_ok;
            step
        },
    )
}

/// Whether `undo` takes back what `action` does, and nothing else.
fn is_inverse(action: &Action, undo: &Action) -> bool {
    match (action, undo) {
        (Action::AddAddress(added), Action::DeleteAddress(deleted)) => added == deleted,
        (Action::AddClsact(added), Action::DeleteClsact(deleted)) => added == deleted,
        (Action::AddFilter(added), Action::DeleteFilter(deleted)) => added == deleted,
        (Action::AddNeighbour(added), Action::DeleteNeighbour(deleted)) => added == deleted,
        (Action::AddProxy(added), Action::DeleteProxy(deleted)) => added == deleted,
        (Action::AddRoute(added), Action::DeleteRoute(deleted)) => added == deleted,
        (Action::CreateLink(spec), Action::DeleteLink(link)) => {
            (&spec.name, spec.index) == (&link.name, link.index)
        }
        (Action::SetIpv6Default(on), Action::SetIpv6Default(back)) => on != back,
        _ => false,
    }
}

/// Where what `action` makes is when it is carried out in `place`.
fn made_in(place: Place, action: &Action) -> Place {
    match action {
        Action::CreateLink(spec) => spec.born_in.unwrap_or(place),
        _ => place,
    }
}

/// Whether what `action` makes would stay behind without an undo.
fn makes_something(action: &Action) -> bool {
    match action {
        Action::AddRoute(route) => !route.replace,
        action => matches!(
            action,
            Action::AddAddress(_)
                | Action::AddClsact(_)
                | Action::AddFilter(_)
                | Action::AddNeighbour(_)
                | Action::AddProxy(_)
                | Action::CreateLink(_)
                | Action::SetIpv6Default(_)
        ),
    }
}

proptest! {
    #[test]
    fn a_plan_comes_back_from_json_as_it_was(steps in vec(step(), 0..6)) {
        let plan = Plan { steps };
        let json = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
    }

    #[test]
    fn a_plan_prints_one_line_a_step(steps in vec(step(), 0..6)) {
        let plan = Plan { steps };
        prop_assert_eq!(plan.to_string().lines().count(), plan.steps.len());
    }

    #[test]
    fn what_a_step_makes_its_undo_takes_back(place in place(), action in action()) {
        let step = Step::new(place, action);
        if makes_something(&step.action) {
            prop_assert_eq!(step.undo.len(), 1, "{}", step);
            prop_assert_eq!(step.undo[0].place, made_in(place, &step.action));
            prop_assert!(is_inverse(&step.action, &step.undo[0].action), "{}", step);
        } else {
            prop_assert!(step.undo.is_empty(), "{}", step);
        }
    }
}

#[test]
fn a_plan_out_of_json_is_checked_as_one_in_code_is() {
    let json = |name: &str, mac: &str| {
        format!(
            r#"{{"steps": [{{"place": "host", "action": {{"set_link":
                {{"link": {{"name": "{name}"}}, "mac": "{mac}"}}}}}}]}}"#
        )
    };
    assert!(serde_json::from_str::<Plan>(&json("eth0", "02:00:00:00:00:01")).is_ok());
    for text in [
        json("eth%d", "02:00:00:00:00:01"),
        json("eth0", "ff:ff:ff:ff:ff:ff"),
        json("eth0", "02:00:00:00:00:01").replace("host", "elsewhere"),
        json("eth0", "02:00:00:00:00:01").replace("set_link", "format_disk"),
        r#"{"steps": [{"place": "host", "action": {"set_sysctl": {"path": "net/../kernel/x", "value": "1"}}}]}"#
            .to_owned(),
    ] {
        assert!(serde_json::from_str::<Plan>(&text).is_err(), "{text}");
    }
}

#[test]
fn a_macvlan_reads_as_a_person_would_say_it() {
    let parent = LinkRef::named("eth0".parse().unwrap());
    let kind = LinkKind::Macvlan { parent, mode: MacvlanMode::Vepa };
    let mut spec = LinkSpec::new("lan0".parse().unwrap(), kind);
    spec.mtu = Some(Mtu::new(1400).unwrap());
    spec.index = Some(7);
    spec.born_in = Some(Place::Sandbox);
    let step = Step::new(Place::Host, Action::CreateLink(spec));
    let text = "host     create macvlan lan0 on eth0 in mode vepa, born in sandbox: index 7, mtu 1400  \
                [undo: delete link lan0 in sandbox]";
    assert_eq!(step.to_string(), text);
}

#[test]
fn counters_read_and_are_written_as_they_are_documented() {
    let link = LinkRef::indexed("veth0".parse().unwrap(), 7);
    let filter = FilterSpec { link: link.clone(), direction: Direction::Ingress, slot: 5 };
    let mut plan = Plan::default();
    plan.push(Place::Host, Action::AddClsact(link));
    plan.push(Place::Host, Action::AddFilter(filter));
    let text = "
 1  host     add clsact to veth0  [undo: delete clsact from veth0]
 2  host     add counter of slot 5 to veth0 ingress  [undo: delete counter of slot 5 from veth0 ingress]
";
    assert_eq!(plan.to_string(), text.trim_start_matches('\n'));
    let link = r#"{"name":"veth0","index":7}"#;
    let filter = format!(r#"{{"link":{link},"direction":"ingress","slot":5}}"#);
    let json = [format!(r#"{{"add_clsact":{link}}}"#), format!(r#"{{"add_filter":{filter}}}"#)];
    for (step, json) in plan.steps.iter().zip(json) {
        assert_eq!(serde_json::to_string(&step.action).unwrap(), json);
    }
    let unknown = r#"{"add_filter":{"link":{"name":"veth0"},"direction":"ingress","slot":5,"prio":1}}"#;
    assert!(serde_json::from_str::<Action>(unknown).is_err());
}

fn dual_stack_network() -> Network {
    let mut options = NetworkOptions::default()
        .with_gateway("10.1.0.1/24".parse().unwrap())
        .with_gateway("fd01::1/64".parse().unwrap())
        .with_mtu(Mtu::new(1400).unwrap());
    options.mac = Some("02:00:00:00:00:01".parse().unwrap());
    Network::create("bridge", "blue", options).unwrap()
}

fn endpoint() -> EndpointOptions {
    let mut endpoint = EndpointOptions::new("web")
        .unwrap()
        .with_address("10.1.0.2/24".parse().unwrap())
        .with_address("fd01::2/64".parse().unwrap())
        .with_mac("02:00:00:00:00:02".parse().unwrap());
    endpoint.routes.push(StaticRoute {
        destination: "10.2.0.0/16".parse().unwrap(),
        next_hop: Some("10.1.0.9".parse().unwrap()),
    });
    endpoint
        .neighbours
        .push(Neighbour { address: "10.1.0.9".parse().unwrap(), mac: "02:00:00:00:00:09".parse().unwrap() });
    endpoint
}

/// Every step whose work could stay behind has the way back in it, here or in the link that goes.
fn can_be_taken_back(plan: &Plan) {
    for step in &plan.steps {
        if makes_something(&step.action) {
            let undone = step.undo.iter().any(|undo| {
                undo.place == made_in(step.place, &step.action) && is_inverse(&step.action, &undo.action)
            });
            assert!(undone, "{step}");
        }
    }
}

/// The snapshot is what a person is promised to read: look at a difference before taking it over.
#[test]
fn a_join_reads_as_its_snapshot_says() {
    host(|host| {
        let network = dual_stack_network();
        let sandbox = Sandbox::create(&SandboxKey::new("web").unwrap()).unwrap();
        let before = host.dump();
        let plan = network.plan_join(&sandbox, &endpoint()).unwrap();
        host.assert_returns_to(&before, "a plan that was only made");
        let snapshot = include_str!("snapshots/join.txt");
        assert!(plan.to_string() == snapshot, "not\n{snapshot}\nbut\n{plan}");
        can_be_taken_back(&plan);
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
        network.apply(&plan, &sandbox).unwrap();
        let interfaces = sandbox.interfaces().unwrap();
        assert_eq!(interfaces[0].mac, endpoint().mac);
    });
}

#[test]
fn every_plan_of_the_library_can_be_taken_back() {
    host(|host| {
        let network = dual_stack_network();
        let sandbox = Sandbox::create(&SandboxKey::new("web").unwrap()).unwrap();
        can_be_taken_back(&network.plan_join(&sandbox, &endpoint()).unwrap());
        can_be_taken_back(&network.plan_link(&endpoint()).unwrap());
        host.ip(&["link", "add", "ve0", "type", "veth", "peer", "name", "ve1"]);
        let mut interface = Interface::new("ve0").unwrap();
        interface.address = Some("10.3.0.2/24".parse().unwrap());
        interface.address_ipv6 = Some("fd03::2/64".parse().unwrap());
        interface.gateway = Some("10.3.0.1".parse().unwrap());
        let plan = sandbox.plan_add_interface(&interface).unwrap();
        can_be_taken_back(&plan);
        let moves = plan.steps.iter().find(|step| matches!(step.action, Action::MoveLink(_))).unwrap();
        let back = &moves.undo[0];
        assert_eq!(back.place, Place::Sandbox, "{moves}");
        assert!(matches!(&back.action, Action::MoveLink(back) if back.to == Place::Host), "{moves}");
    });
}
