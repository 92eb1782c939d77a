//! What a method is called with, and what everybody is told.

use charter_harness::{Call, call};
use charter_types::method::{Deposit, Kind, Method, Rule};
use serde_json::Value;

use charter_harness::arguments::DEPOSIT;

/// Somebody of the scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Of agents 1 and 2, and of line 2; pays into the channel, made the grant.
    Owner,
    /// Has storage everywhere, and nothing else.
    Stranger,
    /// Of agent 1.
    Guardian,
    /// Of agent 1, with every permission there is.
    Operator,
    /// The account of agent 1.
    Agent,
    /// Of agent 1, until it was sold.
    ExOwner,
    /// Operates host 1.
    Host,
    /// A recoverer of agent 2, who is paid from the channel.
    Friend,
    /// Has nothing anywhere.
    Poor,
}

impl Who {
    pub const ALL: [Self; 9] = [
        Self::Owner,
        Self::Stranger,
        Self::Guardian,
        Self::Operator,
        Self::Agent,
        Self::ExOwner,
        Self::Host,
        Self::Friend,
        Self::Poor,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Stranger => "stranger",
            Self::Guardian => "guardian",
            Self::Operator => "operator",
            Self::Agent => "agent",
            Self::ExOwner => "ex",
            Self::Host => "hal",
            Self::Friend => "friend",
            Self::Poor => "poor",
        }
    }
}

/// A call with other arguments.
pub fn with(call: &Call, args: &Value) -> Call {
    Call { args: serde_json::to_vec(args).unwrap(), ..call.clone() }
}

/// A method with arguments that its rightful caller could use.
#[derive(Clone)]
pub struct Case {
    pub call: Call,
    pub kind: Kind,
    pub rule: Rule,
    /// Who could make the call, and so makes it with what is wrong otherwise.
    pub by: Who,
    /// What everybody else is told; nothing: they may call.
    pub code: &'static str,
    /// Who may call, too.
    pub may: Vec<Who>,
    /// Field, value and code of an id that nothing has.
    pub unknown: Option<(&'static str, Value, &'static str)>,
    /// Where an amount is asked for: amounts that are too little, and their codes.
    pub too_little: Vec<(u128, &'static str)>,
}

impl Case {
    /// A method that is its owner's alone, or a view, which has no code.
    pub fn new<M: Method>(method: M, args: &M::Args, code: &'static str) -> Self {
        Self {
            call: call(method, args),
            kind: M::KIND,
            rule: M::RULE,
            by: Who::Owner,
            code,
            may: Vec::new(),
            unknown: None,
            too_little: Vec::new(),
        }
    }

    pub fn by(self, by: Who) -> Self {
        Self { by, ..self }
    }

    pub fn may(self, may: &[Who]) -> Self {
        Self { may: may.to_vec(), ..self }
    }

    pub fn unknown(self, field: &'static str, value: impl Into<Value>, code: &'static str) -> Self {
        Self { unknown: Some((field, value.into(), code)), ..self }
    }

    pub fn too_little(self, too_little: &[(u128, &'static str)]) -> Self {
        Self { too_little: too_little.to_vec(), ..self }
    }

    pub fn name(&self) -> &str {
        &self.call.method
    }

    /// What somebody is told, if anything.
    pub fn told(&self, who: Who) -> Option<&'static str> {
        (!self.code.is_empty() && who != self.by && !self.may.contains(&who)).then_some(self.code)
    }

    /// Its arguments, if they are JSON.
    pub fn args(&self) -> Option<Value> {
        serde_json::from_slice(&self.call.args).ok()
    }

    /// The same call with other arguments.
    pub fn with(&self, args: &Value) -> Call {
        with(&self.call, args)
    }

    /// What anybody but the owner attaches, if nothing shall be wrong with it.
    pub fn deposit(&self) -> u128 {
        match self.rule.deposit {
            Deposit::Nothing | Deposit::OneYoctoByOwner => 0,
            Deposit::OneYocto | Deposit::Prepaid => 1,
            Deposit::Storage | Deposit::StorageByOwner | Deposit::Amount => DEPOSIT,
        }
    }
}
