//! Sandboxes: keys, creation, opening and the end (seed `000`).

mod common;

use std::fs;
use std::os::unix::fs::{symlink, MetadataExt};
use std::path::Path;

use common::{
    addresses, dual, endpoint, inside, interface, is_up, key, link, links, network, refused, sandbox,
    with_base,
};
use netns::{generate_key, ErrorKind, Sandbox, SandboxKey, StaticRoute, DEFAULT_BASE};
use testhost::host;

const WEB: &str = "/run/netns/web";

fn inode(path: &str) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn a_generated_key_is_the_base_and_the_first_twelve_bytes_of_the_id() {
    let path = |id: &str| generate_key(id).unwrap().path().to_owned();
    assert_eq!(DEFAULT_BASE, "/run/netns");
    assert_eq!(path("c796b2a3bdbad0538f6d10d2d4d5d0b2"), Path::new("/run/netns/c796b2a3bdba"));
    for id in ["web", "a", "0123456789ab", "a.b_c-d"] {
        assert_eq!(path(id), Path::new(DEFAULT_BASE).join(id), "{id}");
    }
    assert_eq!(path(&"x".repeat(64)), Path::new("/run/netns/xxxxxxxxxxxx"));
}

#[test]
fn a_hostile_id_gets_no_key() {
    let long = "x".repeat(65);
    let hostile =
        ["", "/", "a/b", "../a", "..", ".", ".hidden", "a\0b", "\0", "-", "-web", "a b", "a\n", "ä", &long];
    for id in hostile {
        refused(generate_key(id), ErrorKind::BadRequest, &["generate key"]);
        refused(SandboxKey::new(id), ErrorKind::BadRequest, &[]);
    }
    let error = refused(generate_key(&long), ErrorKind::BadRequest, &[]);
    assert!(error.to_string().contains("64"), "the limit is missing: {error}");
}

#[test]
fn a_hostile_base_gets_no_key() {
    for base in ["", "run/netns", "/run/../etc", "/run/a\0b"] {
        refused(SandboxKey::in_base(Path::new(base), "web"), ErrorKind::BadRequest, &["base directory"]);
    }
}

#[test]
fn a_created_sandbox_is_a_named_namespace_with_lo_up_and_nothing_else() {
    host(|host| {
        let here = || fs::read_link("/proc/thread-self/ns/net").unwrap();
        let before = here();
        let sandbox = sandbox("web");
        assert_eq!(here(), before, "the caller's thread moved");
        assert_eq!(sandbox.key().path(), Path::new(WEB));
        assert_eq!(sandbox.key().name().as_str(), "web");
        assert_eq!(host.netns_list(), ["web"]);
        assert_eq!(links(host, "web"), ["lo"]);
        let lo = link(host, "web", "lo");
        assert!(is_up(&lo), "{lo}");
        assert_eq!(addresses(&lo), ["127.0.0.1/8", "::1/128"]);
        assert!(host.ping("web", "127.0.0.1".parse().unwrap()));
        assert!(host.ping("web", "::1".parse().unwrap()));
        assert_eq!(sandbox.namespace().unwrap().id().inode, inode(WEB));
        assert_eq!(sandbox.run(here).unwrap().to_str(), Some(&*format!("net:[{}]", inode(WEB))));
        assert_eq!(here(), before, "the caller's thread moved");
    });
}

#[test]
fn a_sandbox_may_lie_in_a_base_of_its_own_which_is_made() {
    host(|host| {
        let base = Path::new("/run/mine/deep");
        let key = SandboxKey::in_base(base, "web").unwrap();
        let sandbox = Sandbox::create(&key).unwrap();
        assert!(host.netns_list().is_empty());
        assert!(!fs::exists("/run/netns").unwrap());
        let net = "--net=/run/mine/deep/web";
        let seen = host.run("nsenter", &[net, "ip", "-br", "link"]);
        assert!(seen.success && seen.stdout.starts_with("lo"), "{seen:?}");
        sandbox.destroy().unwrap();
        assert_eq!(fs::read_dir(base).unwrap().count(), 0);
    });
}

#[test]
fn a_key_that_is_taken_is_refused_and_nothing_changes() {
    host(|host| {
        host.ip(&["netns", "add", "other"]);
        let first = sandbox("web");
        let (before, before_inside, inode_before) = (host.dump(), inside(host, &first), inode(WEB));
        refused(Sandbox::create(&key("web")), ErrorKind::AlreadyExists, &["create sandbox", WEB]);
        refused(Sandbox::create(&key("other")), ErrorKind::AlreadyExists, &["/run/netns/other"]);
        host.assert_returns_to(&before, "two refused creations");
        common::assert_inside_is(host, &first, &before_inside, "two refused creations");
        assert_eq!(inode(WEB), inode_before);
    });
}

#[test]
fn a_stale_empty_file_is_taken_over() {
    host(|host| {
        with_base(host);
        fs::write(WEB, "").unwrap();
        let sandbox = sandbox("web");
        assert_eq!(host.netns_list(), ["web"]);
        assert_eq!(links(host, "web"), ["lo"]);
        sandbox.destroy().unwrap();
        assert!(!fs::exists(WEB).unwrap());
    });
}

#[test]
fn what_else_lies_at_the_path_is_refused_and_untouched() {
    host(|host| {
        let clean = with_base(host);
        fs::write("/run/elsewhere", "").unwrap();
        let makers: [(&str, &dyn Fn()); 4] = [
            ("a file with something in it", &|| fs::write(WEB, "precious").unwrap()),
            ("a directory", &|| fs::create_dir(WEB).unwrap()),
            ("a symlink to an empty file", &|| symlink("/run/elsewhere", WEB).unwrap()),
            ("a dangling symlink", &|| symlink("/run/nowhere", WEB).unwrap()),
        ];
        for (what, make) in makers {
            make();
            let before = host.dump();
            refused(Sandbox::create(&key("web")), ErrorKind::AlreadyExists, &[WEB]);
            before.assert_same(&host.dump(), what);
            if let Ok(text) = fs::read_to_string(Path::new(WEB)).or(fs::read_to_string("/run/elsewhere")) {
                assert!(text == "precious" || text.is_empty(), "{what}: {text}");
            }
            refused(Sandbox::remove(&key("web")), ErrorKind::Forbidden, &["remove sandbox", WEB]);
            before.assert_same(&host.dump(), what);
            assert!(host.run("rm", &["-rf", WEB]).success);
        }
        fs::remove_file("/run/elsewhere").unwrap();
        clean.assert_same(&host.dump(), "all of them");
    });
}

#[test]
fn a_failed_creation_leaves_nothing() {
    host(|host| {
        fs::write("/run/file", "").unwrap();
        let before = host.dump();
        let key = SandboxKey::in_base(Path::new("/run/file"), "web").unwrap();
        let error = Sandbox::create(&key).unwrap_err();
        assert!(error.to_string().contains("/run/file"), "{error}");
        before.assert_same(&host.dump(), "a base that is a file");
    });
}

#[test]
fn only_a_namespace_can_be_opened() {
    host(|host| {
        with_base(host);
        refused(Sandbox::open(&key("web")), ErrorKind::NotFound, &["open sandbox", WEB]);
        fs::write(WEB, "").unwrap();
        refused(Sandbox::open(&key("web")), ErrorKind::BadRequest, &[WEB, "no network namespace"]);
        fs::remove_file(WEB).unwrap();
        fs::create_dir(WEB).unwrap();
        refused(Sandbox::open(&key("web")), ErrorKind::BadRequest, &[WEB]);
        fs::remove_dir(WEB).unwrap();
        fs::write(WEB, "").unwrap();
        assert!(host.run("mount", &["--bind", "/proc/self/ns/uts", WEB]).success);
        refused(Sandbox::open(&key("web")), ErrorKind::BadRequest, &[WEB, "no network namespace"]);
        assert!(host.run("umount", &[WEB]).success);
        fs::remove_file(WEB).unwrap();
        host.ip(&["netns", "add", "web"]);
        let opened = Sandbox::open(&key("web")).unwrap();
        assert!(opened.interfaces().unwrap().is_empty());
    });
}

#[test]
fn a_destroyed_sandbox_leaves_nothing_and_may_be_destroyed_again() {
    host(|host| {
        let clean = with_base(host);
        let network = network("net");
        let before = host.dump();
        let sandbox = sandbox("web");
        network.join(&sandbox, &dual("web", 2)).unwrap();
        assert_eq!(links(host, "").len(), 3, "lo, the bridge, the host's end");
        sandbox.destroy().unwrap();
        assert!(host.netns_list().is_empty());
        host.assert_returns_to(&before, "the host's end of the veth went with the sandbox");
        sandbox.destroy().unwrap();
        sandbox.destroy().unwrap();
        network.delete().unwrap();
        host.assert_returns_to(&clean, "a network and a sandbox that came and went");
    });
}

#[test]
fn two_handles_may_both_destroy() {
    host(|host| {
        let network = network("net");
        let before = with_base(host);
        let first = sandbox("web");
        let second = Sandbox::open(&key("web")).unwrap();
        network.join(&first, &dual("web", 2)).unwrap();
        second.destroy().unwrap();
        first.destroy().unwrap();
        second.destroy().unwrap();
        host.assert_returns_to(&before, "destroyed from two handles");
    });
}

#[test]
fn a_sandbox_that_others_deleted_may_be_destroyed() {
    host(|host| {
        let network = network("net");
        let before = with_base(host);
        let sandbox = sandbox("web");
        network.join(&sandbox, &dual("web", 2)).unwrap();
        host.ip(&["netns", "delete", "web"]);
        sandbox.destroy().unwrap();
        host.assert_returns_to(&before, "deleted behind our back, then destroyed");
    });
}

#[test]
fn a_namespace_made_at_the_key_since_is_left_alone() {
    host(|host| {
        let sandbox = sandbox("web");
        host.ip(&["netns", "delete", "web"]);
        host.ip(&["netns", "add", "web"]);
        host.ip_in("web", &["link", "add", "mark", "type", "bridge"]);
        let (before, inode_before) = (host.dump(), inode(WEB));
        sandbox.destroy().unwrap();
        sandbox.destroy().unwrap();
        host.assert_returns_to(&before, "the namespace of another");
        assert_eq!(inode(WEB), inode_before);
        assert_eq!(links(host, "web"), ["lo", "mark"]);
    });
}

#[test]
fn remove_takes_what_is_there_and_is_content_with_nothing() {
    host(|host| {
        let before = with_base(host);
        Sandbox::remove(&key("web")).unwrap();
        fs::write(WEB, "").unwrap();
        Sandbox::remove(&key("web")).unwrap();
        drop(sandbox("web"));
        assert_eq!(host.netns_list(), ["web"], "dropping the handle leaves the sandbox");
        Sandbox::remove(&key("web")).unwrap();
        Sandbox::remove(&key("web")).unwrap();
        host.assert_returns_to(&before, "removed by key");
    });
}

#[test]
fn a_destroyed_handle_says_not_found() {
    host(|host| {
        let network = network("net");
        veth(host);
        let sandbox = sandbox("web");
        sandbox.destroy().unwrap();
        let before = host.dump();
        let kind = ErrorKind::NotFound;
        let words = &[WEB, "destroyed"];
        let device = interface("veth0", "10.1.0.2/24");
        let endpoint = endpoint("web", &["10.1.0.2/24"]);
        let route = StaticRoute {
            destination: "10.9.0.0/16".parse().unwrap(),
            next_hop: Some("10.1.0.1".parse().unwrap()),
        };
        refused(sandbox.namespace(), kind, words);
        refused(sandbox.run(|| ()), kind, words);
        refused(sandbox.info(), kind, words);
        refused(sandbox.interfaces(), kind, words);
        refused(sandbox.add_interface(&device), kind, words);
        refused(sandbox.plan_add_interface(&device), kind, words);
        refused(sandbox.set_gateway(Some("10.1.0.1".parse().unwrap())), kind, words);
        refused(sandbox.set_gateway_ipv6(Some("fd01::1".parse().unwrap())), kind, words);
        refused(sandbox.add_static_route(&route), kind, words);
        // What is to go is gone.
        sandbox.remove_interface(&device).unwrap();
        sandbox.remove_static_route(&route).unwrap();
        refused(network.join(&sandbox, &endpoint), kind, words);
        refused(network.plan_join(&sandbox, &endpoint), kind, words);
        host.assert_returns_to(&before, "calls on a destroyed handle");
    });
}

fn veth(host: &testhost::Host) {
    common::veth(host, "veth0", "veth1");
}
