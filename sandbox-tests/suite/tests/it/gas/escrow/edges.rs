//! Answers in time.

use std::time::Duration;

use charter_harness::ok;
use charter_types::asset::Asset;
use charter_types::contract::Escrow;
use charter_types::escrow::args::{Deliver, EdgeRef, OpenEdge, TransferMsg};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{EdgeId, MODEL_BYTES_MAX, Signer};
use charter_types::{EthAddress, Hash32};

use super::super::Table;
use crate::escrow_edges::{COLLATERAL, Hop, WINDOW_MS, eip191, terms};
use crate::escrow_scene::until;
use crate::escrow_stage::Stage;
use charter_harness::arguments::DEPOSIT;

/// The payer asks, the payee acks, and the bot has the cut.
pub async fn rows(table: &mut Table, stage: &Stage) {
    let agreed = terms(&table.harness, &stage.payee, stage.bot.id()).await;
    in_token(table, stage, OpenEdge { asset: stage.asset(), ..agreed.clone() }).await;
    in_near(table, stage, &agreed).await;
}

fn hop<'a>(table: &'a Table, stage: &'a Stage, id: EdgeId) -> Hop<'a> {
    Hop { harness: &table.harness, asker: &stage.payer, id }
}

/// One that is late, answered and cut; another with the longest terms there are, which ends.
async fn in_token(table: &mut Table, stage: &Stage, agreed: OpenEdge) {
    let Stage { payer, payee, token, .. } = stage;
    let case = "in a token";
    let edge = table.note(payer, (Escrow, escrow::open_edge), case, &agreed, DEPOSIT).await;
    let reference = EdgeRef { edge };
    let told = stage.told(payer, COLLATERAL, &TransferMsg::Edge { edge });
    table.note(token, (Escrow, escrow::ft_on_transfer), "to an edge", &told, 0).await;
    stage.send(&table.harness, payee, COLLATERAL, &TransferMsg::Edge { edge }).await;
    table.note(payee, (Escrow, escrow::join_edge), case, &reference, 1).await;
    let deadline_ms = table.harness.now_ms().await.unwrap();
    let ack = hop(table, stage, edge).ack(1, deadline_ms);
    table.note(payer, (Escrow, escrow::escalate), "", &ack, DEPOSIT).await;
    table.harness.wait(Duration::from_secs(62)).await.unwrap();
    let (request, response) = (hop(table, stage, edge).request(1), hop(table, stage, edge).response(1));
    table.note(payer, (Escrow, escrow::claim_late), case, &request, 0).await;
    table.note(payee, (Escrow, escrow::deliver), "signed with ed25519", &response, 0).await;
    table.note(payer, (Escrow, escrow::cut_edge), case, &reference, 1).await;
    table.note(payer, (Escrow, escrow::forget_request), "", &request, 0).await;

    let signer = Signer::Eip191 { address: EthAddress([7; 20]), model: "m".repeat(MODEL_BYTES_MAX) };
    let longest = OpenEdge { signer, offer: Some(Hash32([5; 32])), ..agreed };
    let edge = table.note(payer, (Escrow, escrow::open_edge), "the longest terms, in a token", &longest, DEPOSIT).await;
    let reference = EdgeRef { edge };
    for side in [payer, payee] {
        stage.send(&table.harness, side, COLLATERAL, &TransferMsg::Edge { edge }).await;
    }
    ok(payee, &table.contracts.escrow, escrow::join_edge, &reference, 1).await;
    until(&table.harness, longest.ends_ms + WINDOW_MS).await;
    table.note(payee, (Escrow, escrow::end_edge), "the longest terms, in a token", &reference, 0).await;
}

/// Answered as Ethereum's accounts sign.
async fn in_near(table: &mut Table, stage: &Stage, agreed: &OpenEdge) {
    let Stage { payer, payee, .. } = stage;
    let case = "in NEAR";
    let (signer, signature) = eip191::signer();
    // The clock is past the others' end by now.
    let ends_ms = table.harness.now_ms().await.unwrap() + WINDOW_MS;
    let agreed = OpenEdge { asset: Asset::Near, signer, ends_ms, ..agreed.clone() };
    let edge = table.note(payer, (Escrow, escrow::open_edge), case, &agreed, DEPOSIT + COLLATERAL).await;
    let reference = EdgeRef { edge };
    table.note(payee, (Escrow, escrow::join_edge), case, &reference, COLLATERAL).await;
    let deadline_ms = table.harness.now_ms().await.unwrap();
    let ack = hop(table, stage, edge).ack(1, deadline_ms);
    ok(payer, &table.contracts.escrow, escrow::escalate, &ack, DEPOSIT).await;
    let response = Deliver { signature, ..hop(table, stage, edge).response(1) };
    table.note(payee, (Escrow, escrow::deliver), "signed as Ethereum does", &response, 0).await;
    until(&table.harness, ends_ms + WINDOW_MS).await;
    table.note(payee, (Escrow, escrow::end_edge), case, &reference, 0).await;
}
