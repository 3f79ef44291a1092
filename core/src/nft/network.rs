//! What a network has of its own: a set of its interfaces and three chains.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::base::INTERFACES;
use super::layout::{Chain, Family, Layout, Set};
use super::rule::{Rule, Side, Way};
use super::Owner;
use crate::error::{Error, Result};

/// The longest key.
const KEY_MAX: usize = 32;

/// What a network's chains say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkRules {
    /// What the names of its chains and its set begin with: 1 to 32 lower-case letters, digits and `_`.
    pub key: String,
    /// Whose it is, without an endpoint.
    pub owner: Owner,
    /// Whether its interfaces reach each other.
    pub icc: bool,
    /// Whether nothing else is reached from it, and nothing else reaches it.
    pub internal: bool,
    /// What it has to do with other networks of this library.
    pub isolate: Isolate,
    /// Whether others reach its endpoints by their own addresses: ports that are open, and pings.
    pub routed: bool,
    /// Its subnets: an endpoint reaches a published port of its own, or of another of the subnet, by the
    /// host's address.
    pub hairpin: Vec<IpNet>,
}

/// What a network has to do with other networks of this library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Isolate {
    /// They reach each other.
    Off,
    /// They reach each other's published ports alone.
    #[default]
    On,
    /// They do not reach each other.
    Strict,
}

/// Whether a key can begin the names of chains.
///
/// # Errors
/// BadRequest.
pub(super) fn check_key(key: &str) -> Result<()> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if key.is_empty() || key.len() > KEY_MAX || !key.bytes().all(fits) {
        let rule = "it is not 1 to 32 of a-z, 0-9 and _";
        return Err(Error::bad_request("use firewall key", format!("{key:?}"), rule));
    }
    Ok(())
}

/// The chain from the network, whether packets leave it to another or stay.
pub(super) fn out(key: &str) -> String {
    format!("{key}_out")
}

/// The chain to the network from elsewhere.
pub(super) fn into(key: &str) -> String {
    format!("{key}_in")
}

/// The chain that may change the source of what goes to the network.
pub(super) fn post(key: &str) -> String {
    format!("{key}_post")
}

/// The set of its interfaces.
pub(super) fn interfaces(key: &str) -> String {
    format!("{key}_ifs")
}

impl NetworkRules {
    /// What is made for it.
    ///
    /// # Errors
    /// BadRequest for a key, an owner or a subnet that cannot be.
    pub(super) fn layout(&self) -> Result<Layout> {
        check_key(&self.key)?;
        self.owner.check()?;
        if let Some(all) = self.hairpin.iter().find(|subnet| subnet.prefix_len() == 0) {
            return Err(Error::bad_request("use subnet", all.to_string(), "it is everything"));
        }
        let chain = |name: String, rules| Chain { name: name.into(), hook: None, rules };
        Ok(Layout {
            family: Family::Inet,
            table: false,
            comment: self.owner.to_string(),
            sets: vec![Set { name: interfaces(&self.key).into(), shape: INTERFACES }],
            chains: vec![
                chain(out(&self.key), self.out_rules()),
                chain(into(&self.key), self.in_rules()),
                chain(post(&self.key), self.post_rules()),
            ],
        })
    }

    fn out_rules(&self) -> Vec<Rule> {
        let own = interfaces(&self.key);
        let within = || Rule::new().interface_in(Way::Out, &own);
        let elsewhere = || Rule::new().interface_in(Way::Out, "ours");
        let mut rules = match self.icc {
            true => vec![within().accept()],
            false => vec![within().published().accept(), within().discard()],
        };
        if self.internal {
            rules.push(Rule::new().discard());
            return rules;
        }
        match self.isolate {
            Isolate::Off => rules.push(elsewhere().back()),
            Isolate::On => rules.extend([elsewhere().published().back(), elsewhere().discard()]),
            Isolate::Strict => rules.push(elsewhere().discard()),
        }
        rules.push(Rule::new().accept());
        rules
    }

    fn in_rules(&self) -> Vec<Rule> {
        if self.internal {
            return vec![Rule::new().discard()];
        }
        let elsewhere = || Rule::new().interface_in(Way::In, "ours");
        let mut rules = match self.isolate {
            Isolate::Off => vec![elsewhere().accept()],
            Isolate::On => vec![elsewhere().published().accept(), elsewhere().discard()],
            Isolate::Strict => vec![elsewhere().discard()],
        };
        rules.push(Rule::new().published().accept());
        if self.routed {
            rules.extend([
                Rule::new().port_in(false, "open4").accept(),
                Rule::new().port_in(true, "open6").accept(),
                Rule::new().echo_request(false).accept(),
                Rule::new().echo_request(true).accept(),
            ]);
        }
        rules.push(Rule::new().discard());
        rules
    }

    fn post_rules(&self) -> Vec<Rule> {
        let loopback4 = Ipv4Net::new_assert([127, 0, 0, 0].into(), 8).into();
        let loopback6 = Ipv6Net::new_assert(std::net::Ipv6Addr::LOCALHOST, 128).into();
        let of_host = [loopback4, loopback6];
        let of_host = of_host.map(|subnet| Rule::new().address_of(Side::Source, subnet).masquerade());
        let hairpin = self.hairpin.iter();
        let hairpin =
            hairpin.map(|subnet| Rule::new().address_of(Side::Source, *subnet).published().masquerade());
        of_host.into_iter().chain(hairpin).collect()
    }
}
