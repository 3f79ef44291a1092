//! Promises of counters.

mod common;
mod control;

use control::{blue, endpoint, open, sandbox};
use netns::stats::{Detail, Source};
use testhost::host;

#[test]
fn what_an_endpoint_sends_and_receives_is_counted_as_the_kernel_counts() {
    host(|host| {
        let controller = open();
        println!("{:?}", controller.meter());
        controller.create_network(blue()).unwrap();
        let a = sandbox(&controller, "a");
        let joined = controller.connect("blue", &a, endpoint("a")).unwrap();
        let id = joined.meter.expect("it is metered");
        let address = joined.address.unwrap().addr();
        host.run("ping", &["-c", "20", "-i", "0.01", "-s", "100", &address.to_string()]);
        let fast = controller.stats("blue", "a", Detail::Fast).unwrap();
        let full = controller.stats("blue", "a", Detail::Full).unwrap();
        println!("{fast:?} {full:?}");
        assert_eq!(fast.source, Source::Counters);
        assert_eq!(controller.meter().unwrap().read(id).unwrap().rx_bytes, fast.stats.rx_bytes);
        assert!(fast.stats.rx_packets >= 20);
        controller.destroy_sandbox(&a).unwrap();
        controller.delete_network("blue").unwrap();
        assert!(!std::path::Path::new("/sys/fs/bpf/libnetns").exists());
    });
}
