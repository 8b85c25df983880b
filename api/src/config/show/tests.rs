//! What `config` shows of secrets.

use super::{address, hidden};

#[test]
fn passwords_are_hidden_in_every_form_that_the_driver_takes() {
    for (text, expected) in [
        ("postgresql://u:SECRET@h:1/d?sslmode=require", "postgresql://u:***@h:1/d"),
        ("postgresql://u:a?SECRET@h/d", "postgresql://u:***@h:5432/d"),
        ("postgresql://u@h/d?%70assword=SECRET", "postgresql://u:***@h:5432/d"),
        ("postgresql:///d?host=/tmp&password=SECRET", "postgresql:///tmp:5432/d"),
        ("postgresql://u@h/d", "postgresql://u@h:5432/d"),
        ("host=h user=u password=SECRET", "postgresql://u:***@h:5432/u"),
        ("host=h user=u password = SECRET dbname=d", "postgresql://u:***@h:5432/d"),
        ("host=h user=u\tpassword\t=\tSECRET", "postgresql://u:***@h:5432/u"),
        ("host=h user=u password='a SECRET'", "postgresql://u:***@h:5432/u"),
        ("postgresql://u:SE@CRET@h/d", "***"),
        ("postgresql://u:SECRET@h:port/d", "***"),
        ("host=h password=SECRET unknown=1", "***"),
    ] {
        assert_eq!(hidden("database_url", text), expected, "{text}");
    }
    assert_eq!(address("postgresql://u@a:1,b:2/d").unwrap(), "postgresql://u@a:1,b:2/d");
}

#[test]
fn urls_are_shown_without_credentials() {
    for (name, value, expected) in [
        ("bucket", "b=s3://b/c?secret=SECRET", "b=s3://b/c?secret=***"),
        (
            "bucket",
            "b=s3://b?region=eu-west-1&token=SECRET&endpoint=http://u:SECRET@h",
            "b=s3://b?region=eu-west-1&token=***&endpoint=***",
        ),
        ("bucket", "b=https://u:SECRET@h/c", "b=https://u:***@h/c"),
        ("bucket", "b=abfss://container@account/c", "b=abfss://container@account/c"),
        ("postgres_url", "https://SECRET@h/p?token=SECRET", "https://h/p"),
        ("key", "ci:read:SECRET", "ci:read:***"),
    ] {
        assert_eq!(hidden(name, value), expected);
    }
}
