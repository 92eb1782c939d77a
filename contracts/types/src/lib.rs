//! Wire types, events, error codes and permission rules of Charter, without near-sdk
