//! What a transaction is made of.

use super::{Asset, Caps, Goal, Id, Late, NewEdge, Person, Root, Row, Terms};

/// A step, and what is attached to it.
#[derive(Clone, Debug)]
pub struct Act {
    pub step: Step,
    pub attached: u128,
    /// What storage leaves of it, where that is what the step is about.
    pub rest: u128,
}

impl Act {
    /// What is wrong with what is attached, where that does not depend on what it is about.
    pub(super) fn deposit_fault(&self) -> Option<&'static str> {
        let wants_storage = matches!(
            self.step,
            Step::Open { .. }
                | Step::FillPurse(_)
                | Step::SetCaps { .. }
                | Step::Reserve(_)
                | Step::Pull { .. }
                | Step::Escalate { .. }
                | Step::OpenEarnings { .. }
                | Step::OpenEdge(_)
        );
        match (&self.step, self.attached) {
            (Step::TopUp(_) | Step::JoinEdge(_) | Step::Lie { .. }, _) => None,
            (_, 0) if wants_storage => Some(ONE_YOCTO),
            _ if wants_storage => None,
            (step, attached) if step.wants_yocto() => (attached != 1).then_some(ONE_YOCTO),
            (Step::Send { .. }, attached) => (attached != 1).then_some("TOKEN"),
            (_, attached) => (attached != 0).then_some("CHARTER_NO_DEPOSIT"),
        }
    }
}

const ONE_YOCTO: &str = "CHARTER_ONE_YOCTO";

impl Step {
    /// One that shows that a full-access key has signed, and stays with the contract.
    pub fn wants_yocto(&self) -> bool {
        matches!(
            self,
            Self::ExtendLock { .. }
                | Self::RequestClose(_)
                | Self::CancelClose(_)
                | Self::PostRoot { .. }
                | Self::EndRoot(_)
                | Self::CutEdge(_)
                | Self::EndEarnings { .. }
        )
    }
}

#[derive(Clone, Debug)]
pub enum Step {
    Open {
        payee: Person,
        asset: Asset,
        terms: Terms,
    },
    TopUp(Id),
    ExtendLock {
        id: Id,
        until_ms: u64,
    },
    Claim {
        rows: Vec<Row>,
        withdraw: bool,
    },
    Withdraw(Vec<Id>),
    Distribute {
        id: Id,
        own_terms: bool,
        shares: Vec<usize>,
    },
    Close(Id),
    RequestClose(Id),
    CancelClose(Id),
    FinalizeClose(Id),
    /// Tokens, by `ft_transfer_call`.
    Send {
        to: Target,
        amount: u128,
    },
    /// Another token, in which nothing is, tells of tokens of the sender.
    Lie {
        to: Target,
        sender: Person,
        amount: u128,
    },
    FillPurse(Asset),
    SetCaps {
        asset: Asset,
        caps: Caps,
    },
    EmptyPurse(Asset),
    Draw {
        asset: Asset,
        amount: u128,
        to: Goal,
    },
    ForgetDraws {
        owner: Person,
        asset: Asset,
        payees: Vec<Person>,
    },
    Reserve(Vec<Id>),
    PostRoot {
        asset: Asset,
        root: Root,
    },
    Pull {
        payee: Person,
        asset: Asset,
        to: Person,
        amount: u128,
        bent: bool,
    },
    EndRoot(Asset),
    ForgetCreators {
        number: u64,
        creators: Vec<Person>,
    },
    OpenEdge(NewEdge),
    JoinEdge(Id),
    EndEdge(Id),
    CutEdge(Id),
    Escalate {
        id: Id,
        late: Late,
    },
    Deliver {
        id: Id,
        counter: u64,
        signed: bool,
    },
    ClaimLate {
        id: Id,
        counter: u64,
    },
    ForgetRequest {
        id: Id,
        counter: u64,
    },
    OpenEarnings {
        asset: Asset,
    },
    EndEarnings {
        asset: Asset,
    },
}

/// What tokens are sent for.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    Channel(Id),
    Purse,
    Edge(Id),
    /// A message that names nothing.
    Nothing,
}
