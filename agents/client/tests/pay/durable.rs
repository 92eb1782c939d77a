//! Answers come after the disk has what they rest on, and one sync serves many.

use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use charter_client::Payer;
use charter_client::pay::{Answer, Conditions, Disk, Files, Margins, PayError, Payee, Seen};
use charter_types::Hash32;

use crate::chain::{DOMAIN, START_MS, id, seen, signed, signing, voucher};
use crate::payee::payee;
use crate::stand_in::{FilesStandIn, Left};

const CLIENTS: u8 = 64;

/// Remove the sync from `Writer::append`, and this fails.
#[tokio::test]
async fn a_voucher_is_on_disk_before_its_answer_and_shares_its_sync() {
    let files = FilesStandIn::default();
    let payee = payee(&files);
    let before = files.syncs();
    files.hold();
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        payee.see(seen(number)).unwrap();
        let good = voucher(number, 10);
        let signature = signed(&good);
        // The second of each asks for the same: it waits for the same bytes.
        for repeat in [false, true] {
            let answer = payee.accept(&good, &signature, 10, START_MS);
            let files = files.clone();
            clients.push(tokio::spawn(async move {
                let answer = answer.await.unwrap();
                assert!(files.has_on_disk(&signature.0));
                assert!(matches!(answer, Answer::Accepted(accepted) if accepted.repeat == repeat), "{answer:?}");
            }));
        }
        // So does who is told of it.
        let other = voucher(number, 30);
        let told = payee.accept(&other, &signed(&other), 10, START_MS);
        let files = files.clone();
        clients.push(tokio::spawn(async move {
            assert!(matches!(told.await.unwrap(), Answer::Refused(_)));
            assert!(files.has_on_disk(&signature.0));
        }));
    }
    tokio::task::yield_now().await;
    assert!(clients.iter().all(|client| !client.is_finished()));
    files.release();
    for client in clients {
        client.await.unwrap();
    }
    // One that was on its way when the first came, and one for all who came meanwhile.
    assert!(files.syncs() - before <= 2, "{} syncs", files.syncs() - before);
}

/// That a sync of the real disk asks the system for one: a device that has nothing to sync says so, and `Disk` passes it on.
/// The disk of a test can't show more, for what is written is read from memory.
#[test]
fn a_sync_of_the_real_disk_reaches_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let (place, moved) = (folder.path().join("payments"), folder.path().join("moved"));
    let mut disk = Disk::open(&place).unwrap();
    disk.append("log", b"bytes").unwrap();
    disk.sync("log").unwrap();
    disk.sync_folder().unwrap();
    symlink("/dev/null", place.join("log.new")).unwrap();
    disk.append("log.new", b"bytes").unwrap();
    assert_eq!(disk.sync("log.new").unwrap_err().kind(), ErrorKind::InvalidInput);
    std::fs::rename(&place, &moved).unwrap();
    symlink("/dev/null", &place).unwrap();
    assert_eq!(disk.sync_folder().unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_promise_is_on_disk_before_it_is_signed_and_shares_its_sync() {
    let files = FilesStandIn::default();
    let payer = Payer::with_files(files.clone(), signing(), DOMAIN).unwrap();
    let before = files.syncs();
    files.hold();
    let mut payments = Vec::new();
    for number in 0..CLIENTS {
        payer.see(seen(number)).unwrap();
        let payment = payer.pay(id(number), 10, Conditions::default(), START_MS);
        let files = files.clone();
        payments.push(tokio::spawn(async move {
            let payment = payment.await.unwrap();
            // Channel, amount, expiry and counter stand in the log as in the voucher.
            assert!(files.has_on_disk(&payment.voucher.to_bytes()[38..102]));
        }));
    }
    tokio::task::yield_now().await;
    assert!(payments.iter().all(|payment| !payment.is_finished()));
    files.release();
    for payment in payments {
        payment.await.unwrap();
    }
    assert!(files.syncs() - before <= 2, "{} syncs", files.syncs() - before);
}

/// An answer that is neither yes nor no is told apart from both, and nothing is written behind what may be missing.
#[tokio::test]
async fn after_a_write_that_failed_nothing_is_accepted() {
    let files = FilesStandIn::default();
    let payee = payee(&files);
    payee.see(seen(1)).unwrap();
    let (first, second) = (voucher(1, 10), voucher(1, 20));
    let files = files.stopping_at(1);
    for voucher in [&first, &second, &first] {
        let answer = payee.accept(voucher, &signed(voucher), 10, START_MS).await;
        assert_eq!(answer, Err(PayError::Storage { reason: "the machine stopped".to_owned() }));
    }
    drop(payee);
    assert_eq!(files.steps(), 2);

    let payee = self::payee(&files.crash(Left { tail: usize::MAX, names: true }));
    payee.see(seen(1)).unwrap();
    let answer = payee.accept(&first, &signed(&first), 10, START_MS).await.unwrap();
    // It was written, though nobody knew.
    assert!(matches!(answer, Answer::Accepted(accepted) if accepted.repeat));
}

/// The same on a disk, with a tail of every length and of rubbish.
#[tokio::test]
async fn a_torn_tail_is_cut_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let open = || Payee::open(folder.path(), DOMAIN, Margins::default()).unwrap();
    for (round, torn) in [1, 7, 8, 16, 100, 255, 256, 257, 1_000].into_iter().enumerate() {
        let payee = open();
        payee.see(seen(1)).unwrap();
        let accepted = u128::try_from(round).unwrap();
        assert_eq!(payee.last(id(1)).map_or(0, |row| row.cumulative), accepted);
        let next = voucher(1, accepted + 1);
        let answer = payee.accept(&next, &signed(&next), 1, START_MS).await.unwrap();
        assert!(matches!(answer, Answer::Accepted(accepted) if !accepted.repeat));
        drop(payee);
        let mut bytes = std::fs::read(&log).unwrap();
        bytes.extend(std::iter::repeat_n(0xa5, torn));
        std::fs::write(&log, bytes).unwrap();
    }
    drop(open());
    assert_eq!(std::fs::read(&log).unwrap().len(), 10 * 256);
}

#[tokio::test]
async fn what_was_on_disk_and_is_damaged_is_told() {
    let files = FilesStandIn::default();
    let payee = payee(&files);
    payee.see(seen(1)).unwrap();
    for cumulative in [1, 2, 3] {
        let next = voucher(1, cumulative);
        payee.accept(&next, &signed(&next), 1, START_MS).await.unwrap();
    }
    drop(payee);
    files.damage("log", 300);
    let damaged = Payee::with_files(files, DOMAIN, Margins::default());
    assert_eq!(damaged.err(), Some(PayError::Damaged { frame: 1 }));
}

#[tokio::test]
async fn a_log_belongs_to_one_end_of_one_contract_and_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let payee = Payee::open(folder.path(), DOMAIN, Margins::default()).unwrap();
    let again = || Payee::open(folder.path(), DOMAIN, Margins::default()).err();
    assert_eq!(again(), Some(PayError::InUse));
    drop(payee);
    assert_eq!(again(), None);
    let elsewhere = Payee::open(folder.path(), Hash32([2; 32]), Margins::default()).err();
    assert_eq!(elsewhere, Some(PayError::OtherLog));
    assert_eq!(Payer::open(folder.path(), signing(), DOMAIN).err(), Some(PayError::OtherLog));
}

/// Any number of clients of one channel: each voucher is taken once, and all that was taken is there after a start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_one_channel_take_turns() {
    let files = FilesStandIn::default();
    let payee = Arc::new(payee(&files));
    payee.see(Seen { deposited: u128::MAX, ..seen(1) }).unwrap();
    let client = |payee: Arc<Payee>| async move {
        let (mut accepted, mut next) = (0_u128, 1);
        while accepted < 25 {
            let good = voucher(1, next);
            match payee.accept(&good, &signed(&good), 1, START_MS).await.unwrap() {
                Answer::Accepted(answer) => (accepted, next) = (accepted + u128::from(!answer.repeat), next + 1),
                Answer::Refused(_) => next = payee.last(id(1)).unwrap().cumulative + 1,
            }
        }
        accepted
    };
    let clients: Vec<_> = (0..4).map(|_| tokio::spawn(client(Arc::clone(&payee)))).collect();
    let mut accepted = 0;
    for one in clients {
        accepted += one.await.unwrap();
    }
    assert_eq!(payee.last(id(1)).unwrap().cumulative, accepted);
    drop(payee);
    let found = self::payee(&files.crash(Left { tail: 0, names: false }));
    assert_eq!(found.last(id(1)).unwrap().cumulative, accepted);
}
