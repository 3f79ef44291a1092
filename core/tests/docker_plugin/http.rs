//! What is no good request is refused, and takes nothing from the others.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use netns::docker::{Server, ServerOptions};
use serde_json::json;
use testhost::host;

use crate::control::{open, settled};
use crate::dockerd::{endpoint, id, join, network, of, of_network};
use crate::wire::{parse, Plugin};

/// Methods that take a request.
const TAKING: [&str; 19] = [
    "NetworkDriver.AllocateNetwork",
    "NetworkDriver.FreeNetwork",
    "NetworkDriver.GwAllocCheck",
    "NetworkDriver.CreateNetwork",
    "NetworkDriver.DeleteNetwork",
    "NetworkDriver.CreateEndpoint",
    "NetworkDriver.DeleteEndpoint",
    "NetworkDriver.EndpointOperInfo",
    "NetworkDriver.Join",
    "NetworkDriver.Leave",
    "NetworkDriver.ProgramExternalConnectivity",
    "NetworkDriver.RevokeExternalConnectivity",
    "NetworkDriver.DiscoverNew",
    "NetworkDriver.DiscoverDelete",
    "IpamDriver.RequestPool",
    "IpamDriver.ReleasePool",
    "IpamDriver.RequestAddress",
    "IpamDriver.ReleaseAddress",
    "NetworkDriver.Join",
];

#[test]
fn it_says_what_it_implements_and_answers_with_the_protocols_type() {
    host(|_| {
        let plugin = Plugin::start();
        for body in ["", "null", "{}", "garbage"] {
            let reply = plugin.post("/Plugin.Activate", body.as_bytes()).unwrap();
            assert_eq!(reply.body, json!({ "Implements": ["NetworkDriver", "IpamDriver"] }));
            assert!(reply.head.contains("application/vnd.docker.plugins.v1.2+json"), "{}", reply.head);
        }
        let capabilities = plugin.good("NetworkDriver.GetCapabilities", &json!(null));
        assert_eq!(
            (&capabilities["Scope"], &capabilities["ConnectivityScope"]),
            (&json!("local"), &json!("local"))
        );
        assert_eq!(plugin.good("NetworkDriver.DiscoverNew", &json!({ "DiscoveryType": 1 })), json!({}));
        assert_eq!(plugin.good("NetworkDriver.DiscoverDelete", &json!({ "DiscoveryType": 1 })), json!({}));
        for method in ["NetworkDriver.AllocateNetwork", "NetworkDriver.FreeNetwork"] {
            plugin.bad(method, &of_network("blue"), &["of one host"]);
        }
        let skipped = |options| plugin.good("NetworkDriver.GwAllocCheck", &json!({ "Options": options }));
        assert_eq!(skipped(json!({})), json!({ "SkipIPv4": false, "SkipIPv6": false }));
        let isolated = json!({ "com.docker.network.generic": { "gateway_mode": "isolated" } });
        assert_eq!(skipped(isolated), json!({ "SkipIPv4": true, "SkipIPv6": true }));
    });
}

#[test]
fn bodies_that_are_no_requests_are_refused_by_every_method_and_leave_nothing() {
    host(|host| {
        let (_, _) = settled(host);
        let plugin = Plugin::start();
        let before = host.dump();
        for method in TAKING {
            for empty in ["", " \n"] {
                plugin.refuses(400, method, empty.as_bytes(), &[method, "empty"]);
            }
            for garbage in ["{", "[]", "7", "\"text\"", "{\"NetworkID\":", "\u{0}\u{1}", "{} {}"] {
                plugin.refuses(400, method, garbage.as_bytes(), &[method]);
            }
            let long = format!("{{\"NetworkID\":\"{}\"}}", "x".repeat(1 << 20));
            plugin.refuses(413, method, long.as_bytes(), &["1048576"]);
            let deep = "[".repeat(100_000);
            plugin.refuses(400, method, deep.as_bytes(), &[method]);
        }
        let wrong = json!({ "NetworkID": 7, "EndpointID": [], "PoolID": {}, "Pool": 7, "Options": "x", "DiscoveryType": "x" });
        for method in TAKING {
            plugin.refuses(400, method, wrong.to_string().as_bytes(), &[method]);
        }
        host.assert_returns_to(&before, "what was refused");
    });
}

#[test]
fn a_body_of_a_mebibyte_is_taken_and_keys_are_read_in_any_case() {
    host(|_| {
        let plugin = Plugin::start();
        let padding = " ".repeat((1 << 20) - of_network("blue").to_string().len());
        let body = of_network("blue").to_string() + &padding;
        let reply = plugin.post("/NetworkDriver.DeleteNetwork", body.as_bytes()).unwrap();
        assert_eq!((reply.status, reply.body), (200, json!({ "Err": "" })));
        let reply = plugin.post("/NetworkDriver.DeleteNetwork", (body + " ").as_bytes()).unwrap();
        assert_eq!(reply.status, 413);
        let lower = json!({ "networkid": id("blue"), "IPV4DATA": null, "ipv6data": null, "options": null });
        plugin.good("NetworkDriver.CreateNetwork", &lower);
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
    });
}

#[test]
fn paths_and_methods_that_are_not_there_are_said_to_be_none() {
    host(|_| {
        let plugin = Plugin::start();
        let long = "x".repeat(5000);
        for path in [
            "/",
            "/NetworkDriver",
            "/NetworkDriver.",
            "/NetworkDriver.Nothing",
            "/networkdriver.join",
            "/x/../Plugin.Activate",
            &format!("/{long}"),
        ] {
            let reply = plugin.post(path, b"{}").unwrap();
            assert_eq!(reply.status, 404, "{path}");
            assert!(reply.body["Err"].is_string(), "{path}: {reply:?}");
        }
        let reply = plugin.post("/IpamDriver.Nothing", b"{}").unwrap();
        assert_eq!(
            (reply.status, reply.body["Err"].is_string(), reply.body["Error"].is_string()),
            (404, true, true)
        );
        for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
            let text =
                plugin.send(format!("{method} /NetworkDriver.Join HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
            let reply = parse(&text.unwrap());
            assert_eq!(reply.status, 405, "{method}");
            assert!(reply.body["Err"].as_str().unwrap().contains(method), "{reply:?}");
            assert!(reply.head.to_lowercase().contains("allow: post"), "{}", reply.head);
        }
        // Whatever is said to it.
        for garbage in ["garbage\r\n\r\n", "POST\r\n\r\n", "\r\n\r\n\r\n", "POST /x HTTP/9.9\r\n\r\n"] {
            let answered = plugin.send(garbage.as_bytes()).unwrap_or_default();
            assert!(answered.is_empty() || answered.starts_with("HTTP/1.1 4"), "{garbage:?}: {answered:?}");
        }
        let headers = "A: b\r\n".repeat(20_000);
        let _ = plugin.send(format!("POST /Plugin.Activate HTTP/1.1\r\n{headers}\r\n").as_bytes());
        plugin.good("Plugin.Activate", &json!({}));
    });
}

#[test]
fn a_body_in_chunks_is_read_and_one_that_never_ends_is_not() {
    host(|_| {
        let plugin = Plugin::start();
        let head = "POST /NetworkDriver.Leave HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        let body = of("blue", "web").to_string();
        let (one, two) = body.split_at(9);
        let chunks = format!("{head}{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n", one.len(), two.len());
        assert_eq!(parse(&plugin.send(chunks.as_bytes()).unwrap()).body, json!({ "Err": "" }));
        let mut stream = UnixStream::connect(&plugin.socket).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        let sent = (0..).take_while(|_| stream.write_all(chunk.as_bytes()).is_ok()).take(1000).count();
        assert!(sent < 1000, "{sent} chunks were taken");
        plugin.good("Plugin.Activate", &json!({}));
    });
}

#[test]
fn slow_clients_are_sent_away_and_keep_nobody_waiting() {
    host(|_| {
        let mut options = ServerOptions::default();
        (options.read_timeout, options.max_connections) = (Duration::from_millis(300), 8);
        let server = Server::start(open().into(), options).unwrap();
        let plugin = Plugin { socket: server.socket().unwrap().to_owned(), server: Some(server) };
        let head = "POST /NetworkDriver.Leave HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n";
        let slow = ["", "POST /Netw", head, &format!("{head}{{\"Netw")];
        let begin = Instant::now();
        // Twice as many as there may be at once.
        let streams: Vec<_> = slow
            .iter()
            .cycle()
            .take(16)
            .map(|said| {
                let mut stream = UnixStream::connect(&plugin.socket).unwrap();
                stream.write_all(said.as_bytes()).unwrap();
                (said, stream)
            })
            .collect();
        plugin.good("Plugin.Activate", &json!({}));
        for (said, mut stream) in streams {
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap_or_else(|error| panic!("{said:?}: {error}"));
            assert!(text.is_empty() || text.starts_with("HTTP/1.1 408"), "{said:?}: {text:?}");
        }
        assert!(begin.elapsed() < Duration::from_secs(60));
    });
}

#[test]
fn ids_that_are_no_names_are_refused_and_unknown_ones_are_not_there() {
    host(|host| {
        let (_, _) = settled(host);
        let plugin = Plugin::start();
        plugin.good("NetworkDriver.CreateNetwork", &network("blue", &json!({})));
        let before = host.dump();
        let long = "a".repeat(10 << 10);
        let hostile =
            ["", "a/b", "../../etc/passwd", "/", ".", "..", &long, "a b", "a\u{0}b", "ä", "-a", "a\nb"];
        for id in hostile {
            let mut requests = [network("blue", &json!({})), endpoint("blue", "web", 2), join("blue", "web")];
            for method in TAKING.iter().filter(|method| method.starts_with("NetworkDriver.")) {
                if ["AllocateNetwork", "DiscoverNew", "DiscoverDelete", "GwAllocCheck"]
                    .iter()
                    .any(|own| method.ends_with(own))
                {
                    continue;
                }
                for request in &mut requests {
                    request["NetworkID"] = id.into();
                    plugin.bad(method, request, &[]);
                }
            }
            for method in [
                "CreateEndpoint",
                "DeleteEndpoint",
                "EndpointOperInfo",
                "Join",
                "Leave",
                "ProgramExternalConnectivity",
                "RevokeExternalConnectivity",
            ] {
                let mut request = endpoint("blue", "web", 2);
                request["EndpointID"] = id.into();
                plugin.bad(&format!("NetworkDriver.{method}"), &request, &["EndpointID"]);
            }
        }
        for (network, named) in [("red", "network"), ("blue", "endpoint")] {
            for method in ["EndpointOperInfo", "Join", "ProgramExternalConnectivity"] {
                plugin.bad(
                    &format!("NetworkDriver.{method}"),
                    &join(network, "web"),
                    &[named, &id(if network == "red" { "red" } else { "web" })],
                );
            }
            // What is gone is gone.
            for method in ["DeleteEndpoint", "Leave", "RevokeExternalConnectivity"] {
                plugin.good(&format!("NetworkDriver.{method}"), &of(network, "web"));
            }
        }
        plugin.bad("NetworkDriver.CreateEndpoint", &endpoint("red", "web", 2), &["network", &id("red")]);
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("red"));
        host.assert_returns_to(&before, "hostile and unknown ids");
    });
}
