//! Pages of bars: the ratio of each server, a panel a workload.

mod svg;

use std::{fs, path::PathBuf};

use self::svg::{Anchor, Svg};
use crate::{
    Result,
    args::Args,
    out::say,
    results::{self, Round, Table},
};

/// `ws-bench plot`.
pub(crate) fn main(mut args: Args) -> Result<()> {
    let mut tables = Vec::new();
    while let Some(file) = args.positional() {
        tables.extend(results::read(file.as_ref())?);
    }
    let prefix = args.option("out", "ratios".to_owned())?;
    args.finish()?;
    if tables.is_empty() {
        return Err("plot: of which file?".into());
    }
    for (number, page) in pages(&tables).iter().enumerate() {
        let file = PathBuf::from(format!("{prefix}-{}.svg", number + 1));
        fs::write(&file, page).map_err(|error| format!("{}: {error}", file.display()))?;
        say!("{}", file.display())?;
    }
    Ok(())
}

/// Two columns of panels a page, each panel where there is most room.
fn pages(tables: &[Table]) -> Vec<String> {
    let mut pages = Vec::new();
    let mut page = Page::new();
    for panel in tables.iter().map(Panel::new) {
        if !page.has_room(&panel) {
            pages.push(page.finish());
            page = Page::new();
        }
        page.draw(&panel);
    }
    pages.push(page.finish());
    pages
}

struct Page {
    svg: Svg,
    /// How far down each column is filled.
    filled: [f64; 2],
}

impl Page {
    fn new() -> Self {
        Self { svg: Svg::new(), filled: [MARGIN; 2] }
    }

    fn emptiest(&self) -> usize {
        usize::from(self.filled[1] < self.filled[0])
    }

    /// A page takes at least one panel, however long.
    fn has_room(&self, panel: &Panel) -> bool {
        let filled = self.filled[self.emptiest()];
        filled == MARGIN || filled + panel.height() <= PAGE_HEIGHT
    }

    fn draw(&mut self, panel: &Panel) {
        let column = self.emptiest();
        panel.draw(&mut self.svg, MARGIN + column as f64 * (PANEL_WIDTH + MARGIN), self.filled[column]);
        self.filled[column] += panel.height();
    }

    fn finish(self) -> String {
        let height = self.filled[0].max(self.filled[1]);
        self.svg.finish(3.0 * MARGIN + 2.0 * PANEL_WIDTH, height)
    }
}

/// One workload.
struct Panel {
    title: String,
    about: String,
    bars: Vec<Bar>,
}

struct Bar {
    server: String,
    ratio: f64,
    cost: f64,
}

impl Panel {
    /// The servers from the cheapest on. Those without a ratio are left out.
    fn new(table: &Table) -> Self {
        let bar = |row| Some(Bar::new(row, table.ratio(row)?, row.median(Round::cost)?));
        let mut bars: Vec<_> = table.rows.iter().filter_map(bar).collect();
        bars.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
        Self { title: table.workload.clone(), about: table.about.clone(), bars }
    }

    fn height(&self) -> f64 {
        HEAD + self.bars.len() as f64 * LINE + MARGIN
    }

    fn draw(&self, svg: &mut Svg, left: f64, top: f64) {
        svg.text(left, top + 12.0, Anchor::Start, TITLE, &self.title);
        svg.text(left, top + 26.0, Anchor::Start, LABEL, &self.about);
        let widest = self.bars.iter().map(|bar| bar.ratio).fold(1.0, f64::max);
        let origin = left + NAMES;
        let scale = (PANEL_WIDTH - NAMES - FIGURES) / widest;
        // Behind the bars and figures.
        let one = origin + scale;
        svg.line(one, top + HEAD, one, top + HEAD + self.bars.len() as f64 * LINE);
        for (index, bar) in self.bars.iter().enumerate() {
            let y = top + HEAD + index as f64 * LINE;
            let end = origin + bar.ratio * scale;
            svg.text(origin - 6.0, y + 11.0, Anchor::End, LABEL, &bar.server);
            svg.rect(origin, y + 2.0, bar.ratio * scale, LINE - 4.0, bar.colour());
            let figures = format!("{:.2} · {} ns", bar.ratio, grouped(bar.cost));
            svg.text(end + 5.0, y + 11.0, Anchor::Start, LABEL, &figures);
        }
    }
}

impl Bar {
    fn new(row: &results::Row, ratio: f64, cost: f64) -> Self {
        Self { server: row.server.clone(), ratio, cost }
    }

    fn colour(&self) -> &'static str {
        match self.server.as_str() {
            name if name.starts_with("raw") => "#888888",
            name if name.starts_with("ours") => "#c2571a",
            _ => "#4a7ab5",
        }
    }
}

/// A whole number with a comma before every third digit.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

const MARGIN: f64 = 20.0;
const PANEL_WIDTH: f64 = 460.0;
/// Two pages hold all workloads.
const PAGE_HEIGHT: f64 = 2200.0;
/// Of a panel, above its bars.
const HEAD: f64 = 34.0;
const LINE: f64 = 16.0;
/// To the left of the bars, and to their right.
const NAMES: f64 = 150.0;
const FIGURES: f64 = 110.0;
/// Sizes of type.
const TITLE: f64 = 13.0;
const LABEL: f64 = 10.5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{results::tests::row, server::REFERENCE};

    fn table(servers: usize) -> Table {
        let peers =
            (0..servers).map(|server| row(&format!("peer<{server}>"), &[(server + 2) as f64 * 700.0]));
        let rows = [row(REFERENCE, &[700.0])].into_iter().chain(peers).collect();
        Table { workload: "t32-d1".to_owned(), about: "32 B & more".to_owned(), rows }
    }

    #[test]
    fn bars_are_in_order_of_their_ratio() {
        let mut table = table(3);
        table.rows.reverse();
        let panel = Panel::new(&table);
        let ratios: Vec<_> = panel.bars.iter().map(|bar| (bar.server.as_str(), bar.ratio)).collect();
        let (half, third, quarter) = (("peer<0>", 1.0 / 2.0), ("peer<1>", 1.0 / 3.0), ("peer<2>", 0.25));
        assert_eq!(ratios, [(REFERENCE, 1.0), half, third, quarter]);
    }

    #[test]
    fn without_the_reference_there_are_no_bars() {
        let mut table = table(2);
        table.rows.remove(0);
        assert!(Panel::new(&table).bars.is_empty());
        assert_eq!(pages(&[table]).len(), 1);
    }

    #[test]
    fn panels_go_on_to_further_pages() {
        let page = pages(&[table(2)]);
        assert!(page[0].contains(">peer&lt;1&gt;<") && page[0].contains(">32 B &amp; more<"), "{}", page[0]);
        assert!(page[0].contains("0.33 · 2,100 ns"), "{}", page[0]);
        let panels = vec![table(30); 7];
        let pages = pages(&panels);
        assert_eq!(pages.len(), 2);
        let panels: usize = pages.iter().map(|page| page.matches(">t32-d1<").count()).sum();
        assert_eq!(panels, 7);
    }

    #[test]
    fn thousands_are_set_apart() {
        let shown = [0.4, 999.0, 1000.0, 1_234_567.0].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
