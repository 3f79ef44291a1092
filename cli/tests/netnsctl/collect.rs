//! Collecting.

use std::fs;

use serde_json::json;
use testhost::host;

use crate::common::{blue, ctl, json};

#[test]
fn a_dry_run_tells_and_leaves_what_collecting_then_puts_right() {
    host(|host| {
        blue(&["web"]);
        assert_eq!(json(&["collect", "--dry-run"]), json!({ "findings": [] }));
        ctl(&["collect"]).silent();
        host.ip(&["netns", "delete", "web"]);
        let notes = || fs::read_dir("/run/libnetns/sandboxes").unwrap().count();
        for _ in 0..2 {
            let told = ctl(&["collect", "-n"]).well();
            assert!(told.contains("endpoint web of network blue: its sandbox is gone"), "{told}");
            assert!(told.contains("sandbox /run/netns/web: "), "{told}");
            assert_eq!(notes(), 1);
        }
        let collected = json(&["collect"]);
        assert_eq!(collected["findings"][0]["object"], "/run/netns/web", "{collected}");
        assert_eq!((notes(), json(&["endpoint", "ls"])), (0, json!([])));
        ctl(&["collect"]).silent();
    });
}
