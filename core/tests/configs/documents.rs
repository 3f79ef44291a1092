//! Documents that use what configs and states have.

/// Every field, and what else may be there.
pub(crate) const FULL: &str = r#"{
  "parent_death_signal": 9,
  "rootfs": "/var/lib/<root> & \"more\"",
  "namespaces": [
    {"type": "NEWNET", "path": "/run/netns/web"}, {"type": "NEWPID", "path": ""}, {"type": "NEWNS"},
    {"type": "NEWUTS"}, {"type": "NEWIPC"}, {"type": "NEWUSER"}, {"type": "NEWCGROUP"}, {"type": "NEWTIME"}
  ],
  "networks": [
    {"type": "loopback"},
    {
      "type": "veth", "name": "eth0", "bridge": "br0", "mac_address": "02:42:0a:01:00:02",
      "address": "10.1.0.2/24", "gateway": "10.1.0.1", "ipv6_address": "fd01::2/64", "ipv6_gateway": "fd01::1",
      "mtu": 1400, "txqueuelen": 500, "host_interface_name": "web0", "hairpin_mode": true
    }
  ],
  "routes": [
    {"destination": "10.2.0.0/16", "source": "10.1.0.2/24", "gateway": "10.1.0.3", "interface_name": "eth0"},
    {"gateway": "fd01::3", "interface_name": "eth0"}
  ],
  "apparmor_profile": "profile",
  "process_label": "system_u:system_r:svirt_lxc_net_t:s0:c124,c675",
  "Hooks": {
    "prestart": [{"path": "/bin/a", "args": ["a", "<b>"], "env": ["A=1", "B=&"], "dir": "/", "timeout": 1500000000}],
    "createRuntime": [{"path": "/bin/a"}, {"path": "/bin/b", "timeout": null}],
    "createContainer": null,
    "startContainer": [],
    "poststart": [{"path": "/bin/c", "args": null, "env": null}],
    "poststop": [{"path": "/bin/d", "timeout": 9223372036854775807}]
  },
  "version": "1.2.0",
  "labels": ["a=b", "c=\u2028\u2029\u0001\u007f"]
}"#;

/// Of a state file of runc: fields that are none of the network's, empty hooks by all their names.
pub(crate) const RUNCS: &str = r#"{
  "no_pivot_root": false, "parent_death_signal": 0, "rootfs": "/b/rootfs", "umask": null, "readonlyfs": true,
  "rootPropagation": 278528, "mounts": [{"source": "proc", "destination": "/proc", "flags": 0, "relabel": ""}],
  "devices": [{"type": 99, "path": "/dev/null", "major": 1, "minor": 3, "allow": true}],
  "mount_label": "", "hostname": "runc", "domainname": "",
  "namespaces": [
    {"type": "NEWPID", "path": ""}, {"type": "NEWNET", "path": ""}, {"type": "NEWIPC", "path": ""},
    {"type": "NEWUTS", "path": ""}, {"type": "NEWNS", "path": ""}, {"type": "NEWCGROUP", "path": ""}
  ],
  "capabilities": {"Bounding": ["CAP_KILL"], "Effective": ["CAP_KILL"], "Inheritable": null},
  "networks": [{"type": "loopback", "name": "", "bridge": "", "mac_address": "", "address": "127.0.0.1/0",
    "gateway": "localhost", "ipv6_address": "", "ipv6_gateway": "", "mtu": 0, "txqueuelen": 0,
    "host_interface_name": "", "hairpin_mode": false}],
  "routes": null,
  "cgroups": {"path": "/user.slice/c", "resources": {"memory": 18446744073709551615, "cpu_shares": 1e3}},
  "rlimits": [{"type": 7, "hard": 1024, "soft": 1024}], "uid_mappings": null, "sysctl": {"a": "b"},
  "seccomp": null, "no_new_privileges": true,
  "Hooks": {"createContainer": null, "createRuntime": null, "poststart": null, "poststop": null,
    "prestart": null, "startContainer": null},
  "version": "1.2.0", "labels": ["bundle=/b"], "no_new_keyring": false, "intel_rdt": {"deep": [[[[]]]]}
}"#;

pub(crate) const CONFIGS: &[&str] = &[
    "{}",
    r#" {"networks": null, "routes": null, "labels": null, "namespaces": null, "Hooks": null, "rootfs": null,
        "parent_death_signal": null, "version": null, "apparmor_profile": null, "process_label": null} "#,
    FULL,
    RUNCS,
    r#"{"Hooks": {}, "networks": [{}], "routes": [{}]}"#,
    r#"{"networks": [{"type": null, "name": null, "mtu": null, "hairpin_mode": null, "unknown": [1, {"a": 1e999}]}]}"#,
    r#"{"Hooks": {"prestart": [{"path": null, "dir": null}], "unknown": [{"path": "/bin/x"}]}}"#,
    r#"{"networks": [{"mtu": -1, "txqueuelen": 9223372036854775807}], "parent_death_signal": -5}"#,
    r#"{"rootfs": "\u003cb\u003e \ud83d\ude00 \/ \b\f\n\r\t\u0000 é \u2028"}"#,
    r#"{"apparmor_profile": "", "process_label": "", "version": ""}"#,
];

pub(crate) const STATES: &[&str] = &[
    r#"{"id": "a", "status": "creating"}"#,
    r#"{"ociVersion": "1.0.2", "id": "a", "status": "created", "pid": 4711, "bundle": "/b", "annotations": {"z": "<",
        "a": "&", "B": "\u2028"}}"#,
    r#"{"id": "", "status": "paused", "pid": 0, "annotations": {}, "root": "/more"}"#,
    r#"{"ociVersion": null, "id": "a", "status": "stopped", "pid": null, "bundle": null, "annotations": null}"#,
];

/// What does not fit, or is no JSON.
pub(crate) const GO_REFUSES: &[&str] = &[
    "",
    "{",
    "{} {}",
    "[]",
    "7",
    r#"{"rootfs": 7}"#,
    r#"{"rootfs": ["a"]}"#,
    r#"{"parent_death_signal": "9"}"#,
    r#"{"parent_death_signal": 9.0}"#,
    r#"{"parent_death_signal": 1e2}"#,
    r#"{"parent_death_signal": 18446744073709551616}"#,
    r#"{"networks": {}}"#,
    r#"{"networks": [7]}"#,
    r#"{"networks": [["veth", "eth0"]]}"#,
    r#"{"routes": [[]]}"#,
    r#"{"namespaces": [["NEWNET", ""]]}"#,
    r#"{"Hooks": {"prestart": [["/bin/a"]]}}"#,
    r#"{"networks": [{"mtu": 1e400}]}"#,
    r#"{"networks": [{"mtu": 9223372036854775808}]}"#,
    r#"{"networks": [{"mtu": 1500.5}]}"#,
    r#"{"networks": [{"mtu": true}]}"#,
    r#"{"networks": [{"hairpin_mode": 1}]}"#,
    r#"{"routes": [{"gateway": {}}]}"#,
    r#"{"namespaces": [{"type": 1}]}"#,
    r#"{"Hooks": []}"#,
    r#"{"Hooks": {"prestart": {}}}"#,
    r#"{"Hooks": {"unknown": 7}}"#,
    r#"{"Hooks": {"prestart": [{"args": "a"}]}}"#,
    r#"{"Hooks": {"prestart": [{"timeout": "1s"}]}}"#,
    r#"{"Hooks": {"prestart": [{"timeout": 9223372036854775808}]}}"#,
    r#"{"labels": [7]}"#,
    r#"{"labels": "a"}"#,
    "{\"rootfs\": \"a\nb\"",
    r#"{"rootfs": "\x"}"#,
    r#"{rootfs: "a"}"#,
    r#"{"rootfs": "a",}"#,
];
