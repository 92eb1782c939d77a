//! Reviewers: slots with a bond, of which one stands behind each duty.

use anyhow::{bail, ensure};
use charter_client::STORAGE_DEPOSIT;
use charter_types::Nothing;
use charter_types::tasks::args::Slots;
use charter_types::tasks::{MINORITY_LOSS, SILENT_LOSS, SLOT_BOND, SLOTS_MAX, UNBOND_DELAY_MS, methods};
use serde_json::json;

use super::money;
use crate::key::input::Consent;
use crate::key::words;
use crate::session::Session;
use crate::units::{length, near};

/// What a slot stores, and a reviewer beside them: 0.002 NEAR, and 0.005.
const SLOT_STORAGE: u128 = 2_000_000_000_000_000_000_000;
const REVIEWER_STORAGE: u128 = 5_000_000_000_000_000_000_000;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Makes you a reviewer, or one with more slots: each can be drawn for one task at a time, and 1 NEAR stands behind it.
    Bond {
        /// How many more; 16 in all at most.
        slots: u8,
        #[command(flatten)]
        consent: Consent,
    },
    /// Takes slots that have no duty out of the draw. Three days later `charter task unbond --withdraw` pays their bond into
    /// your balance.
    #[command(group = clap::ArgGroup::new("what").required(true))]
    Unbond {
        #[arg(group = "what")]
        slots: Option<u8>,
        /// Pays what has left, and what there is of slots that lost something.
        #[arg(long, group = "what")]
        withdraw: bool,
    },
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    let (me, tasks) = (&session.me, session.contracts.tasks());
    match command {
        Command::Bond { slots, consent } => bond(session, slots, &consent).await,
        Command::Unbond { withdraw: true, .. } => {
            let amount = tasks.call(me, methods::withdraw_bond, &Nothing {}).await?.value;
            let text = format!("{} NEAR are in your balance: `charter task withdraw` sends them", near(amount.0));
            session.tell(&json!({ "amount": amount }), &text)
        }
        Command::Unbond { slots: Some(slots), .. } => {
            tasks.call(me, methods::unbond, &Slots { slots }).await?;
            let text = format!(
                "{slots} slots are drawn for nothing any more; in {} `charter task unbond --withdraw` pays their bond",
                length(UNBOND_DELAY_MS)
            );
            session.tell(&json!({ "slots": slots }), &text)
        }
        // clap asks for one of both.
        Command::Unbond { .. } => bail!("name slots, or --withdraw"),
    }
}

async fn bond(session: &Session, slots: u8, consent: &Consent) -> anyhow::Result<()> {
    ensure!((1..=SLOTS_MAX).contains(&slots), "TASKS_BAD_SLOTS: slots are 1 to {SLOTS_MAX}, not {slots}");
    let amount = SLOT_BOND.saturating_mul(u128::from(slots));
    let storage = SLOT_STORAGE.saturating_mul(u128::from(slots)).saturating_add(REVIEWER_STORAGE);
    consent.ask(&words::sheet(&[
        ("this", format!("puts {} NEAR behind {slots} slots, to be drawn as a reviewer with", near(amount))),
        ("minority", format!("costs {} NEAR: the final verdict is another than yours", near(MINORITY_LOSS))),
        ("silence", format!("costs {} NEAR: you are drawn, and reveal no verdict in time", near(SILENT_LOSS))),
        ("comes back", format!("{} after `charter task unbond`", length(UNBOND_DELAY_MS))),
        words::storage(&near(storage), false, "all of it is unbonded"),
    ]))?;
    let attached = amount.saturating_add(STORAGE_DEPOSIT);
    session.contracts.tasks().pay(&session.me, methods::bond, &Slots { slots }, attached).await?;
    money::show(session, &session.me.id).await
}
