//! A body that is cut off when it stands still: its sender has gone without a word.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// `body`, with at most `limit` from when a part is asked for until it is there.
pub fn idle_limited<B>(body: B, limit: Duration) -> Body
where
    B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    if body.is_end_stream() {
        return Body::empty();
    }
    Body::new(IdleLimited { body, limit, waiting: None })
}

struct IdleLimited<B> {
    body: B,
    limit: Duration,
    /// While a part was asked for and is not there.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<B> hyper::body::Body for IdleLimited<B>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let until = Instant::now() + self.limit;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        waiting.as_mut().poll(cx).map(|()| Some(Err("the body stood still for too long".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use http_body_util::BodyExt;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn parts(gaps: &'static [u64]) -> Body {
        Body::from_stream(stream::unfold(gaps, |gaps| async move {
            let (gap, rest) = gaps.split_first()?;
            tokio::time::sleep(Duration::from_secs(*gap)).await;
            Some((Ok::<_, BoxError>(Bytes::from_static(b".")), rest))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_arrives_whole_and_one_that_stands_still_breaks() {
        let slow = idle_limited(Box::pin(parts(&[59, 0, 59, 59])), LIMIT);
        assert_eq!(slow.collect().await.unwrap().to_bytes(), "....");
        let still = idle_limited(Box::pin(parts(&[59, 61])), LIMIT);
        assert!(still.collect().await.is_err());
    }

    #[tokio::test]
    async fn what_is_known_of_the_length_stays_known() {
        let body = idle_limited(Body::from("12345"), LIMIT);
        assert_eq!(hyper::body::Body::size_hint(&body).exact(), Some(5));
        assert!(hyper::body::Body::is_end_stream(&idle_limited(Body::empty(), LIMIT)));
    }
}
