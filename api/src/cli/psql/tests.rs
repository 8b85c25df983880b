//! No argument holds the password.

use super::*;

#[test]
fn no_argument_holds_the_password() {
    for (url, shown) in [
        ("postgresql://u:a%20b@h:1/d?sslmode=require", "postgresql://u@h:1/d?sslmode=require"),
        ("postgres://u:a%20b@h/d", "postgres://u@h/d"),
    ] {
        assert_eq!(without_password(url).unwrap(), (shown.to_owned(), Some("a b".into())));
    }
    let plain = "host=/tmp user=u dbname=d";
    assert_eq!(without_password(plain).unwrap(), (plain.to_owned(), None));
    for url in ["host=h user=u password=p", "postgresql://u@h/d?password=p"] {
        assert!(matches!(without_password(url), Err(PsqlError::ShownPassword)), "{url}");
    }
}
