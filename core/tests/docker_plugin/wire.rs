//! HTTP by hand, so that anything can be said.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use netns::docker::{Server, ServerOptions};
use serde_json::{json, Value};

use crate::control::open;

/// How long an answer may take on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server of this process, and the way to it.
pub(crate) struct Plugin {
    pub(crate) socket: PathBuf,
    pub(crate) server: Option<Server>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Plugin {
    /// Of a controller with the tests' options, at the default place.
    pub(crate) fn start() -> Self {
        let server = Server::start(open().into(), ServerOptions::default()).unwrap();
        Self { socket: server.socket().unwrap().to_owned(), server: Some(server) }
    }

    /// One that another process is.
    pub(crate) fn elsewhere() -> Self {
        Self { socket: ServerOptions::SOCKET.into(), server: None }
    }

    pub(crate) fn stop(mut self) {
        self.server.take().unwrap().stop().unwrap();
    }

    /// Sends bytes, and reads all that comes.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<String> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(bytes)?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> io::Result<Reply> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: plugin\r\nAccept: application/vnd.docker.plugins.v1.2+json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.send(&[head.as_bytes(), body].concat()).map(|text| parse(&text))
    }

    /// What the method answers, whatever that is.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, body: &Value) -> Reply {
        let reply = self.post(&format!("/{method}"), body.to_string().as_bytes());
        reply.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// What the method answers, which must be no error; without the key for one.
    #[track_caller]
    pub(crate) fn good(&self, method: &str, body: &Value) -> Value {
        let Reply { status, mut body, .. } = self.call(method, body);
        let own = body.as_object_mut().unwrap();
        let errors = [own.remove("Err"), own.remove("Error")];
        let said: Vec<_> = errors.iter().flatten().filter(|error| *error != "").collect();
        assert!(status == 200 && said.is_empty(), "{method}: {status} {said:?}");
        body
    }

    /// The method must answer with the protocol's error, which says all `words`.
    #[track_caller]
    pub(crate) fn bad(&self, method: &str, body: &Value, words: &[&str]) -> String {
        let reply = self.call(method, body);
        assert_eq!(reply.status, 200, "{method}: {reply:?}");
        said(&reply, method, words)
    }

    /// As [`Plugin::bad`] for what is no request.
    #[track_caller]
    pub(crate) fn refuses(&self, status: u16, method: &str, body: &[u8], words: &[&str]) -> String {
        let reply = self.post(&format!("/{method}"), body).unwrap();
        assert_eq!(reply.status, status, "{method}: {reply:?}");
        // Docker reads this one key of what is not 200.
        assert!(reply.body["Err"].is_string(), "{method}: {reply:?}");
        said(&reply, method, words)
    }
}

#[track_caller]
fn said(reply: &Reply, method: &str, words: &[&str]) -> String {
    let key = if method.starts_with("IpamDriver.") { "Error" } else { "Err" };
    let error = reply.body[key].as_str().unwrap_or_default().to_owned();
    assert!(!error.is_empty(), "{method} did it: {reply:?}");
    for word in words {
        assert!(error.contains(word), "{method}: {word:?} is missing in {error:?}");
    }
    error
}

#[track_caller]
pub(crate) fn parse(text: &str) -> Reply {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = serde_json::from_str(body).unwrap_or(json!(body));
    Reply { status: status.unwrap_or_else(|| panic!("no status: {head:?}")), head: head.to_owned(), body }
}
