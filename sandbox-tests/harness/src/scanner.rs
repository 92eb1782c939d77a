//! Who judges redaction: a program in another language, which shares nothing with it (`scanner/find_secret.py`).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Names of those texts that hold the secret, or a piece of it, in any spelling. Needs Python 3 and nothing besides.
pub fn leaks<'a>(secret: &str, texts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<String> {
    let texts: Vec<_> = texts.into_iter().map(|(name, text)| json!([name, STANDARD.encode(text)])).collect();
    let found = ask(&json!({ "secret": secret, "texts": texts }));
    serde_json::from_value(found).expect("the scanner answers with a list of names")
}

/// How many files are in a folder, and those that hold the secret in a usual spelling.
pub fn files_with(secret: &str, folder: &Path) -> (usize, Vec<PathBuf>) {
    let found = ask(&json!({ "secret": secret, "folder": folder }));
    let searched = found["searched"].as_u64().and_then(|count| usize::try_from(count).ok());
    let paths = serde_json::from_value(found["found"].clone()).expect("the scanner answers with a list of files");
    (searched.expect("the scanner counts the files"), paths)
}

fn ask(question: &Value) -> Value {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/scanner/find_secret.py");
    let mut command = Command::new("python3");
    let mut scanner = command
        .args(["-I", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the scanner needs Python 3, as python3");
    let mut input = scanner.stdin.take().expect("the scanner's input is a pipe");
    input.write_all(question.to_string().as_bytes()).expect("the scanner reads what it is given");
    drop(input);
    let output = scanner.wait_with_output().expect("the scanner ends");
    assert!(output.status.success(), "the scanner failed");
    serde_json::from_slice(&output.stdout).expect("the scanner answers in JSON")
}
