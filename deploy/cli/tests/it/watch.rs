//! `--watch`: a proposal is followed to its end by a process that sends nothing, while others vote and time passes.

use std::io::{BufRead, BufReader, Lines, Read};

use serde_json::{Value, json};

use crate::dao::{open, proposed, start};
use crate::operator::{Office, Running};
use crate::process::text;

/// A process that goes on, with one of its outputs line by line.
struct Watcher {
    process: Running,
    lines: Lines<BufReader<Box<dyn Read>>>,
}

impl Watcher {
    /// For people: on stderr.
    fn start(office: &Office, name: &str, line: &str) -> Self {
        let mut process = office.start_in(name, line);
        let said: Box<dyn Read> = Box::new(process.0.stderr.take().unwrap());
        Self { process, lines: BufReader::new(said).lines() }
    }

    /// For machines: on stdout.
    fn start_json(office: &Office, name: &str, line: &str) -> Self {
        let mut process = office.start_in(name, &format!("{line} --json"));
        let printed: Box<dyn Read> = Box::new(process.0.stdout.take().unwrap());
        Self { process, lines: BufReader::new(printed).lines() }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("it ended before its time").unwrap()
    }

    /// The next line has all of this.
    fn says(&mut self, expected: &[&str]) {
        let line = self.line();
        for shown in expected {
            assert!(line.contains(shown), "{shown}: {line}");
        }
    }

    /// The next line is a change, and this one.
    fn tells(&mut self, change: &str, state: &str) -> Value {
        let told: Value = serde_json::from_str(&self.line()).unwrap();
        assert_eq!((&told["change"], &told["state"]), (&json!(change), &json!(state)), "{told}");
        told
    }

    /// There is no more, and it ended well.
    fn ends(mut self) {
        assert!(self.lines.next().is_none());
        assert_eq!(self.process.0.wait().unwrap().code(), Some(0));
    }
}

/// Two releases, of which one will be published. Carol has voted on the other already, and follows it.
fn two_releases(office: &mut Office) -> Watcher {
    start(office);
    std::fs::create_dir(office.path("hal")).unwrap();
    office.json("hal", "charter init --data-dir ../play --account hal.test.near");
    let members = "--member alice.test.near --member bob.test.near --member carol.test.near";
    office.json("alice", &format!("charter line create scout {members} --vote 1h --timelock 1h --yes"));
    for semver in ["1.0.0", "1.0.1"] {
        office.json("alice", &proposed(semver));
    }
    let mut carol = Watcher::start_json(office, "carol", "charter vote 2 no --yes --watch");
    let voted: Value = serde_json::from_str(&carol.line()).unwrap();
    assert_eq!((&voted["proposal"], &voted["choice"]), (&json!(2), &json!("no")), "{voted}");
    let told = carol.tells("state", "voting");
    assert_eq!((&told["proposal"]["no"], told["left_ms"].is_u64()), (&json!(1), true), "{told}");
    carol
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_is_followed_to_its_end_and_nothing_is_sent() {
    let mut office = open();
    let mut carol = two_releases(&mut office);
    let before = office.transactions_of("hal.test.near").await;
    let mut hal = Watcher::start(&office, "hal", "charter release show 1 --watch");
    hal.says(&["    state  voted on until ", ": 0 yes, 0 no, of 3; 2 yes are needed; ", " left to vote"]);

    office.json("bob", "charter vote 1 yes --yes");
    hal.says(&["    votes  1 yes, 0 no, of 3; 2 yes are needed; ", " left to vote"]);
    office.json("carol", "charter vote 1 no --yes");
    hal.says(&["    votes  1 yes, 1 no, of 3; "]);
    // This one turns the outcome, near the end.
    office.json("alice", "charter vote 1 yes --yes");
    hal.says(&["    votes  2 yes, 1 no, of 3; "]);
    hal.says(&["      end  the vote goes on until 20"]);

    office.wait_an_hour().await;
    hal.says(&["    state  the vote has ended and nobody has counted it: 2 yes, 1 no, of 3"]);
    carol.tells("state", "ended");
    // Counts the votes, and comes too early.
    office.refused("bob", "charter release publish 1", "is approved; it can be carried out from");
    hal.says(&["    state  approved, can be carried out from 20", " on; ", " left"]);
    office.wait_an_hour().await;
    hal.says(&["    state  approved, can be carried out until 20", "; 13d 23h left"]);
    office.json("bob", "charter release publish 1");
    hal.says(&["    state  carried out"]);
    hal.ends();
    let told = carol.tells("state", "superseded");
    assert_eq!((&told["left_ms"], &told["proposal"]["state"]), (&json!(null), &json!("voting")), "{told}");
    carol.ends();

    // What is over is said once, in either form.
    let output = office.run_in("hal", "charter release show 1 --watch");
    assert!(output.status.success() && text(&output.stderr) == "    state  carried out\n", "{output:?}");
    let output = office.run_in("hal", "charter release show 1 --watch --json");
    let printed = text(&output.stdout);
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(output.status.success() && lines.len() == 2 && output.stderr.is_empty(), "{output:?}");
    assert_eq!((&lines[0]["release"]["published"], &lines[1]["state"]), (&json!(true), &json!("executed")));
    assert_eq!(office.transactions_of("hal.test.near").await, before);
    office.refused("hal", "charter release show 9 --watch", "there is no proposal 9");
}
