//! The servers, clients, taps and lesser kernels of a test host.

use std::net::{SocketAddr, UdpSocket};

use testhost::{attempt, host, inside, without_netfilter, Host, Server, Tap, Transport, Try};

/// A namespace `away` behind a link of the host's.
fn away(host: &Host) {
    host.ip(&["netns", "add", "away"]);
    host.ip(&["link", "add", "near0", "type", "veth", "peer", "name", "far0", "netns", "away"]);
    for (address, far) in [("192.0.2.1/24", "192.0.2.2/24"), ("2001:db8::1/64", "2001:db8::2/64")] {
        let no_dad: &[&str] = if address.contains(':') { &["nodad"] } else { &[] };
        host.ip(&[&["address", "add", address, "dev", "near0"], no_dad].concat());
        host.ip_in("away", &[&["address", "add", far, "dev", "far0"], no_dad].concat());
    }
    host.ip(&["link", "set", "near0", "up"]);
    host.ip_in("away", &["link", "set", "far0", "up"]);
}

fn to(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn a_server_says_whom_it_sees_and_who_expects_otherwise_hears_of_it() {
    host(|host| {
        away(host);
        let _server = Server::start("away", "away", &[80]);
        for transport in Transport::ALL {
            for (at, seen) in [("192.0.2.2:80", "192.0.2.1"), ("[2001:db8::2]:80", "2001:db8::1")] {
                let one = Try::nothing("", transport, to(at));
                let seen = seen.parse().unwrap();
                attempt("answers", &[one.clone().answers("away", seen), one.clone().reaches("away")]);
                for wrong in [one.clone(), one.clone().reaches("near"), one.answers("near", seen)] {
                    let failed = std::panic::catch_unwind(|| attempt("wrong", std::slice::from_ref(&wrong)));
                    assert!(failed.is_err(), "{wrong}");
                }
            }
            attempt("nobody", &[Try::nothing("", transport, to("192.0.2.2:81"))]);
        }
        let large = Try::nothing("", Transport::Udp, to("192.0.2.2:80")).of_size(60_000);
        attempt("a large datagram", &[large.reaches("away")]);
    });
}

#[test]
fn a_tap_sends_and_sees_frames() {
    host(|host| {
        away(host);
        let tap = inside("away", || Tap::open("far0")).unwrap();
        let frame =
            |mark: &str| [&[0xff; 6][..], &[2, 0, 0, 0, 0, 9], &[0x88, 0xb5], mark.as_bytes()].concat();
        let near = Tap::open("near0").unwrap();
        near.send(&frame("one")).unwrap();
        near.send(&frame("two")).unwrap();
        let frames = tap.frames_until(b"two");
        assert!(frames.iter().any(|one| *one == frame("one")));
        assert!(Tap::open("none0").is_err());
    });
}

#[test]
fn a_thread_without_netfilter_has_other_sockets() {
    host(|host| {
        let inner = without_netfilter(|| {
            UdpSocket::bind("127.0.0.1:0").unwrap();
            host.ip(&["link", "show", "lo"]);
            host.run("nft", &["list", "ruleset"])
        });
        assert!(!inner.success, "{inner:?}");
        assert!(host.run("nft", &["list", "ruleset"]).success);
    });
}
