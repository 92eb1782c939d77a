//! The key host: the agent asks for an action, never for a secret. The host opens the secret, injects it into the request,
//! and redacts it from the answer. Plaintext lives in memory for the length of one request.

mod address;
mod error;
mod host_keys;
mod meter;
mod redact;
mod request;
mod seal;
mod server;

pub use address::Upstreams;
pub use error::HostError;
pub use host_keys::HostKeys;
pub use redact::Redactor;
pub use request::{Host, HttpRequest, HttpResponse, action_of};
pub use seal::{Place, SealContext, SealTo, Sealed, open, seal};
pub use server::{Ask, AskError, Door, HostClient, Server, Tokens};
