//! Paged lists.

use charter_derive::wire;

use crate::{AccountId, PAGE_MAX};

/// From which id on (or how many to skip, where a list has no ids), and how many at most.
#[wire(strict)]
#[derive(Copy, Default)]
pub struct Page {
    #[wire(default)]
    pub from: u64,
    pub limit: Option<u64>,
}

/// The same, of one account.
#[wire(strict)]
pub struct PageOf {
    pub account: AccountId,
    #[wire(default)]
    pub from: u64,
    pub limit: Option<u64>,
}

/// Rows to return for a wished limit.
pub fn page_size(limit: Option<u64>) -> usize {
    usize::try_from(limit.unwrap_or(PAGE_MAX).min(PAGE_MAX)).unwrap_or(0)
}

/// A call without arguments.
#[wire(strict)]
#[derive(Copy, Default)]
pub struct Nothing {}

/// One account.
#[wire(strict)]
pub struct Named {
    pub account: AccountId,
}
