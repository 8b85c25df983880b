//! How much all readers hold.

use super::*;

fn budget(bytes: u64) -> &'static Budget {
    Box::leak(Box::new(Budget::new(bytes)))
}

#[test]
fn a_reader_alone_may_hold_all_and_gets_back_what_it_drops() {
    let account = budget(10).account(2);
    let first = account.try_hold(6).unwrap();
    let mut second = account.try_hold(4).unwrap();
    assert!(account.try_hold(1).is_none());
    second.shrink(1);
    let third = account.try_hold(3).unwrap();
    assert!(account.try_hold(1).is_none());
    drop((first, second, third));
    assert!(account.try_hold(10).is_some());
}

#[test]
fn readers_share_and_each_may_always_hold_its_floor() {
    let budget = budget(12);
    let greedy = budget.account(2);
    let all = greedy.try_hold(12).unwrap();
    let late: Vec<_> = (0..3).map(|_| budget.account(2)).collect();
    // The whole is used up: no more than the floor.
    let floors: Vec<_> = late.iter().map(|account| account.try_hold(2).unwrap()).collect();
    assert!(late[0].try_hold(1).is_none() && greedy.try_hold(1).is_none());
    drop(all);
    let share = late[0].try_hold(1).unwrap();
    assert!(late[0].try_hold(1).is_none(), "a quarter of the whole");
    let own = greedy.try_hold(2).unwrap();
    assert!(greedy.try_hold(2).is_none());
    drop((share, floors, late));
    assert!(greedy.try_hold(10).is_some());
    drop(own);
}

#[test]
fn beginnings_hold_no_more_than_half() {
    let budget = budget(8);
    let first = budget.hold_beginning(3).unwrap();
    assert!(budget.hold_beginning(2).is_none());
    assert!(budget.hold_beginning(1).is_some());
    let account = budget.account(1);
    assert!(account.try_hold(5).is_some());
    drop(first);
    assert!(budget.hold_beginning(4).is_some());
}

#[test]
fn one_range_is_granted_even_if_it_is_larger_than_the_whole() {
    let account = budget(1).account(1);
    let range = account.try_hold(5).unwrap();
    assert!(account.try_hold(1).is_none());
    drop(range);
    assert!(account.try_hold(5).is_some());
}

#[tokio::test]
async fn who_waits_for_room_gets_it_when_another_reader_lets_go() {
    let budget = budget(4);
    let (one, other) = (budget.account(1), budget.account(1));
    let held = [one.try_hold(1).unwrap(), one.try_hold(1).unwrap()];
    let own = [other.try_hold(1).unwrap(), other.try_hold(1).unwrap()];
    let waiting = tokio::spawn(async move { other.wait_for_room(1).await });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop((held, one));
    waiting.await.unwrap();
    drop(own);
}
