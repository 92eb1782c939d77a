//! Lines that agents rest on which adopt releases by themselves.

use super::list::Mutation;

const HERE: &str = "contracts/common/src/adopt.rs";

/// In the release that runs.
const fn running(breaks: &'static str, line: &'static str, instead: &'static str) -> Mutation {
    Mutation { breaks, contract: "test-agent-1", tests: "adopt::", file: HERE, line, instead }
}

/// In the release that is adopted.
const fn adopted(breaks: &'static str, line: &'static str, instead: &'static str) -> Mutation {
    Mutation { breaks, contract: "test-agent-2", tests: "adopt::", file: HERE, line, instead }
}

pub const ADOPT: &[Mutation] = &[
    running(
        "ADOPT: the code",
        "Promise::new(env::current_account_id()).use_global_contract(code.0);",
        "Promise::new(env::current_account_id()); let _ = code;",
    ),
    running(
        "ADOPT: one receipt",
        "Ok(raw_call(us, migrate, encoded(&asked), 0, MIGRATE_GAS).into())",
        "Ok(us.then(raw_call(Promise::new(env::current_account_id()), migrate, encoded(&asked), 0, MIGRATE_GAS)).into())",
    ),
    running("ADOPT: strangers", "check_self()?;\n    let Pending", "let Pending"),
    running("ADOPT: strangers", "check_self()?;\n    let replaced", "let replaced"),
    running("ADOPT: what ran when it asked", "check_replaced(running, asked)?;", ""),
    adopted(
        "ADOPT: once",
        "check_replaced(Deployment { number, ..replaced }, replaced)?;",
        "let _ = (replaced, check_replaced);",
    ),
    adopted("ADOPT: once", "&(number + 1)", "&number"),
    running("ADOPT: epochs", "if enrolled.is_none() || enrolled != now {", "if enrolled.is_none() || now.is_none() {"),
    running("ADOPT: epochs", "if enrolled.is_none() || enrolled != now {", "if enrolled != now {"),
    running("ADOPT: what it runs", "if wasm.contains(&running) {", "if wasm.contains(&running) && wasm.is_empty() {"),
    running("ADOPT: one code", "[code] => ", "[code, ..] => "),
    running("ADOPT: this agent", "told.agent == agent)", "told.agent > 0 && agent > 0)"),
    running("ADOPT: as long as it is", "const TOLD_BYTES_MAX: usize = 4_096;", "const TOLD_BYTES_MAX: usize = 65_536;"),
    Mutation {
        breaks: "ADOPT: code for NEAR",
        contract: "governance",
        tests: "adopt::",
        file: "contracts/governance/src/api/views.rs",
        line: "artifact.kind == ArtifactKind::NearWasm",
        instead: "artifact.bytes > 0 || artifact.kind == ArtifactKind::NearWasm",
    },
];
