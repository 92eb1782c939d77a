//! What each kind earned, as `docs/tasks-market.md` shows it, and whether it shows what happens.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// In thousandths of a NEAR, what each act of an account of some kind brought it: a task that it took, a duty that it had.
/// Its effort is paid out of that.
#[derive(Clone, Debug, Default)]
pub struct Gains(BTreeMap<usize, Vec<f64>>);

impl Gains {
    pub fn add(&mut self, account: usize, milli: f64) {
        self.0.entry(account).or_default().push(milli);
    }

    pub fn acts(&self) -> u32 {
        u32::try_from(self.0.values().map(Vec::len).sum::<usize>()).unwrap()
    }

    pub fn mean(&self) -> f64 {
        mean(self.0.values().flatten().copied())
    }

    /// Of the accounts' means the one in the middle, the lower one of two.
    pub fn median(&self) -> f64 {
        let mut means: Vec<f64> = self.0.values().map(|gains| mean(gains.iter().copied())).collect();
        means.sort_by(f64::total_cmp);
        means.get(means.len().saturating_sub(1) / 2).copied().unwrap_or_default()
    }

    pub fn row(&self, name: &str) -> Row {
        let accounts = u32::try_from(self.0.len()).unwrap();
        Row { name: name.to_owned(), accounts, acts: self.acts(), mean: self.mean(), median: self.median() }
    }
}

fn mean(all: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = all.fold((0.0, 0_u32), |(sum, count), one| (sum + one, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: String,
    pub accounts: u32,
    pub acts: u32,
    pub mean: f64,
    pub median: f64,
}

impl Row {
    fn line(&self) -> String {
        let Self { name, accounts, acts, mean, median } = self;
        format!("| {name} | {accounts} | {acts} | {mean:.1} | {median:.1} |")
    }

    fn read(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, accounts, acts, mean, median] = cells[..] else { return None };
        Some(Self {
            name: name.to_owned(),
            accounts: accounts.parse().ok()?,
            acts: acts.parse().ok()?,
            mean: mean.parse().ok()?,
            median: median.parse().ok()?,
        })
    }

    /// Whether two runs may be of the same market: with `span` between the least and the most that an act brings, two means
    /// are further apart than this once in a million times at most (Hoeffding's inequality; acts of one task depend on each
    /// other, so each counts as a third of one).
    fn agrees(&self, other: &Self, span: f64) -> bool {
        let share = |acts: u32| 3.0 / f64::from(acts.max(1));
        let log = (2.0 / 1e-6_f64).ln();
        let bound = span * (log / 2.0 * (share(self.acts) + share(other.acts))).sqrt();
        (self.mean - other.mean).abs() <= bound
    }
}

pub const HEAD: &str =
    "| who | accounts | tasks or duties | mean of them, mNEAR | median account, mNEAR |\n|---|--:|--:|--:|--:|";
const BEGIN: &str = "<!-- what the test found: CHARTER_WRITE_MARKET=1 writes it -->\n";
const END: &str = "<!-- end of what the test found -->\n";

pub fn lines(rows: &[Row]) -> String {
    let mut text = format!("{HEAD}\n");
    for row in rows {
        writeln!(text, "{}", row.line()).unwrap();
    }
    text
}

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/tasks-market.md")
}

/// Writes what was found between the page's marks, if somebody asks for that, or compares the page's rows with these.
pub fn write_or_compare(found: &str, rows: &[Row], span: f64) {
    let text = std::fs::read_to_string(page()).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the page has its first mark");
    let (known, after) = rest.split_once(END).expect("the page has its last mark");
    if std::env::var_os("CHARTER_WRITE_MARKET").is_some() {
        std::fs::write(page(), format!("{before}{BEGIN}{found}{END}{after}")).unwrap();
        return;
    }
    let known: Vec<Row> = known.lines().filter_map(Row::read).collect();
    for row in rows {
        let told = known.iter().find(|known| known.name == row.name);
        let agrees = told.is_some_and(|known| known.agrees(row, span));
        assert!(agrees, "docs/tasks-market.md says {told:?} of {row:?}: CHARTER_WRITE_MARKET=1 writes it");
    }
}

#[test]
fn a_row_is_read_as_it_was_written_and_another_market_is_not_the_same() {
    let row = Row { name: "honest worker".to_owned(), accounts: 5, acts: 400, mean: 12.5, median: -3.0 };
    assert_eq!(Row::read(&row.line()), Some(row.clone()));
    assert_eq!(HEAD.lines().filter_map(Row::read).count(), 0);
    assert!(row.agrees(&Row { mean: 13.0, ..row.clone() }, 100.0));
    assert!(!row.agrees(&Row { mean: 120.0, ..row.clone() }, 100.0));
}
