//! Entries of the state under a block's roots.

use std::sync::Arc;

use charter_client::proof::{AccountRoot, state, state_prefix};
use near_primitives::hash::CryptoHash;
use near_primitives::views::StateItem;

use crate::chain::sha;
use crate::refused;
use crate::trie::Trie;
use crate::world::{EVE, REGISTRY, SPLIT, WHOLE, WORLD, account, data_key, entries};

/// The root of a block's state, as its header has it.
fn state_root(index: usize) -> CryptoHash {
    *WORLD.chain.headers[index].prev_state_root()
}

fn root() -> AccountRoot {
    AccountRoot::of_only(state_root(WHOLE), WORLD.whole.root, &account(REGISTRY)).unwrap()
}

/// What the node sends for the registry's keys with this prefix.
fn nodes(prefix: &[u8]) -> Vec<Arc<[u8]>> {
    WORLD.whole.nodes(&data_key(REGISTRY, prefix))
}

fn items(prefix: &[u8]) -> Vec<StateItem> {
    let all = entries().into_iter().filter(|(key, _)| key.starts_with(prefix));
    all.map(|(key, value)| StateItem { key: key.into(), value: value.into() }).collect()
}

/// Keys that the registry has not: before, between, below, above and after its own.
fn absent() -> Vec<Vec<u8>> {
    let odd = ["", "S", "STATE\u{0}", "STATF", "A", "a\u{0}", "a\u{1}\u{2}\u{3}", "a\u{2}", "bb", "c", "\u{7f}"];
    odd.iter().map(|key| key.as_bytes().to_vec()).collect()
}

const PREFIXES: [&str; 8] = ["", "S", "STATE", "a", "a\u{1}", "a\u{1}\u{2}", "b", "none"];

#[test]
fn entries_and_their_absence_are_proven() {
    for (key, value) in entries() {
        state(&root(), &key, Some(value.as_slice()), &nodes(&key)).unwrap();
        // Nodes for more than was asked are as good.
        state(&root(), &key, Some(value.as_slice()), &nodes(b"")).unwrap();
    }
    for key in absent() {
        state(&root(), &key, None, &nodes(&key)).unwrap();
        state(&root(), &key, None, &nodes(b"")).unwrap();
    }
}

#[test]
fn prefixes_are_proven() {
    for prefix in PREFIXES.map(str::as_bytes) {
        state_prefix(&root(), prefix, &items(prefix), &nodes(prefix)).unwrap();
        state_prefix(&root(), prefix, &items(prefix), &nodes(b"")).unwrap();
    }
}

#[test]
fn nothing_is_in_an_empty_state() {
    let empty = Trie::of(&std::collections::BTreeMap::new()).root;
    let root = AccountRoot::of_only(sha(&empty.0), empty, &account(REGISTRY)).unwrap();
    state(&root, b"STATE", None, &[]).unwrap();
    state_prefix(&root, b"", &[], &[]).unwrap();
    assert_eq!(refused(state(&root, b"STATE", Some(b""), &[])), "PROOF_OTHER_VALUE");
    assert_eq!(refused(state_prefix(&root, b"", &items(b""), &[])), "PROOF_OTHER_VALUE");
}

#[test]
fn inv_idx_4_another_value_is_refused() {
    for (key, value) in entries() {
        let longer = [value.as_slice(), b"\0"].concat();
        for lie in [Some(longer.as_slice()), Some(b"another".as_slice()), None] {
            assert_eq!(refused(state(&root(), &key, lie, &nodes(&key))), "PROOF_OTHER_VALUE", "{key:?}");
        }
    }
    for key in absent() {
        for lie in ["", "state"].map(str::as_bytes) {
            assert_eq!(refused(state(&root(), &key, Some(lie), &nodes(&key))), "PROOF_OTHER_VALUE", "{key:?}");
        }
    }
}

#[test]
fn inv_idx_4_what_a_missing_node_would_show_is_not_shown() {
    for key in entries().into_keys().chain(absent()) {
        let all = nodes(b"");
        let value = entries().remove(&key);
        for left_out in 0..all.len() {
            let mut fewer = all.clone();
            fewer.remove(left_out);
            let lie = if value.is_some() { None } else { Some(b"".as_slice()) };
            let code = refused(state(&root(), &key, lie, &fewer));
            assert!(["PROOF_MISSING_NODE", "PROOF_OTHER_VALUE"].contains(&code), "{key:?}: {code}");
            let code = refused(state_prefix(&root(), b"", &items(b""), &fewer));
            assert_eq!(code, "PROOF_MISSING_NODE");
        }
        assert_eq!(refused(state(&root(), &key, value.as_deref(), &[])), "PROOF_MISSING_NODE");
    }
}

#[test]
fn inv_idx_4_no_entry_is_left_out_of_a_prefix() {
    for prefix in PREFIXES.map(str::as_bytes) {
        for left_out in 0..items(prefix).len() {
            let mut fewer = items(prefix);
            fewer.remove(left_out);
            let answer = state_prefix(&root(), prefix, &fewer, &nodes(prefix));
            assert_eq!(refused(answer), "PROOF_OTHER_VALUE", "{prefix:?} without {left_out}");
        }
    }
}

#[test]
fn inv_idx_4_no_entry_is_added_to_a_prefix() {
    for prefix in PREFIXES.map(str::as_bytes) {
        let mut more = items(prefix);
        more.push(StateItem { key: [prefix, b"zz"].concat().into(), value: b"another".to_vec().into() });
        assert_eq!(refused(state_prefix(&root(), prefix, &more, &nodes(prefix))), "PROOF_OTHER_VALUE", "{prefix:?}");
    }
}

#[test]
fn inv_idx_4_entries_of_a_prefix_are_the_states() {
    for at in 0..items(b"").len() {
        let mut bent = items(b"");
        bent[at].value = b"another".to_vec().into();
        assert_eq!(refused(state_prefix(&root(), b"", &bent, &nodes(b""))), "PROOF_OTHER_VALUE", "{at}");
        let mut bent = items(b"");
        bent[at].key = b"aa".to_vec().into();
        assert_eq!(refused(state_prefix(&root(), b"", &bent, &nodes(b""))), "PROOF_OTHER_VALUE", "{at}");
    }
    let mut turned = items(b"");
    turned.reverse();
    assert_eq!(refused(state_prefix(&root(), b"", &turned, &nodes(b""))), "PROOF_OTHER_VALUE");
}

#[test]
fn inv_idx_4_state_roots_of_another_block_are_refused() {
    let registry = account(REGISTRY);
    let (whole, others) = (WORLD.whole.root, WORLD.others.root);
    for (index, lie) in [(WHOLE, others), (SPLIT, whole), (WHOLE + 2, whole), (WHOLE, state_root(WHOLE))] {
        assert_eq!(refused(AccountRoot::of_only(state_root(index), lie, &registry)), "PROOF_OTHER_STATE", "{index}");
    }
    let known = nodes(b"STATE");
    let of_one =
        |roots: &[CryptoHash], index| AccountRoot::of_one(state_root(SPLIT), roots, index, &registry, b"STATE", &known);
    assert!(of_one(&[others, whole], 1).is_ok());
    for roots in [vec![whole, others], vec![others, whole, whole], vec![whole], Vec::new()] {
        assert_eq!(refused(of_one(&roots, 0)), "PROOF_OTHER_STATE", "{}", roots.len());
    }
    assert_eq!(refused(of_one(&[others, whole], 2)), "PROOF_OTHER_STATE");
}

#[test]
fn inv_idx_4_the_shard_of_another_account_shows_nothing() {
    let roots = [WORLD.others.root, WORLD.whole.root];
    let of = |index, nodes: &[Arc<[u8]>]| {
        AccountRoot::of_one(state_root(SPLIT), &roots, index, &account(REGISTRY), b"STATE", nodes)
    };
    // All that the other shard has proves that the registry's state is not in it: that it is nowhere would be a lie.
    assert_eq!(refused(of(0, &WORLD.others.nodes(b""))), "PROOF_OTHER_SHARD");
    assert_eq!(refused(of(1, &WORLD.others.nodes(b""))), "PROOF_MISSING_NODE");
    let own = of(1, &nodes(b"STATE")).unwrap();
    state(&own, b"STATE", Some(b"state"), &nodes(b"")).unwrap();
    // Of somebody else's account there is another root, and the same key in it.
    let eve = AccountRoot::of_only(state_root(WHOLE), WORLD.whole.root, &account(EVE)).unwrap();
    let answer = state(&eve, b"STATE", Some(b"state"), &WORLD.whole.nodes(b""));
    assert_eq!(refused(answer), "PROOF_OTHER_VALUE");
}

/// A node that is a state's root by itself, and what `view_state` would send.
fn alone(node: &[u8]) -> (AccountRoot, Vec<Arc<[u8]>>) {
    let root = sha(node);
    (AccountRoot::of_only(sha(&root.0), root, &account(REGISTRY)).unwrap(), vec![node.into()])
}

#[test]
fn inv_idx_4_what_is_no_node_shows_nothing() {
    let odd: [Vec<u8>; 7] = [
        Vec::new(),
        vec![1],
        // A leaf with an extension's path, and one whose half byte that is not there is not zero.
        [&[0_u8, 1, 0, 0, 0, 0x00][..], &[0; 44]].concat(),
        [&[0_u8, 1, 0, 0, 0, 0x25][..], &[0; 44]].concat(),
        // An extension that leads nowhere, a branch without children, and a leaf with more behind it.
        [&[3_u8, 1, 0, 0, 0, 0x00][..], &[0; 40]].concat(),
        [&[1_u8, 0, 0][..], &[0; 8]].concat(),
        [&[0_u8, 1, 0, 0, 0, 0x20][..], &[0; 45]].concat(),
    ];
    for node in odd {
        let (root, nodes) = alone(&node);
        assert_eq!(refused(state(&root, b"", None, &nodes)), "PROOF_BAD_NODE", "{node:?}");
        assert_eq!(refused(state_prefix(&root, b"", &[], &nodes)), "PROOF_BAD_NODE", "{node:?}");
    }
    // The same leaf as it should be.
    let leaf: Vec<u8> = [&[0_u8, 1, 0, 0, 0, 0x20][..], &[0; 44]].concat();
    let (root, nodes) = alone(&leaf);
    state_prefix(&root, b"", &[], &nodes).unwrap();
}

#[test]
fn a_state_deeper_than_any_key_is_refused() {
    // The way to the registry's keys, and on from there by zeroes.
    let way: Vec<u8> = data_key(REGISTRY, b"").iter().flat_map(|byte| [byte / 16, byte % 16]).collect();
    let mut below = sha(b"nothing");
    let mut nodes: Vec<Arc<[u8]>> = Vec::new();
    for nibble in way.into_iter().chain(vec![0; 10_000]).rev() {
        let node = borsh::to_vec(&(1_u8, 1_u16 << nibble, below, 1_u64)).unwrap();
        below = sha(&node);
        nodes.push(node.into());
    }
    let root = AccountRoot::of_only(sha(&below.0), below, &account(REGISTRY)).unwrap();
    assert_eq!(refused(state_prefix(&root, b"", &[], &nodes)), "PROOF_BAD_NODE");
}
