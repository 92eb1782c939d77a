//! The key host: injects credentials so that the model never sees them
