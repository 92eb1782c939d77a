//! The Charter governance contract
