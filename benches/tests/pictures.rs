//! The command `pictures` with figures that are made up.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{json, Value};

const PICTURES: [&str; 4] = ["attach", "growth", "counters", "steps"];
const PAGE: &str = "# Page\n<!-- figures:attach -->\nold\n<!-- end -->\n\
                    <!-- figures:growth -->\nold\n<!-- end -->\n<!-- figures:counters -->\nold\n<!-- end -->\n<!-- figures:missed -->\nold\n<!-- end -->\nlast\n";

/// A directory with figures and pages, which goes with it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pictures-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("docs")).expect("a directory");
        fs::write(path.join("docs/benchmarks.md"), PAGE).expect("a page");
        Self(path)
    }

    fn full(name: &str) -> Self {
        let place = Self::new(name);
        place.figures("peers.json", &peers());
        place.figures("scale.json", &scale());
        place.figures("link.json", &link());
        place
    }

    fn figures(&self, file: &str, figures: &Value) {
        fs::write(self.0.join(file), figures.to_string()).expect("figures");
    }

    fn run(&self) -> Output {
        Command::new(env!("CARGO_BIN_EXE_pictures")).args([&self.0, &self.0]).output().expect("pictures")
    }

    fn svg(&self, name: &str) -> String {
        fs::read_to_string(self.0.join("docs/pictures").join(format!("{name}.svg"))).expect("a picture")
    }

    fn page(&self) -> String {
        fs::read_to_string(self.0.join("docs/benchmarks.md")).expect("a page")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn peers() -> Value {
    json!({
        "attach_ms": { "floor": 0.45, "libnetns, Rust": 0.5, "A & B <tool>": 17.25, "Docker": null },
        "attach_p10_ms": { "floor": 0.4, "libnetns, Rust": 0.48, "A & B <tool>": 16.0 },
        "attach_p90_ms": { "floor": 0.5, "libnetns, Rust": 0.61, "A & B <tool>": 19.0 },
        "whole_ms": { "floor": 0.9, "libnetns, Rust": 1.25 },
        "detach_ms": { "floor": 11.5, "libnetns, Rust": 12.75, "A & B <tool>": 79.25 },
        "versions": { "A & B <tool>": "tool 1.4.0\nand more" },
        "not_measured": { "netavark": "there is none" },
        "attach_over_floor": 1.11,
        "gone_us": 70.5,
        "bounds": { "attach_over_floor": ["at most", 1.15], "gone_us": ["at most", 50.0] },
        "machine": { "kernel": "6.18.0", "processors": 2, "processor": "Z80", "measured": "2026-11-22 08:46" },
    })
}

fn scale() -> Value {
    let joins = |most: u64| {
        let row = |sandboxes: u64| {
            let ours = 400.0 + sandboxes as f64 / 4.0;
            json!({
                "sandboxes": sandboxes, "ours_us": ours, "ours_p10_us": ours * 0.9, "ours_p90_us": ours * 1.2,
                "floor_us": ours * 0.9, "plain_us": 17_000.0, "filled_by": "sandboxes",
            })
        };
        [1, 10, most].map(row)
    };
    json!({
        "bridge": joins(1_000),
        "routed": joins(10_000),
        "counters": [
            { "interfaces": 10, "sysfs_us": 450.0, "proc_us": 41.0, "getlink_us": 37.0, "getstats_us": 26.0, "ours_us": 0.5 },
            { "interfaces": 100, "sysfs_us": 4_510.0, "proc_us": 230.0, "getlink_us": 208.0, "getstats_us": 134.0, "ours_us": 2.75 },
        ],
        "packets": { "plain_pps": 1.0 },
    })
}

fn link() -> Value {
    json!({
        "namespace_us": 576.0, "namespace_floor_us": 485.0, "veth_us": 546.0, "veth_floor_us": 447.0,
        "join_us": 1_129.0, "join_floor_us": 949.0, "dual_stack_veth_us": 695.0, "dual_stack_veth_floor_us": 562.0,
        "destroy_us": 31.0, "destroy_floor_us": 17.0,
    })
}

/// All that is written in an SVG document.
fn words(svg: &str) -> BTreeSet<String> {
    let document = roxmltree::Document::parse(svg).expect("well-formed XML");
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.map(|node| node.text().unwrap_or_default().trim().to_owned()).collect()
}

fn assert_has(svg: &str, expected: &[&str]) {
    let words = words(svg);
    for expected in expected {
        assert!(words.contains(*expected), "no {expected:?} in {words:?}");
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn every_series_and_figure_is_in_its_picture() {
    let place = Place::full("all");
    let output = place.run();
    assert!(output.status.success(), "{}", said(&output));
    let attach = [
        "floor",
        "libnetns, Rust",
        "A & B <tool>",
        "450 µs",
        "500 µs",
        "17.2 ms",
        "900 µs",
        "1.25 ms",
        "11.5 ms",
        "12.8 ms",
        "79.2 ms",
        "0.90 ×",
        "1.00 ×",
        "34 ×",
        "1 ms",
        "100 ms",
    ];
    assert_has(&place.svg("attach"), &attach);
    assert!(!words(&place.svg("attach")).contains("Docker"), "a tool without figures");
    assert!(place.svg("attach").contains("Not measured: netavark."));
    let growth =
        ["libnetns 650 µs", "floor 585 µs", "libnetns 2.90 ms", "plain way 17.0 ms", "10,000", "20 ms"];
    assert_has(&place.svg("growth"), &growth);
    let counters = [
        "sysfs 4.51 ms",
        "/proc/net/dev 230 µs",
        "RTM_GETLINK 208 µs",
        "RTM_GETSTATS 134 µs",
        "libnetns 2.8 µs",
        "interfaces",
    ];
    assert_has(&place.svg("counters"), &counters);
    assert_has(
        &place.svg("steps"),
        &["create a sandbox", "576 µs", "485 µs", "destroy it", "31 µs", "17 µs"],
    );
}

#[test]
fn the_page_gets_the_same_figures_between_its_markers() {
    let place = Place::full("page");
    assert!(place.run().status.success());
    let page = place.page();
    let expected = [
        "![connecting a container, by tool, on a logarithmic scale](pictures/attach.svg)",
        "Measured on Linux 6.18.0, 2 processors, Z80, 2026-11-22 08:46 UTC.",
        "| A & B <tool> | 17.2 ms | 16.0 ms to 19.0 ms | 34 × | – | 79.2 ms | tool 1.4.0 |",
        "Not measured: netavark (there is none).",
        "| bridge, 1,000 | 650 µs | 585 µs to 780 µs | 585 µs | 1.11 × | 17.0 ms | 26 × |",
        "| 100 | 2.8 µs | 134 µs | 208 µs | 230 µs | 4.51 ms | 76 × |",
        "Promised bounds that are met: 1 of 2.",
        "| `gone_us` of `peers.json` | 70.50 us | at most 50.00 us |",
        "Measured: `link.json` unknown, `peers.json` 2026-11-22 08:46 UTC, `scale.json` unknown.",
    ];
    for line in expected {
        assert!(page.lines().any(|found| found == line), "no {line:?} in\n{page}");
    }
    assert!(!page.contains("old") && page.starts_with("# Page\n") && page.ends_with("<!-- end -->\nlast\n"));
}

#[test]
fn figures_of_different_machines_are_said_to_be_so() {
    let place = Place::full("machines");
    let mut link = link();
    for (kernel, processors, differs) in [("6.18.0", 2, false), ("6.18.0", 4, true), ("6.12.9", 2, true)] {
        link["machine"] = json!({ "kernel": kernel, "processors": processors, "processor": "Z80" });
        place.figures("link.json", &link);
        assert!(place.run().status.success());
        let page = place.page();
        let warning = page.lines().find(|line| line.contains("Not of one machine"));
        assert_eq!(warning.is_some(), differs, "{page}");
        for file in ["peers.json on Linux 6.18.0, 2 processors", &format!("link.json on Linux {kernel}")] {
            assert!(warning.is_none_or(|warning| warning.contains(file)), "no {file:?} in {warning:?}");
        }
    }
}

#[test]
fn the_same_figures_give_the_same_bytes() {
    let place = Place::full("again");
    let all = |place: &Place| (PICTURES.map(|name| place.svg(name)), place.page());
    assert!(place.run().status.success());
    let first = all(&place);
    assert!(place.run().status.success());
    assert_eq!(all(&place), first);
}

#[test]
fn a_missing_file_or_series_is_said_and_the_others_are_drawn() {
    let place = Place::new("missing");
    let mut scale = scale();
    for row in scale["routed"].as_array_mut().expect("rows") {
        row.as_object_mut().expect("a row").remove("plain_us");
    }
    place.figures("scale.json", &scale);
    let output = place.run();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("attach.svg is left out: peers.json: there is none in"), "{said}");
    assert!(said.contains("growth.svg is left out: scale.json: no plain_us in routed"), "{said}");
    assert_has(&place.svg("counters"), &["libnetns 2.8 µs"]);
    assert!(
        !place.0.join("docs/pictures/attach.svg").exists()
            && !place.0.join("docs/pictures/growth.svg").exists()
    );
    assert!(place.page().contains("<!-- figures:attach -->\nold\n<!-- end -->"), "{}", place.page());
}

#[test]
fn nothing_drawn_is_a_failure() {
    let place = Place::new("nothing");
    let output = place.run();
    assert!(!output.status.success(), "{}", said(&output));
    for name in PICTURES {
        assert!(said(&output).contains(&format!("{name}.svg is left out")), "{}", said(&output));
    }
}

#[test]
fn malformed_figures_are_an_error_with_the_files_name_and_change_nothing() {
    let wrong = ["{", "[]", r#"{ "bridge": [{ "sandboxes": "many" }] }"#, r#"{ "counters": 5 }"#];
    for (text, index) in wrong.into_iter().zip(0..) {
        let place = Place::full(&format!("malformed{index}"));
        fs::write(place.0.join("scale.json"), text).expect("figures");
        let output = place.run();
        assert!(!output.status.success(), "{text}: {}", said(&output));
        assert!(said(&output).contains("scale.json: "), "{text}: {}", said(&output));
        assert!(!place.0.join("docs/pictures").exists() && place.page() == PAGE, "{text}");
    }
}
