//! Namespaces and their types.

use std::path::Path;

use netns::libcontainer::configs::{
    is_namespace_supported, namespace_types, ns_name, Config, Namespace, NamespaceType, Namespaces,
};
use netns::ErrorKind;

const NET: NamespaceType = NamespaceType::NewNet;
const PID: NamespaceType = NamespaceType::NewPid;

#[test]
fn types_have_runcs_names_and_order() {
    let names = namespace_types().map(NamespaceType::as_str);
    assert_eq!(names, ["NEWUSER", "NEWIPC", "NEWUTS", "NEWNET", "NEWPID", "NEWNS", "NEWCGROUP", "NEWTIME"]);
    assert_eq!(namespace_types().map(ns_name), ["user", "ipc", "uts", "net", "pid", "mnt", "cgroup", "time"]);
    for kind in namespace_types() {
        let json = format!("{:?}", kind.as_str());
        assert_eq!(serde_json::to_string(&kind).unwrap(), json);
        assert_eq!(serde_json::from_str::<NamespaceType>(&json).unwrap(), kind);
        assert_eq!(kind.to_string(), kind.as_str());
        assert_eq!(kind.as_str().parse::<NamespaceType>().unwrap(), kind);
    }
    let error = "net".parse::<NamespaceType>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    assert!(error.to_string().contains("\"net\": it is none of NEWUSER, "), "{error}");
}

#[test]
fn a_type_is_supported_when_the_kernel_has_its_file() {
    for _ in 0..2 {
        for kind in namespace_types() {
            assert_eq!(is_namespace_supported(kind), Path::new("/proc/self/ns").join(ns_name(kind)).exists());
        }
    }
    assert!(is_namespace_supported(NET));
}

#[test]
fn each_type_is_there_once() {
    let mut namespaces = Namespaces::default();
    assert!(!namespaces.contains(NET) && !namespaces.is_private(NET) && !namespaces.remove(NET));
    assert_eq!(namespaces.path_of(NET), "");
    namespaces.add(NET, "");
    namespaces.add(PID, "/proc/1/ns/pid");
    assert!(namespaces.contains(NET) && namespaces.is_private(NET) && !namespaces.is_private(PID));
    namespaces.add(NET, "/run/netns/web");
    assert!(namespaces.contains(NET) && !namespaces.is_private(NET));
    assert_eq!(namespaces.path_of(NET), "/run/netns/web");
    let kinds: Vec<_> = namespaces.iter().map(|namespace| namespace.kind).collect();
    assert_eq!(kinds, [NET, PID]);
    assert!(namespaces.remove(NET) && !namespaces.contains(NET) && namespaces.contains(PID));
    let twice = [("", NET), ("/a", NET)].map(|(path, kind)| Namespace { kind, path: path.to_owned() });
    assert_eq!(twice.into_iter().collect::<Namespaces>().path_of(NET), "/a");
}

#[test]
fn clone_flags_are_of_new_namespaces_alone() {
    assert_eq!(Namespaces::default().clone_flags(), 0);
    // Of include/uapi/linux/sched.h.
    let flags = [
        0x1000_0000,
        0x0800_0000,
        0x0400_0000,
        0x4000_0000,
        0x2000_0000,
        0x0002_0000,
        0x0200_0000,
        0x0000_0080,
    ];
    let mut all = Namespaces::default();
    for (kind, flag) in namespace_types().into_iter().zip(flags) {
        let mut one = Namespaces::default();
        one.add(kind, "");
        assert_eq!(one.clone_flags(), flag, "{kind}");
        one.add(kind, "/run/netns/web");
        assert_eq!(one.clone_flags(), 0, "{kind}");
        all.add(kind, "");
    }
    assert_eq!(all.clone_flags(), flags.iter().sum::<u64>());
    all.add(NET, "/run/netns/web");
    assert_eq!(all.clone_flags(), flags.iter().sum::<u64>() - 0x4000_0000);
}

#[test]
fn the_first_of_two_counts_until_they_are_refused() {
    let twice = r#"{"namespaces": [{"type": "NEWNET", "path": "/a"}, {"type": "NEWNET", "path": "/b"}]}"#;
    let config = Config::from_json(twice).unwrap();
    assert_eq!(config.namespaces.path_of(NET), "/a");
    assert!(config.check().unwrap_err().to_string().contains("twice"));
}
