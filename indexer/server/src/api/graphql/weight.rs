//! How much a request asks for, before anybody walks through it: fragments within fragments are short to write and long to
//! follow.

use std::collections::HashMap;

use async_graphql::Name;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

/// How many fields and fragments a document has, with fragments in their places. `None`: more than that many, or no end.
pub fn of(document: &ExecutableDocument, most: usize) -> Option<usize> {
    let mut scale = Scale { document, most, known: HashMap::new() };
    let sets = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    sets.map(|set| scale.set(set)).try_fold(0, |sum: usize, weight| sum.checked_add(weight?))
}

struct Scale<'a> {
    document: &'a ExecutableDocument,
    most: usize,
    /// Fragments that were weighed, or, without a weight, are being weighed.
    known: HashMap<&'a str, Option<usize>>,
}

impl<'a> Scale<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Option<usize> {
        let mut sum: usize = 0;
        for selection in &set.items {
            let below = match &selection.node {
                Selection::Field(field) => self.set(&field.node.selection_set.node)?,
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            };
            sum = sum.checked_add(below)?.checked_add(1).filter(|sum| *sum <= self.most)?;
        }
        Some(sum)
    }

    fn fragment(&mut self, name: &'a Name) -> Option<usize> {
        if let Some(known) = self.known.get(name.as_str()) {
            return *known;
        }
        // One that there is none of is found by who validates.
        let Some(fragment) = self.document.fragments.get(name) else { return Some(0) };
        self.known.insert(name.as_str(), None);
        let weight = self.set(&fragment.node.selection_set.node)?;
        self.known.insert(name.as_str(), Some(weight));
        Some(weight)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use async_graphql::parser::parse_query;

    use super::of;

    fn weight(query: &str) -> Option<usize> {
        of(&parse_query(query).unwrap(), 1_000)
    }

    #[test]
    fn fragments_weigh_as_much_as_what_stands_in_them() {
        assert_eq!(weight("{ a b { c d } }"), Some(4));
        assert_eq!(weight("{ a { ... on B { c d } } }"), Some(4));
        assert_eq!(weight("{ a { ...B } b { ...B } } fragment B on B { c d }"), Some(8));
        assert_eq!(weight("query One { a } query Two { b c }"), Some(3));
        assert_eq!(weight("{ ...Nowhere }"), Some(1));
    }

    #[test]
    fn what_doubles_or_has_no_end_is_not_followed() {
        assert_eq!(weight("{ ...A } fragment A on A { a { ...A } }"), None);
        assert_eq!(weight("{ ...A } fragment A on A { ...B } fragment B on B { ...A }"), None);
        let mut query = "{ ...F0 }".to_owned();
        for number in 0..200 {
            write!(query, " fragment F{number} on F {{ ...F{next} ...F{next} }}", next = number + 1).unwrap();
        }
        assert_eq!(weight(&query), None);
    }
}
