//! Lines that belief in what a node says rests on.

use super::CLIENT;
use super::list::Mutation;

const fn head(breaks: &'static str, line: &'static str, instead: &'static str) -> Mutation {
    Mutation { breaks, contract: CLIENT, tests: "head::inv_idx", file: HEAD, line, instead }
}

const fn header(file: &'static str, line: &'static str, instead: &'static str) -> Mutation {
    Mutation { breaks: "INV-IDX-5", contract: CLIENT, tests: "header::inv_idx", file, line, instead }
}

const fn outcome(line: &'static str, instead: &'static str) -> Mutation {
    Mutation { breaks: "INV-IDX-3", contract: CLIENT, tests: "outcome::", file: OUTCOME, line, instead }
}

const fn state(line: &'static str, instead: &'static str) -> Mutation {
    Mutation { breaks: "INV-IDX-4", contract: CLIENT, tests: "state::", file: STATE, line, instead }
}

const FIELDS: &str = "agents/client/src/proof.rs";
const HEAD: &str = "agents/client/src/proof/head.rs";
const OUTCOME: &str = "agents/client/src/proof/outcome.rs";
const STATE: &str = "agents/client/src/proof/state.rs";

pub const PROOF: &[Mutation] = &[
    head(
        "INV-IDX-1",
        "if approved.saturating_mul(3) <= total.saturating_mul(2) {",
        "if approved.saturating_mul(3) < total.saturating_mul(2) {",
    ),
    head(
        "INV-IDX-1",
        "total = total.saturating_add(stake);",
        "total = total.saturating_add(if place < approvals.len() { stake } else { 0 });",
    ),
    head(
        "INV-IDX-1",
        "if !signature.verify(message, producer.public_key()) {",
        "if !self.0.iter().any(|one| signature.verify(message, one.public_key())) {",
    ),
    head("INV-IDX-1", "match first_double(&stakes) {", "match first_double(&stakes[..0]) {"),
    head("INV-IDX-1", "header.height.saturating_add(2)", "header.height.saturating_add(3)"),
    head("INV-IDX-2", "if header.height <= self.header.height {", "if header.height == self.header.height {"),
    head(
        "INV-IDX-2",
        "if !enters && header.epoch_id != self.header.epoch_id {",
        "if !enters && header.epoch_id == CryptoHash::default() {",
    ),
    head(
        "INV-IDX-2",
        "None if enters => return Err(ProofError::NoNextProducers),",
        "None if enters && header.height == 0 => return Err(ProofError::NoNextProducers),",
    ),
    head(
        "INV-IDX-2",
        "if compute_bp_hash_from_validator_stakes(&stakes, true) != next_bp_hash {",
        "if compute_bp_hash_from_validator_stakes(&stakes, true) != next_bp_hash && stakes.len() > 99 {",
    ),
    header(HEAD, "if header.hash != trusted {", "if header.hash != trusted && header.height == 0 {"),
    header(HEAD, "if lite.hash() != view.hash {", "if lite.hash() != view.hash && view.height == 0 {"),
    header(
        HEAD,
        "if is_later || view.latest_protocol_version < PROTOCOL_MIN {",
        "if is_later && view.latest_protocol_version < PROTOCOL_MIN {",
    ),
    header(
        FIELDS,
        "if inner.chunk_execution_root.is_some() {",
        "if inner.chunk_execution_root.is_some() && inner.height == 0 {",
    ),
    outcome("if told.id != id {", "if told.id != id && told.proof.len() > 64 {"),
    outcome(
        "if told.outcome.executor_id != *executor {",
        "if told.outcome.executor_id != *executor && told.proof.len() > 64 {",
    ),
    outcome("!= block.outcome_root {", "!= block.outcome_root && told.proof.len() > 64 {"),
    outcome("!= tip.block_merkle_root {", "!= tip.block_merkle_root && path.is_empty() {"),
    outcome("let is_tip = header.hash == tip.hash;", "let is_tip = path.is_empty();"),
    state(
        "if merklize(chunk_roots).0 == prev_state_root {",
        "if merklize(chunk_roots).0 == prev_state_root || chunk_roots.len() < 9 {",
    ),
    state("?.is_none() {", "?.is_none() && index > 9 {"),
    state(
        "(Some(found), Some(value)) => found == *value,",
        "(Some(found), Some(value)) => found.len() != value.len() * 99,",
    ),
    state("(None, None) => true,", "(None, _) => true,"),
    state(
        "let is_so = root.path(&item.key) == path && found == *item.value.as_slice();",
        "let is_so = root.path(&item.key) == path || found == *item.value.as_slice();",
    ),
    state(
        "let item = due.next().ok_or_else(|| other_value(prefix))?;",
        "let Some(item) = due.next() else { return Ok(()) };",
    ),
    state(
        "        Some(item) => Err(other_value(&item.key)),\n",
        "        Some(item) if item.key.is_empty() => Err(other_value(&item.key)),\n        Some(_) => Ok(()),\n",
    ),
    state("if path.len() > NIBBLES_MAX {", "if path.len() > NIBBLES_MAX * 9 {"),
];
