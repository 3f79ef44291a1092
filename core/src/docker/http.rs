//! Connections and requests: HTTP in, bytes to whoever answers, HTTP out.

use std::os::unix::net::UnixListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderValue, ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{oneshot, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

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

/// Answers until `stopped` says something or is dropped, and then until all that was asked is answered.
pub(super) async fn serve(
    listener: StdListener,
    service: Arc<Service>,
    limits: Limits,
    stopped: oneshot::Receiver<()>,
    started: impl FnOnce(Result<()>) -> bool,
) {
    let listener = match UnixListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            started(Err(failed("listen as", error)));
            return;
        }
    };
    if !started(Ok(())) {
        return;
    }
    let free = Arc::new(Semaphore::new(limits.connections));
    let accepting = tokio::spawn(accept_all(listener, service, limits, Arc::clone(&free)));
    let _ = stopped.await;
    accepting.abort();
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    let _ = timeout(FAREWELL, free.acquire_many(all)).await;
}

async fn accept_all(listener: UnixListener, service: Arc<Service>, limits: Limits, free: Arc<Semaphore>) {
    loop {
        let Some((stream, permit)) = accept(&listener, &free).await else { continue };
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            // What a client does to its own connection is its own affair.
            let _ = timeout(LIFETIME, talk(stream, service, limits)).await;
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
async fn talk(stream: UnixStream, service: Arc<Service>, limits: Limits) -> hyper::Result<()> {
    let answer = service_fn(|request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, std::convert::Infallible>(respond(request, service, limits).await) }
    });
    http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(16 << 10)
        .timer(TokioTimer::new())
        .header_read_timeout(limits.read_timeout)
        .serve_connection(TokioIo::new(stream), answer)
        .await
}

async fn respond(request: Request<Incoming>, service: Arc<Service>, limits: Limits) -> Response<Full<Bytes>> {
    let name = request.uri().path().strip_prefix('/').unwrap_or_default().to_owned();
    let method = request.method().clone();
    let body = match timeout(limits.read_timeout, read(request.into_body())).await {
        Ok(body) => body,
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body did not come in time".to_owned())),
    };
    let answer = match body {
        _ if !Service::knows(&name) => Answer::refusal(404, &name, &format!("there is no method {name:?}")),
        _ if method != Method::POST => Answer::refusal(405, &name, &format!("{method} is not POST")),
        Err((status, cause)) => Answer::refusal(status.as_u16(), &name, &cause),
        Ok(body) => {
            let called = name.clone();
            // Calls wait for the kernel and for others: not on this thread.
            let answered = tokio::task::spawn_blocking(move || service.answer(&called, &body)).await;
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

/// The body, unless it is too long.
async fn read(mut body: Incoming) -> Result<Vec<u8>, (StatusCode, String)> {
    let mut read = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| (StatusCode::BAD_REQUEST, format!("the body broke off: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length <= MAX_BODY {
            read.extend_from_slice(&data);
        } else {
            read = Vec::new();
        }
        if length > PATIENCE {
            break;
        }
    }
    if length > MAX_BODY {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {MAX_BODY} bytes")));
    }
    Ok(read)
}
