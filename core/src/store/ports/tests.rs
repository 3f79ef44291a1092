use rusqlite::Connection;

use super::*;

fn store() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    crate::store::database::create_tables(&connection);
    connection
}

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

fn port(address: &str, port: u16) -> HostPort {
    HostPort { protocol: Protocol::Tcp, address: address.parse().unwrap(), port }
}

fn publish(tx: &Connection, endpoint: &str, ports: &[HostPort]) -> Result<()> {
    take(tx, &name("front"), &name(endpoint), ports)
}

fn count(tx: &Connection) -> u32 {
    tx.query_row("SELECT count(*) FROM port", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_port_is_one_endpoints() {
    let tx = store();
    publish(&tx, "web", &[port("192.0.2.1", 8080), port("192.0.2.1", 8081)]).unwrap();
    let error = publish(&tx, "other", &[port("192.0.2.1", 8081)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let words = "publish ports: port 8081/tcp of 192.0.2.1 is published by web of network front";
    assert_eq!(error.to_string(), words);
    publish(&tx, "other", &[port("192.0.2.2", 8081), port("192.0.2.1", 8082)]).unwrap();
    let udp = HostPort { protocol: Protocol::Udp, ..port("192.0.2.1", 8081) };
    publish(&tx, "other", &[udp]).unwrap();
    assert_eq!(publish(&tx, "web", &[udp]).unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[test]
fn all_addresses_are_those_of_one_family() {
    for (any, one, of_other) in [("0.0.0.0", "192.0.2.1", "::1"), ("::", "fd00::1", "127.0.0.1")] {
        for (first, second) in [(any, one), (one, any), (any, any), (one, one)] {
            let tx = store();
            publish(&tx, "web", &[port(first, 80)]).unwrap();
            publish(&tx, "other", &[port(of_other, 80)]).unwrap();
            let error = publish(&tx, "third", &[port(second, 80)]).unwrap_err();
            let words = format!("port 80/tcp of {first} is published by web");
            assert!(error.to_string().contains(&words), "{first} {second}: {error}");
        }
    }
}

#[test]
fn ports_are_given_back_by_who_has_them() {
    let tx = store();
    let ports = [port("0.0.0.0", 80), port("::", 80), port("::", 81)];
    publish(&tx, "web", &ports).unwrap();
    publish(&tx, "other", &[port("0.0.0.0", 81)]).unwrap();
    let (front, web) = (name("front"), name("web"));
    give_back(&tx, &front, &web, &[port("0.0.0.0", 81), port("192.0.2.1", 80), port("::", 82)]).unwrap();
    assert_eq!(count(&tx), 4);
    give_back(&tx, &front, &web, &ports[..1]).unwrap();
    publish(&tx, "third", &ports[..1]).unwrap();
    assert_eq!(count(&tx), 4);
    for _ in 0..2 {
        give_back(&tx, &front, &web, &ports).unwrap();
        assert_eq!(count(&tx), 2);
    }
    assert_eq!(holder(&tx, ports[0]).unwrap().unwrap().endpoint, "third");
    assert_eq!(holder(&tx, ports[1]).unwrap(), None);
}
