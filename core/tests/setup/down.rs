//! Taking down: by whoever has the state or the id, as often as he likes, and nothing of others.

use netns::libcontainer::{NetworkSetup, SetupState, Target};
use netns::{Controller, ControllerOptions, ErrorKind};
use serde_json::json;
use testhost::{inside, Host};

use crate::common::{link, links, refused, routes, veth, Container};
use crate::{child, eth0, everything, lan0, setup_of, state, up, world};

/// What another process does: takes down by the state that is in `/run/state`, or by the id `web` and the process.
fn play(role: &str) {
    for _ in 0..2 {
        match role {
            "state" => {
                let state = std::fs::read_to_string("/run/state").unwrap();
                SetupState::from_json(&state).unwrap().tear_down().unwrap();
            }
            pid => {
                let setup = everything().unwrap().with_id("web").unwrap();
                setup.down(&state(pid.parse().unwrap())).unwrap();
            }
        }
    }
}

#[test]
fn another_process_takes_down_by_the_state_or_by_the_id() {
    const TEST: &str = "down::another_process_takes_down_by_the_state_or_by_the_id";
    if let Some(role) = child::role() {
        return play(&role);
    }
    world(|host| {
        let web = Container::named(host, "web");
        let before = host.dump();
        for by in ["state", &web.pid().to_string()] {
            let made = up(&everything().unwrap().with_id("web").unwrap(), &web).unwrap();
            assert_eq!(made.id.as_deref(), Some("web"));
            let json = made.to_json().unwrap();
            assert_eq!(SetupState::from_json(&json).unwrap(), made);
            std::fs::write("/run/state", json).unwrap();
            let played = child::command(&[], TEST, by).stdout(std::process::Stdio::null()).status().unwrap();
            assert!(played.success(), "{by}");
            std::fs::remove_file("/run/state").unwrap();
            host.assert_returns_to(&before, by);
            assert_eq!(links(host, "web"), ["lo"]);
        }
    });
}

#[test]
fn what_the_kernel_has_taken_is_gone() {
    world(|host| {
        let before = host.dump();
        let setup = everything().unwrap().with_id("web").unwrap();
        let web = Container::start();
        let made = up(&setup, &web).unwrap();
        web.end();
        made.tear_down().unwrap();
        setup.tear_down().unwrap();
        host.assert_returns_to(&before, "a container that has ended");
        made.tear_down().unwrap();
        setup.tear_down().unwrap();
        host.assert_returns_to(&before, "taken down once more");
    });
}

/// The next container with a link of that name comes while the last one is still going.
#[test]
fn a_name_in_the_host_can_be_used_again_at_once() {
    world(|_| {
        for _ in 0..5 {
            let web = Container::start();
            up(&everything().unwrap(), &web).unwrap();
            web.end();
        }
    });
}

/// The next container of the same id comes while the last one is still going.
#[test]
fn an_id_can_be_used_again_at_once() {
    world(|host| {
        let setup = everything().unwrap().with_id("web").unwrap();
        for _ in 0..5 {
            let web = Container::start();
            let made = up(&setup, &web).unwrap();
            let names: Vec<_> =
                made.networks.iter().filter_map(|network| network.host_link.as_ref()).collect();
            assert_eq!(names[0].name.as_str(), "vethweb");
            link(host, "", names[1].name.as_str());
            web.end();
            setup.tear_down().unwrap();
        }
    });
}

#[test]
fn links_of_others_under_the_same_names_stay() {
    world(|host| {
        let setup = everything().unwrap().with_id("web").unwrap();
        let web = Container::start();
        let made = up(&setup, &web).unwrap();
        let names: Vec<_> = made
            .networks
            .iter()
            .filter_map(|network| Some(network.host_link.as_ref()?.name.to_string()))
            .collect();
        let taken_away = || {
            made.tear_down().unwrap();
            setup.down(&state(web.pid())).unwrap();
        };
        taken_away();
        // Somebody else's, and then another setup's.
        veth(host, &names[0], "x0");
        let alias = made.networks[1].host_link.as_ref().unwrap().alias.clone().unwrap();
        let of_db = alias.replace("setup=web", "setup=db");
        host.ip(&["link", "set", &names[0], "alias", &of_db, "group", "20051"]);
        host.ip(&["link", "add", &names[1], "type", "bridge"]);
        let before = host.dump();
        taken_away();
        before.assert_same(&host.dump(), "links of others");
        // The alias alone does not make it the state's: it is another link.
        host.ip(&["link", "set", &names[0], "alias", &alias]);
        let before = host.dump();
        made.tear_down().unwrap();
        before.assert_same(&host.dump(), "a link of another index");
        setup.down(&state(web.pid())).unwrap();
        assert_eq!(links(host, "").iter().filter(|link| *link == "x0").count(), 0);
    });
}

/// The name, the index and the id are those of the first life.
#[test]
fn a_state_of_a_former_life_takes_nothing_of_the_next() {
    world(|host| {
        let setup = everything().unwrap().with_id("web").unwrap();
        let first = Container::start();
        let former = up(&setup, &first).unwrap();
        first.end();
        let web = Container::named(host, "web");
        up(&setup, &web).unwrap();
        let before = host.dump();
        former.tear_down().unwrap();
        before.assert_same(&host.dump(), "the next life");
        assert_eq!(links(host, "web"), ["eth0", "lan0", "lo"]);
    });
}

#[test]
fn who_has_an_id_that_is_taken_takes_nothing_of_the_first() {
    world(|host| {
        let setup = everything().unwrap().with_id("web").unwrap();
        let [web, second] = ["web", "second"].map(|name| Container::named(host, name));
        let made = up(&setup, &web).unwrap();
        let before = host.dump();
        refused(up(&setup, &second), ErrorKind::AlreadyExists, &["container web"]);
        let words = ["container web", "vethweb", "in which a process is", "another container"];
        for left in [setup.down(&state(second.pid())), setup.tear_down()] {
            let error = left.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
            assert!(words.iter().all(|word| error.to_string().contains(word)), "{error}");
        }
        before.assert_same(&host.dump(), "the network of the first");
        assert_eq!(links(host, "web"), ["eth0", "lan0", "lo"]);
        // Nobody is in the namespace any more, which stays.
        web.end();
        setup.down(&state(second.pid())).unwrap();
        assert_eq!((links(host, "web"), links(host, "").len()), (vec!["lo".to_owned()], 3));
        made.tear_down().unwrap();
    });
}

#[test]
fn without_an_id_it_takes_the_state() {
    let setup = everything().unwrap();
    refused(setup.tear_down(), ErrorKind::BadRequest, &["without an id", "state"]);
    for id in ["", "a/b", "a b", "é", &"x".repeat(129)] {
        refused(everything().unwrap().with_id(id), ErrorKind::BadRequest, &["container id"]);
    }
    everything().unwrap().with_id(&"x".repeat(128)).unwrap().with_id("a+b_c.d-E").unwrap();
    refused(SetupState::from_json("{\"networks\": 7}"), ErrorKind::BadRequest, &["line 1"]);
}

/// `lan9` inside, made by others.
fn with_lan9(host: &Host) {
    host.ip_in("web", &["link", "add", "lan9", "type", "bridge"]);
    host.ip_in("web", &["link", "set", "lan9", "up"]);
}

fn with_foreign_route(path: &str) -> NetworkSetup {
    let routes = json!([{"destination": "10.7.0.0/16", "interface_name": "lan9"}]);
    setup_of(path, &json!([eth0(2), lan0(2)]), &routes).unwrap()
}

#[test]
fn routes_through_interfaces_of_others_go_too() {
    world(|host| {
        host.ip(&["netns", "add", "web"]);
        with_lan9(host);
        let target = Target::Path("/run/netns/web".into());
        let before = inside("web", || host.dump());
        let made = with_foreign_route("").up(Some(&target), &state(0)).unwrap();
        assert_eq!(made.routes.len(), 1);
        assert!(routes(host, "web", "-4").contains(&"10.7.0.0/16 dev lan9".to_owned()));
        for _ in 0..2 {
            made.tear_down().unwrap();
            inside("web", || host.assert_returns_to(&before, "by the state"));
        }
        let setup = with_foreign_route("/run/netns/web").with_id("web").unwrap();
        setup.up(None, &state(0)).unwrap();
        // Without the state it is not known whose the route is.
        let route = ["route", "delete", "10.7.0.0/16", "dev", "lan9"];
        setup.tear_down().unwrap();
        host.ip_in("web", &route);
        inside("web", || host.assert_returns_to(&before, "by the id"));
        // Another namespace at the same path is not this one.
        let made = with_foreign_route("").up(Some(&target), &state(0)).unwrap();
        host.ip(&["netns", "delete", "web"]);
        host.ip(&["netns", "add", "web"]);
        with_lan9(host);
        host.ip_in("web", &["route", "add", "10.7.0.0/16", "dev", "lan9", "proto", "78", "scope", "link"]);
        let before = inside("web", || host.dump());
        made.tear_down().unwrap();
        inside("web", || before.assert_same(&host.dump(), "another namespace"));
        host.ip(&["netns", "delete", "web"]);
        made.tear_down().unwrap();
    });
}

#[test]
fn routes_that_it_did_not_make_stay() {
    world(|host| {
        host.ip(&["netns", "add", "web"]);
        with_lan9(host);
        host.ip_in("web", &["address", "add", "10.5.0.2/24", "dev", "lan9"]);
        host.ip_in("web", &["route", "add", "default", "via", "10.5.0.1", "dev", "lan9"]);
        let default = json!([{"gateway": "10.5.0.1", "interface_name": "lan9"}]);
        let routed = json!([{"destination": "10.7.0.0/16", "interface_name": "lan9"}]);
        let of = |id: &str, routes: &serde_json::Value| {
            setup_of("/run/netns/web", &json!([]), routes).unwrap().with_id(id).unwrap()
        };
        of("db", &routed).up(None, &state(0)).unwrap();
        let before = inside("web", || host.dump());
        for routes in [&default, &routed] {
            let web = of("web", routes);
            refused(web.up(None, &state(0)), ErrorKind::AlreadyExists, &["there is a route"]);
            web.tear_down().unwrap();
            inside("web", || before.assert_same(&host.dump(), "routes of others"));
        }
        // What the setup made is gone, and another's is in its place.
        host.ip_in("web", &["route", "delete", "default"]);
        let made = of("web", &default).up(None, &state(0)).unwrap();
        host.ip_in(
            "web",
            &["route", "replace", "default", "via", "10.5.0.1", "dev", "lan9", "proto", "static"],
        );
        let before = inside("web", || host.dump());
        made.tear_down().unwrap();
        inside("web", || before.assert_same(&host.dump(), "another's default route"));
    });
}

#[test]
fn a_controller_leaves_a_setup_alone() {
    world(|host| {
        let web = Container::named(host, "web");
        let made = up(&everything().unwrap().with_id("web").unwrap(), &web).unwrap();
        let controller = Controller::open(ControllerOptions::default()).unwrap();
        assert_eq!(controller.collect().unwrap().findings, []);
        drop(controller);
        assert_eq!(links(host, "web"), ["eth0", "lan0", "lo"]);
        made.tear_down().unwrap();
        assert_eq!(links(host, "web"), ["lo"]);
    });
}
