//! Flows over all contracts, properties, and what only shows when everything runs together. All of it is in `tests/`.
