//! What changes do, and what they refuse.

use testhost::host;

use super::*;
use crate::error::{Error, ErrorKind};

fn refused(firewall: &mut Firewall, change: Change) -> Error {
    let before = firewall.state().unwrap();
    let error = firewall.commit(&[change]).unwrap_err();
    assert_eq!(firewall.state().unwrap(), before, "nothing has changed");
    error
}

#[test]
fn elements_come_go_and_come_again() {
    host(|_| {
        let mut firewall = with_web([]);
        let elements: Vec<_> = one_of_each().into_iter().chain(bridge_elements()).collect();
        for _ in 0..3 {
            firewall.commit(&[Change::Add(elements.clone())]).unwrap();
            assert_eq!(firewall.state().unwrap().unwrap().elements.len(), elements.len());
            firewall.commit(&[Change::Delete(elements.clone())]).unwrap();
            assert_eq!(firewall.state().unwrap().unwrap().elements, []);
        }
        let both = [Change::Add(elements.clone()), Change::Delete(elements.clone()), Change::Add(elements)];
        firewall.commit(&both).unwrap();
        assert_eq!(firewall.state().unwrap().unwrap().partial, []);
    });
}

#[test]
fn deleting_may_be_repeated() {
    host(|host| {
        let elements = one_of_each();
        let mut firewall = with_web([Change::Add(elements.clone())]);
        nft(host, &["delete", "element", "inet", "libnetns", "from", "{ \"br0\" }"]);
        nft(host, &["delete", "element", "inet", "libnetns", "published4", "{ 192.0.2.1 . tcp . 8080 }"]);
        let state = firewall.state().unwrap().unwrap();
        assert_eq!(state.partial, [interface("br0", "web")]);
        assert_eq!(state.elements.len(), elements.len() - 2);
        for _ in 0..2 {
            firewall.commit(&[Change::Delete(elements.clone())]).unwrap();
            let state = firewall.state().unwrap().unwrap();
            assert_eq!((state.elements, state.partial), (vec![], vec![]));
        }
        let all = [Change::Delete(elements.clone()), Change::Add(elements.clone())];
        firewall.commit(&all).unwrap();
        assert_eq!(firewall.state().unwrap().unwrap().elements.len(), elements.len());
        for _ in 0..2 {
            firewall.commit(&[Change::DeleteNetwork { key: "web".to_owned() }]).unwrap();
        }
        for _ in 0..2 {
            firewall.commit(&[Change::DeleteTables]).unwrap();
            assert_eq!(firewall.state().unwrap(), None);
        }
        firewall.commit(&[Change::Delete(elements)]).unwrap();
        firewall.commit(&[Change::DeleteNetwork { key: "web".to_owned() }]).unwrap();
        assert_eq!(nft(host, &["list", "ruleset"]), "");
    });
}

#[test]
fn a_port_is_published_once_and_the_error_says_whose_it_is() {
    host(|_| {
        let port = || published(Some("192.0.2.1"), 8080, "10.1.0.2:80");
        let mut firewall = with_web([Change::Add(vec![port(), published(None, 53, "10.1.0.2:53")])]);
        let others = (1..50).map(|port| published(Some("192.0.2.1"), port, "10.1.0.3:80"));
        let other = published(Some("192.0.2.1"), 8080, "10.1.0.3:80");
        let error = refused(&mut firewall, Change::Add(others.chain([other]).collect()));
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        let text = "publish port 8080/tcp of 192.0.2.1: File exists (os error 17): it is published already \
                    (net/web)";
        assert_eq!(error.to_string(), text);
        let error = refused(&mut firewall, Change::Add(vec![published(None, 53, "10.1.0.2:53")]));
        assert!(error.to_string().contains("port 53/tcp of every IPv4 address"), "{error}");
        firewall.commit(&[Change::Add(vec![published(None, 53, "[fd00:1::2]:53")])]).unwrap();
    });
}

#[test]
fn what_is_there_already_is_refused() {
    host(|_| {
        let mut firewall = with_web([Change::Add(one_of_each())]);
        for element in one_of_each() {
            let error = refused(&mut firewall, Change::Add(vec![element.clone()]));
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
            assert!(error.to_string().ends_with(&format!("({})", element.owner.name())), "{error}");
        }
        let within = Entry::Masquerade("10.1.1.0/24".parse().unwrap());
        let error = refused(&mut firewall, Change::Add(vec![of_net(within)]));
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        let error = refused(&mut firewall, Change::Network(rules("web")));
        assert!(error.to_string().ends_with("the network is there already"), "{error}");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    });
}

#[test]
fn what_its_network_is_missing_for_is_refused() {
    host(|_| {
        let mut firewall = Firewall::open().unwrap();
        let error = refused(&mut firewall, Change::Add(one_of_each()));
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        let error = refused(&mut firewall, Change::Network(rules("web")));
        assert!(error.to_string().ends_with("is the table inet libnetns there?"), "{error}");
        firewall.commit(&[Change::Table]).unwrap();
        let error = refused(&mut firewall, Change::Add(vec![interface("br0", "web")]));
        assert!(error.to_string().starts_with("add interface br0 of web"), "{error}");
        assert!(error.to_string().ends_with("and the network?"), "{error}");
    });
}

#[test]
fn what_cannot_be_is_refused_before_the_kernel_sees_it() {
    host(|_| {
        let mut firewall = with_web([]);
        let key = |key: &str| interface("br0", key);
        let network = |network: &str, endpoint: Option<&str>| {
            let owner = Owner { mark: 1, network: network.to_owned(), endpoint: endpoint.map(str::to_owned) };
            Element { owner, entry: Entry::Masquerade("10.0.0.0/8".parse().unwrap()) }
        };
        let long = "n".repeat(65);
        let elements = [
            key(""),
            key("Web"),
            key("we-b"),
            key(&"k".repeat(33)),
            network("a\"b", None),
            network("a\nb", None),
            network("a b", None),
            network("a/b", None),
            network("", None),
            network(&long, None),
            network("a", Some("")),
            network("a", Some("a\"; flush ruleset; \"")),
            network("a", Some("a\0b")),
            published(Some("2001:db8::1"), 80, "10.1.0.2:80"),
            published(None, 0, "10.1.0.2:80"),
            published(None, 80, "10.1.0.2:0"),
        ];
        for element in elements {
            let error = refused(&mut firewall, Change::Add(vec![element]));
            assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
            assert_eq!(error.errno(), None, "{error}");
        }
        let everything = NetworkRules { hairpin: vec!["0.0.0.0/0".parse().unwrap()], ..rules("all") };
        assert_eq!(refused(&mut firewall, Change::Network(everything)).kind(), ErrorKind::BadRequest);
        let change = Change::DeleteNetwork { key: "no key".to_owned() };
        assert_eq!(refused(&mut firewall, change).kind(), ErrorKind::BadRequest);
    });
}

#[test]
fn a_network_goes_with_whatever_of_its_interfaces_is_left() {
    host(|host| {
        let names = ["br0", "br1", "br2", "br3"].map(|name| interface(name, "web"));
        let mut firewall = with_web([Change::Network(rules("other")), Change::Add(names.into())]);
        let other = interface("br9", "other");
        firewall.commit(&[Change::Add(vec![other.clone()])]).unwrap();
        let delete = |set: &str, name: &str| {
            nft(host, &["delete", "element", "inet", "libnetns", set, &format!("{{ \"{name}\" }}")]);
        };
        delete("from", "br0");
        delete("ours", "br1");
        delete("web_ifs", "br2");
        delete("web_ifs", "br3");
        delete("leave", "br3");
        nft(host, &["flush", "chain", "inet", "libnetns", "web_out"]);
        assert_eq!(firewall.state().unwrap().unwrap().partial.len(), 4);
        let change = Change::DeleteNetwork { key: "web".to_owned() };
        firewall.commit(&[Change::Delete(vec![interface("br0", "web")]), change]).unwrap();
        let state = firewall.state().unwrap().unwrap();
        assert_eq!((state.elements, state.partial), (vec![other], vec![]));
        assert_eq!(state.networks.len(), 1);
        assert!(!nft(host, &["list", "ruleset"]).contains("web"));
    });
}

#[test]
fn a_network_that_others_rules_lead_to_stays() {
    host(|host| {
        let mut firewall = with_web([]);
        nft(host, &["add", "rule", "inet", "libnetns", "forward", "jump", "web_out"]);
        let error = refused(&mut firewall, Change::DeleteNetwork { key: "web".to_owned() });
        assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
        assert!(error.to_string().contains("web_out in inet libnetns"), "{error}");
    });
}

#[test]
fn a_network_is_changed_by_making_it_anew() {
    host(|_| {
        let mut firewall = with_web([Change::Add(vec![interface("br0", "web")])]);
        let strict = NetworkRules { isolate: Isolate::Strict, ..rules("web") };
        let again = Change::Add(vec![interface("br0", "web")]);
        let change = Change::DeleteNetwork { key: "web".to_owned() };
        firewall.commit(&[change, Change::Network(strict.clone()), again]).unwrap();
        let state = firewall.state().unwrap().unwrap();
        assert!(state.networks[0].is_whole(&strict) && state.partial.is_empty(), "{state:?}");
    });
}

#[test]
fn a_table_of_another_version_or_of_others_is_left_alone() {
    host(|host| {
        let mut firewall = Firewall::open().unwrap();
        for comment in ["comment \"libnetns 2\";", ""] {
            nft(host, &["add", "table", "inet", "libnetns", &format!("{{ {comment} }}")]);
            let before = nft(host, &["list", "ruleset"]);
            let error = firewall.commit(&[Change::Table, Change::Network(rules("web"))]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
            assert!(firewall.state().is_err());
            assert_eq!(nft(host, &["list", "ruleset"]), before);
            nft(host, &["flush", "ruleset"]);
        }
    });
}
