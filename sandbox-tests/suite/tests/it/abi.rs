//! ABIs: every contract answers `__contract_abi` with the file in its folder, and that names what the wasm exports.

use std::collections::BTreeSet;
use std::path::Path;

use charter_harness::Harness;
use charter_wasm::Contract;
use serde_json::{Value, json};

fn committed(contract: Contract) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../contracts/{}/abi.json", contract.name()));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn exported(code: &[u8]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for payload in wasmparser::Parser::new(0).parse_all(code) {
        if let wasmparser::Payload::ExportSection(exports) = payload.unwrap() {
            let functions = exports.into_iter().map(Result::unwrap);
            let functions = functions.filter(|export| export.kind == wasmparser::ExternalKind::Func);
            names.extend(functions.map(|export| export.name.to_owned()));
        }
    }
    names
}

#[test]
fn abis_name_every_method_and_no_other() {
    for contract in Contract::ALL {
        let mut methods = exported(contract.code());
        assert!(methods.remove("__contract_abi"), "{}", contract.name());
        let abi = committed(contract);
        let functions = abi["body"]["functions"].as_array().unwrap();
        let named: BTreeSet<String> =
            functions.iter().map(|function| function["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(named, methods, "{}", contract.name());
        assert_eq!(named.len(), functions.len(), "{}", contract.name());
    }
}

#[tokio::test]
async fn contracts_answer_with_their_abi() {
    let harness = Harness::start().await.unwrap();
    let deployed = &harness.contracts;
    let accounts = [
        (Contract::Registry, &deployed.registry),
        (Contract::Keys, &deployed.keys),
        (Contract::Governance, &deployed.governance),
        (Contract::Escrow, &deployed.escrow),
        (Contract::Tasks, &deployed.tasks),
        (Contract::Verifier, &deployed.verifier),
    ];
    for (contract, account) in accounts {
        let answer = harness.worker.view(account, "__contract_abi").args_json(json!({})).await.unwrap().result;
        let text = zstd::decode_all(answer.as_slice()).unwrap();
        let embedded: Value = serde_json::from_slice(&text).unwrap();
        assert!(embedded == committed(contract), "{}", contract.name());
    }
}
