//! How records stand in storage. A layout never changes: a record that does gets a version, see `charter_common::stored`.

use charter_common::{Layout, corrupt, layout, stored};
use charter_types::asset::{Asset, Books};
use charter_types::tasks::{APPEAL_PANEL, Deadlines, Leaving, PANEL, Place, PoolSlot, Verdict};
use charter_types::{AccountId, Hash32, U128};

use crate::model::{
    Appeal, Balance, Earnings, Exclusions, Mark, Panel, Party, Record, Reviewer, Seat, Set, Stage, Task, Token, Totals,
};

stored!(StoredSet: 0 = SetV1);
stored!(StoredTask: 0 = TaskV1);
stored!(StoredAppeal: 0 = AppealV1);
stored!(StoredBalance: 0 = BalanceV1);
stored!(StoredToken: 0 = TokenV1);
stored!(StoredRecord: 0 = RecordV1);
stored!(StoredReviewer: 0 = ReviewerV1);
stored!(StoredMark: 0 = MarkV1);
stored!(StoredExclusions: 0 = ExclusionsV1);
stored!(StoredEarnings: 0 = EarningsV1);
stored!(StoredPoolSlot: 0 = PoolSlotV1);
stored!(StoredPlace: 0 = PlaceV1);

layout! {
    struct SetV1 for Set {
        requester: AccountId,
        spec_uri: String,
        spec_hash: Hash32,
        asset: AssetV1,
        reward: u128,
        reviewer_fee: u128,
        count: u32,
        at_once: u32,
        take_deposit: u128,
        deadlines: DeadlinesV1,
        honeypots: Option<Hash32>,
        posted_ms: u64,
        next: u32,
        returned: u32,
        in_work: u32,
        closed: bool,
        reserved: u64,
    }
}
layout! {
    struct DeadlinesV1 for Deadlines {
        work_ms: u64,
        reveal_ms: u64,
        verdict_ms: u64,
        verdict_reveal_ms: u64,
        appeal_ms: u64,
        show_ms: u64,
    }
}
layout! { enum AssetV1 for Asset { 0 = Near, 1 = Nep141(token: AccountId) } }
layout! {
    struct TaskV1 for Task {
        worker: PaddedAccount,
        agent: PaddedAgent,
        attempt: u32,
        stage: StageV1,
        taken_ms: u64,
        committed_ms: u64,
        revealed_ms: u64,
        work_hash: Hash32,
        answer_hash: Hash32,
        shown: bool,
        reserved: u64,
        panel: PanelV1<{ FIRST_SEATS }>,
        appealed: bool,
    } lacks { appeal: None }
}
layout! {
    struct AppealV1 for Appeal { by: PartyV1, appealed_ms: u64, reserved: u64, panel: PanelV1<{ APPEAL_SEATS }> }
}
layout! {
    enum StageV1 for Stage { 0 = Taken, 1 = Committed, 2 = Drawing, 3 = Judging, 4 = Decided, 5 = Settling }
}
layout! { enum PartyV1 for Party { 0 = Worker, 1 = Requester } }
layout! {
    struct SeatV1 for Seat {
        reviewer: PaddedAccount,
        slot: u8,
        since_ms: u64,
        commitment: PaddedHash,
        verdict: PaddedVerdict,
    }
}
layout! { enum VerdictV1 for Verdict { 0 = Good, 1 = Bad, 2 = Unfetchable } }
layout! { struct BalanceV1 for Balance { amount: u128, in_flight: u128 } }
layout! { struct TokenV1 for Token { totals: TotalsV1, uses: u64 } }
layout! { struct BooksV1 for Books { held: U128, in_flight: U128 } }
layout! { struct TotalsV1 for Totals { received: U128, books: BooksV1, paid: U128 } }
layout! { struct RecordV1 for Record { done_good: u64, done_bad: u64, silent_work: u64, earned: u128 } }
layout! {
    struct ReviewerV1 for Reviewer {
        slots: u16,
        leaving: Vec<LeavingV1>,
        returned: u128,
        majority: u64,
        minority: u64,
        silent: u64,
        earned: u128,
    }
}
layout! { struct LeavingV1 for Leaving { slots: u8, from_ms: u64 } }
layout! {
    struct MarkV1 for Mark { work_right: u32, work_missed: u32, review_right: u32, review_missed: u32 }
}
layout! { struct ExclusionsV1 for Exclusions { reviewers: u32 } }
layout! { struct EarningsV1 for Earnings { earned: u128, payments: u64 } }
layout! { struct PoolSlotV1 for PoolSlot { reviewer: AccountId, slot: u8, since_ms: u64 } }
layout! {
    enum PlaceV1 for Place { 0 = Pool(position: u32), 1 = Duty { set: u64, index: u32, round: u8 } }
}

/// Longest account id.
pub const ACCOUNT_BYTES_MAX: usize = 64;
const FIRST_SEATS: usize = 3;
const APPEAL_SEATS: usize = 7;
/// Bytes of a seat: account, slot, time, commitment, verdict.
const SEAT_BYTES: usize = 1 + ACCOUNT_BYTES_MAX + 1 + 8 + 33 + 2;

const _: () = assert!(PANEL == 3 && APPEAL_PANEL == 7, "a layout has room for the seats there are");

/// As long as the longest account id, whoever it is: rows of tasks keep their size, so that nobody is asked to pay for what
/// others do.
pub enum PaddedAccount {}

impl Layout for PaddedAccount {
    type Value = AccountId;

    fn write(value: &AccountId, row: &mut Vec<u8>) {
        let text = value.as_bytes();
        row.push(u8::try_from(text.len()).unwrap_or_else(|_| corrupt()));
        let end = row.len().saturating_add(ACCOUNT_BYTES_MAX);
        row.extend_from_slice(text);
        row.resize(end, 0);
    }

    fn read(row: &mut &[u8]) -> Option<AccountId> {
        let length = usize::from(u8::read(row)?);
        let padded = <[u8; ACCOUNT_BYTES_MAX] as Layout>::read(row)?;
        std::str::from_utf8(padded.get(..length)?).ok()?.parse().ok()
    }
}

/// What may not be there, as long as if it were.
macro_rules! padded {
    ($($layout:ident: $inner:ty, $bytes:literal;)*) => {
        $(
            pub enum $layout {}

            impl Layout for $layout {
                type Value = Option<<$inner as Layout>::Value>;

                fn write(value: &Self::Value, row: &mut Vec<u8>) {
                    bool::write(&value.is_some(), row);
                    let end = row.len().saturating_add($bytes);
                    if let Some(value) = value {
                        <$inner as Layout>::write(value, row);
                    }
                    row.resize(end, 0);
                }

                fn read(row: &mut &[u8]) -> Option<Self::Value> {
                    let there = bool::read(row)?;
                    let padded = <[u8; $bytes] as Layout>::read(row)?;
                    if there { <$inner as Layout>::read(&mut padded.as_slice()).map(Some) } else { Some(None) }
                }
            }
        )*
    };
}
padded! {
    PaddedAgent: u64, 8;
    PaddedHash: Hash32, 32;
    PaddedVerdict: VerdictV1, 1;
}

/// A panel, as long as with all its seats, also where there is none yet.
pub enum PanelV1<const SEATS: usize> {}

impl<const SEATS: usize> Layout for PanelV1<SEATS> {
    type Value = Option<Panel>;

    fn write(value: &Self::Value, row: &mut Vec<u8>) {
        let end = row.len().saturating_add(panel_bytes(SEATS));
        bool::write(&value.is_some(), row);
        if let Some(Panel { drawn_ms, committed_ms, revealed_ms, seats }) = value {
            for time_ms in [drawn_ms, committed_ms, revealed_ms] {
                u64::write(time_ms, row);
            }
            row.push(u8::try_from(seats.len()).unwrap_or_else(|_| corrupt()));
            for seat in seats {
                SeatV1::write(seat, row);
            }
        }
        row.resize(end, 0);
    }

    fn read(row: &mut &[u8]) -> Option<Self::Value> {
        let (mut panel, rest) = row.split_at_checked(panel_bytes(SEATS))?;
        *row = rest;
        if !bool::read(&mut panel)? {
            return Some(None);
        }
        let (drawn_ms, committed_ms, revealed_ms) =
            (u64::read(&mut panel)?, u64::read(&mut panel)?, u64::read(&mut panel)?);
        let count = u8::read(&mut panel)?;
        let seats = (0..count).map(|_| SeatV1::read(&mut panel)).collect::<Option<_>>()?;
        Some(Some(Panel { drawn_ms, committed_ms, revealed_ms, seats }))
    }
}

/// Whether there is one, three times, the number of seats, and the seats.
const fn panel_bytes(seats: usize) -> usize {
    1 + 3 * 8 + 1 + seats * SEAT_BYTES
}

/// Bytes of a task's record: its layout, field by field.
pub const TASK_BYTES: u64 = 65 + 9 + 4 + 1 + 3 * 8 + 2 * 32 + 1 + 8 + (26 + 3 * 109) + 1;

#[cfg(test)]
mod tests {
    use charter_common::Stored;
    use charter_types::Hash32;
    use charter_types::tasks::Verdict;

    use super::{StoredAppeal, StoredTask, TASK_BYTES};
    use crate::model::{Appeal, Panel, Party, Seat, Stage, Task};

    /// With names as short and as long as can be, and nothing and everything in it.
    #[test]
    fn rows_of_tasks_keep_their_size_and_come_back() {
        let [short, long] = ["ab", &"l".repeat(64)].map(|name| name.parse().unwrap());
        let taken = Task::take(short, None, 1, 5);
        let seat = |number: usize| {
            let seat = Seat::new("r".repeat(64).parse().unwrap(), 15, u64::MAX);
            let (commitment, verdict) = (Some(Hash32([9; 32])), Some(Verdict::Unfetchable));
            if number % 2 == 0 { seat } else { Seat { commitment, verdict, ..seat } }
        };
        let panel = |seats: usize| Panel { revealed_ms: 9, ..Panel::new((0..seats).map(seat).collect(), 7) };
        let mut full = Task::take(long, Some(u64::MAX), u32::MAX, u64::MAX);
        (full.stage, full.panel, full.shown, full.appealed) = (Stage::Settling, Some(panel(3)), true, true);
        let rows = [&taken, &full].map(StoredTask::write);
        assert!(rows.iter().all(|row| row.len() == 1 + usize::try_from(TASK_BYTES).unwrap()));
        assert_eq!(rows.map(|row| StoredTask::read(&row)), [Some(taken), Some(full)]);

        let drawing = Appeal { by: Party::Worker, appealed_ms: 1, reserved: 2, panel: None };
        let judged = Appeal { by: Party::Requester, panel: Some(panel(7)), ..drawing.clone() };
        let rows = [&drawing, &judged].map(StoredAppeal::write);
        assert_eq!(rows[0].len(), rows[1].len());
        assert_eq!(rows.map(|row| StoredAppeal::read(&row)), [Some(drawing), Some(judged)]);
    }
}
