use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use testhost::host;

use super::*;
use crate::error::ErrorKind;

const RUN: &str = "/run/libnetns";
const DIRECTORY: &str = "/run/libnetns/events";
const ROLE: &str = "NETNS_TEST_ROLE";
const LONG: Duration = Duration::from_secs(5);
/// Of a process that is gone: nobody starts one tick after boot with such a number.
const STALE: &str = "/run/libnetns/events/4194303-1-0.sock";

fn listen() -> Events {
    Events::listen(Path::new(RUN)).unwrap()
}

fn listeners() -> Listeners {
    Listeners::new(Path::new(RUN))
}

fn event(network: &str) -> Event {
    Event { network: Some(network.to_owned()), ..Event::new(EventKind::NetworkCreated) }
}

fn found() -> Vec<PathBuf> {
    sockets(Path::new(DIRECTORY)).unwrap()
}

/// A listener's socket that nobody reads.
fn deaf() -> UnixDatagram {
    fs::create_dir_all(DIRECTORY).unwrap();
    let socket = UnixDatagram::bind(format!("{DIRECTORY}/{}.sock", Process::unique_word().unwrap())).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

fn read(socket: &UnixDatagram) -> Option<Event> {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).ok()?;
    Some(serde_json::from_slice(&buffer[..length]).unwrap())
}

/// `test` of this binary in a process of its own, where [`ROLE`] is set.
fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let test = format!("events::tests::{test}");
    command.args(["--exact", &test, "--nocapture", "--test-threads=1"]).env(ROLE, "child");
    command.stdout(Stdio::null());
    command
}

fn is_child() -> bool {
    std::env::var_os(ROLE).is_some()
}

#[test]
fn all_who_listen_are_told_by_all_who_act() {
    host(|_| {
        let heard = [listen(), listen()];
        let tell = |name: &str| listeners().tell(&[event(name)]);
        thread::scope(|scope| scope.spawn(|| tell("a")).join().unwrap());
        tell("b");
        for events in heard {
            let names: Vec<_> = (0..2).map(|_| events.next_timeout(LONG).unwrap().network.unwrap()).collect();
            assert_eq!(names, ["a", "b"]);
            assert_eq!(events.try_next(), None);
        }
        assert!(found().is_empty());
    });
}

#[test]
fn another_process_is_heard() {
    if is_child() {
        return listeners().tell(&[event("a")]);
    }
    host(|_| {
        let events = listen();
        let mut child = child("another_process_is_heard").spawn().unwrap();
        let heard = events.next_timeout(LONG).unwrap();
        assert_eq!((heard.network.as_deref(), heard.process), (Some("a"), child.id()));
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn an_event_arrives_as_it_was() {
    host(|_| {
        let events = listen();
        let told = Event { sandbox: Some("web".to_owned()), ..event("a") };
        listeners().tell(std::slice::from_ref(&told));
        assert_eq!(events.next_timeout(LONG), Some(told));
    });
}

#[test]
fn json_has_what_applies() {
    let mut event = event("a");
    event.time = from_milliseconds(1_700_000_000_123);
    event.process = 7;
    let json = r#"{"time_ms":1700000000123,"kind":"network_created","network":"a","process":7}"#;
    assert_eq!(serde_json::to_string(&event).unwrap(), json);
    assert_eq!(serde_json::from_str::<Event>(json).unwrap(), event);
}

#[test]
fn without_listeners_nothing_is_made() {
    host(|_| {
        listeners().tell(&[event("a")]);
        assert!(!Path::new(RUN).exists());
        assert!(stale(Path::new(RUN)).unwrap().is_empty());
    });
}

#[test]
fn who_comes_later_is_told_from_then_on() {
    host(|_| {
        let listeners = listeners();
        for _ in 0..20 {
            listeners.tell(&[event("before")]);
            let events = listen();
            listeners.tell(&[event("after")]);
            assert_eq!(events.next_timeout(LONG).unwrap().network.unwrap(), "after");
        }
    });
}

#[test]
fn a_known_listener_is_told_without_reading_the_directory() {
    host(|_| {
        let (listeners, events) = (listeners(), listen());
        thread::sleep(Duration::from_millis(50));
        for name in ["a", "b", "c"] {
            listeners.tell(&[event(name)]);
            assert_eq!(events.next_timeout(LONG).unwrap().network.unwrap(), name);
        }
        drop(events);
        listeners.tell(&[event("d")]);
    });
}

#[test]
fn who_cannot_take_it_learns_how_much_was_missed() {
    host(|_| {
        let (listeners, slow, quick) = (listeners(), deaf(), listen());
        let tell = |number: u64| listeners.tell(&[event(&number.to_string())]);
        (1..=50).for_each(tell);
        let taken =
            std::iter::from_fn(|| read(&slow)).inspect(|event| assert_eq!(event.missed, 0)).count() as u64;
        assert!((1..50).contains(&taken), "{taken}");
        tell(51);
        assert_eq!(read(&slow).unwrap().missed, 50 - taken);
        tell(52);
        assert_eq!(read(&slow).unwrap().missed, 0);

        // One who is slow does not keep others from hearing; what they heard and missed adds up as well.
        let mut sum = 0;
        while let Some(event) = quick.next_timeout(Duration::from_millis(100)) {
            sum += 1 + event.missed;
            assert_eq!(event.network.unwrap(), sum.to_string());
        }
        assert!(sum >= taken, "{sum}");
    });
}

#[test]
fn a_full_queue_counts_what_it_drops() {
    let mut queue = listen::Queue::default();
    for _ in 0..listen::CAPACITY {
        queue.push(event("a"));
    }
    queue.push(event("dropped"));
    queue.push(Event { missed: 3, ..event("dropped") });
    assert!(queue.pop().is_some());
    queue.push(event("last"));
    let last = std::iter::from_fn(|| queue.pop()).last().unwrap();
    assert_eq!((last.network.as_deref(), last.missed), (Some("last"), 5));
}

#[test]
fn a_stale_socket_goes() {
    host(|_| {
        let events = listen();
        drop(UnixDatagram::bind(STALE).unwrap());
        assert_eq!(stale(Path::new(RUN)).unwrap(), [Path::new(STALE)]);
        listeners().tell(&[event("a")]);
        assert!(!Path::new(STALE).exists());
        assert!(events.next_timeout(LONG).is_some());
        assert!(stale(Path::new(RUN)).unwrap().is_empty());
    });
}

#[test]
fn what_a_killed_listener_left_is_found() {
    if is_child() {
        let _events = listen();
        thread::sleep(Duration::from_secs(60));
        return;
    }
    host(|_| {
        let mut child = child("what_a_killed_listener_left_is_found").spawn().unwrap();
        while !Path::new(DIRECTORY).exists() || found().is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(stale(Path::new(RUN)).unwrap().is_empty());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(stale(Path::new(RUN)).unwrap(), found());
        listeners().tell(&[event("a")]);
        assert!(found().is_empty());
    });
}

#[test]
fn a_socket_that_refuses_while_its_process_lives_stays() {
    host(|_| {
        drop(deaf());
        listeners().tell(&[event("a")]);
        assert_eq!(found().len(), 1);
    });
}

#[test]
fn what_is_no_event_is_passed_over() {
    host(|_| {
        let events = listen();
        let sender = UnixDatagram::unbound().unwrap();
        let unknown = r#"{"time_ms":1,"kind":"moon_risen","process":7}"#;
        for text in ["", "{", unknown, "\u{0}"] {
            sender.send_to(text.as_bytes(), &found()[0]).unwrap();
        }
        listeners().tell(&[event("a")]);
        assert_eq!(events.next_timeout(LONG).unwrap().network.unwrap(), "a");
    });
}

#[test]
fn a_closer_ends_who_waits() {
    host(|_| {
        let mut events = listen();
        let closer = events.closer();
        let waiting = thread::spawn(move || events.next());
        thread::sleep(Duration::from_millis(20));
        closer.close();
        assert_eq!(waiting.join().unwrap(), None);
        closer.close();
        assert!(found().is_empty());
    });
}

#[test]
fn nothing_is_heard_after_the_end() {
    host(|_| {
        let events = listen();
        events.closer().close();
        listeners().tell(&[event("a")]);
        assert_eq!(events.next_timeout(LONG), None);
        assert_eq!(events.next_timeout(Duration::MAX), None);
    });
}

#[test]
fn a_timeout_ends_the_wait() {
    host(|_| {
        let events = listen();
        assert_eq!(events.try_next(), None);
        assert_eq!(events.next_timeout(Duration::from_millis(10)), None);
    });
}

#[test]
fn a_subscription_hears_until_it_is_dropped() {
    host(|_| {
        let (heard, receive) = mpsc::channel();
        let subscription = listen().for_each_in_background(move |event| heard.send(event).unwrap()).unwrap();
        listeners().tell(&[event("a")]);
        assert_eq!(receive.recv_timeout(LONG).unwrap().network.unwrap(), "a");
        drop(subscription);
        // The thread, and what it had, is gone.
        assert!(receive.recv().is_err());
        assert!(found().is_empty());
    });
}

#[test]
fn a_panic_of_a_subscriber_is_its_own() {
    host(|_| {
        let events = listen();
        let subscription = listen().for_each_in_background(|_| panic!("a subscriber")).unwrap();
        listeners().tell(&[event("a")]);
        assert!(events.next_timeout(LONG).is_some());
        drop(subscription);
        listeners().tell(&[event("b")]);
        assert!(events.next_timeout(LONG).is_some());
    });
}

#[test]
fn a_subscriber_may_end_itself() {
    host(|_| {
        let (give, take) = mpsc::channel::<Subscription>();
        let (done, is_done) = mpsc::channel();
        let end = move |_| {
            drop(take.recv().unwrap());
            done.send(()).unwrap();
        };
        give.send(listen().for_each_in_background(end).unwrap()).unwrap();
        listeners().tell(&[event("a")]);
        is_done.recv_timeout(LONG).unwrap();
    });
}

#[test]
fn a_long_path_is_a_clear_error() {
    host(|_| {
        let run = format!("/run/{}", "x".repeat(100));
        let error = Events::listen(Path::new(&run)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest);
        assert!(error.to_string().contains("SUN_LEN"), "{error}");
    });
}

/// The signals that the threads of this process block, by the names of these.
fn blocked_signals() -> std::collections::BTreeMap<String, u64> {
    let mut blocked = std::collections::BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").unwrap() {
        // Threads of other tests come and go.
        let Ok(status) = fs::read_to_string(task.unwrap().path().join("status")) else { continue };
        let field = |name: &str| Some(status.lines().find_map(|line| line.strip_prefix(name))?.trim());
        let (Some(name), Some(mask)) = (field("Name:"), field("SigBlk:")) else { continue };
        blocked.insert(name.to_owned(), u64::from_str_radix(mask, 16).unwrap());
    }
    blocked
}

#[test]
fn the_threads_of_the_library_take_no_signals() {
    host(|_| {
        let subscription = listen().for_each_in_background(drop).unwrap();
        let begin = Instant::now();
        // A thread has its name a moment after it was started.
        let blocked = loop {
            let blocked = blocked_signals();
            if blocked.contains_key("netns-events") && blocked.contains_key("netns-subscribe") {
                break blocked;
            }
            assert!(begin.elapsed() < LONG, "{blocked:x?}");
        };
        // SIGKILL and SIGSTOP cannot be blocked, two real-time signals are the C library's own, and the others
        // tell a thread of its own mistakes.
        let free = |signals: &[u32]| signals.iter().map(|signal| 1_u64 << (signal - 1)).sum::<u64>();
        for name in ["netns-events", "netns-subscribe"] {
            assert_eq!(
                blocked[name] | free(&[4, 5, 7, 8, 9, 11, 19, 31, 32, 33]),
                u64::MAX,
                "{name}: {blocked:x?}"
            );
        }
        drop(subscription);
    });
}
