//! Meta transactions of both kinds, read alike.

use near_primitives::action::Action;
use near_primitives::action::delegate::VersionedSignedDelegateActionRef;

/// The meta transaction that an action is, if it is one.
pub fn delegate_of(action: &Action) -> Option<VersionedSignedDelegateActionRef<'_>> {
    match action {
        Action::Delegate(signed) => Some(signed.as_ref().into()),
        Action::DelegateV2(signed) => Some(signed.as_ref().into()),
        _ => None,
    }
}
