//! A network's options as plugins expect them.

use serde_json::Value;

use crate::driver::options::FOR_ALL;
use crate::driver::{Options, DOCKER_GENERIC};

/// Whether the network has IPv6 (`netlabel.EnableIPv6`).
const ENABLE_IPV6: &str = "com.docker.network.enable_ipv6";

/// The driver's own options under one key, beside Docker's for all drivers, as Docker sends them.
pub(super) fn of_network(options: &Options, ipv6: Option<bool>) -> Options {
    let (mut whole, mut own) = (Options::new(), Options::new());
    for (key, value) in options {
        match value {
            Value::Object(generic) if key == DOCKER_GENERIC => own.extend(generic.clone()),
            Value::Null if key == DOCKER_GENERIC => {}
            _ if FOR_ALL.contains(&key.as_str()) => {
                whole.insert(key.clone(), value.clone());
            }
            _ => {
                own.insert(key.clone(), value.clone());
            }
        }
    }
    whole.insert(DOCKER_GENERIC.to_owned(), Value::Object(own));
    if let Some(ipv6) = ipv6 {
        whole.entry(ENABLE_IPV6).or_insert(ipv6.into());
    }
    whole
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_drivers_own_options_are_under_one_key_and_those_for_all_beside_it() {
        let given = json!({
            "vlan": "7",
            "com.docker.network.driver.mtu": 1400,
            "com.docker.network.internal": true,
            "com.docker.network.generic": {"parent": "eth1"},
        });
        let wanted = json!({
            "com.docker.network.enable_ipv6": false,
            "com.docker.network.internal": true,
            "com.docker.network.generic": {"parent": "eth1", "vlan": "7", "com.docker.network.driver.mtu": 1400},
        });
        let given = given.as_object().unwrap();
        assert_eq!(Value::Object(of_network(given, Some(false))), wanted);
    }
}
