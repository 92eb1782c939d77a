//! What two or more Charter contracts share on chain
