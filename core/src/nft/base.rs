//! What is in the two tables before there is any network.

use super::layout::{version_comment, Chain, Family, Field, Hook, Layout, Set, Shape, Value};
use super::rule::{Rule, Side, Way};
use crate::link::LEAVING_GROUP;

use Field::{Interface, Ipv4, Ipv6, Mac, Port, Protocol};

const ADDRESS_AND_PORT4: Value = Value::Fields(&[Ipv4, Port]);
const ADDRESS_AND_PORT6: Value = Value::Fields(&[Ipv6, Port]);
const ADDRESS4: Value = Value::Fields(&[Ipv4]);
const ADDRESS6: Value = Value::Fields(&[Ipv6]);

/// The sets and maps of `inet libnetns`; those whose names begin with `guard` are in `bridge libnetns` too.
static SETS: [(&str, Shape); 19] = [
    ("ours", INTERFACES),
    ("guarded", INTERFACES),
    ("guard4", Shape::set(&[Interface, Mac, Ipv4])),
    ("guard6", Shape::set(&[Interface, Mac, Ipv6])),
    ("opened4", INTERFACES),
    ("opened6", INTERFACES),
    ("from", Shape::map(&[Interface], Value::Verdict)),
    ("to", Shape::map(&[Interface], Value::Verdict)),
    ("leave", Shape::map(&[Interface], Value::Verdict)),
    ("published4", Shape::map(&[Ipv4, Protocol, Port], ADDRESS_AND_PORT4)),
    ("everywhere4", Shape::map(&[Protocol, Port], ADDRESS_AND_PORT4)),
    ("published6", Shape::map(&[Ipv6, Protocol, Port], ADDRESS_AND_PORT6)),
    ("everywhere6", Shape::map(&[Protocol, Port], ADDRESS_AND_PORT6)),
    ("open4", Shape::set(&[Ipv4, Protocol, Port])),
    ("open6", Shape::set(&[Ipv6, Protocol, Port])),
    ("masquerade4", Shape::set(&[Ipv4]).of_subnets()),
    ("masquerade6", Shape::set(&[Ipv6]).of_subnets()),
    ("source4", Shape::map(&[Ipv4], ADDRESS4).of_subnets()),
    ("source6", Shape::map(&[Ipv6], ADDRESS6).of_subnets()),
];

/// The shape of `ours`, `guarded` and each `KEY_ifs`.
pub(super) const INTERFACES: Shape = Shape::set(&[Interface]);

/// The sets of a table.
pub(super) fn sets(family: Family) -> impl Iterator<Item = (&'static str, Shape)> {
    let in_bridge = |name: &str| name.starts_with("guard");
    SETS.iter().copied().filter(move |(name, _)| family == Family::Inet || in_bridge(name))
}

/// Everything that a table has before there is any network.
pub(super) fn layout(family: Family) -> Layout {
    let chains = match family {
        Family::Bridge => bridge_chains(),
        Family::Inet => inet_chains(),
    };
    let sets = sets(family).map(|(name, shape)| Set { name: name.into(), shape });
    Layout { family, table: true, comment: version_comment(), sets: sets.collect(), chains }
}

const fn hook(kind: &'static str, at: (u32, &'static str), priority: (i32, &'static str)) -> Option<Hook> {
    Some(Hook { kind, number: at.0, name: at.1, priority: priority.0, priority_name: priority.1 })
}

const PREROUTING: (u32, &str) = (0, "prerouting");
const FORWARD: (u32, &str) = (2, "forward");
const OUTPUT: (u32, &str) = (3, "output");
const POSTROUTING: (u32, &str) = (4, "postrouting");

fn chain(name: &'static str, hook: Option<Hook>, rules: Vec<Rule>) -> Chain {
    Chain { name: name.into(), hook, rules }
}

fn inet_chains() -> Vec<Chain> {
    let loopback = [127, 0, 0, 0].into();
    let loopback = ipnet::Ipv4Net::new_assert(loopback, 8).into();
    vec![
        chain("sender", None, sender(Family::Inet)),
        chain(
            "guard",
            hook("filter", PREROUTING, (-300, "raw")),
            vec![
                Rule::new().not_loopback().address_of(Side::Destination, loopback).discard(),
                Rule::new().by_group(LEAVING_GROUP).discard(),
                Rule::new().interface_in(Way::In, "guarded").jump("sender"),
            ],
        ),
        chain(
            "forward",
            hook("filter", FORWARD, (0, "filter")),
            vec![
                Rule::new().established().accept(),
                Rule::new().verdict_map(Way::In, "from"),
                Rule::new().verdict_map(Way::Out, "to"),
                // What the host did not forward before it had networks it does not now.
                Rule::new().of_family_from(false, "opened4").discard(),
                Rule::new().of_family_from(true, "opened6").discard(),
            ],
        ),
        chain(
            "publish",
            None,
            vec![
                Rule::new().destination_by_port(false, "published4"),
                Rule::new().destination_everywhere(false, "everywhere4"),
                Rule::new().destination_by_port(true, "published6"),
                Rule::new().destination_everywhere(true, "everywhere6"),
            ],
        ),
        chain("prerouting", hook("nat", PREROUTING, (-100, "dstnat")), publish()),
        chain("output", hook("nat", OUTPUT, (-100, "-100")), publish()),
        chain(
            "postrouting",
            hook("nat", POSTROUTING, (100, "srcnat")),
            vec![
                Rule::new().verdict_map(Way::Out, "leave"),
                Rule::new().interface_in(Way::Out, "ours").accept(),
                Rule::new().address_in(Side::Source, false, "masquerade4").masquerade(),
                Rule::new().address_in(Side::Source, true, "masquerade6").masquerade(),
                Rule::new().source_by_address(false, "source4"),
                Rule::new().source_by_address(true, "source6"),
            ],
        ),
    ]
}

fn publish() -> Vec<Rule> {
    vec![Rule::new().local_destination().jump("publish")]
}

fn sender(table: Family) -> Vec<Rule> {
    // An endpoint is nobody's router, and the host would believe it.
    let mut rules = vec![
        Rule::new().icmpv6(table, "nd-router-advert", 134).discard(),
        Rule::new().icmpv6(table, "nd-redirect", 137).discard(),
        Rule::new().sender_in(table, false, "guard4").back(),
        Rule::new().sender_in(table, true, "guard6").back(),
    ];
    if table == Family::Bridge {
        rules.push(Rule::new().arp_sender_in("guard4").back());
    }
    rules.push(Rule::new().discard());
    rules
}

fn bridge_chains() -> Vec<Chain> {
    vec![
        chain("sender", None, sender(Family::Bridge)),
        chain(
            "guard",
            hook("filter", PREROUTING, (-300, "dstnat")),
            vec![
                Rule::new().by_group(LEAVING_GROUP).discard(),
                Rule::new().interface_in(Way::In, "guarded").jump("sender"),
            ],
        ),
    ]
}
