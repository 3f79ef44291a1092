//! What fails leaves everything as it was: every write of the store, every system call to the kernel, and what
//! others have put in the way.

use std::process::Stdio;

use netns::{Controller, ErrorKind, Result};
use testhost::{attempt, report, Host, State, Try};

use crate::control::open;
use crate::look::Look;
use crate::world::{mappings, network, publishing, ways, world, World, OWN, TYPES, WORLD};
use crate::{child, trace};

const PORTS: [&str; 3] = ["8080:80", "8080-8081:80-81/udp", "192.0.2.9:9000:82"];
const MORE: [&str; 2] = ["8088:80", "8088:80/udp"];

/// What is done, what takes it back, and whether it makes something.
struct Operation {
    name: &'static str,
    work: fn(&Controller) -> Result<()>,
    undo: fn(&Controller) -> Result<()>,
    creates: bool,
}

fn connect(controller: &Controller) -> Result<()> {
    let sandbox = controller.open_sandbox("web")?;
    let web = publishing(crate::control::at("web", &World::addresses("blue", 11)), &PORTS);
    controller.connect("blue", &sandbox, web).map(drop)
}

fn disconnect(controller: &Controller) -> Result<()> {
    controller.disconnect("blue", "web")
}

fn publish(controller: &Controller) -> Result<()> {
    controller.publish("blue", "web", &mappings(&MORE)).map(drop)
}

fn withdraw(controller: &Controller) -> Result<()> {
    match controller.withdraw("blue", "web", &mappings(&MORE)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn create(controller: &Controller, kind: &str) -> Result<()> {
    controller.create_network(network(kind, "red")).map(drop)
}

fn create_bridge(controller: &Controller) -> Result<()> {
    create(controller, "bridge")
}

fn create_routed(controller: &Controller) -> Result<()> {
    create(controller, "routed")
}

fn delete_network(controller: &Controller) -> Result<()> {
    match controller.delete_network("red") {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Those that need no endpoint, and then those that need web to be there.
const OPERATIONS: [Operation; 8] = [
    Operation { name: "create a bridge network", work: create_bridge, undo: delete_network, creates: true },
    Operation { name: "delete a bridge network", work: delete_network, undo: create_bridge, creates: false },
    Operation { name: "create a routed network", work: create_routed, undo: delete_network, creates: true },
    Operation { name: "delete a routed network", work: delete_network, undo: create_routed, creates: false },
    Operation { name: "connect", work: connect, undo: disconnect, creates: true },
    Operation { name: "disconnect", work: disconnect, undo: connect, creates: false },
    Operation { name: "publish", work: publish, undo: withdraw, creates: true },
    Operation { name: "withdraw", work: withdraw, undo: publish, creates: false },
];

/// What a leak would show in, at a glance and whole.
struct Before(Look, State);

impl Before {
    fn of(host: &Host) -> Self {
        Self(Look::of(host), host.dump())
    }

    #[track_caller]
    fn assert_returns(&self, host: &Host, whole: bool, context: &str) {
        self.0.assert_returns(host, || context.to_owned());
        if whole {
            host.assert_returns_to(&self.1, context);
        }
    }
}

/// An operation goes wrong at one place after the other, until `go_wrong`, given the place, says that there is
/// none. Each time what it would make is not there, and what it would remove goes when it is tried again.
fn each_place(
    world: &World,
    operation: &Operation,
    mut go_wrong: impl FnMut(usize) -> Option<std::result::Result<(), String>>,
) -> usize {
    let Operation { name, work, undo, creates } = operation;
    let controller = &world.controller;
    if !creates {
        undo(controller).unwrap();
        work(controller).unwrap();
    }
    let before = Before::of(world.host);
    let mut failed = 0;
    for place in 0.. {
        if !creates {
            undo(controller).unwrap();
        }
        let outcome = go_wrong(place);
        let context = format!("{name}, place {place}: {outcome:?}");
        failed += usize::from(outcome.as_ref().is_some_and(std::result::Result::is_err));
        match (creates, &outcome) {
            (true, Some(Err(_))) => {}
            (true, _) => undo(controller).unwrap_or_else(|error| panic!("{context}: undone: {error}")),
            (false, _) => work(controller).unwrap_or_else(|error| panic!("{context}: again: {error}")),
        }
        before.assert_returns(world.host, place % 10 == 0, &context);
        let found = controller.collect().unwrap().findings;
        assert!(found.is_empty(), "{context}: {found:?}");
        if outcome.is_none() {
            break;
        }
    }
    failed
}

/// The part of the operations that begins with `first`, on a network `blue` of that type.
fn each_operation(
    kind: &str,
    numbers: std::ops::Range<usize>,
    go_wrong: impl Fn(&World, &Operation) + Send + Sync,
) {
    world(|world| {
        world.controller.create_network(network(kind, "blue")).unwrap();
        // The table of bridges stays as long as there is any network.
        world.controller.create_network(network("bridge", "green")).unwrap();
        let web = world.controller.create_sandbox("web").unwrap();
        for (number, operation) in OPERATIONS.iter().enumerate() {
            if number == 6 {
                connect(&world.controller).unwrap();
            }
            if numbers.contains(&number) {
                go_wrong(world, operation);
            }
        }
        // What went wrong has left nothing in the way of what does not.
        let server = testhost::Server::start("web", "web", &[80]);
        publish(&world.controller).unwrap();
        let tries: Vec<_> = ways()
            .flat_map(|(family, transport)| {
                [8080, 8088].map(|port| {
                    Try::nothing("world", transport, family.socket(OWN, port))
                        .answers("web", family.of(WORLD))
                })
            })
            .collect();
        attempt(kind, &tries);
        drop(server);
        world.controller.destroy_sandbox(&web).unwrap();
    });
}

#[test]
fn each_write_of_the_store_may_fail() {
    for kind in TYPES {
        let failed = std::sync::atomic::AtomicUsize::new(0);
        each_operation(kind, 0..OPERATIONS.len(), |world, operation| {
            let count = each_place(world, operation, |place| {
                world.controller.fail_write(place as i64 + 1);
                let result = (operation.work)(&world.controller).map_err(|error| error.to_string());
                world.controller.fail_write(0);
                (place < 16).then_some(result)
            });
            failed.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
        });
        report(&format!("{} injected errors: writes by ports on a {kind} network", failed.into_inner()));
    }
}

/// The calls by which the kernel is told and asked, but for setns(2): a thread that does not come back from
/// another namespace ends the process.
#[cfg(target_arch = "x86_64")]
const TOLD: [i64; 4] = [libc::SYS_sendto, libc::SYS_sendmsg, libc::SYS_write, libc::SYS_socket];

#[cfg(target_arch = "x86_64")]
fn each_call_fails(test: &str, kind: &str, numbers: std::ops::Range<usize>) {
    if let Some(role) = child::role() {
        let operation = OPERATIONS.iter().find(|operation| operation.name == role).unwrap();
        let controller = open();
        let mut outcome = String::new();
        trace::between_marks(|| {
            outcome = match (operation.work)(&controller) {
                Ok(()) => "done".to_owned(),
                Err(error) => error.to_string(),
            };
        });
        println!("\noutcome: {outcome}");
        return;
    }
    let failed = std::sync::atomic::AtomicUsize::new(0);
    each_operation(kind, numbers, |world, operation| {
        let run = || child::command(&[], test, operation.name);
        if !operation.creates {
            (operation.undo)(&world.controller).unwrap();
        }
        let calls = trace::record(&mut run());
        if operation.creates {
            (operation.undo)(&world.controller).unwrap();
        }
        let told: Vec<_> = calls.into_iter().filter(|call| TOLD.contains(call)).collect();
        let count = each_place(world, operation, |place| {
            let call = *told.get(place)?;
            let said = trace::refuse_at(&mut run(), &TOLD, place, libc::ENOBUFS);
            match said.expect("the process says how it came out") {
                said if said == "done" => Some(Ok(())),
                said => Some(Err(format!("call {call}: {said}"))),
            }
        });
        failed.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
    });
    report(&format!("{} injected errors: calls by ports on a {kind} network", failed.into_inner()));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn each_call_to_the_kernel_may_fail_for_networks() {
    each_call_fails("failure::each_call_to_the_kernel_may_fail_for_networks", "bridge", 0..4);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn each_call_to_the_kernel_may_fail_on_a_bridge() {
    each_call_fails("failure::each_call_to_the_kernel_may_fail_on_a_bridge", "bridge", 4..8);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn each_call_to_the_kernel_may_fail_on_a_routed_network() {
    each_call_fails("failure::each_call_to_the_kernel_may_fail_on_a_routed_network", "routed", 4..8);
}

#[test]
fn what_is_in_the_way_in_the_kernel_leaves_nothing_published() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &["8080:80"]);
            world.nft("add element inet libnetns everywhere4 { udp . 8088 : 10.9.9.9 . 9 }");
            let before = world.host.dump();
            let error = world.controller.publish("blue", "web", &mappings(&MORE)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
            assert!(error.to_string().contains("8088"), "{error}");
            world.host.assert_returns_to(&before, &error.to_string());
            assert_eq!(world.controller.endpoint("blue", "web").unwrap().ports, mappings(&["8080:80"]));
            world.nft("delete element inet libnetns everywhere4 { udp . 8088 : 10.9.9.9 . 9 }");
            world.controller.publish("blue", "web", &mappings(&MORE)).unwrap();
            world.end(kind);
        }
    });
}

#[test]
fn of_two_processes_that_publish_a_port_one_does() {
    const TEST: &str = "failure::of_two_processes_that_publish_a_port_one_does";
    if let Some(role) = child::role() {
        let published = open().publish("blue", &role, &mappings(&["8080:80", "8080:80/udp"]));
        match published {
            Ok(_) => return,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
                assert!(error.to_string().contains("8080"), "{error}");
                std::process::exit(7);
            }
        }
    }
    world(|world| {
        for (round, kind) in TYPES.into_iter().cycle().take(6).enumerate() {
            world.controller.create_network(network(kind, "blue")).unwrap();
            let names = ["one", "two"];
            world.container("blue", "one", 11, &[]);
            world.container("blue", "two", 12, &[]);
            let started =
                names.map(|name| child::command(&[], TEST, name).stdout(Stdio::null()).spawn().unwrap());
            let ended: Vec<_> = started.map(|mut child| child.wait().unwrap().code().unwrap()).into();
            let winner = ended.iter().position(|code| *code == 0).expect("somebody wins");
            assert_eq!(ended[1 - winner], 7, "round {round}: {ended:?}");
            let tries: Vec<_> = ways()
                .map(|(family, transport)| {
                    let to = family.socket(OWN, 8080);
                    Try::nothing("world", transport, to).answers(names[winner], family.of(WORLD))
                })
                .collect();
            attempt(&format!("round {round}"), &tries);
            assert!(world.controller.endpoint("blue", names[1 - winner]).unwrap().ports.is_empty());
            world.end(kind);
        }
    });
}
