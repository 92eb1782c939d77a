//! Flows, properties and end-to-end tests
