//! The Charter registry contract
