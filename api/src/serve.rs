//! HTTP/1.1 on a listener, from the first connection to the last answer.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::stream::stall::Stalling;
use crate::{AppState, metrics, router};

/// Bytes of a request's head.
const HEAD_MAX: usize = 64 << 10;
/// Before accepting again after the machine ran out of descriptors or the like.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);
/// Between two runs of the metrics' housekeeping.
const UPKEEP: Duration = Duration::from_secs(5);

/// Serves until `shutdown`; then accepts no more, lets what is in flight end (for the configured
/// time at most), and returns.
///
/// # Errors
/// Never for one connection's sake.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let app = router(state.clone());
    let connections = TaskTracker::new();
    let free = Arc::new(Semaphore::new(state.config.max_connections));
    tokio::spawn(upkeep(shutdown.clone()));
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &free) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let connection = connection(app.clone(), state.clone(), stream, peer, shutdown.clone());
        connections.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    drop(listener);
    state.drain();
    drain(&state, &connections).await;
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    free: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = free.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) if of_one_connection(&error) => None,
        Err(error) => {
            tracing::error!(%error, "connections cannot be accepted");
            tokio::time::sleep(ACCEPT_RETRY).await;
            None
        }
    }
}

fn of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset | Interrupted)
}

async fn connection(
    app: Router,
    state: AppState,
    stream: TcpStream,
    peer: SocketAddr,
    shutdown: CancellationToken,
) {
    // Answers are small: waiting to fill a packet only costs time.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    let service = service_fn(move |request| call(app.clone(), request, peer));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(state.config.idle_timeout)
        .max_header_size(HEAD_MAX);
    let io = TokioIo::new(Stalling::new(stream, state.config.write_timeout));
    let mut connection = pin!(http.serve_connection(io, service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            // Ends an idle one at once, and a busy one after the answer under way.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn call(
    mut app: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    app.call(request).await
}

async fn drain(state: &AppState, connections: &TaskTracker) {
    connections.close();
    state.tasks.close();
    let left = async {
        connections.wait().await;
        state.tasks.wait().await;
    };
    if tokio::time::timeout(state.config.drain_timeout, left).await.is_err() {
        let (connections, tasks) = (connections.len(), state.tasks.len());
        tracing::warn!(connections, tasks, "not all that was in flight ended in time");
    }
}

async fn upkeep(stop: CancellationToken) {
    let prometheus = metrics::prometheus();
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => prometheus.run_upkeep(),
        }
    }
}
