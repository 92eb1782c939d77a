//! The demo: its figures, stopping after each step, resuming, and a mirror that notices tampering.

use std::path::Path;

use charter_indexer::Database;
use serde_json::Value;

use crate::process::{one_demo_at_a_time, run, text};

fn demo(folder: &Path, more: &[&str]) -> Value {
    let folder = folder.to_str().unwrap();
    let output = run(&[&["demo", "--data-dir", folder, "--json", "--api-addr", "127.0.0.1:0"], more].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap()
}

fn verify(folder: &Path) -> (bool, Value) {
    let output = run(&["index", "verify", "--json", "--data-dir", folder.to_str().unwrap()]);
    let report = text(&output.stdout);
    (output.status.success(), serde_json::from_str(report.lines().last().unwrap_or("null")).unwrap_or_default())
}

#[test]
fn every_step_leaves_a_mirror_that_is_true() {
    let _turn = one_demo_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let mut rows = 0;
    for step in ["deploy", "register", "grant", "secret", "vote", "pay", "attack"] {
        let summary = demo(folder.path(), &["--until", step]);
        assert_eq!(summary["mismatches"], 0, "{step}: {summary}");
        let (fine, report) = verify(folder.path());
        assert!(fine, "{step}: {report}");
        let now = report["rows"].as_u64().unwrap();
        assert!(now > 0 && now >= rows, "{step}: {now} rows after {rows}");
        rows = now;
    }
}

#[test]
fn the_story_has_its_figures_and_a_second_run_doubles_nothing() {
    let _turn = one_demo_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let first = demo(folder.path(), &[]);
    assert!(first["agents"].as_u64().unwrap() >= 10, "{first}");
    assert!(first["grants"].as_u64().unwrap() >= 5, "{first}");
    assert!(first["vouchers"].as_u64().unwrap() >= 1_000, "{first}");
    assert_eq!((&first["claim_receipts"], &first["channels_settled"]), (&1.into(), &3.into()), "{first}");
    assert_eq!(
        (&first["offers_agreed"], &first["shares_paid"], &first["shared"]),
        (&1.into(), &1.into(), &1_000.into())
    );
    assert_eq!((&first["late_answers"], &first["late_paid"]), (&1.into(), &"0.05".into()), "{first}");
    assert_eq!((&first["secret_leaks"], &first["mismatches"]), (&0.into(), &0.into()), "{first}");
    assert!(first["transcript_bytes"].as_u64().unwrap() > 0, "{first}");
    let codes = first["attack_codes"].as_array().unwrap();
    for code in ["ESCROW_BAD_SIGNATURE", "KEYS_NOT_OWNER", "GOVERNANCE_VOTE_ENDED", "GOVERNANCE_WRONG_CODE"] {
        assert!(codes.contains(&code.into()), "{first}");
    }
    let second = demo(folder.path(), &[]);
    for field in
        ["agents", "grants", "vouchers", "shared", "late_answers", "rows", "mismatches", "gas_total", "verified_height"]
    {
        assert_eq!(first[field], second[field], "{field}");
    }
}

#[tokio::test]
async fn a_row_changed_by_hand_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let chain = {
        let _turn = one_demo_at_a_time();
        demo(folder.path(), &["--until", "register"])
    };
    assert_eq!(chain["mismatches"], 0);
    let database = Database::embedded(&folder.path().join("db")).await.unwrap();
    let changed = sqlx::query("update agent set body = jsonb_set(body, '{owner}', '\"eve.test.near\"') where id = 3")
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(changed.rows_affected(), 1);
    database.close().await;
    let (fine, report) = verify(folder.path());
    assert!(!fine);
    assert_eq!(report["mismatches"], 1, "{report}");
    assert!(report["detail"][0].as_str().unwrap().starts_with("agent 3"), "{report}");
}
