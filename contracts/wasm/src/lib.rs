//! Builds the contracts once and hands out their bytes
