//! Comma-separated values as spreadsheets write them (RFC 4180): a first row of names, then a row for each item.

use anyhow::{Context, bail, ensure};

/// Most fields of a row: what has more is no list of items.
const COLUMNS_MAX: usize = 64;

/// Names of columns, and rows of as many fields.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Reads all of it. An error says in which line.
pub fn read(text: &str) -> anyhow::Result<Table> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = rows(text)?.into_iter();
    let (_, columns) = rows.next().context("there is no first row with the names of columns")?;
    ensure!(columns.len() <= COLUMNS_MAX, "line 1 has {} columns; {COLUMNS_MAX} are the most", columns.len());
    for (index, name) in columns.iter().enumerate() {
        ensure!(!name.trim().is_empty(), "line 1: column {} has no name", index.saturating_add(1));
        ensure!(!columns.iter().take(index).any(|known| known == name), "line 1: {name} is there twice");
    }
    let mut items = Vec::new();
    for (line, row) in rows {
        ensure!(row.len() == columns.len(), "line {line} has {} fields, not {}", row.len(), columns.len());
        items.push(row);
    }
    Ok(Table { columns, rows: items })
}

/// Where in a row the reader is.
enum Place {
    /// Before a field.
    Start,
    /// In a field without quotes.
    Plain,
    Quoted,
    /// Behind a quote that ends the field, unless another one follows.
    Quote,
}

/// Rows with the lines that they begin in. Empty lines are none.
fn rows(text: &str) -> anyhow::Result<Vec<(usize, Vec<String>)>> {
    let mut found = Vec::new();
    let (mut row, mut field, mut place) = (Vec::new(), String::new(), Place::Start);
    let (mut line, mut begin) = (1_usize, 1_usize);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        // Lines may end as on Windows.
        if letter == '\r' && letters.peek() == Some(&'\n') && !matches!(place, Place::Quoted) {
            continue;
        }
        let is_blank = matches!(place, Place::Start) && row.is_empty();
        place = match (place, letter) {
            (Place::Quoted, '"') => Place::Quote,
            (Place::Quote, '"') => {
                field.push('"');
                Place::Quoted
            }
            (Place::Quoted, letter) => {
                line = line.saturating_add(usize::from(letter == '\n'));
                field.push(letter);
                Place::Quoted
            }
            (Place::Start, '"') => Place::Quoted,
            (Place::Start | Place::Plain | Place::Quote, ',') => {
                row.push(std::mem::take(&mut field));
                Place::Start
            }
            (Place::Start | Place::Plain | Place::Quote, '\n') => {
                row.push(std::mem::take(&mut field));
                let whole = std::mem::take(&mut row);
                if !is_blank {
                    found.push((begin, whole));
                }
                line = line.saturating_add(1);
                begin = line;
                Place::Start
            }
            (Place::Quote, letter) => bail!("line {line}: {letter:?} stands behind a quoted field"),
            (Place::Plain, '"') => bail!("line {line}: a quote stands within a field without quotes"),
            (Place::Start | Place::Plain, letter) => {
                field.push(letter);
                Place::Plain
            }
        };
    }
    ensure!(!matches!(place, Place::Quoted), "line {begin}: a quoted field does not end");
    // The last line may end without a break.
    if !matches!(place, Place::Start) || !row.is_empty() {
        row.push(field);
        found.push((begin, row));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Table, read};

    fn table(columns: &[&str], rows: &[&[&str]]) -> Table {
        let texts = |row: &[&str]| row.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Table { columns: texts(columns), rows: rows.iter().map(|row| texts(row)).collect() }
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        for (text, expected) in [
            ("image\na.png\nb.png\n", table(&["image"], &[&["a.png"], &["b.png"]])),
            ("image,note\r\na.png,\r\n\r\nb.png,two", table(&["image", "note"], &[&["a.png", ""], &["b.png", "two"]])),
            ("\u{feff}a,b\n\"1,\"\"2\"\"\",\"x\ny\"\n", table(&["a", "b"], &[&["1,\"2\"", "x\ny"]])),
            ("a,b\n\"\",\"\"\n", table(&["a", "b"], &[&["", ""]])),
            ("a\n\"\"", table(&["a"], &[&[""]])),
            ("a", table(&["a"], &[])),
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, expected) in [
            ("", "no first row"),
            ("a,a\n", "a is there twice"),
            ("a,\n", "column 2 has no name"),
            ("a,b\n1,2\n3\n", "line 3 has 1 fields, not 2"),
            ("a\n\"1\n2\"\n3,4\n", "line 4 has 2 fields, not 1"),
            ("a\n\"1", "line 2: a quoted field does not end"),
            ("a\n\"1\"2\n", "line 2: '2' stands behind a quoted field"),
            ("a\n1\"2\n", "line 2: a quote stands within"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
