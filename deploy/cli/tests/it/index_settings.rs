//! Where options of `charter index …` come from, what its logs are, and what it says of its own health.

use std::io::{BufRead, BufReader};

use charter_harness::Harness;
use charter_indexer::Database;
use serde_json::{Value, json};

use crate::index_trust::{folder, mirror};
use crate::index_verbs::{ends_well, note_deployment};
use crate::process::{charter, run, text};

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn the_command_line_goes_before_the_environment_and_that_before_the_file() {
    let settings = file("data-dir = '/nowhere/by-file'\nprove = true\n");
    let path = settings.path().to_str().unwrap();
    let refusal = |arguments: &[&str], variables: &[(&str, &str)]| {
        let output = charter().args(arguments).envs(variables.iter().copied()).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let (by_file, by_environment) =
        (("CHARTER_INDEX_CONFIG", path), ("CHARTER_INDEX_DATA_DIR", "/nowhere/by-variable"));
    let flag = ["index", "doctor", "--data-dir", "/nowhere/by-flag", "--config", path];
    for (arguments, variables, expected) in [
        (&flag[..], &[by_environment][..], "by-flag"),
        (&["index", "--config", path, "doctor"][..], &[by_environment][..], "by-variable"),
        (&["index", "doctor"][..], &[by_file, by_environment][..], "by-variable"),
        (&["index", "doctor", "--config", path][..], &[][..], "by-file"),
        (&["index", "doctor"][..], &[by_file][..], "by-file"),
        // An empty variable is none.
        (&["index", "doctor"][..], &[by_file, ("CHARTER_INDEX_DATA_DIR", "")][..], "by-file"),
    ] {
        let (code, said) = refusal(arguments, variables);
        assert!(code == Some(1) && said.contains(&format!("/nowhere/{expected} does not exist")), "{expected}: {said}");
    }
    // A machine asked for JSON, wherever.
    let (_, said) = refusal(&["index", "doctor"], &[by_file, ("CHARTER_INDEX_JSON", "true")]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert!(said["error"]["message"].is_string(), "{said}");
    let settings = file("data-dirs = '/nowhere'\n");
    let (code, said) = refusal(&["index", "doctor", "--config", settings.path().to_str().unwrap()], &[]);
    assert!(code == Some(2) && said.contains("data-dirs is no option"), "{said}");
}

#[test]
fn every_option_has_its_variable_and_no_help_shows_its_value() {
    let verbs = text(&run(&["index", "--help"]).stdout);
    let (_, verbs) = verbs.split_once("Commands:").unwrap();
    let (verbs, _) = verbs.split_once("Options:").unwrap();
    let of_verb =
        |line: &str| Some(line.strip_prefix("  ")?.split(' ').next().filter(|verb| !verb.is_empty())?.to_owned());
    let verbs: Vec<String> = verbs.lines().filter_map(of_verb).filter(|verb| verb != "help").collect();
    assert!(verbs.len() >= 9, "{verbs:?}");
    for verb in verbs {
        let secret = ("CHARTER_INDEX_DATABASE_URL", "postgres://alice:geheim@127.0.0.1/x");
        let help = charter().args(["index", &verb, "--help"]).env(secret.0, secret.1).output().unwrap();
        let help = text(&help.stdout);
        assert!(!help.contains("geheim"), "{help}");
        let long = |line: &str| {
            let rest = line.trim_start().strip_prefix("--")?;
            Some(rest.split(|letter: char| !letter.is_ascii_lowercase() && letter != '-').next()?.to_owned())
        };
        let options: Vec<String> = help.lines().filter_map(long).collect();
        assert!(options.len() >= 4, "{verb}: {help}");
        for option in options {
            let variable = option.to_uppercase().replace('-', "_");
            assert!(help.contains(&format!("[env: CHARTER_INDEX_{variable}]")), "{verb} --{option}: {help}");
        }
    }
}

#[test]
fn a_log_for_machines_has_nothing_else_between_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    note_deployment(folder.path(), None);
    let place = ["--data-dir", folder.path().to_str().unwrap(), "--rpc-url", "http://127.0.0.1:1"];
    let mut command = charter();
    command.args(["index", "--log", "json", "run"]).args(place).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let read = |line: String| serde_json::from_str::<Value>(&line).unwrap_or_else(|_| panic!("{line}"));
    let waiting = lines.by_ref().map(read).find(|line| line["level"] == "ERROR").unwrap();
    assert!(waiting["message"].as_str().unwrap().contains("waiting for the node"), "{waiting}");
    assert!(waiting["timestamp"].is_string() && waiting["target"].is_string(), "{waiting}");
    ends_well(child, "-TERM");
    lines.for_each(|line| drop(read(line)));
    // An end that is none.
    let empty = tempfile::tempdir().unwrap();
    let ended = run(&["index", "run", "--log", "json", "--data-dir", empty.path().to_str().unwrap()]);
    let said = read(text(&ended.stderr));
    assert!(said["error"]["message"].as_str().unwrap().contains("has no deployment"), "{said}");
}

fn findings(place: &[&str]) -> (bool, Vec<Value>) {
    let output = run(&[&["index", "doctor", "--json"][..], place].concat());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.success(), said["findings"].as_array().unwrap().clone())
}

/// What is well, odd or wrong, as text.
fn said_of(findings: &[Value], health: &str) -> String {
    let of = |finding: &&Value| finding["health"] == health;
    let lines = findings.iter().filter(of).map(|finding| format!("{}: {}\n", finding["subject"], finding["about"]));
    lines.collect::<Vec<_>>().concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_doctor_say_how_a_mirror_is_and_what_is_wrong_with_it() {
    let harness = Harness::start().await.unwrap();
    let (folder, url) = (folder(&harness), harness.rpc_url());
    let (path, fork) = (folder.path().to_str().unwrap(), harness.fork().await.unwrap());
    let place = ["--data-dir", path, "--rpc-url", &url];

    let (is_well, before) = tokio::task::block_in_place(|| findings(&place));
    assert!(is_well && said_of(&before, "odd").contains("there is none in the folder yet"), "{before:?}");
    let none = run(&["index", "status", "--data-dir", path]);
    assert!(text(&none.stderr).contains("there is no database yet"), "{}", text(&none.stderr));
    assert!(!folder.path().join("db").exists(), "looking for it made it");

    tokio::task::block_in_place(|| mirror(&place));
    let told = run(&["index", "status", "--data-dir", path, "--json"]);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert!(told["height"].as_u64().unwrap() > 0 && told["events"]["registry"].as_u64().unwrap() > 0, "{told}");
    assert_eq!((&told["chain_id"], &told["dead_letters"]), (&json!(harness.chain_id), &json!(0)), "{told}");
    let told = run(&["index", "status", "--data-dir", path]);
    assert!(text(&told.stdout).starts_with("tables      block "), "{}", text(&told.stdout));

    // The same node by two names is two that agree.
    let both = format!("{url},{}", url.replace("127.0.0.1", "localhost"));
    let (is_well, found) = tokio::task::block_in_place(|| findings(&["--data-dir", path, "--rpc-url", &both]));
    assert!(is_well, "{}", said_of(&found, "wrong"));
    let well = said_of(&found, "well");
    for expected in ["of them have the same block", "all ", "events, ", "MB are free", "deployment"] {
        assert!(well.contains(expected), "{expected}: {well}");
    }

    // Two that do not.
    fork.account("mallory").await.unwrap();
    for chain in [&harness, &fork] {
        chain.make_blocks(6).await.unwrap();
    }
    let both = format!("{url},{}", fork.rpc_url());
    let (is_well, found) = tokio::task::block_in_place(|| findings(&["--data-dir", path, "--rpc-url", &both]));
    assert!(!is_well && said_of(&found, "wrong").contains("different blocks of height"), "{found:?}");

    // A database of another chain, which a later program has written, too.
    for (damage, expected) in [
        ("update cursor set chain_id = 'told'", "the database mirrors told"),
        (
            "insert into verify_run (height, rows, mismatches, detail) values (7, 9, 3, '[]')",
            "3 rows were wrong at block 7",
        ),
        (
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
             values (9999, 'later', true, '', 0)",
            "migration 9999 is a later program's",
        ),
    ] {
        let database = Database::look_embedded(&folder.path().join("db")).await.unwrap();
        sqlx::query(damage).execute(database.pool()).await.unwrap();
        database.close().await;
        let (is_well, found) = tokio::task::block_in_place(|| findings(&place));
        assert!(!is_well && said_of(&found, "wrong").contains(expected), "{expected}: {found:?}");
    }
}

#[test]
fn a_doctor_names_what_does_not_answer_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    note_deployment(folder.path(), None);
    let settings =
        file("database-url = 'postgres://alice:geheim@127.0.0.1:1/x'\nrpc-url = 'http://127.0.0.1:1/geheim'\n");
    std::fs::set_permissions(settings.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let (path, config) = (folder.path().to_str().unwrap(), settings.path().to_str().unwrap());
    let (is_well, found) = findings(&["--data-dir", path, "--config", config]);
    let (wrong, odd) = (said_of(&found, "wrong"), said_of(&found, "odd"));
    assert!(!is_well && wrong.contains("\"database\"") && wrong.contains("none of them answers"), "{found:?}");
    assert!(odd.contains("http://127.0.0.1:1") && odd.contains("chmod 600"), "{odd}");
    assert!(!format!("{found:?}").contains("geheim"), "{found:?}");
    let said = run(&["index", "doctor", "--data-dir", path, "--config", config]);
    assert!(text(&said.stdout).contains("WRONG  database"), "{}", text(&said.stdout));
    assert!(text(&said.stderr).contains("things that were looked at are wrong"), "{}", text(&said.stderr));
}
