//! Several at once.

use std::sync::Barrier;
use std::thread;

use testhost::host;

use super::*;

#[test]
fn a_transaction_that_was_outrun_changes_nothing() {
    host(|host| {
        let mut firewall = with_web([]);
        let generation = firewall.generation().unwrap();
        let port = |port| Change::Add(vec![published(None, port, "10.1.0.2:80")]);
        assert!(firewall.commit_if(generation, &[port(1)]).unwrap());
        assert!(!firewall.commit_if(generation, &[port(2)]).unwrap());
        let generation = firewall.generation().unwrap();
        nft(host, &["add", "table", "ip", "others"]);
        assert!(!firewall.commit_if(generation, &[port(2)]).unwrap());
        assert!(!firewall.commit_if(generation, &[]).unwrap());
        assert_eq!(firewall.state().unwrap().unwrap().elements.len(), 1);
        let generation = firewall.generation().unwrap();
        let delete =
            Change::Delete(vec![published(None, 2, "10.1.0.2:80"), published(None, 1, "10.1.0.2:80")]);
        assert!(firewall.commit_if(generation, &[Change::Table, delete]).unwrap());
        assert_eq!(firewall.state().unwrap().unwrap().elements, []);
    });
}

#[test]
fn who_makes_the_tables_at_once_shares_them() {
    host(|_| {
        let mut firewall = Firewall::open().unwrap();
        for round in 0..100 {
            let start = Barrier::new(2);
            thread::scope(|scope| {
                for key in ["a", "b"] {
                    let start = &start;
                    scope.spawn(move || {
                        let mut firewall = Firewall::open().unwrap();
                        let add = Change::Add(vec![interface(key, key)]);
                        start.wait();
                        let network = Change::Network(rules(key));
                        let changes = [Change::Table, network, Change::BridgeTable, add];
                        firewall.commit(&changes).unwrap();
                    });
                }
            });
            let state = firewall.state().unwrap().unwrap();
            assert!(state.whole && state.bridge_whole == Some(true), "round {round}: {state:?}");
            assert_eq!((state.networks.len(), state.elements.len()), (2, 2), "round {round}");
            firewall.commit(&[Change::DeleteTables]).unwrap();
        }
    });
}

#[test]
fn who_makes_and_who_deletes_the_tables_at_once_do_not_fail() {
    host(|_| {
        let start = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut firewall = Firewall::open().unwrap();
                start.wait();
                for _ in 0..100 {
                    firewall.commit(&[Change::DeleteTables]).unwrap();
                }
            });
            scope.spawn(|| {
                let mut firewall = Firewall::open().unwrap();
                start.wait();
                for _ in 0..100 {
                    let delete = Change::DeleteNetwork { key: "web".to_owned() };
                    let network = Change::Network(rules("web"));
                    let add = Change::Add(one_of_each());
                    firewall.commit(&[Change::Table, delete, network]).unwrap();
                    let delete = Change::Delete(one_of_each());
                    match firewall.commit(&[delete, add]) {
                        Err(error) if error.errno() == Some(libc::ENOENT) => {}
                        result => result.unwrap(),
                    }
                    firewall.state().unwrap();
                }
            });
        });
    });
}
