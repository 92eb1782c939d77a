//! What workers are asked to do: a file of which the chain has the hash, with an item for each task of the set.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use charter_client::sha256;
use charter_types::Hash32;
use serde::{Deserialize, Serialize};

use super::csv;
use crate::files::{DataDir, read};

/// What the file says that it is.
const FORM: &str = "charter/task-spec/1";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    form: String,
    /// What to do with an item, for people.
    pub instructions: String,
    /// What an answer may be. None: any text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    pub columns: Vec<String>,
    /// A row for each task, in the order of their indexes.
    pub items: Vec<Vec<String>>,
}

impl Spec {
    /// What is asked of each row of a table.
    pub fn new(instructions: &str, answers: Vec<String>, table: csv::Table) -> anyhow::Result<Self> {
        let csv::Table { columns, rows: items } = table;
        ensure!(!items.is_empty(), "there is no item: a row for each is expected below the names of columns");
        ensure!(!instructions.trim().is_empty(), "there are no instructions");
        for (index, answer) in answers.iter().enumerate() {
            let known = answers.iter().take(index).any(|known| known == answer);
            ensure!(!answer.is_empty() && !known, "an answer is empty, or there twice: \"{answer}\"");
        }
        Ok(Self { form: FORM.to_owned(), instructions: instructions.trim().to_owned(), answers, columns, items })
    }

    /// The file as it is hashed and published.
    pub fn bytes(&self) -> anyhow::Result<Vec<u8>> {
        Ok(serde_json::to_vec_pretty(self)?)
    }

    fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        let spec: Self = serde_json::from_slice(bytes)?;
        ensure!(spec.form == FORM, "its form is {}, not {FORM}", spec.form);
        let odd = spec.items.iter().any(|item| item.len() != spec.columns.len());
        ensure!(!odd, "an item has more fields, or fewer, than there are columns");
        Ok(spec)
    }

    /// An item by its task's index, a line for each column.
    pub fn item(&self, index: u32) -> Option<Vec<(&str, String)>> {
        let item = self.items.get(usize::try_from(index).ok()?)?;
        Some(self.columns.iter().map(String::as_str).zip(item.iter().cloned()).collect())
    }

    /// Fails if the spec has a list of answers, and this one is not in it.
    pub fn check(&self, answer: &str) -> anyhow::Result<()> {
        let fits = self.answers.is_empty() || self.answers.iter().any(|known| known == answer);
        ensure!(fits, "an answer is one of {}, not \"{answer}\"", self.answers.join(", "));
        Ok(())
    }
}

/// Keeps a spec where the folder finds it by its hash. Answers with its path.
pub fn keep(folder: &DataDir, bytes: &[u8]) -> anyhow::Result<PathBuf> {
    let path = folder.spec(Hash32(sha256(bytes)));
    let above = path.parent().context("a spec has a folder")?;
    std::fs::create_dir_all(above).with_context(|| format!("{} can't be created", above.display()))?;
    std::fs::write(&path, bytes).with_context(|| format!("{} can't be written", path.display()))?;
    Ok(path)
}

/// The spec with a hash: out of a file that somebody named, which the folder keeps then, or of the folder. `None` if no
/// file was named and the folder has none.
pub fn find(folder: &DataDir, named: Option<&Path>, hash: Hash32) -> anyhow::Result<Option<Spec>> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => folder.spec(hash),
    };
    if named.is_none() && !path.exists() {
        return Ok(None);
    }
    let bytes = read(&path)?;
    let found = Hash32(sha256(&bytes));
    ensure!(found == hash, "{} is not the set's spec: its sha256 is {found}, and the chain has {hash}", path.display());
    let spec = Spec::read(&bytes).with_context(|| format!("{} can't be read as a spec", path.display()))?;
    if named.is_some() {
        keep(folder, &bytes)?;
    }
    Ok(Some(spec))
}

#[cfg(test)]
mod tests {
    use charter_client::sha256;
    use charter_types::Hash32;

    use super::{Spec, find, keep};
    use crate::files::DataDir;
    use crate::task::csv;

    fn spec() -> Spec {
        let answers = ["cat", "dog"].map(str::to_owned).to_vec();
        Spec::new("What is it?\n", answers, csv::read("image\na.png\nb.png\n").unwrap()).unwrap()
    }

    #[test]
    fn a_spec_is_found_by_its_hash_and_another_one_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataDir::new(place.path()).unwrap();
        let bytes = spec().bytes().unwrap();
        let hash = Hash32(sha256(&bytes));
        assert_eq!(find(&folder, None, hash).unwrap(), None);
        let path = keep(&folder, &bytes).unwrap();
        assert_eq!(find(&folder, None, hash).unwrap(), Some(spec()));
        let other = find(&folder, Some(&path), Hash32::default()).unwrap_err().to_string();
        assert!(other.contains("is not the set's spec"), "{other}");
        std::fs::write(&path, "{}").unwrap();
        let bent = find(&folder, None, hash).unwrap_err().to_string();
        assert!(bent.contains("is not the set's spec"), "{bent}");
    }

    #[test]
    fn an_item_is_the_row_of_its_index_and_answers_are_of_the_list() {
        let spec = spec();
        assert_eq!(spec.item(1), Some(vec![("image", "b.png".to_owned())]));
        assert_eq!(spec.item(2), None);
        assert!(spec.check("dog").is_ok());
        assert!(spec.check("Dog").unwrap_err().to_string().contains("one of cat, dog"));
        let free = Spec { answers: Vec::new(), ..spec };
        assert!(free.check("a picture of a dog").is_ok());
    }

    #[test]
    fn what_is_no_set_of_tasks_is_refused() {
        let table = || csv::read("image\na.png\n").unwrap();
        for (instructions, answers, table, expected) in [
            ("", &[][..], table(), "no instructions"),
            ("What?", &["cat", "cat"][..], table(), "there twice"),
            ("What?", &[""][..], table(), "is empty"),
            ("What?", &[][..], csv::read("image\n").unwrap(), "no item"),
        ] {
            let answers = answers.iter().map(|text| (*text).to_owned()).collect();
            let error = Spec::new(instructions, answers, table).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
