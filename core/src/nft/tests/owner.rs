//! Comments.

use testhost::host;

use super::*;

#[test]
fn an_owner_is_read_back() {
    for endpoint in [None, Some("web"), Some("a b/c"), Some("é")] {
        let owner = owner(endpoint);
        assert_eq!(owner.to_string().parse::<Owner>().unwrap(), owner);
    }
    assert_eq!(owner(Some("web")).to_string(), "0badcafe net/web");
    for text in ["", "0badcafe", "0badcafe ", "badcafe net", "0BADCAFE net", "0badcafe n\"", "+badcafe net"] {
        assert!(text.parse::<Owner>().is_err(), "{text:?}");
    }
}

#[test]
fn a_long_owner_is_shortened_and_still_the_same() {
    host(|host| {
        let owner = |endpoint: &str| Owner {
            network: "n".repeat(64),
            ..owner(Some(&format!("{}{endpoint}", "é".repeat(32))))
        };
        let [one, two] = ["1", "2"].map(owner);
        assert_eq!(one.to_string().len(), 127, "{one}");
        assert_ne!(one, two);
        let entries = ["10.0.0.0/8", "172.16.0.0/12"];
        let elements = [one, two]
            .into_iter()
            .zip(entries)
            .map(|(owner, subnet)| Element { owner, entry: Entry::Masquerade(subnet.parse().unwrap()) });
        let elements: Vec<_> = elements.collect();
        let mut firewall = with_web([Change::Add(elements.clone())]);
        let mut read = firewall.state().unwrap().unwrap().elements;
        read.sort_by_key(|element| element.entry.to_string());
        assert_eq!(read, elements);
        std::fs::write("/run/shown", nft(host, &["list", "ruleset"])).unwrap();
        nft(host, &["flush", "ruleset"]);
        nft(host, &["-f", "/run/shown"]);
    });
}

#[test]
fn a_comment_of_128_bytes_is_whole() {
    host(|host| {
        let owner = owner(Some(&"e".repeat(128 - "0badcafe net/".len())));
        assert_eq!(owner.to_string().len(), 128);
        let element = Element { owner, entry: Entry::Masquerade("10.0.0.0/8".parse().unwrap()) };
        with_web([Change::Add(vec![element.clone()])]);
        assert!(nft(host, &["list", "ruleset"]).contains(&element.owner.to_string()));
        let json = nft(host, &["-j", "list", "set", "inet", "libnetns", "masquerade4"]);
        assert!(json.contains(&format!("\"comment\": \"{}\"", element.owner)), "{json}");
    });
}
