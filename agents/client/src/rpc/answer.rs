//! What a node's answer says, whatever its HTTP status. Nothing here asks anybody.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::{Value, json};

use crate::ClientError;

/// Longest pause that a node is granted, however long it asks for.
pub(super) const PAUSE_MAX: Duration = Duration::from_mins(5);
/// How much is kept of why a view came to nothing: NEAR takes 16,384 bytes of a contract's last words.
const FAILED_BYTES_MAX: usize = 32_768;
/// How much of a body is kept that is no answer.
const KEPT_BYTES_MAX: usize = 4_096;

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    /// Nobody read on after so many bytes.
    TooLong(usize),
    /// The connection was lost.
    BrokenOff,
}

/// What came back over HTTP.
#[derive(Debug)]
pub(super) struct Reply {
    pub status: u16,
    pub pause: Option<Duration>,
    pub body: Vec<u8>,
    pub end: End,
}

/// When a node wants to be asked again, in seconds or as a date.
pub(super) fn pause(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        // A date that is over asks for nothing.
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(pause.min(PAUSE_MAX))
}

/// nearcore tells of two refusals in a result, for old clients' sake.
fn told_in_result(method: &str, result: Value) -> Result<Value, ClientError> {
    if method != "query" {
        return Ok(result);
    }
    let Some(text) = result["error"].as_str().map(str::to_owned) else { return Ok(result) };
    if !text.starts_with("access key ") {
        let text = text.get(..text.floor_char_boundary(FAILED_BYTES_MAX)).unwrap_or_default().to_owned();
        return Err(ClientError::Failed { text });
    }
    let cause = json!({ "name": "UNKNOWN_ACCESS_KEY", "info": {} });
    let error = json!({ "name": "HANDLER_ERROR", "cause": cause, "message": text });
    Err(ClientError::Rpc { method: method.to_owned(), error })
}

impl Reply {
    /// The result that it holds.
    pub fn result(&self, node: &str, method: &str) -> Result<Value, ClientError> {
        if !(200..300).contains(&self.status) {
            return Err(self.refusal(method).unwrap_or_else(|| self.failure(node, method)));
        }
        let unreadable = |reason: String| self.unreadable(node, method, reason);
        match self.end {
            End::Whole => {}
            End::TooLong(bytes_max) => {
                return Err(ClientError::TooLarge { node: node.to_owned(), method: method.to_owned(), bytes_max });
            }
            End::BrokenOff => return Err(unreadable(format!("it breaks off after {} bytes", self.body.len()))),
        }
        let answer: Value = serde_json::from_slice(&self.body).map_err(|error| unreadable(error.to_string()))?;
        // Not a struct with these fields: serde would read one from a list, too.
        let Value::Object(mut fields) = answer else { return Err(unreadable("it is no JSON object".to_owned())) };
        // Some nodes say of a good answer that its error is null.
        if let Some(error) = fields.remove("error").filter(|error| !error.is_null()) {
            return Err(ClientError::Rpc { method: method.to_owned(), error });
        }
        let none = || unreadable("it has neither a result nor an error".to_owned());
        told_in_result(method, fields.remove("result").ok_or_else(none)?)
    }

    /// nearcore gives its errors statuses of HTTP, and says why in the body.
    fn refusal(&self, method: &str) -> Option<ClientError> {
        let answer: Value = serde_json::from_slice(&self.body).ok()?;
        let error = answer.get("error")?;
        let kinds = ["HANDLER_ERROR", "INTERNAL_ERROR", "REQUEST_VALIDATION_ERROR"];
        let is_nearcores = error["name"].as_str().is_some_and(|name| kinds.contains(&name));
        (is_nearcores && self.status != 429)
            .then(|| ClientError::Rpc { method: method.to_owned(), error: error.clone() })
    }

    fn failure(&self, node: &str, method: &str) -> ClientError {
        let (node, method) = (node.to_owned(), method.to_owned());
        ClientError::Status { node, method, status: self.status, body: self.kept(), pause: self.pause }
    }

    /// The error that it is something else than was asked for.
    pub fn unreadable(&self, node: &str, method: &str, reason: String) -> ClientError {
        let (node, method) = (node.to_owned(), method.to_owned());
        ClientError::Unreadable { node, method, reason, body: self.kept() }
    }

    /// The body, or how it begins.
    fn kept(&self) -> String {
        let start = self.body.get(..KEPT_BYTES_MAX).unwrap_or(&self.body);
        String::from_utf8_lossy(start).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    use super::{PAUSE_MAX, pause};

    #[test]
    fn a_pause_is_read_in_seconds_and_as_a_date_and_has_a_bound() {
        // Sun, 06 Nov 1994 08:49:37 GMT.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let asked = |text: &str| {
            let value = HeaderValue::from_str(text).unwrap();
            pause(&HeaderMap::from_iter([(RETRY_AFTER, value)]), now)
        };
        let seconds = |number| Some(Duration::from_secs(number));
        assert_eq!((asked("0"), asked(" 7 ")), (seconds(0), seconds(7)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:47 GMT"), seconds(10));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:27 GMT"), seconds(0), "it is over");
        for far in ["3600", "18446744073709551615", "Sat, 06 Nov 2094 08:49:37 GMT"] {
            assert_eq!(asked(far), Some(PAUSE_MAX), "{far}");
        }
        for nonsense in ["", "-1", "soon", "1.5"] {
            assert_eq!(asked(nonsense), None, "{nonsense}");
        }
        assert_eq!(pause(&HeaderMap::new(), now), None);
    }
}
