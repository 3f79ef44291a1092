//! Connections and requests: HTTP in, bytes to whoever answers, HTTP out.

use std::os::unix::net::UnixListener as StdListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderValue, ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{oneshot, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout, timeout_at};

use super::answer::Answer;
use super::route::Service;
use super::server::failed;
use crate::error::Result;
use crate::plugin::{MAX_BODY, MIME};

/// How long a connection may last in all: a call waits for others, and a client for its answer.
const LIFETIME: Duration = Duration::from_secs(120);
/// How long those that are being answered are waited for in the end.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long to wait when no more descriptors are to be had.
const PAUSE: Duration = Duration::from_millis(50);
/// How much of a body that is too long is read, so that its sender hears why it is refused.
const PATIENCE: usize = 16 * MAX_BODY;

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connections: usize,
    pub(super) read_timeout: Duration,
}

/// A body that is longer than this is rare, and waits until no other such is there: taken apart, JSON is many times as
/// long.
const SMALL: usize = 32 << 10;

/// What all connections have in common.
struct Common {
    service: Arc<Service>,
    limits: Limits,
    /// Who reads or has a long body.
    long: Arc<Semaphore>,
}

/// Answers until `stopped` says something or is dropped, and then until all that was asked is answered; until when
/// what is left is waited for.
pub(super) async fn serve(
    listener: StdListener,
    service: Arc<Service>,
    limits: Limits,
    stopped: oneshot::Receiver<()>,
    started: impl FnOnce(Result<()>) -> bool,
) -> Instant {
    let listener = match UnixListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            started(Err(failed("listen as", error)));
            return Instant::now();
        }
    };
    if !started(Ok(())) {
        return Instant::now();
    }
    let free = Arc::new(Semaphore::new(limits.connections));
    let common = Arc::new(Common { service, limits, long: Arc::new(Semaphore::new(1)) });
    let accepting = tokio::spawn(accept_all(listener, common, Arc::clone(&free)));
    let _ = stopped.await;
    let end = Instant::now() + FAREWELL;
    accepting.abort();
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    let _ = timeout_at(end.into(), free.acquire_many(all)).await;
    end
}

async fn accept_all(listener: UnixListener, common: Arc<Common>, free: Arc<Semaphore>) {
    loop {
        let Some((stream, permit)) = accept(&listener, &free).await else { continue };
        let common = Arc::clone(&common);
        tokio::spawn(async move {
            // What a client does to its own connection is its own affair.
            let _ = timeout(LIFETIME, talk(stream, common)).await;
            drop(permit);
        });
    }
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &UnixListener,
    free: &Arc<Semaphore>,
) -> Option<(UnixStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(free).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            log::warn!("{}", failed("accept connection of", error));
            sleep(PAUSE).await;
            None
        }
    }
}

/// One request and its answer: a connection that was kept could end just when the next request is sent, which
/// Docker would wait a second to repeat.
async fn talk(stream: UnixStream, common: Arc<Common>) -> hyper::Result<()> {
    let read_timeout = common.limits.read_timeout;
    let answer = service_fn(|request| {
        let common = Arc::clone(&common);
        async move { Ok::<_, std::convert::Infallible>(respond(request, common).await) }
    });
    http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(16 << 10)
        .timer(TokioTimer::new())
        .header_read_timeout(read_timeout)
        .serve_connection(TokioIo::new(stream), answer)
        .await
}

async fn respond(request: Request<Incoming>, common: Arc<Common>) -> Response<Full<Bytes>> {
    let name = request.uri().path().strip_prefix('/').unwrap_or_default().to_owned();
    let method = request.method().clone();
    let body = Body { incoming: request.into_body(), read: Vec::new(), length: 0, long: None };
    let answer = match body.whole(&common).await {
        _ if !Service::knows(&name) => Answer::refusal(404, &name, &format!("there is no method {name:?}")),
        _ if method != Method::POST => Answer::refusal(405, &name, &format!("{method} is not POST")),
        Err((status, cause)) => Answer::refusal(status.as_u16(), &name, &cause),
        Ok(body) => {
            let called = name.clone();
            // Calls wait for the kernel and for others: not on this thread.
            let work = move || {
                let answer = common.service.answer(&called, &body.read);
                drop(body);
                answer
            };
            let answered = tokio::task::spawn_blocking(work).await;
            answered.unwrap_or_else(|error| {
                log::error!("{name}: {error}");
                Answer::refusal(500, &name, "the server failed, and goes on")
            })
        }
    };
    respond_with(answer)
}

fn respond_with(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MIME));
    if answer.status == 405 {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

/// A body, as far as it has come.
struct Body {
    incoming: Incoming,
    read: Vec<u8>,
    length: usize,
    /// Held as long as there is a long one.
    long: Option<OwnedSemaphorePermit>,
}

impl Body {
    /// All of it, unless it is too long.
    async fn whole(mut self, common: &Common) -> Result<Self, (StatusCode, String)> {
        let late = |_| (StatusCode::REQUEST_TIMEOUT, "the body did not come in time".to_owned());
        let patience = common.limits.read_timeout;
        timeout(patience, self.read_to(SMALL)).await.map_err(late)??;
        if self.length > SMALL {
            self.long = Arc::clone(&common.long).acquire_owned().await.ok();
            timeout(patience, self.read_to(PATIENCE)).await.map_err(late)??;
        }
        match self.length > MAX_BODY {
            true => {
                let cause = format!("the body is longer than {MAX_BODY} bytes");
                Err((StatusCode::PAYLOAD_TOO_LARGE, cause))
            }
            false => Ok(self),
        }
    }

    /// Reads to the end, or until there are more bytes than `most`.
    async fn read_to(&mut self, most: usize) -> Result<(), (StatusCode, String)> {
        while self.length <= most {
            let Some(frame) = self.incoming.frame().await else { return Ok(()) };
            let frame =
                frame.map_err(|error| (StatusCode::BAD_REQUEST, format!("the body broke off: {error}")))?;
            let Ok(data) = frame.into_data() else { continue };
            self.length += data.len();
            if self.length <= MAX_BODY {
                self.read.extend_from_slice(&data);
            } else {
                self.read = Vec::new();
            }
        }
        Ok(())
    }
}
