//! The Charter keys contract
