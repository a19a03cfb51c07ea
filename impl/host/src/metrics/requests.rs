//! What is counted of each request.
//!
//! Source: apiserver/pkg/endpoints/metrics/metrics.go (v1.36). Here a watch or a stream is counted when it begins,
//! upstream counts it when it has ended; a request that may not, or comes too late or too often, is counted too.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use http::request::Parts;

use super::about::About;
use super::buckets;
use super::family::Family;
use super::in_flight::InFlight;
use super::number::{Counter, Gauge, Histogram, Number};
use super::text::{Kind, Text};
use crate::in_flight::is_read;

/// A counter for each code: there are few of them.
type Codes = Vec<(u16, Counter)>;

/// What is counted of the requests that are about the same.
#[derive(Debug)]
struct Series {
    /// By the code of the answer.
    answers: RwLock<Codes>,
    /// Those of requests that were turned away.
    terminations: RwLock<Codes>,
    aborts: Counter,
    durations: Histogram,
    objectives: Histogram,
    sizes: Histogram,
    long_running: Gauge,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            answers: RwLock::default(),
            terminations: RwLock::default(),
            aborts: Counter::default(),
            durations: Histogram::new(&buckets::REQUESTS),
            objectives: Histogram::new(&buckets::OBJECTIVES),
            sizes: Histogram::new(&buckets::RESPONSE_SIZES),
            long_running: Gauge::default(),
        }
    }
}

/// Counts one more with a code.
fn count(codes: &RwLock<Codes>, code: u16) {
    let find = |codes: &[(u16, Counter)]| {
        codes.iter().find(|(known, _)| *known == code).map(|(_, counter)| counter.increment())
    };
    if find(&codes.read().unwrap_or_else(PoisonError::into_inner)).is_some() {
        return;
    }
    let mut codes = codes.write().unwrap_or_else(PoisonError::into_inner);
    if find(&codes).is_none() {
        let counter = Counter::default();
        counter.increment();
        codes.push((code, counter));
    }
}

/// What is counted of all requests.
#[derive(Debug)]
pub(crate) struct Requests {
    series: RwLock<HashMap<About, Arc<Series>>>,
    in_flight: InFlight,
    watch_events: Family<3, Counter>,
    watch_sizes: Family<3, Histogram>,
}

impl Default for Requests {
    fn default() -> Self {
        let watched = ["group", "resource", "version"];
        Self {
            series: RwLock::default(),
            in_flight: InFlight::default(),
            watch_events: Family::new(
                "apiserver_watch_events_total",
                "Events that were sent to watches, bookmarks too.",
                watched,
                Counter::default,
            ),
            watch_sizes: Family::new(
                "apiserver_watch_events_sizes",
                "How large the events of watches were, in bytes.",
                watched,
                || Histogram::new(&buckets::WATCH_SIZES),
            ),
        }
    }
}

impl Requests {
    fn of(&self, about: About) -> Arc<Series> {
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = series.get(&about) {
            return Arc::clone(found);
        }
        drop(series);
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(series.entry(about).or_default())
    }

    /// Counts a request as running until what is returned is told the answer, or dropped.
    pub(crate) fn begin(self: &Arc<Self>, parts: &Parts) -> Running {
        let is_mutating = !is_read(&parts.method);
        let about = About::of(parts);
        if !is_long_running(&about) {
            self.in_flight.enter(is_mutating);
        }
        let received = parts.extensions.get::<Received>();
        Running {
            requests: Arc::clone(self),
            series: self.of(about),
            about,
            begun: received.map_or_else(Instant::now, |received| received.0),
            until: parts.extensions.get().copied(),
            is_mutating,
            is_answered: false,
        }
    }

    /// Counts a request that is refused before its body is read.
    pub(crate) fn refused(self: &Arc<Self>, parts: &Parts, code: u16) {
        self.begin(parts).answered(code, 0);
    }

    /// Counts a request that the server turns away to protect itself.
    pub(crate) fn terminated(self: &Arc<Self>, parts: &Parts, code: u16) {
        let mut running = self.begin(parts);
        running.terminate(code);
        running.answered(code, 0);
    }

    /// Writes all of it.
    pub(crate) fn write(&self, text: &mut Text) {
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let mut series: Vec<(About, Arc<Series>)> =
            series.iter().map(|(about, series)| (*about, Arc::clone(series))).collect();
        series.sort_unstable_by_key(|(about, _)| *about);
        self.in_flight.write(text);
        Written { series: &series }.write(text);
        self.watch_events.write(text);
        self.watch_sizes.write(text);
    }
}

/// The series in their order.
struct Written<'a> {
    series: &'a [(About, Arc<Series>)],
}

impl Written<'_> {
    fn write(&self, text: &mut Text) {
        let help = "Requests that were answered, and watches and streams that were begun.";
        self.by_code(text, ("apiserver_request_total", help), true, |series| &series.answers);
        let help = "How long answers took, in seconds. Watches and streams are not counted.";
        let name = "apiserver_request_duration_seconds";
        self.each(text, (name, help), true, |series| &series.durations);
        let help = "How long answers took that store what they are asked to, in seconds.";
        let name = "apiserver_request_sli_duration_seconds";
        self.each(text, (name, help), false, |series| &series.objectives);
        let help = "How large the answers to reads were, in bytes.";
        self.each(text, ("apiserver_response_sizes", help), false, |series| &series.sizes);
        let help = "Watches and streams that are open.";
        let name = "apiserver_longrunning_requests";
        self.each(text, (name, help), false, |series| &series.long_running);
        let help = "Requests that the server turned away to protect itself.";
        let name = "apiserver_request_terminations_total";
        self.by_code(text, (name, help), false, |series| &series.terminations);
        let help = "Requests whose sender was gone before they were answered.";
        self.each(text, ("apiserver_request_aborts_total", help), false, |series| &series.aborts);
    }

    fn each<N: Number>(
        &self,
        text: &mut Text,
        (name, help): (&str, &str),
        with_dry_run: bool,
        number: fn(&Series) -> &N,
    ) {
        let told = |(about, series): &&(About, Arc<Series>)| {
            let is_told_apart = with_dry_run || about.dry_run.is_empty();
            is_told_apart
                && number(series).is_in_use()
                && (N::KIND != Kind::Gauge || is_long_running(about))
        };
        if self.series.iter().any(|one| told(&one)) {
            text.family(name, N::KIND, help);
        }
        for (about, series) in self.series.iter().filter(told) {
            number(series).write(text, name, &about.labels(with_dry_run));
        }
    }

    fn by_code(
        &self,
        text: &mut Text,
        (name, help): (&str, &str),
        with_dry_run: bool,
        codes: fn(&Series) -> &RwLock<Codes>,
    ) {
        let is_empty = |(_, series): &(About, Arc<Series>)| {
            codes(series).read().unwrap_or_else(PoisonError::into_inner).is_empty()
        };
        if !self.series.iter().all(is_empty) {
            text.family(name, Counter::KIND, help);
        }
        for (about, series) in self.series {
            let codes = codes(series).read().unwrap_or_else(PoisonError::into_inner);
            for (code, counter) in codes.iter() {
                let code = code.to_string();
                let labels = [&[("code", code.as_str())][..], &about.labels(with_dry_run)].concat();
                counter.write(text, name, &labels);
            }
        }
    }
}

/// When a request was received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received(pub(crate) Instant);

/// Up to when a request is to be answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until(pub(crate) tokio::time::Instant);

impl Until {
    fn has_passed(self) -> bool {
        self.0 <= tokio::time::Instant::now()
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Running {
    requests: Arc<Requests>,
    series: Arc<Series>,
    about: About,
    begun: Instant,
    until: Option<Until>,
    is_mutating: bool,
    is_answered: bool,
}

fn is_long_running(about: &About) -> bool {
    matches!(about.verb, "WATCH" | "CONNECT")
}

impl Running {
    /// Counts the answer, of so many bytes if that is known. One that is late was turned away before.
    pub(crate) fn answered(mut self, code: u16, bytes: u64) {
        self.is_answered = true;
        if self.until.is_some_and(Until::has_passed) {
            self.terminate(504);
        }
        count(&self.series.answers, code);
        if is_long_running(&self.about) {
            return;
        }
        let took = self.begun.elapsed().as_secs_f64();
        self.series.durations.observe(took);
        if self.about.dry_run.is_empty() {
            self.series.objectives.observe(took);
            if matches!(self.about.verb, "GET" | "LIST") {
                self.series.sizes.observe(bytes as f64);
            }
        }
    }

    /// Counts it as turned away, once.
    fn terminate(&mut self, code: u16) {
        self.until = None;
        count(&self.requests.of(self.about.plain()).terminations, code);
    }

    /// Counts a watch or a stream as open until what is returned is dropped.
    pub(crate) fn streaming(&self) -> Streaming {
        let About { group, resource, version, .. } = self.about;
        let (requests, series) = (&self.requests, self.requests.of(self.about.plain()));
        series.long_running.add(1);
        let labels = [group, resource, version];
        let watched = (self.about.verb == "WATCH")
            .then(|| (requests.watch_events.of(labels), requests.watch_sizes.of(labels)));
        Streaming { series, watched }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !is_long_running(&self.about) {
            self.requests.in_flight.leave(self.is_mutating);
        }
        if !self.is_answered {
            self.requests.of(self.about.plain()).aborts.increment();
        }
    }
}

/// A watch or a stream that is open.
#[derive(Debug)]
pub(crate) struct Streaming {
    series: Arc<Series>,
    /// What is counted of the events of a watch.
    watched: Option<(Arc<Counter>, Arc<Histogram>)>,
}

impl Streaming {
    /// Counts events that are sent.
    pub(crate) fn sends(&self, lines: &[Vec<u8>]) {
        if let Some((events, sizes)) = &self.watched {
            events.add(lines.len() as u64);
            lines.iter().for_each(|line| sizes.observe(line.len() as f64));
        }
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.series.long_running.add(-1);
    }
}

#[cfg(test)]
mod tests;
