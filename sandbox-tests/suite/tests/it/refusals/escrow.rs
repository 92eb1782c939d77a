//! Escrow, about a channel that the owner pays into and the friend is paid from.

use charter_types::Ed25519Key;
use charter_types::escrow::args::{ChannelRef, Channels, Open};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{ClaimBatch, WITHDRAW_DELAY_MS_MIN};

use super::case::{Case, Who};
use super::scene::Scene;
use crate::escrow::{row, signing};

const NOT_PAYER: &str = "ESCROW_NOT_PAYER";
const NOT_PAYEE: &str = "ESCROW_NOT_PAYEE";
const UNKNOWN: &str = "ESCROW_UNKNOWN_CHANNEL";

pub fn cases(scene: &Scene) -> Vec<Case> {
    let open = Open {
        payee: scene.id(Who::Friend),
        agent: Some(1),
        voucher_key: Ed25519Key(signing().verifying_key().to_bytes()),
        withdraw_delay_ms: WITHDRAW_DELAY_MS_MIN,
    };
    let reference = ChannelRef { channel: scene.channel };
    let channels = Channels { channels: vec![scene.channel] };
    let batch = ClaimBatch { rows: vec![row(&scene.harness, scene.channel, 1_000)], withdraw: true };
    let nothing = "99".repeat(32);
    let of_channel = |case: Case| case.unknown("channel", nothing.clone(), UNKNOWN);
    vec![
        Case::new(escrow::open, &open, "").too_little(&[(0, "CHARTER_ONE_YOCTO"), (1, "ESCROW_DEPOSIT_TOO_SMALL")]),
        of_channel(Case::new(escrow::top_up, &reference, NOT_PAYER))
            .too_little(&[(0, "ESCROW_DEPOSIT_TOO_SMALL"), (999, "ESCROW_DEPOSIT_TOO_SMALL")]),
        Case::new(escrow::claim_batch, &batch, ""),
        Case::new(escrow::withdraw, &channels, NOT_PAYEE).by(Who::Friend).unknown(
            "channels",
            vec![nothing.clone()],
            UNKNOWN,
        ),
        of_channel(Case::new(escrow::close, &reference, NOT_PAYEE)).by(Who::Friend),
        of_channel(Case::new(escrow::request_close, &reference, NOT_PAYER)),
        of_channel(Case::new(escrow::cancel_close, &reference, NOT_PAYER)),
        of_channel(Case::new(escrow::finalize_close, &reference, "ESCROW_NOT_CLOSING")),
        Case::new(escrow::channel, &reference, ""),
        Case::new(escrow::channels, &channels, ""),
    ]
}
