//! The key host: the agent asks for an action, never for a secret. The host opens the secret, injects it into the request,
//! and redacts it from the answer. Plaintext lives in memory for the length of one request.

mod action;
mod address;
mod bounded;
mod error;
mod exchange;
mod host_keys;
mod incoming;
mod inject;
mod meter;
mod outgoing;
mod receipt;
mod redact;
mod request;
mod seal;
mod server;

pub use action::{action_of, check_octets};
pub use address::Upstreams;
pub use error::HostError;
pub use exchange::Patience;
pub use host_keys::HostKeys;
pub use outgoing::LetOut;
pub use receipt::asked;
pub use redact::{Redactor, SECRET_BYTES_MIN, is_long_enough};
pub use request::{Host, HttpRequest, HttpResponse};
pub use seal::{Place, SealContext, SealTo, Sealed, open, seal};
pub use server::{Ask, AskError, Door, HostClient, Server, Tokens};
