//! What concerns the whole process, in a test binary that runs this one test.

use std::fs::{self, File};

#[test]
fn descriptors_are_counted_and_skips_and_reports_recorded() {
    let before = testhost::descriptors();
    let file = File::open("/dev/null").unwrap();
    assert_eq!(testhost::descriptors(), before + 1);
    drop(file);
    testhost::host(|host| host.dump());
    assert_eq!(testhost::descriptors(), before);

    let path = std::env::temp_dir().join(format!("testhost-skipped-{}", std::process::id()));
    std::env::set_var("NETNS_TEST_SKIPPED", &path);
    testhost::skip("a_vlan_is_tagged", "no vlan in this kernel");
    testhost::skip("a_netkit_is_paired", "no netkit in this kernel");
    let lines = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(
        lines,
        "a_vlan_is_tagged: no vlan in this kernel\na_netkit_is_paired: no netkit in this kernel\n"
    );

    testhost::report("1 kill points: told to nobody");
    std::env::set_var("NETNS_TEST_REPORT", &path);
    testhost::report("7 kill points: a life");
    testhost::report("35 injected errors: writes");
    let lines = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(lines, "7 kill points: a life\n35 injected errors: writes\n");
}
