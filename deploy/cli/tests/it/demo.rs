//! The demo: its figures, stopping after each step, resuming, and a mirror that notices tampering; and the crowd in its place.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use charter_indexer::Database;
use serde_json::Value;

use crate::process::{charter, one_demo_at_a_time, run, text};

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
    for step in ["deploy", "register", "grant", "secret", "vote", "pay", "task", "attack"] {
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
    assert_eq!((&first["tasks_judged"], &first["tasks_appealed"]), (&1.into(), &1.into()), "{first}");
    assert_eq!((&first["task_reward"], &first["task_fees"]), (&"0.05".into(), &"0.07".into()), "{first}");
    assert_eq!((&first["secret_leaks"], &first["mismatches"]), (&0.into(), &0.into()), "{first}");
    assert!(first["transcript_bytes"].as_u64().unwrap() > 0, "{first}");
    let codes = first["attack_codes"].as_array().unwrap();
    for code in ["ESCROW_BAD_SIGNATURE", "KEYS_NOT_OWNER", "GOVERNANCE_VOTE_ENDED", "GOVERNANCE_WRONG_CODE"] {
        assert!(codes.contains(&code.into()), "{first}");
    }
    let second = demo(folder.path(), &[]);
    for field in [
        "agents",
        "grants",
        "vouchers",
        "shared",
        "late_answers",
        "tasks_appealed",
        "rows",
        "mismatches",
        "gas_total",
        "verified_height",
    ] {
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

/// Every figure is counted: leave out a phase, or let the indexer read nothing, and one of them is missing.
#[test]
fn a_crowd_of_fifty_is_mirrored_while_it_acts_and_one_call_revokes_all_of_its_grants() {
    let folder = tempfile::tempdir().unwrap();
    let crowd = demo(folder.path(), &["--scale", "50"]);
    for (field, count) in [
        ("agents", 50),
        ("members", 50),
        ("channels", 50),
        ("vouchers", 5_000),
        ("claimed", 200),
        ("grants_revoked", 50),
        ("voters", 50),
        ("mismatches", 0),
        ("dead_letters", 0),
    ] {
        assert_eq!(crowd[field], count, "{field}: {crowd}");
    }
    let phases = crowd["phases"].as_array().unwrap();
    let counted = |name: &str| phases.iter().find(|phase| phase["name"] == name).unwrap()["count"].as_u64().unwrap();
    let rows = crowd["rows"].as_u64().unwrap();
    assert_eq!(["vouchers", "claims", "votes", "verify"].map(counted), [5_000, 200, 50, rows], "{crowd}");
    // An agent, a channel, a grant with its policy, a stake and a ballot of each.
    assert!(rows >= 6 * 50, "{crowd}");
    assert!(crowd["events"].as_u64().unwrap() >= 5 * 50, "{crowd}");
    // Another process compares again.
    let (fine, report) = verify(folder.path());
    assert!(fine, "{report}");
    assert_eq!((&report["rows"], &report["height"]), (&crowd["rows"], &crowd["verified_height"]));
    let place = folder.path().to_str().unwrap();
    for (arguments, expected) in [
        (&["--data-dir", place, "--scale", "50"][..], "begins with an empty folder"),
        (&["--scale", "0"][..], "0 is not in 1..=100000"),
        (&["--scale", "1", "--until", "pay"][..], "cannot be used with"),
    ] {
        let refused = run(&[&["demo"], arguments].concat());
        assert!(!refused.status.success() && text(&refused.stderr).contains(expected), "{}", text(&refused.stderr));
    }
}

/// If it were not heard, a crowd of a hundred thousand would go on for longer than any test may take.
#[test]
fn a_crowd_goes_home_when_it_is_told_to() {
    let mut command = charter();
    command.args(["demo", "--scale", "100000"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.contains("members")), "it ended by itself");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let last = said.last();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(last.as_ref().is_some_and(|line| line.contains("stopped before")), "{last:?}");
}
