//! The Charter escrow contract
