//! Addresses by our management.

use std::net::IpAddr;

use crate::stage::{addr, stage, Stage};

const OURS: &str = "network create --driver netns --ipam-driver netns";

fn subnets(stage: &Stage<'_>, network: &str) -> Vec<String> {
    let shown = stage.inspect("network", network)["IPAM"]["Config"].take();
    let shown = shown.as_array().unwrap().iter();
    shown.map(|one| one["Subnet"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn addresses_are_given_by_either_management() {
    stage("addresses_are_given_by_either_management", &[], |stage| {
        // Docker's own, without subnets.
        stage.docker("network create --driver netns dockers");
        assert_eq!(subnets(stage, "dockers").len(), 1);
        // Ours, with and without.
        stage.docker(&format!("{OURS} --ipv6 --subnet 10.70.0.0/24 --subnet fd70::/64 given"));
        assert_eq!(subnets(stage, "given"), ["10.70.0.0/24", "fd70::/64"]);
        stage.docker(&format!("{OURS} chosen"));
        stage.docker(&format!("{OURS} another"));
        let (chosen, another) = (subnets(stage, "chosen"), subnets(stage, "another"));
        assert_eq!((chosen.len(), another.len()), (1, 1));
        assert_ne!(chosen, another);
        stage.docker(&format!(
            "{OURS} --subnet 10.71.0.0/16 --ip-range 10.71.5.0/24 --gateway 10.71.0.9 part"
        ));

        // One that Docker's own bridges use too.
        stage.docker("network create --driver bridge --ipam-driver netns --subnet 10.72.0.0/24 theirs");

        stage.run("one", "--network given");
        stage.run("two", "--network given --ip 10.70.0.99 --ip6 fd70::99");
        let two = stage.addresses("two", "given");
        assert_eq!(two, [addr("10.70.0.99"), addr("fd70::99")]);
        stage.pings("one", &two, true);
        stage.pings("one", &[addr("10.70.0.1"), addr("fd70::1")], true);
        stage.refused(
            "run --detach --name three --network given --ip 10.70.0.99 box sleep 3600",
            &["10.70.0.99"],
        );
        stage.docker("rm three");
        stage.refused(
            "run --detach --name three --network given --ip 10.99.0.1 box sleep 3600",
            &["10.99.0.1"],
        );
        stage.docker("rm three");

        stage.run("ranged", "--network part");
        let IpAddr::V4(ranged) = stage.addresses("ranged", "part")[0] else { panic!("IPv4") };
        assert_eq!(ranged.octets()[..3], [10, 71, 5]);
        stage.pings("ranged", &[addr("10.71.0.9")], true);
        for network in ["dockers", "chosen", "another", "theirs"] {
            stage.docker(&format!("network connect {network} ranged"));
            assert!(!stage.addresses("ranged", network).is_empty(), "{network}");
        }

        // An address is another's as soon as it is free.
        stage.remove(&["two"]);
        stage.run("three", "--network given --ip 10.70.0.99 --ip6 fd70::99");
        stage.pings("one", &two, true);

        stage.refused(&format!("{OURS} --subnet 10.70.0.0/25 over"), &["10.70.0.0/2"]);
        stage.refused("network create --driver netns --subnet 10.70.0.128/25 over", &["10.70.0."]);
        stage.remove(&["one", "three", "ranged"]);
        stage.docker("network rm dockers given chosen another part theirs");

        // What was taken is free.
        stage.docker(&format!("{OURS} --subnet 10.70.0.0/24 given"));
        stage.docker("network rm given");
    });
}
