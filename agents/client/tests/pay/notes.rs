//! What is to be revealed is on disk before anybody hears of the commitment, whatever a crash leaves.
//!
//! Lines whose removal must fail these: `sync` and `sync_folder` in `keep_in`, the comparison in `Notes::find`.

use charter_client::sha256;
use charter_client::task::{Note, Notes, Said, TaskError, keep_in, read_from};
use charter_types::tasks::{Answer, Domains, SetId, Verdict};
use charter_types::{AccountId, Base64Bytes, Hash32};

use crate::stand_in::{FilesStandIn, Left};

const TASK: (SetId, u32, u32) = (1, 2, 3);

fn work() -> Note {
    Note::new(TASK, Said::Work(Answer::Inline { bytes: Base64Bytes(b"cat".to_vec()) }))
}

fn judged(verdict: Verdict) -> Note {
    Note::new(TASK, Said::Verdict { round: 1, verdict })
}

fn domains(contract: &str) -> Domains {
    Domains::of("mainnet", &account(contract), sha256)
}

fn account(name: &str) -> AccountId {
    name.parse().unwrap()
}

#[test]
fn a_note_is_there_as_a_whole_once_somebody_was_answered_and_never_in_part() {
    let (commitment, note) = (Hash32([7; 32]), work());
    let whole = FilesStandIn::default();
    keep_in(&mut whole.clone(), commitment, &note).unwrap();
    let mut answered = 0;
    for step in 0..=whole.steps() {
        for (tail, names) in [(0, false), (0, true), (9, false), (9, true), (usize::MAX, true)] {
            let files = FilesStandIn::default().stopping_at(step);
            let kept = keep_in(&mut files.clone(), commitment, &note);
            let found = read_from(&mut files.crash(Left { tail, names }), commitment).unwrap();
            answered += usize::from(kept.is_ok());
            assert!(found.as_ref() == Some(&note) || (found.is_none() && kept.is_err()), "{step} {tail} {names}");
        }
    }
    assert_eq!(answered, 5, "only the last step ends it");
}

/// The page that says what codes mean.
const PAGE: &str = include_str!("../../../../docs/tasks.md");

#[test]
fn codes_are_on_the_page() {
    let commitment = Hash32::default();
    let failures = [
        TaskError::NoNote { commitment },
        TaskError::OtherAnswer { commitment },
        TaskError::Damaged { commitment },
        TaskError::Storage { reason: String::new() },
    ];
    let codes = failures.each_ref().map(|error| error.code().unwrap());
    assert_eq!(codes, ["NOTE_MISSING", "NOTE_OTHER_ANSWER", "NOTE_DAMAGED", "NOTE_STORAGE"]);
    for code in codes {
        assert!(PAGE.contains(&format!("`{code}`")), "{code}");
    }
}

#[test]
fn two_notes_of_one_answer_have_nothing_in_common_that_shows() {
    let (own, by) = (domains("tasks.near"), account("bob.near"));
    assert_ne!(work().commitment(own, &by), work().commitment(own, &by));
    assert_ne!(judged(Verdict::Good).commitment(own, &by), judged(Verdict::Good).commitment(own, &by));
    // Nobody can use another's.
    let note = work();
    assert_ne!(note.commitment(own, &by), note.commitment(own, &account("eve.near")));
    assert_ne!(note.commitment(own, &by), note.commitment(domains("other.near"), &by));
}

#[test]
fn a_note_is_found_by_its_commitment_unless_it_was_changed() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("commitments");
    let notes = Notes::new(&folder, domains("tasks.near"), account("bob.near"));
    let (first, second) = (work(), judged(Verdict::Bad));
    let commitments = [notes.keep(&first).unwrap(), notes.keep(&second).unwrap()];
    // Another process has them, too.
    let again = notes.clone();
    assert_eq!(again.find(commitments[0]).unwrap(), Some(first));
    assert_eq!(again.find(commitments[1]).unwrap(), Some(second));
    assert_eq!(again.find(Hash32::default()).unwrap(), None);
    let path = folder.join(commitments[0].to_string());
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let damaged = again.find(commitments[0]).unwrap_err();
    assert!(matches!(damaged, TaskError::Damaged { commitment } if commitment == commitments[0]), "{damaged}");
    std::fs::write(&path, []).unwrap();
    assert_eq!(again.find(commitments[0]).unwrap_err().code(), Some("NOTE_DAMAGED"));
}
