//! Prometheus' text format, version 0.0.4, as far as it is needed here.

use std::fmt::{Display, Write};

/// A page of metrics, as it grows.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// Begins a metric: its name, kind and meaning.
    pub(super) fn metric(&mut self, name: &str, kind: &str, help: &str) -> &mut Self {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
        self
    }

    /// One value of it.
    pub(super) fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        if labels.is_empty() {
            self.line(format_args!("{name} {value}"));
        } else {
            self.line(format_args!("{name}{{{}}} {value}", labels.join(",")));
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    fn line(&mut self, line: impl Display) {
        // Writing into a text never fails.
        let _ = writeln!(self.0, "{line}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stands_on_one_line_whatever_its_labels_say() {
        let mut page = Page::default();
        page.metric("m", "gauge", "Help.").value("m", &[("a", "x\"y\\z\nw"), ("b", "2")], 1.5);
        let text = "# HELP m Help.\n# TYPE m gauge\nm{a=\"x\\\"y\\\\z\\nw\",b=\"2\"} 1.5\n";
        assert_eq!(page.finish(), text);
    }
}
