//! A payer and a payee are killed at random moments while vouchers pass between them as fast as they can: no accepted voucher
//! is lost, and no counter is signed twice. `CHARTER_KILLS=1000` kills longer.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use charter_client::pay::{Answer, Conditions, Margins, Payee, Payment, Seen, Standing};
use charter_client::{Payer, sha256};
use rand::Rng;

use crate::chain::{DOMAIN, START_MS, id, seen, signing};

const KILLS: u32 = 100;
const CHANNELS: u8 = 8;
/// Lines that a life says at most before it is killed; some are killed before they say any.
const LINES_MAX: usize = 2_000;
/// Where a child finds its folder. This also says that it is one.
const FOLDER: &str = "CHARTER_PAY_FOLDER";

/// One channel, for ever. What is said is said after the fact, on a line that ends in a dot: a kill may cut it short.
async fn trade(payer: Arc<Payer>, payee: Arc<Payee>, number: u8) {
    let channel = id(number);
    let standing = Standing { channel, claimed: 0, last: payee.last(channel) };
    payer.correct(&standing).await.unwrap();
    for round in 1_u64.. {
        let payment = payer.pay(channel, 1, Conditions::default(), START_MS).await.unwrap();
        let Payment { voucher, signature } = payment;
        println!("signed {number} {} {} .", voucher.counter, hex::encode(sha256(&voucher.to_bytes())));
        let answer = payee.accept(&voucher, &signature, 1, START_MS).await.unwrap();
        assert!(matches!(answer, Answer::Accepted(accepted) if !accepted.repeat), "{answer:?}");
        println!("accepted {number} {} .", voucher.cumulative);
        if round.is_multiple_of(50) {
            payer.compact().await.unwrap();
            payee.compact().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a child of killing_both_ends_loses_nothing"]
async fn trades_until_it_is_killed() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    // What the test harness says stands on a line of its own.
    println!();
    let payer = Arc::new(Payer::open(&folder.join("payer"), signing(), DOMAIN).unwrap());
    let payee = Arc::new(Payee::open(&folder.join("payee"), DOMAIN, Margins::default()).unwrap());
    let mut trades = Vec::new();
    for number in 0..CHANNELS {
        let rich = Seen { deposited: u128::MAX, ..seen(number) };
        payer.see(rich.clone()).unwrap();
        payee.see(rich).unwrap();
        trades.push(tokio::spawn(trade(Arc::clone(&payer), Arc::clone(&payee), number)));
    }
    for trade in trades {
        trade.await.unwrap();
    }
}

/// What all lives said.
#[derive(Default)]
struct Said {
    accepted: BTreeMap<u8, u128>,
    signed: BTreeMap<(u8, u64), String>,
    lines: usize,
}

impl Said {
    fn note(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["accepted", number, cumulative, "."] => {
                let (number, cumulative) = (number.parse().unwrap(), cumulative.parse::<u128>().unwrap());
                let most = self.accepted.entry(number).or_default();
                *most = cumulative.max(*most);
            }
            ["signed", number, counter, digest, "."] => {
                let key = (number.parse().unwrap(), counter.parse().unwrap());
                let before = self.signed.insert(key, digest.to_owned());
                assert!(before.is_none_or(|before| before == digest), "{key:?} was signed twice");
            }
            _ => return,
        }
        self.lines += 1;
    }

    fn check(&self, folder: &Path) {
        let payee = Payee::open(&folder.join("payee"), DOMAIN, Margins::default()).unwrap();
        for (number, accepted) in &self.accepted {
            let found = payee.last(id(*number)).map_or(0, |row| row.cumulative);
            assert!(found >= *accepted, "channel {number}: {found} of {accepted} after {} lines", self.lines);
        }
    }
}

/// Starts a life, and kills it after so many lines.
fn live(folder: &Path, lines: usize, said: &mut Said) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::trades_until_it_is_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut heard = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in heard.by_ref().take(lines) {
        said.note(&line.unwrap());
    }
    child.kill().unwrap();
    // What it had said before and nobody had heard yet counts, too.
    for line in heard {
        said.note(&line.unwrap());
    }
    child.wait().unwrap();
}

#[test]
fn killing_both_ends_loses_nothing() {
    let kills = std::env::var("CHARTER_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    // On a disk: what is below /tmp may be memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut said = Said::default();
    for kill in 0..kills {
        // One in ten is killed while it starts.
        let lines = if kill % 10 == 9 { 0 } else { rand::thread_rng().gen_range(1..LINES_MAX) };
        live(folder.path(), lines, &mut said);
        said.check(folder.path());
    }
    assert_eq!(said.accepted.len(), usize::from(CHANNELS), "channels that took anything");
    println!("{kills} kills during {} lines", said.lines);
}
