//! Being told.

use std::time::Duration;

use testhost::host;

use super::*;
use crate::nft::{Seen, Watch};

const SOON: Duration = Duration::from_secs(5);

#[test]
fn tables_are_seen_to_come_and_go() {
    host(|host| {
        let mut watch = Watch::open().unwrap();
        assert_eq!(watch.wait(Duration::ZERO).unwrap(), Seen::Nothing);
        let mut firewall = with_web([]);
        assert_eq!(watch.wait(SOON).unwrap(), Seen::TableMade);
        while watch.wait(Duration::ZERO).unwrap() != Seen::Nothing {}
        firewall.commit(&[Change::Add(one_of_each())]).unwrap();
        nft(host, &["add", "table", "ip", "others"]);
        nft(host, &["add", "table", "ip", "libnetns"]);
        assert_eq!(watch.wait(Duration::from_millis(50)).unwrap(), Seen::Nothing);
        nft(host, &["flush", "ruleset"]);
        assert_eq!(watch.wait(SOON).unwrap(), Seen::TableGone);
    });
}

#[test]
fn too_much_at_once_is_made_up_for_by_a_look() {
    host(|host| {
        let mut watch = Watch::open().unwrap();
        let mut firewall = with_web([]);
        while watch.wait(Duration::ZERO).unwrap() != Seen::Nothing {}
        let ports: Vec<_> = (1..20_000).map(|port| published(None, port, "10.1.0.2:80")).collect();
        firewall.commit(&[Change::Add(ports)]).unwrap();
        assert_eq!(watch.wait(SOON).unwrap(), Seen::TableMade);
        while watch.wait(Duration::ZERO).unwrap() != Seen::Nothing {}
        nft(host, &["flush", "ruleset"]);
        assert_eq!(watch.wait(SOON).unwrap(), Seen::TableGone);
    });
}
