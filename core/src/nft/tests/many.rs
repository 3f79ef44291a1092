//! Much at once.

use testhost::host;

use super::*;
use crate::error::ErrorKind;

fn ports(count: u16) -> Vec<Element> {
    (1..=count).map(|port| published(Some("192.0.2.1"), port, "10.1.0.2:80")).collect()
}

#[test]
fn five_thousand_ports_are_one_transaction() {
    host(|_| {
        let mut firewall = with_web([]);
        let before = firewall.generation().unwrap();
        firewall.commit(&[Change::Add(ports(5000))]).unwrap();
        assert_eq!(firewall.generation().unwrap(), before.wrapping_add(1));
        assert_eq!(firewall.state().unwrap().unwrap().elements.len(), 5000);
        let error = firewall.commit(&[Change::Add(ports(5001))]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(error.to_string().starts_with("publish port 1/tcp of 192.0.2.1"), "{error}");
        // Every second one is gone, and none has to be told of it.
        let odd = ports(5000).into_iter().step_by(2).collect();
        firewall.commit(&[Change::Delete(odd)]).unwrap();
        assert_eq!(firewall.state().unwrap().unwrap().elements.len(), 2500);
        firewall.commit(&[Change::Delete(ports(5000))]).unwrap();
        assert_eq!(firewall.state().unwrap().unwrap().elements, []);
    });
}
