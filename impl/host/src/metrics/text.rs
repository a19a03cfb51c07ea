//! The text that Prometheus reads, in both of its forms.
//!
//! Source: prometheus.io, "Exposition formats" (version 0.0.4), and OpenMetrics 1.0.0.

use std::fmt::{Display, Write};

/// The form that upstream writes.
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// The form that upstream does not write, for those who want no other.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Version 0.0.4.
    Plain,
    /// OpenMetrics.
    OpenMetrics,
}

impl Format {
    /// The one that an `Accept` header asks for. Prometheus itself names both, with the quality of each.
    pub(crate) fn asked(accept: &str) -> Self {
        let quality_of = |media_types: &[&str]| {
            let ranges = accept.split(',').filter(|range| {
                let name = range.split(';').next().unwrap_or_default().trim();
                media_types.contains(&name)
            });
            ranges.map(quality).fold(0.0, f64::max)
        };
        let open = quality_of(&["application/openmetrics-text"]);
        if open > quality_of(&["text/plain", "text/*", "*/*"]) {
            Self::OpenMetrics
        } else {
            Self::Plain
        }
    }

    /// The media type.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Plain => PLAIN,
            Self::OpenMetrics => OPEN_METRICS,
        }
    }
}

fn quality(range: &str) -> f64 {
    let parameter = range.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
    parameter.map_or(1.0, |quality| quality.parse().unwrap_or(0.0))
}

/// What a family is, as `# TYPE` calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Has buckets.
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A text that is being written.
#[derive(Debug)]
pub(crate) struct Text {
    format: Format,
    text: String,
}

impl Text {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, text: String::new() }
    }

    /// Begins a family. To OpenMetrics a counter is one only if its samples end with `_total`, which the family does
    /// not; others are of no known type, so that they are called the same in both forms.
    pub(crate) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let is_open_counter = self.format == Format::OpenMetrics && kind == Kind::Counter;
        let (name, kind) = match name.strip_suffix("_total") {
            Some(family) if is_open_counter => (family, kind.name()),
            None if is_open_counter => (name, "unknown"),
            _ => (name, kind.name()),
        };
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// Writes one sample.
    pub(crate) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        if labels.is_empty() {
            self.line(format_args!("{name} {value}"));
        } else {
            self.line(format_args!("{name}{{{}}} {value}", labels.join(",")));
        }
    }

    /// The bound of a bucket: `1`, and `1.0` in OpenMetrics.
    pub(crate) fn bound(&self, bound: f64) -> String {
        match self.format {
            Format::Plain => like_go(bound),
            Format::OpenMetrics => format!("{bound:?}"),
        }
    }

    /// All of it.
    pub(crate) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("a string takes everything");
    }
}

/// A number as Go writes it, which dashboards compare as text: `0.5`, `1e-08`, `2.592e+06`.
fn like_go(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>().unwrap_or_default() {
        -4..6 => number.to_string(),
        exponent => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format) -> String {
        let mut text = Text::new(format);
        text.family("asked_total", Kind::Counter, "Questions.");
        text.sample("asked_total", &[("by", "a\\\"b\nc")], 2);
        text.family("attempts", Kind::Counter, "Attempts.");
        text.sample("attempts", &[], 3);
        text.finish()
    }

    #[test]
    fn samples_are_called_the_same_in_both_forms() {
        let samples = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
        };
        let (plain, open) = (written(Format::Plain), written(Format::OpenMetrics));

        let expected = ["asked_total{by=\"a\\\\\\\"b\\nc\"} 2", "attempts 3"];
        assert_eq!(samples(&plain), expected);
        assert_eq!(samples(&open), expected);
        assert!(plain.contains("# TYPE asked_total counter\n"), "{plain}");
        assert!(plain.contains("# TYPE attempts counter\n"), "{plain}");
        assert!(open.contains("# TYPE asked counter\n"), "{open}");
        assert!(open.contains("# TYPE attempts unknown\n"), "{open}");
        assert!(!plain.contains("EOF") && open.ends_with("# EOF\n"));
    }

    #[test]
    fn bounds_are_written_as_upstream_writes_them() {
        let bounds = [0.0, 0.005, 1.0, 1.25, 10e-9, 131_072.0, 604_800.0, 2_592_000.0, 1e9];

        let plain = bounds.map(|bound| Text::new(Format::Plain).bound(bound));

        let expected =
            ["0", "0.005", "1", "1.25", "1e-08", "131072", "604800", "2.592e+06", "1e+09"];
        assert_eq!(plain, expected);
        assert_eq!(Text::new(Format::OpenMetrics).bound(1.0), "1.0");
    }

    #[test]
    fn the_plain_form_is_written_unless_the_other_is_liked_better() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, format) in [
            ("", Format::Plain),
            ("*/*", Format::Plain),
            ("text/plain", Format::Plain),
            ("application/json", Format::Plain),
            ("application/openmetrics-text;version=1.0.0", Format::OpenMetrics),
            (prometheus, Format::OpenMetrics),
            ("application/openmetrics-text;q=0.5,text/plain", Format::Plain),
        ] {
            assert_eq!(Format::asked(accept), format, "{accept}");
        }
    }
}
