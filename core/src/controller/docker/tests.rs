use serde_json::json;

use super::*;
use crate::controller::FirewallConfig;
use crate::error::ErrorKind;

fn blue(options: &[(&str, Value)]) -> NetworkConfig {
    let config = NetworkConfig::new("bridge", "blue").unwrap();
    options.iter().fold(config, |config, (key, value)| config.with_option(key, value.clone()))
}

fn both_families(options: &[(&str, Value)]) -> NetworkConfig {
    blue(options).with_ipv6()
}

#[track_caller]
fn translated(mut config: NetworkConfig) -> FirewallConfig {
    config.translate().unwrap_or_else(|error| panic!("{error}"));
    assert!(config.options.is_empty(), "{:?}", config.options);
    config.check().unwrap_or_else(|error| panic!("{error}"));
    config.firewall
}

/// The error names all of these.
#[track_caller]
fn refused(mut config: NetworkConfig, words: &[&str]) {
    let error = config.translate().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
}

#[test]
fn each_word_has_its_field() {
    let said = translated(both_families(&[
        (MASQUERADE, json!("false")),
        (ICC, json!(false)),
        (BINDING, json!("0.0.0.0")),
    ]));
    assert_eq!((said.masquerade, said.icc), (false, false));
    let said = translated(blue(&[(MASQUERADE, json!("1")), (ICC, json!("true")), (BINDING, json!(""))]));
    assert_eq!(said, FirewallConfig::default());
    let said =
        translated(both_families(&[(SOURCES[0], json!("192.0.2.9")), (SOURCES[1], json!("2001:db8::9"))]));
    assert_eq!(said.source, ["192.0.2.9", "2001:db8::9"].map(|own| own.parse::<IpAddr>().unwrap()));
}

#[test]
fn gateway_modes_are_of_both_families() {
    let modes = [
        ("nat", GatewayMode::Nat),
        ("", GatewayMode::Nat),
        ("routed", GatewayMode::Routed),
        ("isolated", GatewayMode::Isolated),
    ];
    for (text, mode) in modes {
        let [v4, v6] = GATEWAY_MODES.map(|key| (key, json!(text)));
        assert_eq!(translated(both_families(&[v4.clone(), v6.clone()])).gateway_mode, mode, "{text}");
        assert_eq!(translated(blue(&[v4])).gateway_mode, mode, "{text}");
        // Of a family that the network does not have it says nothing.
        assert_eq!(translated(blue(&[v6])).gateway_mode, GatewayMode::Nat, "{text}");
    }
    let by_subnet = blue(&[(GATEWAY_MODES[0], json!("routed"))]).with_subnet("fd01::/64".parse().unwrap());
    refused(by_subnet, &["IPv4 would be routed, and IPv6 nat", "alike"]);
    let one = both_families(&[(GATEWAY_MODES[1], json!("isolated"))]);
    refused(one, &["IPv4 would be nat, and IPv6 isolated"]);
    let mut field = both_families(&[(GATEWAY_MODES[0], json!("routed"))]);
    field.firewall.gateway_mode = GatewayMode::Routed;
    assert_eq!(translated(field).gateway_mode, GatewayMode::Routed);
}

#[test]
fn what_is_not_to_be_had_is_an_error_that_says_so() {
    refused(blue(&[(GATEWAY_MODES[0], json!("nat-unprotected"))]), &["gateway_mode_ipv4", "not published"]);
    refused(
        blue(&[(GATEWAY_MODES[1], json!("bridged"))]),
        &["gateway_mode_ipv6", "nat, routed and isolated"],
    );
    refused(blue(&[(GATEWAY_MODES[0], json!(4))]), &["gateway_mode_ipv4", "no text"]);
    refused(blue(&[(BINDING, json!("192.0.2.1"))]), &["host_binding_ipv4", "192.0.2.1"]);
    refused(blue(&[(BINDING, json!("here"))]), &["host_binding_ipv4", "no address"]);
    refused(blue(&[(MASQUERADE, json!("perhaps"))]), &["enable_ip_masquerade", "neither true nor false"]);
    refused(blue(&[(SOURCES[0], json!("2001:db8::9"))]), &["host_ipv4", "no IPv4 address"]);
    refused(blue(&[(SOURCES[1], json!("192.0.2.9"))]), &["host_ipv6", "no IPv6 address"]);
}

#[test]
fn a_field_that_says_otherwise_is_contradicted() {
    let mut config = blue(&[(MASQUERADE, json!(true))]);
    config.firewall.masquerade = false;
    refused(config, &["enable_ip_masquerade", "otherwise"]);
    let mut config = blue(&[(GATEWAY_MODES[0], json!("nat"))]);
    config.firewall.gateway_mode = GatewayMode::Routed;
    refused(config, &["gateway_mode_ipv4", "otherwise"]);
    let mut config = blue(&[(SOURCES[0], json!("192.0.2.9"))]);
    config.firewall.source = vec!["192.0.2.1".parse().unwrap()];
    refused(config.clone(), &["host_ipv4", "192.0.2.9", "192.0.2.1"]);
    config.firewall.source = vec!["192.0.2.9".parse().unwrap()];
    assert_eq!(translated(config).source.len(), 1);
}

#[test]
fn words_in_libnetworks_map_count_and_do_not_contradict_the_others() {
    let nested = blue(&[(DOCKER_GENERIC, json!({ MASQUERADE: "false", ICC: "false", "mtu": 1400 }))]);
    let mut config = nested.clone();
    config.translate().unwrap();
    assert_eq!((config.firewall.masquerade, config.firewall.icc), (false, false));
    assert_eq!(config.options[DOCKER_GENERIC], json!({ "mtu": 1400 }));
    refused(nested.with_option(ICC, "true"), &["enable_icc", "true", "false"]);
}

#[test]
fn a_definition_is_read_with_dockers_words() {
    let text = json!({ "name": "blue", "type": "bridge", "options": { MASQUERADE: "false", "mtu": 1400 } });
    let config: NetworkConfig = serde_json::from_value(text).unwrap();
    assert!(!config.firewall.masquerade);
    assert_eq!(serde_json::to_value(&config).unwrap()["firewall"], json!({ "masquerade": false }));
    let both =
        json!({ "name": "blue", "type": "bridge", "options": { GATEWAY_MODES[0]: "nat-unprotected" } });
    let error = serde_json::from_value::<NetworkConfig>(both).unwrap_err();
    assert!(error.to_string().contains("gateway_mode_ipv4"), "{error}");
}

#[test]
fn of_other_types_they_are_options_that_the_driver_refuses() {
    for (kind, is_field) in [("bridge", true), ("routed", true), ("macvlan", false)] {
        let mut config = NetworkConfig::new(kind, "blue").unwrap().with_option(ICC, "false");
        config.translate().unwrap();
        assert_eq!((config.options.contains_key(ICC), config.firewall.icc), (!is_field, !is_field), "{kind}");
    }
}

#[test]
fn an_internal_network_has_no_way_out_in_whatever_words() {
    for kind in ["bridge", "routed"] {
        for value in [json!(true), json!("true")] {
            let config =
                NetworkConfig::new(kind, "blue").unwrap().with_option(crate::driver::DOCKER_INTERNAL, value);
            let mut config = config;
            config.translate().unwrap();
            assert!(config.internal, "{kind}");
        }
        let mut config = NetworkConfig::new(kind, "blue").unwrap();
        config.translate().unwrap();
        assert!(!config.internal, "{kind}");
    }
}
