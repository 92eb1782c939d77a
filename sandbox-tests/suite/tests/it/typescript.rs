//! The TypeScript client: its types come from the ABIs, and near-api-js reads typed answers from the real contracts.

use std::path::Path;

use charter_harness::Harness;
use tokio::process::Command;

/// Runs a program of Node's in the client's folder.
async fn run(program: &str, arguments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agents/client/ts");
    let output = Command::new(program).args(arguments).current_dir(folder).output().await;
    let output = output.unwrap_or_else(|error| panic!("{program} is needed, install Node 20 or later: {error}"));
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {out}{errors}");
    out.into_owned()
}

#[tokio::test]
async fn near_api_js_reads_typed_answers() {
    run("npm", &["ci", "--no-audit", "--no-fund"]).await;
    run("npm", &["run", "build"]).await;
    let harness = Harness::start().await.unwrap();
    let root = harness.root();
    let key = root.secret_key().to_string();
    let out = run("node", &["dist/examples/agent.js", &harness.rpc_url(), root.id().as_str(), &key]).await;
    assert!(out.contains("all steps passed"), "{out}");
}
