//! Layouts of earlier releases and the way from them to this one. There are none yet: `migrate` of
//! `charter_contract!` reads the state as it is.
