use super::*;
use crate::error::ErrorKind;

#[track_caller]
fn mapping(text: &str) -> PortMapping {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn range(first: u16, last: u16) -> PortRange {
    PortRange::new(first, last).unwrap()
}

#[test]
fn a_mapping_is_written_as_docker_takes_it() {
    let own = |ports| PortMapping::new(Protocol::Tcp, ports);
    let local = own(range(80, 80)).with_host([127, 0, 0, 1].into());
    let udp = PortMapping::new(Protocol::Udp, range(80, 90)).with_host_ports(range(8000, 8010));
    let all = [
        ("80", "80/tcp", own(range(80, 80))),
        ("80-82/tcp", "80-82/tcp", own(range(80, 82))),
        ("8080:80/TCP", "8080:80/tcp", own(range(80, 80)).with_host_ports(range(8080, 8080))),
        ("8000-8010:80-90/udp", "8000-8010:80-90/udp", udp),
        ("127.0.0.1::80", "127.0.0.1::80/tcp", local.clone()),
        ("127.0.0.1:1:80", "127.0.0.1:1:80/tcp", local.with_host_ports(range(1, 1))),
        (
            "[fd00::1]:65535:65535/sctp",
            "[fd00::1]:65535:65535/sctp",
            PortMapping::new(Protocol::Sctp, range(65535, 65535))
                .with_host("fd00::1".parse().unwrap())
                .with_host_ports(range(65535, 65535)),
        ),
        ("[::]::1-65535", "[::]::1-65535/tcp", own(range(1, 65535)).with_host("::".parse().unwrap())),
    ];
    for (text, written, value) in all {
        assert_eq!(mapping(text), value, "{text}");
        assert_eq!(value.to_string(), written);
        assert_eq!(mapping(written), value, "{written}");
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(serde_json::from_str::<PortMapping>(&json).unwrap(), value, "{json}");
    }
}

#[test]
fn json_is_an_object_or_the_text() {
    let read = |json: &str| serde_json::from_str::<PortMapping>(json);
    let whole = mapping("127.0.0.1:8080:80");
    let json = r#"{"protocol":"tcp","host":"127.0.0.1","host_ports":"8080","ports":"80"}"#;
    assert_eq!(serde_json::to_string(&whole).unwrap(), json);
    let same = r#"{"host":"127.0.0.1","host_ports":8080,"ports":80}"#;
    for json in [json, same, r#""127.0.0.1:8080:80""#] {
        assert_eq!(read(json).unwrap(), whole, "{json}");
    }
    let hostile = [
        "80",
        "null",
        "[]",
        "{}",
        r#""""#,
        r#"{"ports":0}"#,
        r#"{"ports":-1}"#,
        r#"{"ports":65536}"#,
        r#"{"ports":80.5}"#,
        r#"{"ports":[80]}"#,
        r#"{"ports":"80","port":"80"}"#,
        r#"{"ports":"80","protocol":"icmp"}"#,
        r#"{"ports":"80-81","host_ports":"80"}"#,
        r#"{"ports":"80","host":"ff02::1"}"#,
        r#"{"ports":"80","host":"localhost"}"#,
    ];
    for json in hostile {
        let read = read(json);
        assert!(read.is_err(), "{json}: {read:?}");
    }
}

#[test]
fn hostile_text_is_a_bad_request_that_says_why() {
    let none = "it is neither a port nor two with '-' between";
    let hostile = [
        ("", none),
        (":", none),
        ("::", none),
        ("/", "none of sctp, tcp and udp"),
        ("80/", "none of sctp, tcp and udp"),
        ("80/tcp/udp", "none of sctp, tcp and udp"),
        ("80/icmp", "none of sctp, tcp and udp"),
        ("-", none),
        ("80-", none),
        ("-80", none),
        ("80-81-82", none),
        ("+80", none),
        (" 80", none),
        ("80 ", none),
        ("80\0", none),
        ("80\n", none),
        ("٨٠", none),
        ("0x50", none),
        ("8080:", none),
        (":80", none),
        ("0", "0 is no port"),
        ("0-80", "0 is no port"),
        ("8080:0", "0 is no port"),
        ("0:80", "0 is no port"),
        ("65536", "the highest port is 65535"),
        ("1-65536", "the highest port is 65535"),
        ("99999999999999999999999:80", "the highest port is 65535"),
        ("90-80", "the last comes before the first"),
        ("8000-8010:80", "11 of the host's ports cannot be 1 of the endpoint's"),
        ("8000:80-90", "1 of the host's ports cannot be 11 of the endpoint's"),
        (":8080:80", "the host's address is empty"),
        ("::80", "the host's address is empty"),
        ("127.0.0.1:80", "127.0.0.1::80"),
        ("[::1]:80", "[::1]::80"),
        ("::1:8080:80", "in brackets"),
        ("[127.0.0.1]:8080:80", "not given by an address"),
        ("[::1:8080:80", "not given by an address"),
        ("[]:8080:80", "not given by an address"),
        ("[fe80::1%eth0]:8080:80", "not given by an address"),
        ("localhost:8080:80", "not given by an address"),
        ("127.1:8080:80", "not given by an address"),
        ("0127.0.0.1:8080:80", "not given by an address"),
        ("1.2.3.4:5.6.7.8:80:80", "not given by an address"),
        ("[fe80::1]:8080:80", "link-local"),
        ("[::ffff:127.0.0.1]:8080:80", "the IPv4 address as such"),
        ("224.0.0.1:8080:80", "multicast"),
        ("[ff02::1]:8080:80", "multicast"),
        ("255.255.255.255:8080:80", "broadcast"),
    ];
    for (text, cause) in hostile {
        let error = text.parse::<PortMapping>().expect_err(text);
        assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
        assert!(error.to_string().contains(cause), "{text:?}: {error}");
    }
}

#[test]
fn a_range_has_a_first_and_a_last_port() {
    let ports = range(8000, 8010);
    assert_eq!((ports.first(), ports.last(), ports.len()), (8000, 8010, 11));
    assert!(ports.contains(8000) && ports.contains(8010) && !ports.contains(7999) && !ports.contains(8011));
    assert_eq!(range(65534, 65535).into_iter().collect::<Vec<_>>(), [65534, 65535]);
    assert_eq!(range(1, 65535).len(), 65535);
    for (first, last) in [(0, 0), (0, 1), (2, 1)] {
        assert_eq!(PortRange::new(first, last).unwrap_err().kind(), ErrorKind::BadRequest);
    }
}

#[test]
fn mappings_overlap_where_a_packet_could_be_for_both() {
    let overlapping = [
        ("80:80", "80:81"),
        ("80-90:80-90", "90-91:1-2"),
        ("80:80", "127.0.0.1:80:80"),
        ("80:80", "[::1]:80:80"),
        ("0.0.0.0:80:80", "127.0.0.1:80:80"),
        ("[::]:80:80", "[::1]:80:80"),
        ("127.0.0.1:80:80", "127.0.0.1:80:81"),
    ];
    let apart = [
        ("80:80", "81:80"),
        ("80-89:80-89", "90:80"),
        ("80:80/tcp", "80:80/udp"),
        ("127.0.0.1:80:80", "127.0.0.2:80:80"),
        ("127.0.0.1:80:80", "[::1]:80:80"),
        ("0.0.0.0:80:80", "[::]:80:80"),
        ("0.0.0.0:80:80", "[::1]:80:80"),
        ("80", "80"),
        ("80:80", "80"),
    ];
    let all = overlapping.map(|pair| (pair, true)).into_iter().chain(apart.map(|pair| (pair, false)));
    for ((a, b), expected) in all {
        assert_eq!(mapping(a).overlaps(&mapping(b)), expected, "{a} {b}");
        assert_eq!(mapping(b).overlaps(&mapping(a)), expected, "{b} {a}");
    }
}
