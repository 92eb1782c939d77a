//! Any bytes as a JSON-RPC request: the chain answers and goes on.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use charter_localnet::{Config, Localnet};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime starts"));
static CHAIN: LazyLock<Localnet> =
    LazyLock::new(|| RUNTIME.block_on(Localnet::start(Config::default())).expect("a chain starts"));

const STATUS: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"status","params":[]}"#;

fuzz_target!(|body: &[u8]| {
    // Started before the runtime is entered, as starting enters it, too.
    let chain = &*CHAIN;
    RUNTIME.block_on(async {
        // A transaction's status may be waited for; nothing else takes that long.
        let _ = tokio::time::timeout(Duration::from_millis(20), chain.answer(body)).await;
        assert!(chain.answer(STATUS).await.0.is_success(), "the chain has stopped");
    });
});
