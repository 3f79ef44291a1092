//! Promises to those who listen: what happens is told in order, to every process, once it has happened.

mod child;
mod common;
mod control;

use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use control::{at, blue, connected, endpoint, open, sandbox};
use netns::{Controller, ErrorKind, Event, Events, Lifetime};
use testhost::host;

/// How long an event may take.
const SOON: Duration = Duration::from_secs(5);

/// `KIND NETWORK ENDPOINT SANDBOX`, of what there is.
fn text(event: &Event) -> String {
    let kind = serde_json::to_value(event.kind).unwrap();
    let names = [&event.network, &event.endpoint, &event.sandbox].into_iter().flatten();
    names.fold(kind.as_str().unwrap().to_owned(), |text, name| format!("{text} {name}"))
}

/// What is heard until a network called `end` is created by `end`.
fn heard(events: &Events) -> Vec<Event> {
    let mut all = Vec::new();
    loop {
        let event = events.next_timeout(SOON).unwrap_or_else(|| panic!("no more than {all:?}"));
        assert_eq!(event.missed, 0, "{event:?}");
        if event.network.as_deref() == Some("end") {
            return all;
        }
        all.push(event);
    }
}

fn end() {
    let controller = open();
    controller.create_network(control::config("null", "end")).unwrap();
}

/// Everything once.
fn live(controller: &Controller) {
    controller.create_network(blue()).unwrap();
    let (web, _) = connected(controller, "blue", "web");
    controller.leave("blue", "web").unwrap();
    controller.join("blue", "web", &web).unwrap();
    controller.disconnect("blue", "web").unwrap();
    controller.create_endpoint("blue", endpoint("idle")).unwrap();
    controller.delete_endpoint("blue", "idle").unwrap();
    controller.destroy_sandbox(&web).unwrap();
    controller.delete_network("blue").unwrap();
}

const LIFE: [&str; 12] = [
    "network_created blue",
    "sandbox_created /run/netns/web",
    "endpoint_created blue web",
    "endpoint_joined blue web /run/netns/web",
    "endpoint_left blue web /run/netns/web",
    "endpoint_joined blue web /run/netns/web",
    "endpoint_left blue web /run/netns/web",
    "endpoint_deleted blue web",
    "endpoint_created blue idle",
    "endpoint_deleted blue idle",
    "sandbox_destroyed /run/netns/web",
    "network_deleted blue",
];

#[test]
fn a_whole_life_is_heard_in_order_here_and_elsewhere() {
    const TEST: &str = "a_whole_life_is_heard_in_order_here_and_elsewhere";
    if child::role().is_some() {
        return live(&open());
    }
    host(|_| {
        let controller = open();
        let (here, too) = (controller.events().unwrap(), open().events().unwrap());
        let before = SystemTime::now() - Duration::from_millis(1);
        live(&controller);
        end();
        let own = heard(&here);
        assert_eq!(own.iter().map(text).collect::<Vec<_>>(), LIFE);
        assert_eq!(heard(&too), own);
        let now = SystemTime::now();
        assert!(own.iter().all(|event| event.process == std::process::id()));
        assert!(own.iter().all(|event| (before..=now).contains(&event.time)), "{own:?}");
        assert!(own.windows(2).all(|pair| pair[0].time <= pair[1].time));

        controller.delete_network("end").unwrap();
        let elsewhere = controller.events().unwrap();
        let mut other = child::command(&[], TEST, "live").spawn().unwrap();
        assert!(other.wait().unwrap().success());
        end();
        let theirs = heard(&elsewhere);
        assert_eq!(theirs.iter().map(text).collect::<Vec<_>>(), LIFE);
        assert!(theirs.iter().all(|event| event.process == other.id()));
    });
}

#[test]
fn what_fails_or_changes_nothing_is_not_told() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let (web, _) = connected(&controller, "blue", "web");
        let events = controller.events().unwrap();
        assert!(controller.create_network(blue()).is_err());
        assert!(controller.create_endpoint("blue", endpoint("web")).is_err());
        assert!(controller.connect("blue", &web, endpoint("more")).is_err());
        assert!(controller.join("blue", "web", &web).is_err());
        assert!(controller.create_sandbox("web").is_err());
        assert_eq!(controller.delete_network("blue").unwrap_err().kind(), ErrorKind::Busy);
        assert_eq!(controller.delete_endpoint("blue", "web").unwrap_err().kind(), ErrorKind::Busy);
        controller.plan_connect("blue", &sandbox(&open(), "db"), endpoint("db")).unwrap();
        controller.plan_collect().unwrap();
        controller.collect().unwrap();
        controller.delete_network("green").unwrap();
        controller.delete_endpoint("blue", "green").unwrap();
        controller.leave("blue", "green").unwrap();
        controller.disconnect("blue", "green").unwrap();
        controller.remove_sandbox("green").unwrap();
        end();
        let all: Vec<_> = heard(&events).iter().map(text).collect();
        assert_eq!(all, ["sandbox_created /run/netns/db"]);
    });
}

#[test]
fn a_sandbox_that_is_destroyed_takes_its_endpoints_along_in_the_telling_too() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        controller.create_network(control::with_subnets("bridge", "red", &["10.2.0.0/24"])).unwrap();
        let (web, _) = connected(&controller, "blue", "web");
        controller.create_endpoint("red", endpoint("kept")).unwrap();
        controller.join("red", "kept", &web).unwrap();
        let events = controller.events().unwrap();
        controller.destroy_sandbox(&web).unwrap();
        controller.destroy_sandbox(&web).unwrap();
        // The kernel takes the links away later, and until then opening a controller may collect them.
        while common::links(host, "").iter().any(|name| name.starts_with("veth")) {}
        end();
        let all: Vec<_> = heard(&events).iter().map(text).collect();
        assert_eq!(
            all,
            [
                "endpoint_left blue web /run/netns/web",
                "endpoint_deleted blue web",
                "endpoint_left red kept /run/netns/web",
                "sandbox_destroyed /run/netns/web",
            ]
        );
    });
}

#[test]
fn a_callback_hears_in_the_background_what_others_do() {
    const TEST: &str = "a_callback_hears_in_the_background_what_others_do";
    if child::role().is_some() {
        return live(&open());
    }
    host(|_| {
        let controller = open();
        let (told, told_here) = mpsc::channel();
        let hear = move |event: Event| told.send((std::thread::current().id(), text(&event))).unwrap();
        let subscription = controller.events().unwrap().for_each_in_background(hear).unwrap();
        assert!(child::command(&[], TEST, "live").status().unwrap().success());
        for expected in LIFE {
            let (thread, event) = told_here.recv_timeout(SOON).unwrap();
            assert_eq!(event, expected);
            assert_ne!(thread, std::thread::current().id());
        }
        drop(subscription);
        live(&controller);
        assert!(told_here.recv_timeout(Duration::from_millis(100)).is_err(), "a dropped one still hears");
        // It does not keep those who go on from telling each other.
        let events = controller.events().unwrap();
        end();
        assert_eq!(heard(&events), []);
    });
}

#[test]
fn a_closed_listener_ends_and_a_dead_one_is_collected() {
    const TEST: &str = "a_closed_listener_ends_and_a_dead_one_is_collected";
    if child::role().is_some() {
        std::mem::forget(open().events().unwrap());
        std::process::exit(0);
    }
    host(|_| {
        let controller = open();
        let events = controller.events().unwrap();
        let closer = events.closer();
        let waiting = std::thread::spawn(move || events.count());
        live(&controller);
        std::thread::sleep(Duration::from_millis(50));
        closer.close();
        assert!(waiting.join().unwrap() <= LIFE.len());
        assert!(child::command(&[], TEST, "die").status().unwrap().success());
        let files = || std::fs::read_dir("/run/libnetns/events").unwrap().count();
        assert_eq!(files(), 1);
        // Opening collects.
        drop(open());
        assert_eq!(files(), 0);
        live(&controller);
    });
}

#[test]
fn a_collection_that_found_something_is_told() {
    const TEST: &str = "a_collection_that_found_something_is_told";
    if child::role().is_some() {
        let controller = Controller::open(control::options().with_lifetime(Lifetime::Process)).unwrap();
        let web = sandbox(&controller, "web");
        controller.connect("blue", &web, at("web", &["10.1.0.7"])).unwrap();
        return;
    }
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let events = controller.events().unwrap();
        assert!(child::command(&[], TEST, "live").status().unwrap().success());
        assert!(!controller.collect().unwrap().findings.is_empty());
        end();
        let all: Vec<_> = heard(&events).iter().map(text).collect();
        assert!(all.contains(&"collected".to_owned()), "{all:?}");
        // Who keeps names or routes by the events knows that this one is gone.
        assert!(all.contains(&"endpoint_deleted blue web".to_owned()), "{all:?}");
    });
}
