//! INV-REG-9: what the reporter tells, and what is counted of it.

use charter_harness::{Call, call};
use charter_types::U128;
use charter_types::registry::Agent;
use charter_types::registry::args::{ReportReputation, ReputationRef};
use charter_types::registry::methods as registry;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};

use super::model::{Move, Report, Step, Whose};
use super::{Op, PEOPLE, REPORTER, Seen, World, op};

const ASSET: &str = "near";

/// Two totals that have nothing to do with each other, nor with what was told before: more, less, or the same again.
pub(super) fn report() -> impl Strategy<Value = Move> {
    let whose = prop_oneof![
        8 => Just(Whose::Payout),
        1 => Just(Whose::Owner),
        1 => Just(Whose::Other),
        1 => Just(Whose::Nobody),
    ];
    let totals = (whose, 0_u128..50, 0_u64..9, proptest::bool::weighted(0.1));
    totals.prop_map(|(whose, earned, payments, stale)| Move::Report(Report { whose, earned, payments, stale }))
}

/// Reports of the owner, of another account that is paid after it, of a third one, and of the second again.
pub(super) fn in_turns() -> impl Strategy<Value = Vec<Op>> {
    let reports = || vec(report(), 2..6);
    (op(), 0..PEOPLE, [reports(), reports(), reports(), reports()]).prop_map(|(op, third, reports)| {
        let (second, mut story) = (op.step.other, Vec::new());
        let with = |other, what| Op { step: Step { other, what, ..op.step.clone() }, rightly: true };
        for (paid, reports) in [None, Some(second), Some(third), Some(second)].into_iter().zip(reports) {
            if let Some(paid) = paid {
                story.extend([Move::SetPayout, Move::AcceptPayout { stale: false }].map(|what| with(paid, what)));
            }
            story.extend(reports.into_iter().map(|what| with(third, what)));
        }
        story
    })
}

impl World {
    pub(super) fn report(&self, step: &Step, of: Report, known: Option<&Agent>) -> Call {
        let account = match of.whose {
            Whose::Payout => known.map(|agent| &agent.payout),
            Whose::Owner => known.map(|agent| &agent.owner),
            Whose::Other => Some(self.people[step.other].id()),
            Whose::Nobody => None,
        };
        let args = ReportReputation {
            agent: step.agent,
            asset: ASSET.to_owned(),
            earned: U128(of.earned),
            payments: of.payments,
            epoch: known.map(|agent| agent.epoch + u64::from(of.stale)),
            account: account.cloned(),
            rest_to: None,
        };
        call(registry::report_reputation, &args)
    }

    /// INV-REG-9.
    pub(super) async fn check_earned(&self, agent: u64, seen: &Seen, what: &str) {
        let Some(known) = seen.agents.get(&agent) else { return };
        let (epoch, reporter) = (known.epoch, self.people[REPORTER].id().clone());
        let question = ReputationRef { agent, epoch, reporter, asset: ASSET.to_owned() };
        let shown = self.view(registry::reputation, &question).await.map(|row| {
            let first = (row.earned_before.0, row.payments_before);
            [(row.earned.0 - first.0, row.payments - first.1), first]
        });
        assert_eq!(shown, self.model.agents[&agent].earned(), "INV-REG-9: of agent {agent}: {what}");
    }
}
