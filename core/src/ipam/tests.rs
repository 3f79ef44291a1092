use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use ipnet::IpNet;
use testhost::host;

use super::{Ipam, Pool, PoolId, PoolIpam, PoolRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::name::Name;
use crate::store::database::{Database, Opening};

const DIRECTORY: &str = "/run/libnetns";
/// Set in the processes that a test starts, to the pool that they are to take from.
const ROLE: &str = "NETNS_TEST_POOL";
/// A pool with room for what they take until they are killed.
const SHARED: &str = "10.1.0.0/16";

fn database() -> Arc<Database> {
    Arc::new(Database::open(Path::new(DIRECTORY)).unwrap().0)
}

fn ipam() -> PoolIpam {
    PoolIpam::new(database())
}

fn request(pool: &str, sub_pool: Option<&str>) -> PoolRequest {
    let net = |text: &str| text.parse::<IpNet>().unwrap();
    let local = Name::new("LocalDefault").unwrap();
    PoolRequest { pool: Some(net(pool)), sub_pool: sub_pool.map(net), ..PoolRequest::new(local) }
}

fn pool(ipam: &PoolIpam, pool: &str) -> PoolId {
    ipam.request_pool(&request(pool, None)).unwrap().id
}

fn any(ipam: &PoolIpam, pool: &PoolId) -> Result<String> {
    ipam.request_address(pool, None, &[].into()).map(|(address, _)| address.to_string())
}

fn wanted(ipam: &PoolIpam, pool: &PoolId, address: &str) -> Result<String> {
    let address = Some(address.parse().unwrap());
    ipam.request_address(pool, address, &[].into()).map(|(address, _)| address.to_string())
}

fn give_back(ipam: &PoolIpam, pool: &PoolId, address: &str) {
    let address: IpNet = address.parse().unwrap();
    ipam.release_address(pool, address.addr()).unwrap();
}

#[test]
fn a_pool_is_known_by_its_id() {
    host(|_| {
        let ipam = ipam();
        let spaces = ipam.default_address_spaces().unwrap();
        let default = ipam.request_pool(&PoolRequest::new(spaces.local.clone())).unwrap();
        let expected = Pool {
            data: [].into(),
            id: "LocalDefault/172.17.0.0/16".parse().unwrap(),
            pool: "172.17.0.0/16".parse().unwrap(),
        };
        assert_eq!(default, expected);
        let global = ipam.request_pool(&PoolRequest::new(spaces.global)).unwrap();
        assert_eq!(global.id.to_string(), "GlobalDefault/10.0.0.0/24");
        let six = PoolRequest { ipv6: true, ..PoolRequest::new(spaces.local.clone()) };
        let six = ipam.request_pool(&six).unwrap().pool;
        assert!(six.prefix_len() == 64 && six.to_string().starts_with("fd"), "{six}");
        let sub = ipam.request_pool(&request("10.1.0.0/16", Some("10.1.2.0/24"))).unwrap();
        assert_eq!(sub.id.to_string(), "LocalDefault/10.1.0.0/16/10.1.2.0/24");
        assert_eq!(any(&ipam, &sub.id).unwrap(), "10.1.2.0/16");
        assert_eq!(wanted(&ipam, &sub.id, "10.1.0.1").unwrap(), "10.1.0.1/16");
    });
}

#[test]
fn a_request_that_cannot_be_met_says_why() {
    host(|_| {
        let ipam = ipam();
        let refused = |request: &PoolRequest| {
            let error = ipam.request_pool(request).unwrap_err();
            (error.kind(), error.to_string())
        };
        let mut in_use = request("10.1.0.0/16", None);
        in_use.in_use = vec!["0.0.0.0/0".parse().unwrap(), "10.1.7.0/24".parse().unwrap()];
        let (kind, text) = refused(&in_use);
        assert!(kind == ErrorKind::AlreadyExists && text.contains("overlaps 10.1.7.0/24"), "{text}");
        let elsewhere = PoolRequest::new(Name::new("Elsewhere").unwrap());
        let no_pool = PoolRequest { pool: None, ..request("10.1.0.0/16", Some("10.1.2.0/24")) };
        let six = PoolRequest { ipv6: true, ..request("10.1.0.0/16", None) };
        for request in [elsewhere, no_pool, six, request("10.1.0.0/16", Some("10.2.0.0/24"))] {
            let (kind, text) = refused(&request);
            assert_eq!(kind, ErrorKind::BadRequest, "{text}");
        }
    });
}

#[test]
fn both_families_give_in_turn_until_all_is_given() {
    host(|_| {
        let ipam = ipam();
        for (name, count) in [("10.1.0.0/29", 6), ("fd01::/125", 7)] {
            let pool = pool(&ipam, name);
            let all: Vec<_> = (0..count).map(|_| any(&ipam, &pool).unwrap()).collect();
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), count);
            let error = any(&ipam, &pool).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ResourceExhausted);
            assert!(error.to_string().contains(&format!("all {count} addresses of {name}")), "{error}");
            give_back(&ipam, &pool, &all[3]);
            give_back(&ipam, &pool, &all[3]);
            give_back(&ipam, &pool, &all[1]);
            // The one that has rested for longer.
            assert_eq!(any(&ipam, &pool).unwrap(), all[3]);
            let bare = all[1].split('/').next().unwrap();
            assert_eq!(wanted(&ipam, &pool, bare).unwrap(), all[1]);
            assert_eq!(wanted(&ipam, &pool, bare).unwrap_err().kind(), ErrorKind::AlreadyExists);
            ipam.release_pool(&pool).unwrap();
            ipam.release_pool(&pool).unwrap();
            assert_eq!(any(&ipam, &pool).unwrap(), all[0]);
        }
    });
}

#[test]
fn leases_outlive_the_process() {
    host(|_| {
        let first = ipam();
        let pool = pool(&first, "10.1.0.0/24");
        assert_eq!(any(&first, &pool).unwrap(), "10.1.0.1/24");
        drop(first);
        let second = ipam();
        assert_eq!(any(&second, &pool).unwrap(), "10.1.0.2/24");
        assert!(wanted(&second, &pool, "10.1.0.1").is_err());
    });
}

#[test]
fn a_request_that_fails_in_the_store_takes_nothing() {
    host(|_| {
        let database = database();
        let ipam = PoolIpam::new(Arc::clone(&database));
        let pool = pool(&ipam, "10.1.0.0/24");
        for n in [1, 2] {
            database.fail_write(n);
            let error: Error = any(&ipam, &pool).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::System, "{error}");
        }
        assert_eq!(any(&ipam, &pool).unwrap(), "10.1.0.1/24");
        for n in [1, 2] {
            database.fail_write(n);
            ipam.release_address(&pool, "10.1.0.1".parse().unwrap()).unwrap_err();
            database.fail_write(n);
            ipam.release_pool(&pool).unwrap_err();
        }
        assert!(wanted(&ipam, &pool, "10.1.0.1").is_err(), "it is still taken");
    });
}

/// Takes 200 addresses and gives every third back, prints what it keeps.
fn take_and_keep(ipam: &PoolIpam, pool: &PoolId) -> Vec<String> {
    let mut kept = Vec::new();
    for number in 0..200 {
        let address = any(ipam, pool).unwrap();
        if number % 3 == 0 {
            give_back(ipam, pool, &address);
        } else {
            kept.push(address);
        }
    }
    kept
}

#[test]
fn connections_that_take_at_once_never_get_the_same() {
    host(|_| {
        for name in ["10.1.0.0/22", "fd01::/64"] {
            let kept: Vec<_> = thread::scope(|scope| {
                let take = || {
                    let ipam = ipam();
                    take_and_keep(&ipam, &pool(&ipam, name))
                };
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(kept.len(), 4 * 133);
            assert_eq!(kept.iter().collect::<BTreeSet<_>>().len(), kept.len());
        }
    });
}

/// This test binary once more, as a process that runs `test` with the role of taking from [`SHARED`].
fn start(test: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("ipam::tests::{test}"), "--nocapture", "--test-threads=1"]);
    command.env(ROLE, SHARED).stdout(Stdio::piped()).spawn().unwrap()
}

/// The addresses that a process said it has.
fn said(output: impl BufRead) -> impl Iterator<Item = String> {
    output.lines().filter_map(|line| line.unwrap().strip_prefix("kept ").map(str::to_owned))
}

/// That the store is found as it is, with all of `kept` in it.
#[track_caller]
fn assert_taken(kept: &[String]) {
    let (database, opening) = Database::open(Path::new(DIRECTORY)).unwrap();
    assert_eq!(opening, Opening::Existing);
    let ipam = PoolIpam::new(Arc::new(database));
    let pool = pool(&ipam, SHARED);
    for address in kept {
        let bare = address.split('/').next().unwrap();
        assert_eq!(wanted(&ipam, &pool, bare).unwrap_err().kind(), ErrorKind::AlreadyExists);
    }
}

#[test]
fn processes_that_take_at_once_never_get_the_same() {
    if let Ok(name) = std::env::var(ROLE) {
        let ipam = ipam();
        let kept = take_and_keep(&ipam, &pool(&ipam, &name));
        return kept.iter().for_each(|address| println!("\nkept {address}"));
    }
    host(|_| {
        // Whoever comes first finds garbage.
        fs::create_dir(DIRECTORY).unwrap();
        fs::write(Path::new(DIRECTORY).join("state.db"), "garbage".repeat(1000)).unwrap();
        let processes = [(); 4].map(|()| start("processes_that_take_at_once_never_get_the_same"));
        let mut kept = Vec::new();
        for process in processes {
            let output = process.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
            kept.extend(said(&output.stdout[..]));
        }
        assert_eq!(kept.len(), 4 * 133);
        assert_eq!(kept.iter().collect::<BTreeSet<_>>().len(), kept.len());
        assert_taken(&kept);
    });
}

#[test]
fn a_killed_process_loses_no_lease_and_holds_nobody_up() {
    if let Ok(name) = std::env::var(ROLE) {
        let ipam = ipam();
        let pool = pool(&ipam, &name);
        while let Ok(address) = any(&ipam, &pool) {
            println!("\nkept {address}");
        }
        return;
    }
    host(|_| {
        let mut kept = Vec::new();
        for _ in 0..5 {
            let mut process = start("a_killed_process_loses_no_lease_and_holds_nobody_up");
            let mut output = said(BufReader::new(process.stdout.take().unwrap()));
            kept.extend(output.by_ref().take(50));
            process.kill().unwrap();
            kept.extend(output);
            process.wait().unwrap();
            assert_taken(&kept);
        }
        assert_eq!(kept.iter().collect::<BTreeSet<_>>().len(), kept.len());
    });
}
