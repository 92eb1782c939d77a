//! What a failure says: each invariant that is broken is named, so that each fails the test that has its name.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use super::Came;
use super::model::{Act, Faults, Model, Step};

const OVERFLOW: &str = "ESCROW_OVERFLOW";

pub type Judged = Result<Option<&'static str>, Faults>;

/// What a check fails with. The others are made all the same.
pub async fn failure_of(check: impl Future<Output = ()>) -> Option<String> {
    let mut check = pin!(check);
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| check.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(None),
        Err(said) => Poll::Ready(Some(text_of(&*said))),
    })
    .await
}

fn text_of(said: &(dyn Any + Send)) -> String {
    let text = said.downcast_ref::<String>().cloned();
    text.or_else(|| said.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

pub fn fail_if_any(failures: Vec<Option<String>>) {
    let told: Vec<String> = failures.into_iter().flatten().collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// One of the codes that the model has, if it has any.
pub fn check_code(acts: &[Act], came: &Came, judged: &Judged, (model, lied): (&Model, bool), what: &str) {
    let known = |code: &str, faults: &[&str]| {
        faults.iter().any(|fault| code == *fault || (*fault == "TOKEN" && code.starts_with("TOKEN_")))
    };
    let agree = match (came, judged) {
        (Ok(()), Ok(None)) => true,
        (Err(code), Ok(Some(told))) => code == told,
        (Err(code), Err(faults)) => known(code, faults),
        _ => false,
    };
    let names = [&broken_by(acts, came, judged, model, lied)[..], &["INV-ESC-MODEL"]].concat().join(": ");
    assert!(agree, "{names}: the contract and the model disagree: {judged:?} expected of: {what}");
}

/// Which invariants a disagreement is about, beside that there is one.
fn broken_by(acts: &[Act], came: &Came, judged: &Judged, model: &Model, lied: bool) -> Vec<&'static str> {
    let mut names = Vec::new();
    let mut name_if = |holds: bool, name| names.extend(holds.then_some(name));
    match (came, judged) {
        (Err(code), Ok(_)) => {
            // Rows fail alone: what is refused because of one of them does not give what they give one by one.
            let claims = acts.iter().any(|act| matches!(act.step, Step::Claim { .. }));
            let has_good_row = model.told.iter().any(|told| told.parse::<u128>().is_ok());
            let batch_alone = claims && acts.len() == 1;
            let has_row = |code: &str| claims && model.told.iter().any(|told| told == code);
            name_if(claims, "INV-ESC-4");
            name_if(has_row("ESCROW_NOT_HIGHER"), "INV-ESC-3");
            // It says so, too, when what it was about to write gives more than there is.
            name_if(code == OVERFLOW || has_row("ESCROW_OVER_DEPOSIT"), "INV-ESC-2");
            // The liar's rows stand behind all that is claimed: what is good doesn't fail because of them.
            name_if(lied && (is_of_amounts(code) || batch_alone && has_good_row), "INV-ESC-13");
            // What is due follows from what was claimed alone.
            name_if(code == "ESCROW_NOTHING_DUE", "INV-ESC-8");
        }
        // It would have been refused, but for another reason.
        (Err(code), Err(_)) => name_if(lied && is_of_amounts(code), "INV-ESC-13"),
        (Ok(()), Err(faults)) => {
            let ends = |act: &Act| matches!(act.step, Step::Close(_) | Step::FinalizeClose(_));
            let early = ["ESCROW_TOO_EARLY", "ESCROW_NOT_CLOSING", "ESCROW_NOT_PAYEE"];
            let too_early = faults.iter().any(|fault| early.contains(fault));
            name_if(too_early && acts.iter().any(ends), "INV-ESC-7");
            name_if(faults.contains(&"ESCROW_NOTHING_DUE"), "INV-ESC-2");
            name_if(faults.contains(&"ESCROW_WEAK_KEY"), "INV-ESC-10");
        }
        _ => {}
    }
    names
}

/// Whether a contract refused something, and did not just stop.
pub fn is_code(code: &str) -> bool {
    ["ESCROW_", "CHARTER_", "TOKEN_"].iter().any(|prefix| code.starts_with(prefix))
}

/// What comes of reckoning with more than fits.
fn is_of_amounts(code: &str) -> bool {
    code == OVERFLOW || !is_code(code)
}

/// Which invariants a row breaks of which something else was told than the model says.
pub fn broken_by_row(expected: &str, rows: usize) -> String {
    let own = match expected {
        "ESCROW_OVER_DEPOSIT" => "INV-ESC-2: ",
        "ESCROW_NOT_HIGHER" => "INV-ESC-3: ",
        "ESCROW_BAD_SIGNATURE" => "INV-ESC-5: ",
        _ => "INV-ESC-MODEL: ",
    };
    // One alone is no matter of batches.
    format!("{own}{}", if rows > 1 { "INV-ESC-4: " } else { "" })
}
