use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkExtentMask, LinkInfo, LinkMessage};
use netlink_packet_route::RouteNetlinkMessage as Message;
use testhost::host;

use super::{Refusal, Request, RouteSocket};
use crate::ErrorKind;

fn named(name: &str) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_owned()));
    message
}

fn create(name: &str, kind: InfoKind) -> Request {
    let mut message = named(name);
    message.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)]));
    Request::new(Message::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
}

fn bridge(name: &str) -> Request {
    create(name, InfoKind::Bridge)
}

fn rename(name: &str, alias: &str) -> Request {
    let mut message = named(name);
    message.attributes.push(LinkAttribute::IfAlias(alias.to_owned()));
    Request::new(Message::NewLink(message), 0)
}

fn delete(name: &str) -> Request {
    Request::new(Message::DelLink(named(name)), 0)
}

fn all_links() -> Message {
    Message::GetLink(LinkMessage::default())
}

fn name(link: &Message) -> String {
    let Message::NewLink(link) = link else { panic!("the list of links has {link:?} in it") };
    let name = link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::IfName(name) => Some(name.clone()),
        _ => None,
    });
    name.expect("every link has a name")
}

fn errno(answer: &Result<(), Refusal>) -> i32 {
    answer.as_ref().err().map_or(0, |refusal| refusal.errno)
}

#[test]
fn a_batch_goes_on_past_a_refused_message_and_tells_which_it_was() {
    host(|host| {
        let mut socket = RouteSocket::open().unwrap();
        let requests =
            [bridge("br0"), bridge("br0"), delete("nonesuch"), bridge("br1"), rename("br1", "theirs")];
        let answers = socket.transact(&requests).unwrap();
        let numbers: Vec<_> = answers.iter().map(errno).collect();
        assert_eq!(numbers, [0, libc::EEXIST, libc::ENODEV, 0, 0]);
        assert_eq!(host.ip(&["link", "show", "br1"])[0]["ifalias"], "theirs");
        let answer = socket.transact_one(delete("br0")).unwrap();
        assert_eq!(answer, Ok(()), "the next exchange has its own answers");
    });
}

#[test]
fn more_messages_than_one_send_takes_are_all_answered_in_order() {
    host(|host| {
        let mut socket = RouteSocket::open().unwrap();
        // Every third is refused, on both sides of each place where a send ends.
        let requests: Vec<_> = (0..350)
            .map(|number| match number % 3 {
                0 => delete("nonesuch"),
                _ => rename("lo", &format!("alias {number}")),
            })
            .collect();
        let answers = socket.transact(&requests).unwrap();
        assert_eq!(answers.len(), 350);
        for (number, answer) in answers.iter().enumerate() {
            let expected = if number % 3 == 0 { libc::ENODEV } else { 0 };
            assert_eq!(errno(answer), expected, "message {number}");
        }
        assert_eq!(host.ip(&["link", "show", "lo"])[0]["ifalias"], "alias 349");
        assert_eq!(socket.transact(&[]).unwrap(), []);
    });
}

#[test]
fn a_refusal_has_the_kernels_own_words() {
    host(|_| {
        let mut socket = RouteSocket::open().unwrap();
        let request = create("x0", InfoKind::Other("nonesuch".to_owned()));
        let refusal = socket.transact_one(request).unwrap().unwrap_err();
        assert_eq!(refusal.errno, libc::EOPNOTSUPP);
        assert_eq!(refusal.message.as_deref(), Some("Unknown device type"));
    });
}

#[test]
fn an_answer_that_carries_data_does_not_disturb_the_others() {
    host(|_| {
        let mut socket = RouteSocket::open().unwrap();
        let look_up = |name| Request::new(Message::GetLink(named(name)), 0);
        let requests = [look_up("lo"), look_up("nonesuch"), bridge("br0"), look_up("br0"), delete("br0")];
        let answers = socket.transact(&requests).unwrap();
        let numbers: Vec<_> = answers.iter().map(errno).collect();
        assert_eq!(numbers, [0, libc::ENODEV, 0, 0, 0]);
    });
}

#[test]
fn a_missing_link_is_none_and_a_wrong_question_an_error() {
    host(|_| {
        let mut socket = RouteSocket::open().unwrap();
        let lo = socket.get(&Message::GetLink(named("lo"))).unwrap();
        assert_eq!(lo.map(|link| name(&link)).as_deref(), Some("lo"));
        assert_eq!(socket.get(&Message::GetLink(named("nonesuch"))).unwrap(), None);
        // Neither an index nor a name: the kernel cannot tell which link is meant.
        let error = socket.get(&all_links()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
        // After an error the socket is as good as before.
        assert!(socket.get(&Message::GetLink(named("lo"))).unwrap().is_some());
    });
}

/// Ends the other thread, when this one fails too.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Lists 600 links, each time while another thread creates and deletes one for as long as
/// `change_for` says; it is told how long a list takes otherwise.
fn list_while_others_change(lists: u32, change_for: fn(Duration) -> Duration) {
    const PAIRS: usize = 300;
    host(|_| {
        let mut socket = RouteSocket::open().unwrap();
        let stay: Vec<_> = (0..PAIRS).map(|number| format!("stay{number}")).collect();
        let requests: Vec<_> = stay.iter().map(|name| create(name, InfoKind::Veth)).collect();
        let answers = socket.transact(&requests).unwrap();
        assert!(answers.iter().all(Result::is_ok));
        let begin = Instant::now();
        socket.dump(&all_links()).unwrap();
        let change_for = change_for(begin.elapsed());

        for _ in 0..lists {
            let done = AtomicBool::new(false);
            let start = Barrier::new(2);
            thread::scope(|scope| {
                let _stop = SetOnDrop(&done);
                scope.spawn(|| {
                    let mut socket = RouteSocket::open().unwrap();
                    start.wait();
                    let begin = Instant::now();
                    while !done.load(Ordering::Relaxed) && begin.elapsed() < change_for {
                        let comes_and_goes = [bridge("come"), delete("come")];
                        let answers = socket.transact(&comes_and_goes).unwrap();
                        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
                    }
                });
                start.wait();
                let links = socket.dump(&all_links()).unwrap();
                let names: Vec<_> = links.iter().map(name).collect();
                let different: HashSet<_> = names.iter().map(String::as_str).collect();
                assert_eq!(different.len(), names.len(), "a link is listed twice");
                assert!(names.len() > 2 * PAIRS, "{} links", names.len());
                for stays in &stay {
                    assert!(different.contains(stays.as_str()), "{stays} is missing");
                }
            });
        }
    });
}

#[test]
fn a_long_list_that_was_interrupted_is_begun_again_and_whole() {
    list_while_others_change(5, |once| 4 * once);
}

#[test]
fn a_list_for_which_there_is_no_room_is_begun_again_with_more() {
    host(|_| {
        let mut socket = RouteSocket::open().unwrap();
        let links: Vec<_> = (0..50).map(|number| create(&format!("link{number}"), InfoKind::Veth)).collect();
        assert!(socket.transact(&links).unwrap().iter().all(Result::is_ok));
        let mut buffer = Vec::with_capacity(64);
        let listed = socket.dump_by(&mut buffer, &all_links()).unwrap();
        assert!(buffer.capacity() > 64, "it has grown to {} bytes", buffer.capacity());
        assert_eq!(listed, socket.dump(&all_links()).unwrap());
        assert!(listed.len() > 100, "{} links", listed.len());
    });
}

#[test]
fn a_socket_stays_in_the_namespace_in_which_it_was_opened() {
    host(|_| {
        let mut socket = RouteSocket::open().unwrap();
        let elsewhere = crate::Namespace::create().unwrap();
        let answer = elsewhere.run(|| socket.transact_one(bridge("br0"))).unwrap();
        assert_eq!(answer.unwrap(), Ok(()));
        let mut inside = elsewhere.run(RouteSocket::open).unwrap().unwrap();
        let looked_up = Message::GetLink(named("br0"));
        assert!(socket.get(&looked_up).unwrap().is_some());
        assert_eq!(inside.get(&looked_up).unwrap(), None);
        let mut slim = named("lo");
        slim.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
        assert!(inside.get(&Message::GetLink(slim)).unwrap().is_some());
    });
}

#[test]
fn many_objects_are_asked_for_together_and_each_has_its_own_answer() {
    host(|host| {
        let mut socket = RouteSocket::open().unwrap();
        host.ip(&["link", "add", "br0", "type", "bridge"]);
        let lo = || Message::GetLink(named("lo"));
        let requests: Vec<_> = (0..250)
            .map(|number| match number % 3 {
                0 => lo(),
                1 => Message::GetLink(named("br0")),
                _ => Message::GetLink(named("notthere")),
            })
            .collect();
        let answers = socket.get_each(&requests).unwrap();
        assert_eq!(answers.len(), requests.len());
        for (number, answer) in answers.iter().enumerate() {
            match number % 3 {
                0 => assert_eq!(name(answer.as_ref().unwrap()), "lo"),
                1 => assert_eq!(name(answer.as_ref().unwrap()), "br0"),
                _ => assert_eq!(answer.as_ref().unwrap_err().errno, libc::ENODEV),
            }
        }
        assert_eq!(socket.get_each(&[]).unwrap().len(), 0);
        // Nothing is left over for who asks next.
        assert_eq!(socket.get(&lo()).unwrap().map(|link| name(&link)).as_deref(), Some("lo"));
    });
}
