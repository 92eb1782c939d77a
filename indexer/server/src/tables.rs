//! All tables of records, a file per contract: descriptors, and which fact changes which row.

pub mod escrow;
pub mod governance;
pub mod keys;
pub mod registry;
pub mod tasks;

use crate::table::Table;

/// Every table of records.
pub fn all() -> impl Iterator<Item = &'static Table> {
    let contracts = [registry::TABLES, keys::TABLES, governance::TABLES, escrow::TABLES, tasks::TABLES];
    contracts.into_iter().flatten().copied()
}
