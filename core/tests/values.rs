//! Promises of the checked values: what is refused is refused however it comes, and what is taken
//! comes back as it was.

use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::str::FromStr;

use netns::ipnet::{IpNet, Ipv4Net, Ipv6Net};
use netns::link::check_endpoint_address;
use netns::{
    generate_key, Destination, EndpointOptions, ErrorKind, InterfaceName, MacAddr, Mtu, Name, NetworkOptions,
    SandboxKey,
};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::Serialize;

/// `text` makes no `T`, neither parsed nor out of JSON, and the error names it.
fn refused<T: FromStr<Err = netns::Error> + DeserializeOwned + Debug>(text: &str, cause: &str) {
    let error = text.parse::<T>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
    assert!(error.to_string().contains(cause), "{text:?}: {error}");
    let json = serde_json::to_string(text).unwrap();
    let from_json = serde_json::from_str::<T>(&json).unwrap_err();
    assert!(from_json.to_string().contains(cause), "{text:?}: {from_json}");
}

#[track_caller]
fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_string(value).unwrap();
    assert_eq!(serde_json::from_str::<T>(&json).unwrap(), *value, "{json}");
}

#[test]
fn an_interface_name_keeps_the_kernels_rules() {
    for (text, cause) in [
        ("", "empty"),
        ("sixteen-bytes-xx", "15 bytes"),
        ("ääääääää", "15 bytes"),
        (".", "no names"),
        ("..", "no names"),
        ("all", "are called that"),
        ("default", "are called that"),
        ("a/b", "'/'"),
        ("a:b", "':'"),
        ("eth%d", "'%'"),
        ("a b", "white space"),
        ("a\tb", "white space"),
        ("a\nb", "white space"),
        ("a\0b", "control"),
        ("a\u{7f}", "control"),
    ] {
        refused::<InterfaceName>(text, cause);
    }
    for text in ["a", "eth0", "fifteen-bytes-x", "...", "veth0.100", "ß", "-"] {
        let name: InterfaceName = text.parse().unwrap();
        assert_eq!(name.as_str(), text);
        comes_back(&name);
    }
}

/// What the kernel says of a name is what the type says, for every byte.
#[test]
fn the_kernel_takes_every_name_that_the_type_takes() {
    testhost::host(|host| {
        let mut commands = String::new();
        let mut names = Vec::new();
        for byte in 1..=127_u8 {
            let text = format!("x{}", char::from(byte));
            if let Ok(name) = InterfaceName::new(&text) {
                // The batch has a syntax of its own for these.
                if !matches!(byte, b'"' | b'\'' | b'\\' | b'#') {
                    commands += &format!("link add name {name} type bridge\n");
                    names.push(name);
                }
            }
        }
        std::fs::write("/run/batch", commands).unwrap();
        let output = host.run("ip", &["-batch", "/run/batch"]);
        assert!(output.success, "{}", output.stderr);
        let shown = host.ip(&["link", "show", "type", "bridge"]);
        assert_eq!(shown.as_array().unwrap().len(), names.len());
    });
}

#[test]
fn a_name_is_safe_as_a_file_name_and_on_a_command_line() {
    let long = "x".repeat(65);
    for (text, cause) in [
        ("", "empty"),
        (long.as_str(), "64 bytes"),
        ("-rf", "begin"),
        (".", "begin"),
        ("..", "begin"),
        (".hidden", "begin"),
        ("_x", "begin"),
        ("a/b", "allowed"),
        ("a b", "allowed"),
        ("a\0", "allowed"),
        ("a\n", "allowed"),
        ("aä", "allowed"),
        ("a=b", "allowed"),
    ] {
        refused::<Name>(text, cause);
    }
    let longest = "x".repeat(Name::MAX);
    for text in ["a", "0", "web.1_b-c", longest.as_str()] {
        let name: Name = text.parse().unwrap();
        assert_eq!(name.as_str(), text);
        comes_back(&name);
    }
}

#[test]
fn a_mac_address_is_a_unicast_one() {
    for (text, cause) in [
        ("", "six pairs"),
        ("02:42:0a:00:00", "six pairs"),
        ("02:42:0a:00:00:02:03", "six pairs"),
        ("02:42:0a:00:00:2", "six pairs"),
        ("02:42:0a:00:00:+2", "six pairs"),
        ("02-42-0a-00-00-02", "six pairs"),
        ("02:42:0a:00:00:0g", "six pairs"),
        ("02:42:0a:00:00:02 ", "six pairs"),
        ("00:00:00:00:00:00", "zeroes"),
        ("01:00:5e:00:00:01", "multicast"),
        ("ff:ff:ff:ff:ff:ff", "multicast"),
    ] {
        refused::<MacAddr>(text, cause);
    }
    let mac: MacAddr = "0A:Bc:00:00:00:01".parse().unwrap();
    assert_eq!(mac.to_string(), "0a:bc:00:00:00:01");
    assert_eq!(
        MacAddr::from_ipv4(Ipv4Addr::new(10, 88, 0, 255)).to_string(),
        "02:42:0a:58:00:ff",
        "Docker's custom"
    );
    for _ in 0..100 {
        let random = MacAddr::random();
        assert_eq!(random.octets()[0] & 3, 2, "{random} is unicast and locally administered");
        assert_ne!(random, MacAddr::random());
        comes_back(&random);
    }
}

#[test]
fn an_mtu_lies_between_what_ipv4_needs_and_what_a_length_can_say() {
    for bytes in [0, 1, 67, 65_536, u32::MAX] {
        assert_eq!(Mtu::new(bytes).unwrap_err().kind(), ErrorKind::BadRequest);
        assert!(serde_json::from_str::<Mtu>(&bytes.to_string()).is_err());
    }
    for bytes in [68, 1280, 1500, 65_535] {
        assert_eq!(Mtu::new(bytes).unwrap().get(), bytes);
        comes_back(&Mtu::new(bytes).unwrap());
    }
    for json in ["\"1500\"", "-1", "1500.5", "null"] {
        assert!(serde_json::from_str::<Mtu>(json).is_err(), "{json}");
    }
}

#[test]
fn an_endpoints_address_is_a_hosts_own_in_its_subnet() {
    for (text, cause) in [
        ("0.0.0.0/8", "unicast"),
        ("127.0.0.1/8", "unicast"),
        ("224.0.0.1/4", "unicast"),
        ("::/64", "unicast"),
        ("::1/128", "unicast"),
        ("ff02::1/64", "unicast"),
        ("fe80::1/64", "link-local"),
        ("10.0.0.1/0", "prefix length"),
        ("fd00::1/0", "prefix length"),
        ("10.1.0.0/24", "first address"),
        ("10.1.0.4/30", "first address"),
        ("fd00::/64", "first address"),
        ("10.1.0.255/24", "broadcast"),
        ("10.1.0.7/30", "broadcast"),
        ("255.255.255.255/32", "unicast"),
    ] {
        let error = check_endpoint_address(text.parse().unwrap()).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
        assert!(error.to_string().contains(cause), "{text}: {error}");
    }
    for text in [
        "10.1.0.1/24",
        "10.1.0.254/24",
        "10.1.0.255/16",
        "10.1.0.0/31",
        "10.1.0.1/31",
        "10.1.0.0/32",
        "10.1.0.255/32",
        "fd00::1/64",
        "fd00::ffff:ffff:ffff:ffff/64",
        "fd00::/127",
        "fd00::/128",
    ] {
        check_endpoint_address(text.parse().unwrap()).expect(text);
    }
}

#[test]
fn a_key_is_a_path_that_leads_nowhere_else() {
    let key = SandboxKey::in_base(Path::new("/run/containers"), "web").unwrap();
    assert_eq!((key.path(), key.name().as_str()), (Path::new("/run/containers/web"), "web"));
    for name in ["", "..", "../x", "a/b", "/x", "-n", "a\0"] {
        let error = SandboxKey::in_base(Path::new("/run/netns"), name).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
    }
    for base in ["", "run/netns", "/run/../etc", "/run/a\0b"] {
        let error = SandboxKey::in_base(Path::new(base), "web").expect_err(base);
        assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
    }
}

#[test]
fn options_out_of_json_are_checked_as_those_in_code_are() {
    for json in [
        r#"{"bridge": "a/b"}"#,
        r#"{"mtu": 67}"#,
        r#"{"mac": "ff:ff:ff:ff:ff:ff"}"#,
        r#"{"gateway": "10.1.0.1/33"}"#,
        r#"{"gateway": "fd00::1/64"}"#,
    ] {
        assert!(serde_json::from_str::<NetworkOptions>(json).is_err(), "{json}");
    }
    let options: NetworkOptions = serde_json::from_str(r#"{"gateway": "10.1.0.1/24"}"#).unwrap();
    assert_eq!(options, NetworkOptions::default().with_gateway("10.1.0.1/24".parse().unwrap()));
    comes_back(&options);
    let endpoint = EndpointOptions::new("web")
        .unwrap()
        .with_address("10.1.0.2/24".parse().unwrap())
        .with_destination(Destination::Name("lan0".parse().unwrap()));
    comes_back(&endpoint);
    assert!(EndpointOptions::new("../web").is_err());
}

/// Texts that are near to what is allowed, and some that are not.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9./:% _-]{0,20}", "\\PC{0,20}", any::<String>()]
}

proptest! {
    #[test]
    fn whatever_is_taken_as_an_interface_name_comes_back(text in text()) {
        if let Ok(name) = InterfaceName::new(&text) {
            prop_assert_eq!(name.as_str(), &text);
            prop_assert!((1..=InterfaceName::MAX).contains(&text.len()));
            prop_assert!(!text.contains(['/', ':', '%', ' ', '\0', '\n']));
            comes_back(&name);
        }
    }

    #[test]
    fn whatever_is_taken_as_a_name_is_one_part_of_a_path(text in text()) {
        if let Ok(name) = Name::new(&text) {
            let key = SandboxKey::new(name.as_str()).unwrap();
            prop_assert_eq!(key.path().parent(), Some(Path::new(netns::DEFAULT_BASE)));
            prop_assert_eq!(key.path().file_name().and_then(|name| name.to_str()), Some(text.as_str()));
            comes_back(&name);
        }
    }

    #[test]
    fn a_generated_key_has_the_first_twelve_bytes_of_the_id(id in "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}") {
        let key = generate_key(&id).unwrap();
        let expected = format!("{}/{}", netns::DEFAULT_BASE, &id[..id.len().min(12)]);
        prop_assert_eq!(key.path(), Path::new(&expected));
        prop_assert_eq!(generate_key(&id).unwrap(), key);
    }

    #[test]
    fn a_mac_address_comes_back_or_is_refused(octets: [u8; 6]) {
        let allowed = octets[0] & 1 == 0 && octets != [0; 6];
        prop_assert_eq!(MacAddr::new(octets).is_ok(), allowed);
        if let Ok(mac) = MacAddr::new(octets) {
            prop_assert_eq!(mac.to_string().parse::<MacAddr>().unwrap(), mac);
            prop_assert_eq!(mac.octets(), octets);
            comes_back(&mac);
        }
    }

    #[test]
    fn an_mtu_comes_back_or_is_refused(bytes in prop_oneof![0_u32..70_000, any::<u32>()]) {
        prop_assert_eq!(Mtu::new(bytes).is_ok(), (68..=65_535).contains(&bytes));
        prop_assert_eq!(serde_json::from_str::<Mtu>(&bytes.to_string()).is_ok(), Mtu::new(bytes).is_ok());
    }

    #[test]
    fn an_address_that_is_taken_is_neither_its_subnets_first_nor_its_last(
        bits: u32, wide: u128, prefix in 1_u8..=30, wide_prefix in 1_u8..=126,
    ) {
        let net = Ipv4Net::new(Ipv4Addr::from(bits), prefix).unwrap();
        if check_endpoint_address(net.into()).is_ok() {
            prop_assert!(net.addr() != net.network() && net.addr() != net.broadcast());
        }
        let net = Ipv6Net::new(Ipv6Addr::from(wide), wide_prefix).unwrap();
        if check_endpoint_address(net.into()).is_ok() {
            prop_assert!(net.addr() != net.network());
        }
        for net in [IpNet::V4(Ipv4Net::new(Ipv4Addr::from(bits), prefix).unwrap()), IpNet::V6(net)] {
            let ip: IpAddr = net.addr();
            let allowed = check_endpoint_address(net).is_ok();
            prop_assert!(!allowed || !(ip.is_loopback() || ip.is_multicast() || ip.is_unspecified()));
        }
    }
}
