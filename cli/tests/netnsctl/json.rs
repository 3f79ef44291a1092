//! The JSON of every command.

use std::collections::BTreeSet;

use serde_json::json;
use testhost::host;

use crate::common::{commands, json};

/// What follows something, prints no result, or takes the place of the program: other tests have these.
const OTHERS: [&str; 5] = ["completion", "doctor", "events", "sandbox exec", "serve docker"];

#[test]
fn every_command_prints_json_where_it_is_asked_to() {
    host(|_| {
        let mut seen = BTreeSet::new();
        let mut run = |words: &str, args: &[&str]| {
            seen.insert(words.to_owned());
            json(&[words.split(' ').collect::<Vec<_>>().as_slice(), args].concat())
        };
        let nothing = json!(null);
        assert_eq!(run("network create", &["blue", "--subnet", "10.1.0.0/24"])["name"], "blue");
        assert_eq!(run("network ls", &[])[0]["name"], "blue");
        let sandboxes = run("sandbox create", &["web", "db"]);
        assert_eq!(
            sandboxes,
            json!([{ "path": "/run/netns/db", "endpoints": [] }, { "path": "/run/netns/web", "endpoints": [] }])
        );
        assert!(run("plan", &["blue", "web"])["steps"].is_array());
        assert_eq!(run("connect", &["blue", "web"])["sandbox"], "/run/netns/web");
        assert_eq!(run("endpoint create", &["blue", "db"])["sandbox"], nothing);
        assert_eq!(run("join", &["blue", "db", "db"])["interface"]["destination"], json!({ "name": "eth0" }));
        assert_eq!(run("endpoint ls", &[]).as_array().unwrap().len(), 2);
        assert_eq!(run("endpoint inspect", &["blue", "db"])["config"]["name"], "db");
        assert_eq!(run("sandbox ls", &[])[0]["endpoints"][0]["network"], "blue");
        assert_eq!(run("sandbox inspect", &["web"])["gateway"], "10.1.0.1");
        assert_eq!(run("network inspect", &["blue"])["endpoints"].as_array().unwrap().len(), 2);
        assert_eq!(run("publish", &["blue", "db", "8080:80"])[0]["host_ports"], "8080");
        assert_eq!(run("withdraw", &["blue", "db", "8080:80"]), nothing);
        assert_eq!(run("stats", &[])[0]["endpoint"], "db");
        assert_eq!(run("leave", &["blue", "db"]), nothing);
        assert_eq!(run("endpoint rm", &["blue", "db"]), nothing);
        assert_eq!(run("disconnect", &["blue", "web"]), nothing);
        assert_eq!(run("collect", &[]), json!({ "findings": [] }));
        assert_eq!(run("sandbox rm", &["web", "db"]), nothing);
        assert_eq!(run("network rm", &["blue"]), nothing);
        let all = commands();
        let is_parent =
            |words: &[String]| all.iter().any(|other| other.len() > words.len() && other.starts_with(words));
        seen.extend(OTHERS.map(str::to_owned));
        let wanted: BTreeSet<_> =
            all.iter().filter(|words| !is_parent(words)).map(|words| words.join(" ")).collect();
        assert_eq!(seen, wanted);
    });
}
