//! Plugins by HTTPS, as their spec files say.
#![cfg(feature = "plugin-tls")]

mod common;
mod control;
mod plugin;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use netns::{Controller, ErrorKind};
use plugin::{options, Plugin};
use serde_json::json;
use testhost::{host, Host};

fn openssl(directory: &Path, words: &str) {
    let output = Command::new("openssl").args(words.split(' ')).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An authority, and what it has signed: `server` for 127.0.0.1, and `client`.
fn certificates() -> PathBuf {
    let directory = PathBuf::from("/run/certificates");
    fs::create_dir_all(&directory).unwrap();
    let make = |words: &str| openssl(&directory, words);
    for authority in ["ca", "other"] {
        make(&format!("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={authority} -keyout {authority}.key -out {authority}.pem"));
    }
    for (name, names) in [("server", "subjectAltName=IP:127.0.0.1"), ("client", "subjectAltName=DNS:client")]
    {
        fs::write(directory.join(format!("{name}.ext")), names).unwrap();
        make(&format!("req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"));
        make(&format!("x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile {name}.ext -out {name}.pem"));
    }
    directory
}

fn free_port(host: &Host) -> u16 {
    host.ip(&["link", "set", "lo", "up"]);
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn spec(name: &str, port: u16, tls: &serde_json::Value) {
    fs::create_dir_all("/run/specs").unwrap();
    let addr = format!("https://127.0.0.1:{port}");
    fs::write(format!("/run/specs/{name}.json"), json!({"Addr": addr, "TLSConfig": tls}).to_string())
        .unwrap();
}

#[test]
fn a_plugin_is_trusted_by_its_authority_or_on_request_by_anything() {
    host(|host| {
        let files = certificates();
        let at = |file: &str| files.join(file).to_str().unwrap().to_owned();
        let port = free_port(host);
        let _plugin = Plugin::start_at(
            "secret",
            &port.to_string(),
            &[&files.join("server.pem"), &files.join("server.key")],
        );
        let activate = |tls: serde_json::Value| {
            spec("secret", port, &tls);
            Controller::open(options(Duration::from_secs(5))).unwrap().activate_plugin("secret")
        };
        for good in [
            json!({"CAFile": at("ca.pem")}),
            json!({"cafile": at("ca.pem")}),
            json!({"InsecureSkipVerify": true}),
        ] {
            assert_eq!(activate(good).unwrap(), ["NetworkDriver", "IpamDriver"]);
        }
        for bad in [json!({"CAFile": at("other.pem")}), json!({})] {
            let error = activate(bad).unwrap_err();
            assert!(error.to_string().contains("secret"), "{error}");
        }
        let wrong = [
            (json!({"CAFile": at("nothing.pem")}), "nothing.pem"),
            (json!({"CAFile": at("server.ext")}), "server.ext"),
            (json!({"CAFile": at("ca.pem"), "CertFile": at("client.pem")}), "KeyFile"),
            (json!({"CAFile": at("ca.pem"), "KeyFile": at("client.key")}), "CertFile"),
            (json!({"CAFile": 7}), "TLSConfig"),
            (json!({"CAFile": "ca.pem"}), "not absolute"),
            (json!({"CAFile": "/dev/zero"}), "no regular file"),
            (
                json!({"CAFile": at("ca.pem"), "CertFile": at("pipe"), "KeyFile": at("pipe")}),
                "no regular file",
            ),
            (json!({"CAFile": at("huge.pem")}), "longer than 4096 KiB"),
        ];
        assert!(Command::new("mkfifo").arg(files.join("pipe")).status().unwrap().success());
        fs::File::create(files.join("huge.pem")).unwrap().set_len((4 << 20) + 1).unwrap();
        for (tls, cause) in wrong {
            let error = activate(tls).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
            assert!(error.to_string().contains(cause), "{error}");
        }
    });
}

#[test]
fn a_plugin_that_asks_who_calls_is_told_by_certificate() {
    host(|host| {
        let files = certificates();
        let at = |file: &str| files.join(file).to_str().unwrap().to_owned();
        let port = free_port(host);
        let own = ["server.pem", "server.key", "ca.pem"].map(|file| files.join(file));
        let _plugin = Plugin::start_at("secret", &port.to_string(), &own.each_ref().map(PathBuf::as_path));
        let open = || Controller::open(options(Duration::from_millis(900))).unwrap();
        spec("secret", port, &json!({"CAFile": at("ca.pem")}));
        assert!(open().activate_plugin("secret").is_err());
        let whole =
            json!({"CAFile": at("ca.pem"), "CertFile": at("client.pem"), "KeyFile": at("client.key")});
        spec("secret", port, &whole);
        assert_eq!(open().activate_plugin("secret").unwrap(), ["NetworkDriver", "IpamDriver"]);
    });
}

#[test]
fn a_plugin_by_tcp_needs_no_tls() {
    host(|host| {
        let port = free_port(host);
        let _plugin = Plugin::start_at("plain", &port.to_string(), &[]);
        fs::create_dir_all("/run/specs").unwrap();
        for url in ["tcp", "http"] {
            fs::write("/run/specs/plain.spec", format!("{url}://127.0.0.1:{port}\n")).unwrap();
            let controller = Controller::open(options(Duration::from_secs(5))).unwrap();
            assert_eq!(controller.activate_plugin("plain").unwrap(), ["NetworkDriver", "IpamDriver"]);
        }
        // TLS to a plugin that does not speak it.
        spec("plain2", port, &json!({"InsecureSkipVerify": true}));
        let controller = Controller::open(options(Duration::from_millis(900))).unwrap();
        let error = controller.activate_plugin("plain2").unwrap_err().to_string();
        assert!(error.contains("plain2") && error.contains("Plugin.Activate"), "{error}");
    });
}

#[test]
fn a_plugin_that_moves_is_called_where_its_spec_says_now() {
    host(|host| {
        let files = certificates();
        let own = [files.join("server.pem"), files.join("server.key")];
        let own = own.each_ref().map(PathBuf::as_path);
        let first = free_port(host);
        let plugin = Plugin::start_at("secret", &first.to_string(), &own);
        let trusted_by = |port: u16, ca: &str| spec("secret", port, &json!({"CAFile": files.join(ca)}));
        trusted_by(first, "ca.pem");
        let controller = Controller::open(options(Duration::from_secs(20))).unwrap();
        controller.create_network(control::with_subnets("secret", "far", &["10.7.0.0/24"])).unwrap();
        let second = free_port(host);
        let moved = Plugin::start_at("secret", &second.to_string(), &own);
        trusted_by(second, "ca.pem");
        drop(plugin);
        moved.does(&[("NetworkDriver.CreateEndpoint", json!({}))]);
        controller.create_endpoint("far", control::endpoint("web")).unwrap();
        assert_eq!(moved.calls(), ["NetworkDriver.CreateEndpoint"]);
        // And trusts whom it says now.
        trusted_by(second, "other.pem");
        let error = controller.create_endpoint("far", control::endpoint("db")).unwrap_err().to_string();
        assert!(error.contains("certificate"), "{error}");
        // One that says nothing is no answer, and one that is gone says what it said when it was found.
        fs::write("/run/specs/secret.json", "{").unwrap();
        let impatient = Controller::open(options(Duration::from_millis(400))).unwrap();
        assert!(impatient.activate_plugin("secret").is_err());
        trusted_by(second, "ca.pem");
        impatient.activate_plugin("secret").unwrap();
        fs::write("/run/specs/secret.json", "{").unwrap();
        let error = impatient.create_endpoint("far", control::endpoint("db")).unwrap_err().to_string();
        assert!(error.contains("secret.json"), "{error}");
        fs::remove_file("/run/specs/secret.json").unwrap();
        impatient.create_endpoint("far", control::endpoint("db")).unwrap();
    });
}
