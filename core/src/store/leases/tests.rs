use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use proptest::prelude::*;
use rusqlite::{Connection, Transaction};

use super::intervals::Intervals;
use super::{address, clear, count_taken, is_taken, number, release, take, usable};
use crate::error::{Error, ErrorKind, Result};

fn store() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    crate::store::database::create_tables(&connection);
    connection
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Takes the next address of the whole pool.
fn next(tx: &Transaction<'_>, pool: &str) -> Result<String> {
    take(tx, net(pool), net(pool), None).map(|address| address.to_string())
}

fn want(tx: &Transaction<'_>, pool: &str, wanted: &str) -> Result<IpAddr> {
    take(tx, net(pool), net(pool), Some(ip(wanted)))
}

fn give_back(tx: &Transaction<'_>, pool: &str, address: &str) -> bool {
    release(tx, net(pool), ip(address)).unwrap()
}

/// Takes all there is, in order, and sees that the rest is refused.
fn all(pool: &str, range: &str) -> Vec<String> {
    let mut store = store();
    let tx = store.transaction().unwrap();
    let mut taken = Vec::new();
    let error = loop {
        match take(&tx, net(pool), net(range), None) {
            Ok(address) => taken.push(address.to_string()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
    let words = format!("all {} addresses of {range} are in use", taken.len());
    assert!(error.to_string().contains(&words), "{error}");
    assert_eq!(count_taken(&tx, net(pool)).unwrap(), taken.len() as u128);
    taken
}

#[test]
fn the_first_address_and_the_ipv4_broadcast_are_never_given() {
    assert_eq!(all("10.0.0.8/29", "10.0.0.8/29"), (9..15).map(|n| format!("10.0.0.{n}")).collect::<Vec<_>>());
    assert_eq!(
        all("fd00::8/125", "fd00::8/125"),
        (9..16).map(|n| format!("fd00::{n:x}")).collect::<Vec<_>>()
    );
    assert_eq!(all("10.0.0.0/30", "10.0.0.0/30"), ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(all("fd00::/126", "fd00::/126"), ["fd00::1", "fd00::2", "fd00::3"]);
}

#[test]
fn where_there_are_no_others_they_are_given() {
    assert_eq!(all("10.0.0.0/31", "10.0.0.0/31"), ["10.0.0.0", "10.0.0.1"]);
    assert_eq!(all("10.0.0.7/32", "10.0.0.7/32"), ["10.0.0.7"]);
    assert_eq!(all("fd00::/127", "fd00::/127"), ["fd00::", "fd00::1"]);
    assert_eq!(all("fd00::7/128", "fd00::7/128"), ["fd00::7"]);
}

#[test]
fn a_range_ends_where_it_ends() {
    assert_eq!(all("10.0.0.0/24", "10.0.0.252/30"), ["10.0.0.252", "10.0.0.253", "10.0.0.254"]);
    assert_eq!(all("10.0.0.0/24", "10.0.0.0/31"), ["10.0.0.1"]);
    assert_eq!(all("10.0.0.0/24", "10.0.0.0/32"), [""; 0]);
    assert_eq!(all("10.0.0.0/24", "10.0.0.255/32"), [""; 0]);
    assert_eq!(all("10.0.0.0/24", "10.0.0.64/32"), ["10.0.0.64"]);
    assert_eq!(all("255.255.255.0/24", "255.255.255.252/30").last().unwrap(), "255.255.255.254");
    let last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    assert_eq!(
        all("ffff:ffff:ffff:ffff::/64", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127").last().unwrap(),
        last
    );
}

#[test]
fn the_last_address_of_all_can_be_taken_and_given_back() {
    let mut store = store();
    let tx = store.transaction().unwrap();
    let last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    for pool in ["::/0", "8000::/1", "ffff:ffff:ffff:ffff::/64"] {
        want(&tx, pool, last).unwrap();
        assert!(want(&tx, pool, last).is_err());
        next(&tx, pool).unwrap();
        assert!(give_back(&tx, pool, last));
        assert!(!give_back(&tx, pool, last));
        assert_eq!(count_taken(&tx, net(pool)).unwrap(), 1);
    }
    assert_eq!(next(&tx, "::/0").unwrap(), "::2");
    assert_eq!(next(&tx, "0.0.0.0/0").unwrap(), "0.0.0.1");
}

#[test]
fn an_address_that_was_given_back_is_not_the_next() {
    let mut store = store();
    let tx = store.transaction().unwrap();
    for pool in ["10.0.0.0/29", "fd00::/125"] {
        let [a, b, c] = [(); 3].map(|()| next(&tx, pool).unwrap());
        assert!(give_back(&tx, pool, &b));
        let d = next(&tx, pool).unwrap();
        assert!(![&a, &b, &c].contains(&&d));
        // One that was asked for, at the very place where the next is looked for, too.
        let e = net(pool).hosts().find(|ip| number(*ip) == number(self::ip(&d)) + 1).unwrap().to_string();
        want(&tx, pool, &e).unwrap();
        assert!(give_back(&tx, pool, &e));
        let f = next(&tx, pool).unwrap();
        assert_ne!(f, e);
    }
    want(&tx, "10.1.0.0/24", "10.1.0.1").unwrap();
    assert!(give_back(&tx, "10.1.0.0/24", "10.1.0.1"));
    assert_eq!(next(&tx, "10.1.0.0/24").unwrap(), "10.1.0.2");
}

#[test]
fn after_the_last_comes_the_first_free() {
    let mut store = store();
    let tx = store.transaction().unwrap();
    let pool = "10.0.0.0/29";
    let all: Vec<_> = (0..6).map(|_| next(&tx, pool).unwrap()).collect();
    assert!(give_back(&tx, pool, &all[2]));
    assert!(give_back(&tx, pool, &all[4]));
    assert_eq!(next(&tx, pool).unwrap(), all[2]);
    assert_eq!(next(&tx, pool).unwrap(), all[4]);
    // The only one is given again, there being no other.
    assert!(give_back(&tx, pool, &all[4]));
    assert_eq!(next(&tx, pool).unwrap(), all[4]);
}

#[test]
fn a_wanted_address_may_lie_outside_the_range_but_not_outside_the_pool() {
    let mut store = store();
    let tx = store.transaction().unwrap();
    let (pool, range) = (net("10.0.0.0/16"), net("10.0.5.0/24"));
    assert_eq!(take(&tx, pool, range, Some(ip("10.0.0.1"))).unwrap(), ip("10.0.0.1"));
    assert_eq!(take(&tx, pool, range, None).unwrap(), ip("10.0.5.0"));
    let kind = |result: Result<IpAddr>| result.as_ref().map_err(Error::kind).copied();
    for wanted in ["10.1.0.1", "10.0.0.0", "10.0.255.255", "fd00::1", "::ffff:10.0.0.9"] {
        assert_eq!(kind(take(&tx, pool, range, Some(ip(wanted)))), Err(ErrorKind::BadRequest), "{wanted}");
    }
    assert_eq!(kind(take(&tx, pool, net("10.1.0.0/24"), None)), Err(ErrorKind::BadRequest));
    let error = take(&tx, pool, range, Some(ip("10.0.5.0"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("10.0.5.0 of 10.0.0.0/16: it is in use"), "{error}");
}

#[test]
fn pools_do_not_know_of_one_another() {
    let mut store = store();
    let tx = store.transaction().unwrap();
    for pool in ["10.0.0.0/16", "10.0.0.0/24", "10.0.0.0/8", "::/0"] {
        next(&tx, pool).unwrap();
        next(&tx, pool).unwrap();
    }
    clear(&tx, net("10.0.0.0/24")).unwrap();
    assert_eq!(next(&tx, "10.0.0.0/24").unwrap(), "10.0.0.1");
    assert_eq!(next(&tx, "10.0.0.0/16").unwrap(), "10.0.0.3");
    assert!(is_taken(&tx, net("10.0.0.0/8"), ip("10.0.0.2")).unwrap());
    assert!(!is_taken(&tx, net("10.0.0.0/8"), ip("10.0.0.3")).unwrap());
    assert!(!is_taken(&tx, net("10.0.0.0/8"), ip("::ffff:10.0.0.2")).unwrap());
    assert!(!give_back(&tx, "10.0.0.0/8", "11.0.0.1"));
}

/// What the leases must behave like: a set, and the number after the one given last.
#[derive(Default)]
struct Model {
    taken: BTreeSet<u128>,
    start: u128,
}

impl Model {
    fn next(&self, usable: &std::ops::RangeInclusive<u128>) -> Option<u128> {
        let free = |number: &u128| !self.taken.contains(number);
        let after = (self.start.max(*usable.start())..=*usable.end()).find(free);
        after.or_else(|| usable.clone().find(free))
    }

    fn give(&mut self, number: u128) {
        assert!(self.taken.insert(number), "it was given twice");
        self.start = number.wrapping_add(1);
    }

    fn take_back(&mut self, number: u128, usable: &std::ops::RangeInclusive<u128>) -> bool {
        let found = self.taken.remove(&number);
        if found && self.next(usable) == Some(number) {
            self.start = number.wrapping_add(1);
        }
        found
    }
}

#[derive(Clone, Debug)]
enum Step {
    Next,
    Release(u128),
    Want(u128),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let offset = || 0..20_u128;
    let step = prop_oneof![
        3 => Just(Step::Next),
        3 => offset().prop_map(Step::Release),
        2 => offset().prop_map(Step::Want),
    ];
    prop::collection::vec(step, 0..80)
}

fn pools() -> impl Strategy<Value = (IpNet, IpNet)> {
    let last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff";
    let pools = [
        ("10.0.0.0/28".to_owned(), "10.0.0.0/28".to_owned()),
        ("10.0.0.0/28".to_owned(), "10.0.0.12/30".to_owned()),
        ("10.0.0.0/28".to_owned(), "10.0.0.4/30".to_owned()),
        ("255.255.255.240/28".to_owned(), "255.255.255.240/29".to_owned()),
        ("0.0.0.0/0".to_owned(), "0.0.0.0/29".to_owned()),
        ("10.0.0.2/31".to_owned(), "10.0.0.2/31".to_owned()),
        ("10.0.0.3/32".to_owned(), "10.0.0.3/32".to_owned()),
        ("10.0.0.4/30".to_owned(), "10.0.0.4/30".to_owned()),
        ("fd00::/64".to_owned(), "fd00::/125".to_owned()),
        ("::/0".to_owned(), "::/126".to_owned()),
        (format!("{last}0/124"), format!("{last}8/125")),
        (format!("{last}e/127"), format!("{last}e/127")),
    ];
    prop::sample::select(pools.map(|(pool, range)| (net(&pool), net(&range))).to_vec())
}

/// Does one step in both worlds and compares what they say.
fn step(tx: &Transaction<'_>, model: &mut Model, (pool, range): (IpNet, IpNet), step: &Step) {
    let in_range = usable(pool, range);
    let at = |offset: u128| number(pool.network()).wrapping_add(offset);
    match *step {
        Step::Next => {
            let given = take(tx, pool, range, None).map(number).ok();
            assert_eq!(given, model.next(&in_range));
            given.into_iter().for_each(|given| model.give(given));
        }
        Step::Release(offset) => {
            let released = release(tx, pool, address(at(offset), pool)).unwrap();
            assert_eq!(released, model.take_back(at(offset), &in_range));
        }
        Step::Want(offset) => {
            let wanted = at(offset);
            let allowed = usable(pool, pool).contains(&wanted) && !model.taken.contains(&wanted);
            let given = take(tx, pool, range, Some(address(wanted, pool)));
            assert_eq!(given.ok().map(number), allowed.then_some(wanted));
            model.taken.extend(allowed.then_some(wanted));
        }
    }
}

/// The intervals are disjoint and not adjacent, and hold what the model holds.
fn check(tx: &Transaction<'_>, model: &Model, pool: IpNet) {
    let intervals = Intervals::of(tx, pool).all().unwrap();
    assert!(intervals.iter().all(|(first, last)| first <= last), "{intervals:x?}");
    let apart = |pair: &[(u128, u128)]| pair[1].0 - pair[0].1 > 1;
    assert!(intervals.windows(2).all(apart), "{intervals:x?}");
    let numbers = intervals.iter().flat_map(|(first, last)| *first..=*last);
    assert!(numbers.eq(model.taken.iter().copied()), "{intervals:x?}");
    assert_eq!(count_taken(tx, pool).unwrap(), model.taken.len() as u128);
}

proptest! {
    #[test]
    fn leases_are_a_set_with_a_cursor((pool, range) in pools(), steps in steps()) {
        let mut store = store();
        let tx = store.transaction().unwrap();
        let mut model = Model::default();
        for each in &steps {
            step(&tx, &mut model, (pool, range), each);
            check(&tx, &model, pool);
        }
        clear(&tx, pool).unwrap();
        assert_eq!(count_taken(&tx, pool).unwrap(), 0);
        let again = take(&tx, pool, range, None).unwrap();
        assert_eq!(number(again), *usable(pool, range).start());
    }
}
