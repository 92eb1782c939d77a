//! The methods of the verifier.

use super::{Question, Verdict};

crate::method::methods! { of Verifier;
    /// Whether a quote is genuine, and what it says. Rejections are answers, not failures.
    view verify_quote all_borsh(Question) -> Verdict;
}
