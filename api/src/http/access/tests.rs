//! Which key opens what.

use super::*;

fn access(scopes: &str) -> Access {
    let key = format!("ci:{scopes}:{}", hex::encode(hash("secret")));
    Access::new(vec![key.parse().unwrap()], NonZeroU32::new(2).unwrap())
}

fn headers(name: &'static str, value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
}

#[test]
fn a_key_may_do_what_its_scopes_say_and_admin_everything() {
    for (scopes, scope, may) in [
        ("trigger", Scope::Trigger, true),
        ("trigger", Scope::Read, false),
        ("trigger+read", Scope::Read, true),
        ("trigger+read", Scope::Admin, false),
        ("admin", Scope::Trigger, true),
    ] {
        let admitted = access(scopes).admit(&headers("x-api-key", "secret"), scope);
        assert_eq!(admitted.is_ok(), may, "{scopes} {scope:?}");
    }
}

#[test]
fn a_refusal_names_the_scope_that_is_needed_and_those_of_the_key() {
    let refused = access("trigger+read").admit(&headers("x-api-key", "secret"), Scope::Admin);
    let refused = serde_json::to_value(refused.unwrap_err()).unwrap();
    let expected = "this request needs a key with the scope admin; the key ci has: trigger, read";
    assert_eq!(refused["detail"], expected);
}

#[test]
fn a_key_is_taken_from_either_header_and_must_be_known() {
    let access = access("read");
    assert!(access.admit(&headers("authorization", "Bearer secret"), Scope::Read).is_ok());
    for headers in
        [HeaderMap::new(), headers("x-api-key", "other"), headers("authorization", "Basic secret")]
    {
        assert!(access.admit(&headers, Scope::Read).is_err());
    }
}

#[test]
fn requests_over_the_limit_are_refused_by_key() {
    let access = access("read");
    let admitted = (0..3).map(|_| access.admit(&headers("x-api-key", "secret"), Scope::Read));
    assert_eq!(admitted.map(|admitted| admitted.is_ok()).collect::<Vec<_>>(), [true, true, false]);
}
