//! What the house says about itself when it is asked by Prometheus.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use super::text::Page;
use super::{BOUNDS, Histogram};
use crate::app::App;

/// A millisecond, in seconds.
const MILLI: f64 = 0.001;

/// Everything, as text. What needs the database is left out while that is away, and
/// `vestibule_database_up` says so.
pub async fn write(app: &App) -> String {
    let mut page = Page::default();
    let name = "vestibule_build_info";
    page.metric(name, "gauge", "Always 1.").value(
        name,
        &[("version", env!("CARGO_PKG_VERSION"))],
        1,
    );
    sign_ins(app, &mut page);
    requests(app, &mut page);
    caches(app, &mut page);
    providers(app, &mut page);
    let name = "vestibule_ignored_forwarded_total";
    let help = "Requests of untrusted peers whose forwarded headers were ignored.";
    page.metric(name, "counter", help).value(name, &[], app.ignored.requests());
    spans(app, &mut page);
    queues(app, &mut page).await;
    page.finish()
}

fn sign_ins(app: &App, page: &mut Page) {
    let name = "vestibule_sign_ins_total";
    let help = "Sign-ins by application, provider (or password) and outcome.";
    let counts = app.metrics.sign_ins.lock().unwrap_or_else(PoisonError::into_inner).clone();
    page.metric(name, "counter", help);
    for ((application, provider, outcome), count) in &counts {
        let labels =
            [("application", application.as_str()), ("provider", provider), ("outcome", outcome)];
        page.value(name, &labels, count);
    }
}

fn requests(app: &App, page: &mut Page) {
    let name = "vestibule_request_duration_seconds";
    page.metric(name, "histogram", "Time to answer, by route, method and class of status.");
    for (labels, histogram) in app.metrics.seen() {
        histogram.write(page, name, &labels);
    }
}

impl Histogram {
    #[expect(clippy::cast_precision_loss, reason = "seconds are read by people, not added up")]
    fn write(&self, page: &mut Page, name: &str, labels: &[(&str, &str)]) {
        let mut so_far = 0;
        let mut bucket = |page: &mut Page, bound: &str, count: u64| {
            so_far += count;
            let labels = [labels, &[("le", bound)]].concat();
            page.value(&format!("{name}_bucket"), &labels, so_far);
            so_far
        };
        for (bound, count) in BOUNDS.iter().zip(&self.counts) {
            let bound = *bound as f64 * MILLI;
            bucket(page, &bound.to_string(), count.load(Ordering::Relaxed));
        }
        let beyond = self.counts[BOUNDS.len()].load(Ordering::Relaxed);
        let all = bucket(page, "+Inf", beyond);
        let micros = self.micros.load(Ordering::Relaxed);
        page.value(&format!("{name}_sum"), labels, micros as f64 * MILLI * MILLI);
        page.value(&format!("{name}_count"), labels, all);
    }
}

fn caches(app: &App, page: &mut Page) {
    let name = "vestibule_cache_entries";
    page.metric(name, "gauge", "What is held in memory.");
    let sizes = [
        ("grants", app.grants.len()),
        ("host_answers", app.hosts.len()),
        ("sessions", app.sessions.len()),
    ];
    for (cache, entries) in sizes {
        page.value(name, &[("cache", cache)], entries);
    }
}

/// Of providers whose keys were asked for since the start; of the others nobody knows.
fn providers(app: &App, page: &mut Page) {
    let listing = app.directory.now();
    let mut known: Vec<_> = app
        .upstream
        .health()
        .into_iter()
        .filter_map(|health| Some((listing.provider_by_id(&health.provider)?.key.clone(), health)))
        .collect();
    known.sort_by(|one, other| one.0.cmp(&other.0));
    let name = "vestibule_provider_up";
    page.metric(name, "gauge", "Whether the last fetch of a provider's keys worked.");
    for (key, health) in &known {
        page.value(name, &[("provider", key)], u8::from(health.up));
    }
    let name = "vestibule_provider_fetched_timestamp_seconds";
    page.metric(name, "gauge", "When a provider's keys were last asked for.");
    for (key, health) in &known {
        page.value(name, &[("provider", key)], health.at.seconds());
    }
}

/// Nothing where nothing is traced.
fn spans(app: &App, page: &mut Page) {
    let Some(figures) = app.traces.figures() else { return };
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let name = "vestibule_spans_total";
    let help = "Spans that the collector took, did not take, or that there was no room for.";
    page.metric(name, "counter", help);
    for (outcome, spans) in [
        ("dropped", &figures.dropped),
        ("exported", &figures.exported),
        ("refused", &figures.refused),
    ] {
        page.value(name, &[("outcome", outcome)], count(spans));
    }
    let name = "vestibule_spans_waiting";
    let help = "Spans that wait for the collector.";
    page.metric(name, "gauge", help).value(name, &[], count(&figures.waiting));
}

async fn queues(app: &App, page: &mut Page) {
    let waiting = async {
        let mails = app.store.count_mails().await?;
        Ok::<_, store::Error>((mails, app.store.count_back_channel_logouts().await?))
    };
    let waiting = waiting.await;
    let name = "vestibule_database_up";
    let help = "Whether the database has answered this very question.";
    page.metric(name, "gauge", help).value(name, &[], u8::from(waiting.is_ok()));
    let Ok((mails, logouts)) = waiting else { return };
    let name = "vestibule_mails";
    page.metric(name, "gauge", "Mails that wait, and those that were given up.");
    page.value(name, &[("state", "waiting")], mails.waiting);
    page.value(name, &[("state", "failed")], mails.failed);
    let name = "vestibule_back_channel_logouts";
    let help = "Ends of sessions that clients have yet to be told of.";
    page.metric(name, "gauge", help).value(name, &[], logouts);
}
