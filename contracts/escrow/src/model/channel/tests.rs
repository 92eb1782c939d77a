use charter_types::escrow::args::Open;
use charter_types::escrow::{
    EscrowError, Kind, LOCK_MS_MAX, SHARE_RETURNS_MS, Split, Voucher, WITHDRAW_DELAY_MS_MAX, WITHDRAW_DELAY_MS_MIN,
};
use charter_types::{Ed25519Key, Hash32};
use sha2::{Digest, Sha256};

use super::{Channel, Payout};

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn terms() -> Open {
    Open::new("bob.near".parse().unwrap(), Ed25519Key([7; 32]), WITHDRAW_DELAY_MS_MIN)
}

fn open_with(args: Open) -> Result<Channel, EscrowError> {
    Channel::open(args, "alice.near".parse().unwrap(), 1_000, sha256)
}

fn open(key: u8, delay: u64) -> Result<Channel, EscrowError> {
    open_with(Open { voucher_key: Ed25519Key([key; 32]), withdraw_delay_ms: delay, ..terms() })
}

/// Half of it goes to two others.
fn shared() -> Channel {
    let split = |name: &str| Split { account: name.parse().unwrap(), bps: 2_500 };
    let mut channel = open_with(Open { splits: vec![split("carol.near"), split("dan.near")], ..terms() }).unwrap();
    channel.deposit(10_000).unwrap();
    channel
}

fn channel() -> Channel {
    let mut channel = open(7, WITHDRAW_DELAY_MS_MIN).unwrap();
    channel.deposit(10_000).unwrap();
    channel
}

fn voucher(cumulative: u128, expires_at_ms: u64) -> Voucher {
    let (domain, channel, context_root) = (Hash32::default(), Hash32([1; 32]), Hash32::default());
    Voucher { kind: Kind::Voucher, domain, channel, cumulative, expires_at_ms, counter: 0, context_root }
}

#[test]
fn bounds_of_opening() {
    assert_eq!(open(7, WITHDRAW_DELAY_MS_MIN - 1), Err(EscrowError::WithdrawDelay {}));
    assert_eq!(open(7, WITHDRAW_DELAY_MS_MAX + 1), Err(EscrowError::WithdrawDelay {}));
    assert!(open(7, WITHDRAW_DELAY_MS_MAX).is_ok());
    assert_eq!(open(0, WITHDRAW_DELAY_MS_MIN), Err(EscrowError::WeakKey {}));
    assert_eq!(channel().deposit(999), Err(EscrowError::Deposit { attached: 999 }));
    assert_eq!(channel().deposit(u128::MAX), Err(EscrowError::Overflow {}));
}

#[test]
fn a_claim_only_rises_and_never_beyond_the_deposit() {
    let mut channel = channel();
    let mut claim = |cumulative, expires, signed| channel.claim(&voucher(cumulative, expires), 100, |_| signed);
    assert_eq!(claim(10_001, 0, true), Err(EscrowError::OverDeposit { deposited: 10_000 }));
    assert_eq!(claim(u128::MAX, 0, true), Err(EscrowError::OverDeposit { deposited: 10_000 }));
    assert_eq!(claim(500, 99, true), Err(EscrowError::Expired {}));
    assert_eq!(claim(500, 100, false), Err(EscrowError::Signature {}));
    assert_eq!(claim(500, 100, true), Ok(()));
    assert_eq!(claim(500, 0, true), Err(EscrowError::NotHigher { claimed: 500 }));
    assert_eq!(claim(10_000, 0, true), Ok(()));
}

#[test]
fn the_payer_waits_and_the_payee_may_claim_until_the_end() {
    let mut channel = channel();
    let id = Hash32([1; 32]);
    assert_eq!(channel.check_may_end(0), Err(EscrowError::NotClosing {}));
    channel.request_close(id, 1_000).unwrap();
    let closes_ms = 1_000 + WITHDRAW_DELAY_MS_MIN;
    assert_eq!(channel.request_close(id, 2_000), Err(EscrowError::Closing { closes_ms }));
    assert_eq!(channel.deposit(5_000), Err(EscrowError::Closing { closes_ms }));
    assert_eq!(channel.check_may_end(closes_ms - 1), Err(EscrowError::TooEarly { closes_ms }));
    channel.claim(&voucher(4_000, 0), closes_ms, |_| true).unwrap();
    assert_eq!(channel.check_may_end(closes_ms), Ok(()));
    assert_eq!(channel.close(false), Ok((Payout { to_payee: 4_000, to_payer: 6_000 }, 0)));
    assert_eq!(channel.claim(&voucher(5_000, 0), 0, |_| true), Err(EscrowError::UnknownChannel { id }));
}

#[test]
fn a_failed_payout_restores_the_books_exactly() {
    let mut channel = channel();
    channel.claim(&voucher(4_000, 0), 0, |_| true).unwrap();
    let before = channel.clone();
    assert_eq!(channel.take_due(), Ok(4_000));
    assert_eq!(channel.take_due(), Ok(0));
    channel.settle_due(4_000, false).unwrap();
    assert_eq!(channel, before);
    let (payout, _) = channel.close(false).unwrap();
    assert!(!channel.is_done());
    channel.settle_close(Payout { to_payee: 0, to_payer: payout.to_payer }).unwrap();
    assert!(!channel.is_done());
    assert_eq!(channel.close(false), Ok((Payout { to_payee: 0, to_payer: 6_000 }, 0)));
    channel.settle_close(Payout::default()).unwrap();
    assert!(channel.is_done());
}

#[test]
fn a_lock_only_becomes_later_and_holds_the_payer_alone() {
    let locked = |locked_until_ms| open_with(Open { locked_until_ms, ..terms() });
    assert_eq!(locked(1_001 + LOCK_MS_MAX), Err(EscrowError::BadLock {}));
    assert!(locked(1_000 + LOCK_MS_MAX).is_ok());
    let (mut channel, id) = (locked(5_000).unwrap(), Hash32([1; 32]));
    channel.deposit(10_000).unwrap();
    assert_eq!(channel.extend_lock(id, 5_000, 1_000), Err(EscrowError::BadLock {}));
    assert_eq!(channel.extend_lock(id, 1_001 + LOCK_MS_MAX, 1_000), Err(EscrowError::BadLock {}));
    let closes_ms = 2 * WITHDRAW_DELAY_MS_MIN;
    channel.extend_lock(id, closes_ms, 1_000).unwrap();
    channel.request_close(id, 1_000).unwrap();
    assert_eq!(channel.check_may_end(closes_ms - 1), Err(EscrowError::TooEarly { closes_ms }));
    assert_eq!(channel.check_may_end(closes_ms), Ok(()));
    assert!(channel.close(false).is_ok());
    assert_eq!(channel.extend_lock(id, closes_ms + 1, 1_000), Err(EscrowError::UnknownChannel { id }));
}

#[test]
fn terms_are_hashed_and_only_their_parts_are_kept() {
    assert_eq!(open_with(terms()).unwrap().terms_hash, None);
    let offered = open_with(Open { offer: Some(Hash32([9; 32])), ..terms() }).unwrap();
    let expected = [[0_u8; 4].as_slice(), &[1], &[9; 32]].concat();
    assert_eq!(offered.terms_hash, Some(Hash32(sha256(&expected))));
    let one = Split { account: "carol.near".parse().unwrap(), bps: 2_500 };
    let split = open_with(Open { splits: vec![one], ..terms() }).unwrap();
    let (count, length) = (1_u32.to_le_bytes(), 10_u32.to_le_bytes());
    let expected = [count.as_slice(), &length, b"carol.near", &2_500_u16.to_le_bytes(), &[0]].concat();
    assert_eq!(split.terms_hash, Some(Hash32(sha256(&expected))));
}

#[test]
fn a_shared_channel_goes_when_all_have_theirs() {
    let mut channel = shared();
    channel.claim(&voucher(4_001, 0), 0, |_| true).unwrap();
    assert_eq!(channel.take_due(), Ok(2_001));
    channel.settle_due(2_001, true).unwrap();
    assert_eq!(channel.take_share(2), Err(EscrowError::BadShares {}));
    assert_eq!(channel.take_share(0), Ok(1_000));
    channel.begin_transfer().unwrap();
    channel.check_invariant().unwrap();
    assert_eq!(channel.close(true), Ok((Payout::default(), 5_999)), "nothing to send: the purse is here");
    assert!(!channel.is_done());
    assert!(!channel.settle_shares(&[(0, 1_000)], false, true, 0), "as it was told when it was sent");
    assert!(!channel.is_done(), "one is left");
    assert_eq!(channel.take_share(1), Ok(1_000));
    channel.begin_transfer().unwrap();
    assert!(channel.settle_shares(&[(1, 1_000)], false, false, 7));
    assert_eq!(channel.take_share(1), Ok(1_000));
    channel.begin_transfer().unwrap();
    assert!(channel.settle_shares(&[(1, 1_000)], false, false, 7 + SHARE_RETURNS_MS));
    assert!(channel.shares[1].goes_to_payee());
    assert_eq!(channel.take_share(1), Ok(1_000));
    channel.begin_transfer().unwrap();
    assert!(channel.settle_shares(&[(1, 1_000)], true, true, 0));
    assert!(channel.is_done());
}

/// Two halves: rounded down they leave one of three, which is the payee's when the channel closes.
#[test]
fn the_payees_dust_comes_with_the_close() {
    let split = |name: &str| Split { account: name.parse().unwrap(), bps: 5_000 };
    let mut channel = open_with(Open { splits: vec![split("carol.near"), split("dan.near")], ..terms() }).unwrap();
    channel.deposit(1_000).unwrap();
    channel.claim(&voucher(3, 0), 0, |_| true).unwrap();
    assert_eq!((channel.due(), channel.take_share(0), channel.take_share(1)), (Ok(0), Ok(1), Ok(1)));
    assert_eq!(channel.close(false), Ok((Payout { to_payee: 1, to_payer: 997 }, 0)));
    channel.check_invariant().unwrap();
}

/// Any amount there can be, any of it claimed.
#[test]
fn nothing_overflows_that_was_deposited() {
    let mut channel = shared();
    channel.deposit(u128::MAX - 10_000).unwrap();
    assert_eq!(channel.deposit(1_000), Err(EscrowError::Overflow {}));
    for claimed in [1, u128::MAX / 2, u128::MAX - 1, u128::MAX] {
        channel.claim(&voucher(claimed, 0), 0, |_| true).unwrap();
        for share in 0..2 {
            channel.take_share(share).unwrap();
        }
        channel.take_due().unwrap();
        channel.check_invariant().unwrap();
    }
    assert_eq!(channel.close(false).map(|(payout, _)| payout.to_payer), Ok(0));
    channel.check_invariant().unwrap();
}
