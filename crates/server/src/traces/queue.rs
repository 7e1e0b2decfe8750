//! What waits for the collector: never more than fits, and nothing gets lost uncounted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

/// What became of spans since the start. Figures only: nothing is ordered by them.
#[derive(Debug, Default)]
pub struct Figures {
    /// The collector took them.
    pub exported: AtomicU64,
    /// The collector did not take them.
    pub refused: AtomicU64,
    /// There was no room for them.
    pub dropped: AtomicU64,
    /// They are on their way, or wait for it.
    pub waiting: AtomicU64,
}

/// Hands spans on as long as no more than `room` of them wait. The SDK's own queue counts what it
/// drops as well, and tells nobody.
#[derive(Debug)]
pub(super) struct Bounded<P> {
    pub(super) next: P,
    pub(super) room: u64,
    pub(super) figures: Arc<Figures>,
}

impl<P: SpanProcessor> SpanProcessor for Bounded<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.figures.waiting.fetch_add(1, Ordering::Relaxed) >= self.room {
            self.figures.waiting.fetch_sub(1, Ordering::Relaxed);
            self.figures.dropped.fetch_add(1, Ordering::Relaxed);
        } else {
            self.next.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

/// Counts what the collector took.
#[derive(Debug)]
pub(super) struct Counted<E> {
    pub(super) next: E,
    pub(super) figures: Arc<Figures>,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let came = self.next.export(batch).await;
        self.figures.waiting.fetch_sub(spans, Ordering::Relaxed);
        let count = if came.is_ok() { &self.figures.exported } else { &self.figures.refused };
        count.fetch_add(spans, Ordering::Relaxed);
        came
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{Tracer, TracerProvider};
    use opentelemetry_sdk::error::OTelSdkError;
    use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Mutex, PoisonError};

    /// A collector that takes a batch when the test says so, and as the test says.
    #[derive(Debug)]
    struct Slow {
        came: Sender<usize>,
        answer: Mutex<Receiver<OTelSdkResult>>,
    }

    impl SpanExporter for Slow {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.came.send(batch.len()).expect("the test listens");
            let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
            answer.recv().unwrap_or(Ok(()))
        }
    }

    #[test]
    fn what_has_no_room_is_dropped_and_everything_is_counted() {
        let figures = Arc::new(Figures::default());
        let (came, comes) = channel();
        let (answer, answers) = channel();
        let slow = Slow { came, answer: Mutex::new(answers) };
        let batch = BatchConfigBuilder::default()
            .with_max_queue_size(64)
            .with_max_export_batch_size(1)
            .with_scheduled_delay(Duration::from_secs(3600));
        let counted = Counted { next: slow, figures: Arc::clone(&figures) };
        let next = BatchSpanProcessor::builder(counted).with_batch_config(batch.build()).build();
        let bounded = Bounded { next, room: 3, figures: Arc::clone(&figures) };
        let provider = SdkTracerProvider::builder().with_span_processor(bounded).build();
        let tracer = provider.tracer("test");
        drop(tracer.start("on its way"));
        assert_eq!(comes.recv(), Ok(1));
        for _ in 0..10 {
            drop(tracer.start("waits"));
        }
        let seen = |count: &AtomicU64| count.load(Ordering::Relaxed);
        assert_eq!((seen(&figures.waiting), seen(&figures.dropped)), (3, 8));
        answer.send(Err(OTelSdkError::InternalFailure("no".to_owned()))).expect("it waits");
        answer.send(Ok(())).expect("it waits");
        answer.send(Ok(())).expect("it waits");
        provider.shutdown().expect("everything is told");
        assert_eq!(seen(&figures.waiting), 0);
        assert_eq!((seen(&figures.refused), seen(&figures.exported)), (1, 2));
        assert_eq!(seen(&figures.dropped), 8);
    }
}
