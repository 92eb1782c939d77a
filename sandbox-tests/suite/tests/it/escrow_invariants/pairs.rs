//! Two parties who call at once, about the same channel, where it makes no difference who comes first: in one block as a
//! rule, so that the second call and both callbacks come while the first's transfer is on its way.

use super::World;
use super::model::{ANN, Act, BEN, BOT, Person, Row, Step};
use super::moves::Op;

impl World {
    /// A payee withdraws while somebody distributes, or a payer adds to a channel while somebody claims what was there before.
    fn pair(&self, op: &Op) -> Option<[(Person, Act); 2]> {
        let id = self.channel(op)?;
        // A closed one may be gone with the first of the two.
        let channel = self.model.channels[id].as_ref().filter(|channel| !channel.closed)?;
        let is_there = |person: &Person| !self.model.gone.contains(person);
        let first = Some(if op.flag { channel.payee } else { channel.payer }).filter(is_there)?;
        let strangers = [op.by, BOT, ANN, BEN];
        let second = strangers.into_iter().find(|person| *person != first && is_there(person))?;
        let act = |step, attached| Act { step, attached, rest: attached };
        if op.flag {
            let shares = (0..channel.shares.len().max(1)).collect();
            let distribute = Step::Distribute { id, own_terms: true, shares };
            return Some([(first, act(Step::Withdraw(vec![id]), 0)), (second, act(distribute, 0))]);
        }
        let how = &op.rows[0];
        let amount = channel.deposited * how.share.min(1_000) / 1_000;
        let row = Row { channel: id, amount, expires_ms: 0, signed: how.forged.is_none() };
        let claim = Step::Claim { rows: vec![row], withdraw: op.rightly };
        Some([(first, act(Step::TopUp(id), 1_000 * (1 + op.share))), (second, act(claim, 0))])
    }

    pub(super) async fn at_once(&mut self, op: &Op) {
        let Some([(first, one), (second, two)]) = self.pair(op) else { return };
        let (one, two) = ([one], [two]);
        let before = self.purses().await;
        let (done, beside) = tokio::join!(self.send(first, &one, op), self.send(second, &two, op));
        let after = self.purses().await;
        let sent = vec![(first, one.to_vec(), done), (second, two.to_vec(), beside)];
        self.judge(op, sent, (&before, &after)).await;
    }
}
