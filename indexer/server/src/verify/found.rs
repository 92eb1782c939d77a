//! Mismatches: how many there are, and the first of them in words.

/// Mismatches described one by one; more are only counted.
pub const DETAIL_MAX: usize = 20;

#[derive(Debug, Default)]
pub struct Found {
    pub count: u64,
    pub detail: Vec<String>,
}

impl Found {
    pub fn push(&mut self, line: String) {
        self.count += 1;
        if self.detail.len() < DETAIL_MAX {
            self.detail.push(line);
        }
    }

    pub fn append(&mut self, other: Self) {
        self.count += other.count;
        self.detail.extend(other.detail);
        self.detail.truncate(DETAIL_MAX);
    }
}
