//! `charter.json` says which node to believe and where keys are: it is not taken from where somebody else could have put it.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use crate::process::{charter, text};

/// What `charter agent show` says in a folder. A profile that is taken leads to a data folder with nothing in it.
fn said_in(folder: &Path, arguments: &[&str]) -> String {
    let output = charter().args(arguments).current_dir(folder).output().unwrap();
    assert!(!output.status.success());
    text(&output.stderr)
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_profile_that_others_could_write_is_not_taken() {
    const TAKEN: &str = "has no deployment";
    let root = tempfile::tempdir().unwrap();
    let (folder, below) = (root.path().join("work"), root.path().join("work/deep/down"));
    std::fs::create_dir_all(&below).unwrap();
    let profile = folder.join("charter.json");
    let content = serde_json::json!({ "data_dir": root.path(), "account": "alice.near" });
    std::fs::write(&profile, content.to_string()).unwrap();
    let show = ["agent", "show"];
    let named = ["agent", "show", "--profile", profile.to_str().unwrap()];
    for (place, arguments) in [(&folder, &show[..]), (&below, &show), (&below, &named)] {
        for (folder_mode, file_mode, expected) in [
            (0o755, 0o644, TAKEN),
            (0o700, 0o600, TAKEN),
            (0o775, 0o644, "others can write"),
            (0o757, 0o644, "others can write"),
            (0o1777, 0o644, "others can write"),
            (0o755, 0o664, "others can write"),
            (0o755, 0o646, "others can write"),
        ] {
            set_mode(&folder, folder_mode);
            set_mode(&profile, file_mode);
            let said = said_in(place, arguments);
            assert!(said.contains(expected), "{folder_mode:o} {file_mode:o}: {said}");
        }
    }
    // A link to a file elsewhere is judged by where the file is.
    let elsewhere = root.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::rename(&profile, elsewhere.join("real.json")).unwrap();
    std::os::unix::fs::symlink(elsewhere.join("real.json"), &profile).unwrap();
    set_mode(&elsewhere.join("real.json"), 0o600);
    for (mode, expected) in [(0o755, TAKEN), (0o777, "others can write")] {
        set_mode(&elsewhere, mode);
        let said = said_in(&folder, &show);
        assert!(said.contains(expected), "{mode:o}: {said}");
    }
    set_mode(&elsewhere, 0o755);
    // Only root can give a file away; CI runs as root.
    for given in [elsewhere.join("real.json"), elsewhere.clone()] {
        if chown(&given, Some(12_345), None).is_ok() {
            let said = said_in(&folder, &show);
            assert!(said.contains("belongs to somebody else"), "{said}");
            chown(&given, Some(0), None).unwrap();
        }
    }
}

#[test]
fn a_profile_is_not_written_where_others_could_change_it() {
    let root = tempfile::tempdir().unwrap();
    let deployment = r#"{"registry":"r.near","keys":"k.near","governance":"g.near","escrow":"e.near","tasks":"t.near","verifier":"v.near"}"#;
    std::fs::write(root.path().join("deployment.json"), deployment).unwrap();
    let shared = root.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    set_mode(&shared, 0o777);
    let said = said_in(&shared, &["init", "--data-dir", ".."]);
    assert!(said.contains("others can write"), "{said}");
    assert!(!shared.join("charter.json").exists());
}
