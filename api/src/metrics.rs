//! What `/metrics` shows, in Prometheus' text format.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use axum::http::Method;
use metrics::{Counter, Histogram, counter, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use parking_lot::RwLock;

/// Seconds.
const BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// The process's recorder; made and installed at the first call.
pub fn prometheus() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let recorder = match builder.set_buckets(BUCKETS) {
            Ok(builder) => builder.build_recorder(),
            Err(_) => PrometheusBuilder::new().build_recorder(),
        };
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed; /metrics shows nothing");
        }
        metrics::describe_counter!("theazo_http_requests_total", "Requests by route and status.");
        metrics::describe_histogram!(
            "theazo_http_request_duration_seconds",
            metrics::Unit::Seconds,
            "Time from a request's head to its answer's."
        );
        handle
    })
}

/// The series of each route, so that a request finds its own without making their labels.
#[derive(Default)]
pub(crate) struct Routes(RwLock<HashMap<String, OfRoute>>);

/// By method and status.
type OfRoute = HashMap<(Method, u16), Series>;

#[derive(Clone)]
struct Series {
    requests: Counter,
    duration: Histogram,
}

impl Routes {
    /// `route` is the matched path: unbounded names never become labels.
    pub fn record(&self, method: &Method, route: &str, status: u16, took: Duration) {
        // Any other method is a 405 or a 404, and a caller could make up any number of them.
        let method = if is_known(method) { method.clone() } else { Method::TRACE };
        let key = (method, status);
        if let Some(series) = self.0.read().get(route).and_then(|by| by.get(&key)) {
            series.record(took);
            return;
        }
        let series = Series::of(&key.0, route, status);
        series.record(took);
        self.0.write().entry(route.to_owned()).or_default().insert(key, series);
    }
}

impl Series {
    fn of(method: &Method, route: &str, status: u16) -> Self {
        prometheus();
        let labels = [
            ("method", method.as_str().to_owned()),
            ("route", route.to_owned()),
            ("status", status.to_string()),
        ];
        Self {
            requests: counter!("theazo_http_requests_total", &labels),
            duration: histogram!("theazo_http_request_duration_seconds", &labels[..2]),
        }
    }

    fn record(&self, took: Duration) {
        self.requests.increment(1);
        self.duration.record(took.as_secs_f64());
    }
}

fn is_known(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET
            | Method::POST
            | Method::PUT
            | Method::PATCH
            | Method::DELETE
            | Method::HEAD
            | Method::OPTIONS
    )
}
