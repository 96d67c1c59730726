//! As much of SVG as bars and their labels need.

use std::fmt::Write as _;

/// A picture in the making.
pub(super) struct Svg {
    body: String,
}

/// Which end of a text stands at its place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    End,
}

impl Svg {
    pub(super) fn new() -> Self {
        Self { body: String::new() }
    }

    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, size: f64, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::End => "end",
        };
        self.element(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" font-size="{size}" text-anchor="{anchor}">{}</text>"#,
            escaped(text)
        ));
    }

    pub(super) fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str) {
        self.element(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{fill}"/>"#
        ));
    }

    pub(super) fn line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64) {
        self.element(format_args!(
            r##"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="#222222" stroke-dasharray="3 2"/>"##
        ));
    }

    /// The whole picture, on white: dark pages show it, too.
    pub(super) fn finish(self, width: f64, height: f64) -> String {
        let Self { body } = self;
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" fill="#222222">
<rect width="{width}" height="{height}" fill="#ffffff"/>
{body}</svg>
"##
        )
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        // A string takes whatever is written to it.
        let _ = writeln!(self.body, "{element}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_is_inside_and_escaped() {
        let mut svg = Svg::new();
        svg.rect(1.0, 2.0, 30.25, 4.0, "#ff0000");
        svg.text(5.0, 6.0, Anchor::End, 10.0, "a<b & c");
        let picture = svg.finish(100.0, 50.0);
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
        assert!(picture.contains(r#"viewBox="0 0 100 50""#));
        assert!(picture.contains(r##"<rect x="1.0" y="2.0" width="30.2" height="4.0" fill="#ff0000"/>"##));
        assert!(picture.contains(r#"text-anchor="end">a&lt;b &amp; c</text>"#));
    }
}
