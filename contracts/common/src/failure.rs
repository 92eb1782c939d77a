//! Typed errors on their way out of a method.

use charter_types::ErrorCode;
use near_sdk::{FunctionError, env};

/// What a method refuses with. It panics with `CODE: sentence`, which rolls the receipt back and returns the deposit.
#[derive(Debug)]
pub struct Failure {
    pub code: &'static str,
    text: String,
}

pub type Answer<T = ()> = Result<T, Failure>;

impl<E: ErrorCode> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { code: error.code(), text: shortened(error.panic_text()) }
    }
}

/// Longest text of a failure, bytes. NEAR takes 16,384, and fails without a word if there are more; callers can name
/// things that are longer.
const TEXT_BYTES_MAX: usize = 1_024;

fn shortened(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}

impl Failure {
    /// The text the failed call carries.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl FunctionError for Failure {
    fn panic(&self) -> ! {
        env::panic_str(&self.text)
    }
}
