//! What the C ABI costs over core: the same join through both, in turn, in one process.
//!
//! `NETNS_LIBDIR` is where `libnetns.so` is, as `make lib` lays it out. Results go to `target/bench/ffi.json`.

use std::ffi::{c_char, c_int, c_uint, c_void, CString};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use netns::ipnet::{IpNet, Ipv4Net};
use netns::{
    Controller, ControllerOptions, EndpointConfig, EndpointOptions, Network, NetworkConfig, NetworkOptions,
    Sandbox, SandboxKey,
};
use netns_benches::figures::{target, Figures};
use netns_benches::rig::settle;
use netns_benches::stats::{median, timed, Bound, Pairs};

/// Pairs in a round; all its sandboxes stay until it is over, since dying ones hold the kernel's lock.
const ROUND: u32 = 50;
const ROUNDS: u32 = 8;
/// Before each sample, so that it does not pay for what the kernel put off of the one before.
const PAUSE: Duration = Duration::from_millis(4);
/// `lo` and the four bridges.
const LINKS: usize = 5;

fn main() {
    testhost::host(|_| measure().write("ffi.json"));
}

/// The functions of `join.c`, in a shared object that is linked with the library.
struct InC(*mut c_void);

impl InC {
    fn build() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let library = std::env::var_os("NETNS_LIBDIR").map_or_else(|| target().join("lib"), PathBuf::from);
        let object = target().join("bench/join.so");
        std::fs::create_dir_all(target().join("bench")).expect("target/bench");
        let status = Command::new("cc")
            .args(["-std=c99", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-o"])
            .arg(&object)
            .arg(here.join("benches/join.c"))
            .arg("-I")
            .arg(here.join("../include"))
            .arg("-L")
            .arg(&library)
            .arg("-lnetns")
            .arg(format!("-Wl,-rpath,{}", library.display()))
            .status()
            .expect("cc");
        assert!(status.success(), "join.c does not compile");
        let path = CString::new(object.to_str().expect("UTF-8")).expect("no NUL");
        // SAFETY: a string; the object has no constructors but its libraries'.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        assert!(!handle.is_null(), "{} cannot be loaded", object.display());
        Self(handle)
    }

    fn symbol(&self, name: &str) -> *mut c_void {
        let name = CString::new(name).expect("no NUL");
        // SAFETY: an open handle and a string.
        let symbol = unsafe { libc::dlsym(self.0, name.as_ptr().cast::<c_char>()) };
        assert!(!symbol.is_null(), "{name:?} is missing");
        symbol
    }

    /// `int NAME(void)`.
    fn plain(&self, name: &'static str) -> impl Fn() {
        // SAFETY: that is how `join.c` declares it.
        let function: extern "C" fn() -> c_int = unsafe { std::mem::transmute(self.symbol(name)) };
        move || assert_eq!(function(), 0, "{name}")
    }

    /// `int NAME(unsigned slot)`.
    fn of_slot(&self, name: &'static str) -> impl Fn(u32) {
        // SAFETY: that is how `join.c` declares it.
        let function: extern "C" fn(c_uint) -> c_int = unsafe { std::mem::transmute(self.symbol(name)) };
        move |slot| assert_eq!(function(slot), 0, "{name} {slot}")
    }

    /// Nanoseconds a call of what `double NAME(unsigned calls)` calls.
    fn ns(&self, name: &str, calls: u32) -> f64 {
        // SAFETY: that is how `join.c` declares it.
        let function: extern "C" fn(c_uint) -> f64 = unsafe { std::mem::transmute(self.symbol(name)) };
        let ns = function(calls);
        assert!(ns >= 0.0, "{name}");
        ns
    }
}

type Join<'a> = dyn Fn(u32, Option<&Sandbox>) + 'a;

/// Both ways to a sandbox with a network, step by step.
struct Side<'a> {
    sandbox: Box<dyn Fn(u32) -> Option<Sandbox> + 'a>,
    join: Box<Join<'a>>,
    /// The handle goes, the sandbox stays.
    free: Box<dyn Fn(Option<Sandbox>) + 'a>,
    remove: Box<dyn Fn(u32) + 'a>,
}

/// C's pairs are called ours, Rust's the floor.
fn compare(c: &Side<'_>, rust: &Side<'_>) -> (Pairs, Pairs) {
    let (mut joins, mut wholes) = (Pairs::default(), Pairs::default());
    let sample = |side: &Side<'_>, slot| {
        std::thread::sleep(PAUSE);
        let (made, sandbox) = timed(|| (side.sandbox)(slot));
        let (joined, ()) = timed(|| (side.join)(slot, sandbox.as_ref()));
        (side.free)(sandbox);
        (joined, made + joined)
    };
    // The first round warms caches and the kernel's slabs and is not counted.
    for round in 0..=ROUNDS {
        let slots: Vec<u32> = (round * ROUND + 2..(round + 1) * ROUND + 2).collect();
        for slot in &slots {
            let (ours, floor) = if slot % 2 == 0 {
                let ours = sample(c, *slot);
                (ours, sample(rust, *slot))
            } else {
                let floor = sample(rust, *slot);
                (sample(c, *slot), floor)
            };
            if round > 0 {
                joins.ours.push(ours.0);
                joins.floor.push(floor.0);
                wholes.ours.push(ours.1);
                wholes.floor.push(floor.1);
            }
        }
        slots.iter().for_each(|slot| (c.remove)(*slot));
        slots.iter().for_each(|slot| (rust.remove)(*slot));
        settle(LINKS);
    }
    (joins, wholes)
}

fn measure() -> Figures {
    let c = InC::build();
    c.plain("bench_begin")();
    let gateway: Ipv4Net = "10.96.0.1/16".parse().expect("a gateway");
    let options = NetworkOptions::default().with_gateway(IpNet::V4(gateway));
    let network = Network::create("bridge", "rust", options).expect("a network");
    let mut options = ControllerOptions::default();
    options.networks_dir = "/run/rust/networks".into();
    options.run_dir = "/run/rust".into();
    let controller = Controller::open(options).expect("a controller");
    let config = NetworkConfig::new("bridge", "rnet").expect("a name");
    let config = config.with_subnet("10.94.0.0/16".parse().expect("a subnet"));
    controller.create_network(config).expect("a network");

    let (join, whole) = compare(&bridge_in_c(&c), &bridge_in_rust(&network));
    let (connect, managed) = compare(&managed_in_c(&c), &managed_in_rust(&controller));
    println!("{}", join.line("join of a bridge (floor: Rust)"));
    println!("{}", whole.line("sandbox and join (floor: Rust)"));
    println!("{}", connect.line("connect by a controller (Rust)"));
    println!("{}", managed.line("sandbox and connect (Rust)"));

    (bridge_in_c(&c).sandbox)(60_000);
    (bridge_in_c(&c).join)(60_000, None);
    let key = c.ns("bench_key_ns", 10_000_000);
    let list = c.ns("bench_list_ns", 10_000_000);
    let interfaces = c.ns("bench_interfaces_ns", 5_000);
    c.plain("bench_free")();
    (bridge_in_c(&c).remove)(60_000);
    settle(LINKS);
    let mut figures = Figures::default();
    figures.report("c_join_over_rust", join.ratio(), "", Bound::AtMost(1.02));
    figures.report("key_ns", key, "ns", Bound::AtMost(200.0));
    figures.report("interface_list_ns", list, "ns", Bound::AtMost(200.0));
    println!("interfaces read from the kernel: {:.1} us", interfaces / 1e3);
    c.plain("bench_end")();
    network.delete().expect("an unused network");
    controller.delete_network("rnet").expect("an unused network");
    figures.keep([
        ("c_join_us", median(&join.ours)),
        ("rust_join_us", median(&join.floor)),
        ("c_sandbox_and_join_over_rust", whole.ratio()),
        ("c_connect_over_rust", connect.ratio()),
        ("c_connect_us", median(&connect.ours)),
        ("c_sandbox_and_connect_over_rust", managed.ratio()),
        ("interfaces_from_kernel_us", interfaces / 1e3),
    ]);
    figures
}

fn in_c<'a>(c: &InC, names: [&'static str; 3]) -> Side<'a> {
    let [sandbox, join, remove] = names.map(|name| c.of_slot(name));
    let free = c.plain("bench_free");
    Side {
        sandbox: Box::new(move |slot| {
            sandbox(slot);
            None
        }),
        join: Box::new(move |slot, _| join(slot)),
        free: Box::new(move |_| free()),
        remove: Box::new(remove),
    }
}

fn bridge_in_c<'a>(c: &InC) -> Side<'a> {
    in_c(c, ["bench_sandbox", "bench_join", "bench_remove"])
}

fn managed_in_c<'a>(c: &InC) -> Side<'a> {
    in_c(c, ["bench_managed_sandbox", "bench_connect", "bench_managed_remove"])
}

fn bridge_in_rust(network: &Network) -> Side<'_> {
    let key = |slot| SandboxKey::new(&format!("r{slot}")).expect("a key");
    let join = |slot: u32, sandbox: Option<&Sandbox>| {
        let [_, _, high, low] = slot.to_be_bytes();
        let address = Ipv4Net::new_assert(Ipv4Addr::new(10, 96, high, low), 16);
        let endpoint = EndpointOptions::new(&format!("endpoint{slot}")).expect("a name");
        let endpoint = endpoint.with_address(IpNet::V4(address));
        network.join(sandbox.expect("a sandbox"), &endpoint).expect("a join");
    };
    Side {
        sandbox: Box::new(move |slot| Some(Sandbox::create(&key(slot)).expect("a sandbox"))),
        join: Box::new(join),
        free: Box::new(drop),
        remove: Box::new(move |slot| Sandbox::remove(&key(slot)).expect("a removed sandbox")),
    }
}

fn managed_in_rust(controller: &Controller) -> Side<'_> {
    let join = |slot: u32, sandbox: Option<&Sandbox>| {
        let endpoint = EndpointConfig::new(&format!("e{slot}")).expect("a name");
        controller.connect("rnet", sandbox.expect("a sandbox"), endpoint).expect("a connection");
    };
    Side {
        sandbox: Box::new(|slot| Some(controller.create_sandbox(&format!("rm{slot}")).expect("a sandbox"))),
        join: Box::new(join),
        free: Box::new(drop),
        remove: Box::new(|slot| controller.remove_sandbox(&format!("rm{slot}")).expect("a removed sandbox")),
    }
}
