//! How often a stranger may ask.

use super::*;

#[test]
fn each_address_is_refused_by_itself() {
    let strangers = Strangers::default();
    let [one, other] = ["10.0.0.1", "10.0.0.2"].map(|address| address.parse().unwrap());
    assert!((0..100).all(|_| strangers.refused_for(one).is_none()));
    assert_eq!((0..20).filter_map(|_| strangers.refused_for(one)).next(), Some(1));
    assert_eq!(strangers.refused_for(other), None);
}

#[test]
fn a_client_is_its_network() {
    let client = |address: &str| client(address.parse().unwrap()).to_string();
    assert_eq!(client("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    assert_eq!(client("::ffff:10.0.0.1"), "10.0.0.1");
}

#[test]
fn more_addresses_than_are_counted_take_no_more_memory() {
    let strangers = Strangers::default();
    for address in 0..u32::try_from(MOST_ADDRESSES * 2).unwrap() {
        strangers.refused_for(IpAddr::V4(address.into()));
    }
    assert!(strangers.requests.len() <= MOST_ADDRESSES + 1);
}

#[tokio::test]
async fn the_log_has_one_line_of_its_own_an_interval() {
    let strangers = Arc::new(Strangers::default());
    let counted = [strangers.count(), strangers.count(), strangers.count()];
    assert_eq!(counted, [false, true, true]);
    assert_eq!(strangers.end_interval(), 2);
    assert!(!strangers.count());
    assert_eq!(strangers.end_interval(), 0);
}
