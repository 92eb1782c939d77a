//! Typed calls, vouchers and permission evaluation for Rust programs
