//! Several nodes: which one is asked, and which one is passed over.

use std::num::NonZeroU32;
use std::time::Duration;

use charter_client::{ClientError, Limits, Rate, Rpc};
use serde_json::{Value, json};

use crate::stand_in::{NodeStandIn, Says, nowhere};

/// Two nodes that say who they are.
async fn pair() -> (NodeStandIn, NodeStandIn, Rpc) {
    let first = NodeStandIn::start(Says::result("first")).await;
    let second = NodeStandIn::start(Says::result("second")).await;
    let rpc = Rpc::of([&first.url, &second.url]);
    (first, second, rpc)
}

async fn ask(rpc: &Rpc) -> Result<Value, ClientError> {
    rpc.call("status", json!([])).await
}

fn asked(first: &NodeStandIn, second: &NodeStandIn) -> (usize, usize) {
    (first.asked(), second.asked())
}

#[tokio::test]
async fn the_first_that_is_well_is_asked() {
    let (first, second, rpc) = pair().await;
    assert_eq!(rpc.answered_by(), None);
    for _ in 0..3 {
        assert_eq!(ask(&rpc).await.unwrap(), "first");
    }
    assert_eq!((asked(&first, &second), rpc.answered_by()), ((3, 0), Some(first.url.as_str())));
    // The same as one text, as people write it.
    let rpc = Rpc::new(format!("{}, {},", first.url, second.url));
    assert_eq!((ask(&rpc).await.unwrap(), rpc.url()), (json!("first"), first.url.as_str()));
    assert_eq!(rpc.health().len(), 2);
}

#[tokio::test]
async fn reads_go_on_to_the_next_node_and_back_to_the_first() {
    for failing in [
        Says::text(500, "oops"),
        Says::text(401, "no key"),
        Says::text(200, "garbage"),
        Says::json(&json!([])),
        Says::Half,
        Says::text(429, "slow down"),
        Says::refusal("INTERNAL_ERROR"),
        Says::json(&json!({ "error": { "code": -32_005, "message": "slow down" } })),
    ] {
        let (first, second, rpc) = pair().await;
        first.say(failing.clone());
        assert_eq!(ask(&rpc).await.unwrap(), "second", "{failing:?}");
        assert_eq!((asked(&first, &second), rpc.answered_by()), ((1, 1), Some(second.url.as_str())));
        // Whether its time is over already or not: nobody else is left.
        first.say(Says::result("first again"));
        second.say(failing.clone());
        assert_eq!(ask(&rpc).await.unwrap(), "first again", "{failing:?}");
        // What failed is told once nobody is left, and both were asked for it.
        first.say(failing.clone());
        let (before, failed) = (asked(&first, &second), ask(&rpc).await.unwrap_err());
        assert!(failed.is_transient() || matches!(failed, ClientError::Status { status: 401, .. }), "{failed:?}");
        assert_eq!(asked(&first, &second), (before.0 + 1, before.1 + 1), "{failing:?}");
    }
}

#[tokio::test]
async fn nodes_that_are_gone_or_silent_are_gone_past() {
    let node = NodeStandIn::start(Says::result("there")).await;
    let silent = NodeStandIn::start(Says::Never).await;
    let urls = [nowhere().await, "nonsense".to_owned(), silent.url.clone(), node.url.clone()];
    let limits = Limits { answer_time_max: Duration::from_secs(1), ..Limits::default() };
    let rpc = Rpc::limited(urls, limits);
    assert_eq!(ask(&rpc).await.unwrap(), "there");
    assert_eq!((silent.asked(), node.asked()), (1, 1));
    let reasons: Vec<bool> = rpc.health().into_iter().map(|health| health.reason.is_some()).collect();
    assert!(!reasons[3], "{reasons:?}");
}

/// Give each node the whole time, and whoever gives a question up after that time never comes to the second one.
#[tokio::test]
async fn a_question_goes_to_the_last_node_within_its_time() {
    let (first, second) = (NodeStandIn::start(Says::Never).await, NodeStandIn::start(Says::Never).await);
    let node = NodeStandIn::start(Says::result("there")).await;
    let time = Duration::from_secs(4);
    let rpc = Rpc::of([&first.url, &second.url, &node.url]).over_within(time);
    let told = tokio::time::timeout(time, ask(&rpc)).await.expect("it takes longer");
    assert_eq!(told.unwrap(), "there");
    assert_eq!((first.asked(), second.asked(), node.asked()), (1, 1, 1));
}

#[tokio::test]
async fn a_node_that_wants_to_be_left_alone_is_passed_over() {
    let (first, second, rpc) = pair().await;
    first.say(Says::later("60"));
    for _ in 0..4 {
        assert_eq!(ask(&rpc).await.unwrap(), "second");
    }
    assert_eq!(asked(&first, &second), (1, 4));
    let health = rpc.health();
    assert!(health[0].passed_over > Duration::ZERO && health[1].passed_over.is_zero(), "{health:?}");
    assert!(health[0].reason.as_ref().unwrap().contains("429"), "{health:?}");
}

/// Ask on after an ordinary refusal, and every height without a block costs a question to each node; never ask on, and
/// a node that is behind hides what others know.
#[tokio::test]
async fn a_refusal_stands_unless_the_caller_blames_who_said_it() {
    let (first, second, rpc) = pair().await;
    first.say(Says::refusal("UNKNOWN_BLOCK"));
    for _ in 0..2 {
        assert_eq!(ask(&rpc).await.unwrap_err().cause(), Some("UNKNOWN_BLOCK"));
    }
    assert_eq!((asked(&first, &second), rpc.answered_by()), ((2, 0), Some(first.url.as_str())));
    rpc.blame("block 7 has a successor");
    assert_eq!(ask(&rpc).await.unwrap(), "second");
    assert_eq!(asked(&first, &second), (2, 1));
}

#[tokio::test]
async fn what_a_node_only_lacks_is_asked_of_another_and_held_against_nobody() {
    let (first, second, rpc) = pair().await;
    first.say(Says::refusal("GARBAGE_COLLECTED_BLOCK"));
    for _ in 0..2 {
        assert_eq!(ask(&rpc).await.unwrap(), "second");
    }
    assert_eq!(asked(&first, &second), (2, 2), "it is well, and asked first");
    // Its own words say more than that another one is ill.
    second.say(Says::text(500, "oops"));
    assert_eq!(ask(&rpc).await.unwrap_err().cause(), Some("GARBAGE_COLLECTED_BLOCK"));
}

#[tokio::test]
async fn a_liar_is_passed_over_and_asked_again_when_others_are_worse() {
    let (first, second, rpc) = pair().await;
    assert_eq!(ask(&rpc).await.unwrap(), "first");
    rpc.blame("the proof does not lead to the root");
    for _ in 0..3 {
        assert_eq!(ask(&rpc).await.unwrap(), "second");
    }
    assert_eq!(asked(&first, &second), (1, 3));
    let health = rpc.health();
    assert_eq!(health[0].reason.as_deref(), Some("the proof does not lead to the root"));
    assert!(health[0].passed_over > Duration::from_secs(30), "{health:?}");
    // A good answer is no excuse: it is asked because the other one fails, and blamed still.
    second.say(Says::text(500, "oops"));
    assert_eq!(ask(&rpc).await.unwrap(), "first");
    assert!(rpc.health()[0].passed_over > Duration::from_secs(30));
    // The other one lies as well, and its time is over later.
    second.say(Says::result("second"));
    assert_eq!(ask(&rpc).await.unwrap(), "second", "to fail is a smaller thing than to lie");
    rpc.blame("it is behind");
    assert_eq!(ask(&rpc).await.unwrap(), "first");
}

#[tokio::test]
async fn a_handle_blames_who_answered_it_itself() {
    let (first, second, rpc) = pair().await;
    let (one, other) = (rpc.clone(), rpc.clone());
    first.say_in_turn(vec![Says::result("first"), Says::later("60")]);
    assert_eq!(ask(&one).await.unwrap(), "first");
    assert_eq!(ask(&other).await.unwrap(), "second");
    assert_eq!((one.answered_by(), other.answered_by()), (Some(first.url.as_str()), Some(second.url.as_str())));
    // Nobody answered this one.
    rpc.blame("nothing");
    assert!(rpc.health()[1].passed_over.is_zero());
    one.blame("it lied");
    let health = rpc.health();
    assert_eq!(health[0].reason.as_deref(), Some("it lied"));
    assert!(health[1].passed_over.is_zero(), "{health:?}");
}

/// Rates are counted, not timed: one an hour leaves no doubt.
#[tokio::test]
async fn no_node_is_asked_faster_than_its_rate() {
    let (first, second) = (NodeStandIn::start(Says::result(1)).await, NodeStandIn::start(Says::result(2)).await);
    let rate = Rate::AtMost { requests: NonZeroU32::new(3).unwrap(), within: Duration::from_hours(1) };
    let rpc = Rpc::limited([&first.url, &second.url], Limits { rate, ..Limits::default() });
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(ask(&rpc).await.unwrap());
    }
    assert_eq!(answers, [1, 1, 1, 2, 2, 2]);
    for handle in [&rpc, &rpc.clone()] {
        let error = ask(handle).await.unwrap_err();
        assert!(matches!(error, ClientError::Busy { wait, .. } if wait > Duration::from_mins(10)), "{error:?}");
    }
    assert_eq!(asked(&first, &second), (3, 3));
}

#[tokio::test]
async fn a_node_on_this_machine_has_no_rate_of_its_own_accord() {
    let node = NodeStandIn::start(Says::result(1)).await;
    let rpc = Rpc::limited([&node.url], Limits { turn_time_max: Duration::ZERO, ..Limits::default() });
    for _ in 0..100 {
        ask(&rpc).await.unwrap();
    }
    assert_eq!(node.asked(), 100);
}
