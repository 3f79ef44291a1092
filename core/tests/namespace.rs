//! Promises about namespaces as handles, and about the thread that enters them.

mod child;

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use netns::link::{LinkRef, LinkSpec, Place};
use netns::plan::{Action, Plan};
use netns::{
    EndpointOptions, ErrorKind, Interface, InterfaceName, Namespace, Network, NetworkOptions, Sandbox,
    SandboxKey, StaticRoute,
};
use nix::sys::resource::{getrlimit, setrlimit, Resource};
use nix::unistd::{setuid, Uid};
use testhost::host;

const NOBODY: u32 = 65_534;
const NO_OTHER_USER: &str = "there is no user but root in this user namespace";

/// The network and mount namespaces of the calling thread, looked up without the library.
fn here() -> [PathBuf; 2] {
    ["net", "mnt"].map(|kind| fs::read_link(format!("/proc/thread-self/ns/{kind}")).unwrap())
}

/// The text by which the kernel names `namespace`, for a comparison with [`here`].
fn link_of(namespace: &Namespace) -> PathBuf {
    namespace.id().to_string().into()
}

/// The result of `call`, which leaves the calling thread where it was.
#[track_caller]
fn staying<T>(call: impl FnOnce() -> T) -> T {
    let before = here();
    let result = call();
    assert_eq!(here(), before, "the call changed the thread's namespaces");
    result
}

#[track_caller]
fn succeeds<T>(call: impl FnOnce() -> netns::Result<T>) -> T {
    staying(call).unwrap()
}

#[track_caller]
fn fails<T>(kind: ErrorKind, call: impl FnOnce() -> netns::Result<T>) {
    match staying(call) {
        Ok(_) => panic!("the call should fail with {kind:?}"),
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
    }
}

fn key(name: &str) -> SandboxKey {
    SandboxKey::new(name).unwrap()
}

#[test]
fn the_current_namespace_is_the_one_that_proc_names() {
    host(|_| {
        let current = Namespace::current().unwrap();
        let file = fs::metadata("/proc/thread-self/ns/net").unwrap();
        assert_eq!((current.id().device, current.id().inode), (file.dev(), file.ino()));
        assert_eq!(link_of(&current), here()[0]);
    });
}

#[test]
fn a_created_namespace_is_a_fresh_one() {
    host(|host| {
        host.ip(&["link", "add", "mine", "type", "bridge"]);
        let fresh = succeeds(Namespace::create);
        assert_ne!(link_of(&fresh), here()[0]);
        assert_ne!(fresh.id(), succeeds(Namespace::create).id());
        let names = fresh.run(|| host.ip(&["link", "show"])).unwrap();
        assert!(!names.to_string().contains("mine"), "{names}");
        assert_eq!(host.netns_list(), [""; 0], "nothing but the handle keeps it alive");
    });
}

#[test]
fn path_pid_and_descriptor_open_the_same_namespace() {
    host(|host| {
        host.ip(&["netns", "add", "web"]);
        let path = Path::new("/run/netns/web");
        let by_path = Namespace::open(path).unwrap();
        let by_fd = Namespace::from_fd(File::open(path).unwrap().into()).unwrap();
        let mut sleeper =
            by_path.run(|| std::process::Command::new("sleep").arg("60").spawn()).unwrap().unwrap();
        let by_pid = Namespace::from_pid(sleeper.id()).unwrap();
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        let inode = fs::metadata(path).unwrap().ino();
        let twin = by_path.try_clone().unwrap();
        for namespace in [&by_path, &by_fd, &by_pid, &twin] {
            assert_eq!(namespace.id().inode, inode);
            assert_eq!(namespace.run(here).unwrap()[0], link_of(&by_path));
        }
        fails(ErrorKind::NotFound, || Namespace::from_pid(sleeper.id()));
    });
}

#[test]
fn a_handle_keeps_the_namespace_that_its_name_lost() {
    host(|host| {
        host.ip(&["netns", "add", "web"]);
        let namespace = Namespace::open(Path::new("/run/netns/web")).unwrap();
        host.ip(&["netns", "delete", "web"]);
        assert_eq!(namespace.run(here).unwrap()[0], link_of(&namespace));
    });
}

#[test]
fn what_is_no_network_namespace_is_refused_by_name() {
    host(|host| {
        fs::write("/run/plain", "").unwrap();
        assert!(host.run("mkfifo", &["/run/fifo"]).success);
        let _listener = UnixListener::bind("/run/socket").unwrap();
        for path in [
            "/run/plain",
            "/run/fifo",
            "/run/socket",
            "/run",
            "/dev/null",
            "/proc/self/ns/mnt",
            "/proc/self/ns/user",
            "/proc/self/status",
        ] {
            let begin = Instant::now();
            let error = Namespace::open(Path::new(path)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
            assert!(error.to_string().contains(path), "{error}");
            assert!(error.to_string().contains("no network namespace"), "{error}");
            assert!(begin.elapsed() < Duration::from_secs(1), "opening {path} blocked");
        }
        let (socket, _other) = UnixStream::pair().unwrap();
        for fd in [
            OwnedFd::from(socket),
            File::open("/proc/self/ns/mnt").unwrap().into(),
            File::open("/dev/null").unwrap().into(),
        ] {
            fails(ErrorKind::BadRequest, || Namespace::from_fd(fd));
        }
    });
}

#[test]
fn what_is_not_there_is_not_found() {
    host(|_| {
        for path in ["/run/netns/nonesuch", "", "/proc/self/ns/nonesuch"] {
            fails(ErrorKind::NotFound, || Namespace::open(Path::new(path)));
        }
        fails(ErrorKind::NotFound, || Namespace::from_pid(u32::MAX));
        fails(ErrorKind::BadRequest, || Namespace::open(Path::new("/run/with\0nul")));
    });
}

/// What `run` promises, whoever offers it.
fn run_comes_back(namespace: &Namespace, run: &dyn Fn(&mut dyn FnMut()) -> netns::Result<()>) {
    let inside = link_of(namespace);
    let mut seen = PathBuf::new();
    staying(|| run(&mut || seen = here()[0].clone())).unwrap();
    assert_eq!(seen, inside);

    let mut result = Ok(());
    staying(|| run(&mut || result = Err("the closure's own"))).unwrap();
    assert_eq!(result, Err("the closure's own"));

    let payload = staying(|| {
        catch_unwind(AssertUnwindSafe(|| {
            run(&mut || {
                assert_eq!(here()[0], inside);
                std::panic::panic_any(42_u8);
            })
        }))
    });
    assert_eq!(payload.unwrap_err().downcast_ref(), Some(&42_u8));
    staying(|| run(&mut || seen = here()[0].clone())).unwrap();
    assert_eq!(seen, inside, "it works after a panic as before");

    staying(|| {
        run(&mut || {
            // In the namespace that the thread is in already, and in another, from inside.
            staying(|| run(&mut || assert_eq!(here()[0], inside))).unwrap();
            let other = staying(Namespace::create).unwrap();
            assert_eq!(staying(|| other.run(here)).unwrap()[0], link_of(&other));
        })
    })
    .unwrap();
}

#[test]
fn run_comes_back_whatever_the_closure_does() {
    host(|_| {
        let namespace = Namespace::create().unwrap();
        run_comes_back(&namespace, &|f| namespace.run(f));
    });
}

#[test]
fn a_sandbox_runs_as_its_namespace_does() {
    host(|_| {
        let sandbox = Sandbox::create(&key("web")).unwrap();
        run_comes_back(&sandbox.namespace().unwrap(), &|f| sandbox.run(f));
        let inside = sandbox.run(|| sandbox.info()).unwrap();
        inside.expect("the closure may use the sandbox that it runs in");
    });
}

#[test]
fn many_threads_run_at_once_and_each_comes_back() {
    host(|_| {
        let sandboxes: Vec<_> =
            (0..4).map(|number| Sandbox::create(&key(&format!("s{number}"))).unwrap()).collect();
        let links: Vec<_> = sandboxes.iter().map(|sandbox| link_of(&sandbox.namespace().unwrap())).collect();
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for number in 0..8 {
                let (sandboxes, links, start) = (&sandboxes, &links, &start);
                scope.spawn(move || {
                    start.wait();
                    for turn in 0..50 {
                        let chosen = (number + turn) % sandboxes.len();
                        let seen = staying(|| sandboxes[chosen].run(here)).unwrap();
                        assert_eq!(seen[0], links[chosen]);
                    }
                });
            }
        });
    });
}

#[test]
fn no_call_about_a_namespace_moves_the_thread() {
    host(|host| {
        host.ip(&["netns", "add", "theirs"]);
        succeeds(Namespace::current);
        let namespace = succeeds(Namespace::create);
        succeeds(|| Namespace::open(Path::new("/run/netns/theirs")));
        succeeds(|| Namespace::from_pid(std::process::id()));
        succeeds(|| Namespace::from_fd(File::open("/run/netns/theirs").unwrap().into()));
        succeeds(|| namespace.try_clone());
        succeeds(|| namespace.run(|| ()));
        let kept = Path::new("/run/netns/kept");
        succeeds(|| namespace.persist(kept));
        fails(ErrorKind::AlreadyExists, || namespace.persist(kept));
        succeeds(|| Namespace::forget(kept));
        succeeds(|| Namespace::forget(kept));
        fails(ErrorKind::Forbidden, || Namespace::forget(Path::new("/run/netns")));
        fails(ErrorKind::NotFound, || Namespace::open(Path::new("/nonesuch")));
        fails(ErrorKind::NotFound, || Namespace::from_pid(u32::MAX));
        fails(ErrorKind::BadRequest, || Namespace::from_fd(File::open("/dev/null").unwrap().into()));
    });
}

#[test]
fn no_call_about_a_sandbox_moves_the_thread() {
    host(|host| {
        let key = key("web");
        let sandbox = succeeds(|| Sandbox::create(&key));
        fails(ErrorKind::AlreadyExists, || Sandbox::create(&key));
        succeeds(|| Sandbox::open(&key));
        fails(ErrorKind::NotFound, || Sandbox::open(&self::key("nonesuch")));
        fs::write("/run/netns/plain", "theirs").unwrap();
        fails(ErrorKind::BadRequest, || Sandbox::open(&self::key("plain")));
        fails(ErrorKind::Forbidden, || Sandbox::remove(&self::key("plain")));

        host.ip(&["link", "add", "ve0", "type", "veth", "peer", "name", "ve1"]);
        let mut interface = Interface::new("ve0").unwrap();
        interface.address = Some("10.1.0.2/24".parse().unwrap());
        let missing = Interface::new("nonesuch").unwrap();
        succeeds(|| sandbox.plan_add_interface(&interface));
        fails(ErrorKind::NotFound, || sandbox.plan_add_interface(&missing));
        let added = succeeds(|| sandbox.add_interface(&interface));
        fails(ErrorKind::NotFound, || sandbox.add_interface(&missing));
        succeeds(|| sandbox.interfaces());
        succeeds(|| sandbox.info());
        succeeds(|| sandbox.set_gateway(Some("10.1.0.1".parse().unwrap())));
        fails(ErrorKind::BadRequest, || sandbox.set_gateway(Some("10.9.0.1".parse().unwrap())));
        fails(ErrorKind::BadRequest, || sandbox.set_gateway_ipv6(Some("fd00::1".parse().unwrap())));
        let route = StaticRoute {
            destination: "10.2.0.0/24".parse().unwrap(),
            next_hop: Some("10.1.0.9".parse().unwrap()),
        };
        succeeds(|| sandbox.add_static_route(&route));
        fails(ErrorKind::AlreadyExists, || sandbox.add_static_route(&route));
        succeeds(|| sandbox.remove_static_route(&route));
        succeeds(|| sandbox.remove_interface(&added));
        succeeds(|| sandbox.remove_interface(&added));
        succeeds(|| sandbox.namespace());
        succeeds(|| sandbox.run(|| ()));
        succeeds(|| sandbox.destroy());
        succeeds(|| sandbox.destroy());
        succeeds(|| Sandbox::remove(&key));
        fails(ErrorKind::NotFound, || sandbox.namespace());
        fails(ErrorKind::NotFound, || sandbox.run(|| ()));
        fails(ErrorKind::NotFound, || sandbox.info());
        fails(ErrorKind::NotFound, || sandbox.add_interface(&interface));
    });
}

#[test]
fn no_call_about_a_network_moves_the_thread() {
    host(|host| {
        let options = NetworkOptions::default().with_gateway("10.1.0.1/24".parse().unwrap());
        let network = succeeds(|| Network::create("bridge", "blue", options.clone()));
        fails(ErrorKind::NotFound, || Network::create("nonesuch", "red", options.clone()));
        host.ip(&["link", "add", "ve0", "type", "veth", "peer", "name", "ve1"]);
        fails(ErrorKind::AlreadyExists, || {
            Network::create("bridge", "red", options.clone().with_bridge(InterfaceName::new("ve0").unwrap()))
        });
        let sandbox = Sandbox::create(&key("web")).unwrap();
        let web = EndpointOptions::new("web").unwrap().with_address("10.1.0.2/24".parse().unwrap());
        let outside = EndpointOptions::new("out").unwrap().with_address("10.9.0.2/24".parse().unwrap());
        let plan = succeeds(|| network.plan_join(&sandbox, &web));
        succeeds(|| network.apply(&plan, &sandbox));
        fails(ErrorKind::AlreadyExists, || network.apply(&plan, &sandbox));
        succeeds(|| network.unlink("web"));
        succeeds(|| network.join(&sandbox, &web));
        fails(ErrorKind::AlreadyExists, || network.join(&sandbox, &web));
        fails(ErrorKind::BadRequest, || network.join(&sandbox, &outside));
        fails(ErrorKind::Busy, || network.delete());
        let mut nonsense = Plan::default();
        let peerless = netns::link::LinkKind::Bridge { multicast_snooping: false, vlan_default_pvid: 0 };
        let mut spec = LinkSpec::new(InterfaceName::new("x0").unwrap(), peerless);
        spec.master = Some(LinkRef::named(InterfaceName::new("nonesuch").unwrap()));
        nonsense.push(Place::Sandbox, Action::CreateLink(spec));
        fails(ErrorKind::NotFound, || network.apply(&nonsense, &sandbox));
        succeeds(|| network.unlink("web"));
        fails(ErrorKind::BadRequest, || network.unlink("../web"));
        succeeds(|| network.plan_link(&web));
        succeeds(|| network.link(&web));
        fails(ErrorKind::AlreadyExists, || network.link(&web));
        succeeds(|| network.unlink("web"));
        succeeds(|| network.delete());
        succeeds(|| network.delete());
    });
}

/// The child's output, having run to its end.
fn finish(wrapper: &[&str], test: &str, role: &str) -> Output {
    child::command(wrapper, test, role).output().unwrap()
}

#[test]
fn a_process_that_cannot_come_back_aborts_and_says_so() {
    const TEST: &str = "a_process_that_cannot_come_back_aborts_and_says_so";
    if child::role().is_some() {
        let namespace = Namespace::create().unwrap();
        // Who is no longer root has lost the right to go home.
        let _ = namespace.run(|| setuid(Uid::from_raw(NOBODY)).unwrap());
        return;
    }
    host(|host| {
        if !host.run("setpriv", &[&format!("--reuid={NOBODY}"), "true"]).success {
            return testhost::skip(TEST, NO_OTHER_USER);
        }
        let home = here()[0].display().to_string();
        let output = finish(&[], TEST, "lose the right");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(6), "it died of SIGABRT: {text}");
        assert!(
            text.contains(&format!("libnetns: thread cannot return to {home}")) && text.contains("aborting"),
            "{text}"
        );
    });
}

#[test]
fn who_could_not_come_back_is_refused_before_leaving() {
    const TEST: &str = "who_could_not_come_back_is_refused_before_leaving";
    if child::role().is_some() {
        // Root of a user namespace, but not in one of its own networks: it may leave and not return.
        fails(ErrorKind::PermissionDenied, Namespace::create);
        fails(ErrorKind::PermissionDenied, || Sandbox::create(&key("web")));
        println!("refused");
        return;
    }
    host(|host| {
        if !host.run("unshare", &["--user", "true"]).success {
            return testhost::skip(TEST, "this machine allows no user namespaces");
        }
        let before = host.dump();
        let output = finish(&["unshare", "--user", "--map-root-user", "--"], TEST, "leave");
        assert!(
            output.status.success() && String::from_utf8_lossy(&output.stdout).contains("refused"),
            "{output:?}"
        );
        host.assert_returns_to(&before, "a sandbox that could not be made");
    });
}

#[test]
fn without_privileges_creating_is_denied_and_leaves_nothing() {
    const TEST: &str = "without_privileges_creating_is_denied_and_leaves_nothing";
    if child::role().is_some() {
        let denied = [
            staying(|| Sandbox::create(&key("web"))).map(drop),
            staying(|| Network::create("bridge", "blue", NetworkOptions::default())).map(drop),
            staying(Namespace::create).map(drop),
            staying(|| Namespace::open(Path::new("/run/netns/theirs")).unwrap().run(|| ())),
            staying(|| Sandbox::open(&key("theirs"))).map(drop),
        ];
        for result in denied {
            let error = result.unwrap_err();
            println!("\n{:?}: {error}", error.kind());
        }
        return;
    }
    host(|host| {
        host.ip(&["netns", "add", "theirs"]);
        let before = host.dump();
        let no_capabilities = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
        let nobody = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--bounding-set=-all",
            "--inh-caps=-all",
        ];
        for wrapper in [&no_capabilities[..], &nobody] {
            if !host.run(wrapper[0], &[&wrapper[1..], &["true"]].concat()).success {
                testhost::skip(TEST, NO_OTHER_USER);
                continue;
            }
            let output = finish(wrapper, TEST, "try");
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{output:?}");
            let denied: Vec<_> =
                text.lines().filter_map(|line| line.strip_prefix("PermissionDenied: ")).collect();
            assert_eq!(denied.len(), 5, "{text}");
            assert!(
                denied[0].starts_with("create sandbox /run/netns/web: ")
                    && denied[0].contains("CAP_SYS_ADMIN"),
                "{text}"
            );
            assert!(
                denied[1].starts_with("create network \"blue\": ") && denied[1].contains("CAP_NET_ADMIN"),
                "{text}"
            );
            for line in &denied[2..] {
                assert!(line.contains("CAP_SYS_ADMIN"), "{line}");
            }
            host.assert_returns_to(&before, "what could not be made");
        }
    });
}

#[test]
fn whatever_descriptor_runs_out_creating_leaves_nothing() {
    const TEST: &str = "whatever_descriptor_runs_out_creating_leaves_nothing";
    if child::role().is_some() {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let open = testhost::descriptors();
        for limit in 0.. {
            let before = here();
            setrlimit(Resource::RLIMIT_NOFILE, limit, hard).unwrap();
            let result = Sandbox::create(&key("web"));
            setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
            assert_eq!(here(), before);
            match result {
                Ok(sandbox) => return sandbox.destroy().unwrap(),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
                    println!("\n{error}");
                }
            }
            assert!(!Path::new("/run/netns/web").exists());
            assert_eq!(testhost::descriptors(), open);
        }
    }
    host(|host| {
        host.ip(&["netns", "add", "first"]);
        host.ip(&["netns", "delete", "first"]);
        let before = host.dump();
        let output = finish(&[], TEST, "run out");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        for what in ["ns/net", "route socket", "disable_ipv6"] {
            assert!(text.contains(what), "no {what} in {text}");
        }
        host.assert_returns_to(&before, "a sandbox for which there were no descriptors");
    });
}
