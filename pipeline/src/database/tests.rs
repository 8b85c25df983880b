//! How connections are opened.

use super::*;

#[test]
fn an_address_and_what_is_printed_of_a_database_hold_no_password() {
    for (url, address) in [
        ("postgres://u:s3cret@a:1,b:2/db", "a:1,b:2/db"),
        ("postgres://u:s3cret@%2Ftmp/db", "/tmp:5432/db"),
        ("host=h user=u password=s3cret sslmode=require", "h:5432/u"),
        ("hostaddr=127.0.0.1 port=7 dbname=db password=s3cret", "127.0.0.1:7/db"),
    ] {
        let database = Database::new(url).unwrap();
        assert_eq!(database.address(), address);
        assert!(!format!("{database:?}").contains("s3cret"));
    }
}

#[test]
fn a_text_that_names_no_database_says_how_to_write_one() {
    for text in ["localhost/name", "user@localhost:5432/name?sslmode=require", "mysql://h/name"] {
        let error = Database::new(text).unwrap_err();
        assert_eq!(error.code(), "database_options_invalid");
        assert!(error.to_string().contains("write postgresql://user@host:5432/name"), "{error}");
    }
    let error = Database::new("postgresql://host:port/name").unwrap_err().to_string();
    assert!(error.contains("invalid value for option `port`"), "{error}");
    assert!(Database::new(" host = h").is_ok() && Database::new("").is_ok());
}

#[test]
fn what_a_url_says_of_timeouts_stays() {
    let url = "postgres://h?keepalives_idle=7&keepalives_interval=8&keepalives_retries=9&tcp_user_timeout=6&connect_timeout=5";
    let database = Database::new(url).unwrap();
    let config = database.config();
    let seconds = Duration::from_secs;
    assert_eq!(config.get_keepalives_idle(), seconds(7));
    assert_eq!(config.get_keepalives_interval(), Some(seconds(8)));
    assert_eq!(config.get_keepalives_retries(), Some(9));
    assert_eq!(config.get_tcp_user_timeout(), Some(&seconds(6)));
    assert_eq!(config.get_connect_timeout(), Some(&seconds(5)));
}

#[test]
fn a_short_timeout_does_not_become_none() {
    assert_eq!(milliseconds(Duration::ZERO), 0);
    assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
    assert_eq!(milliseconds(Duration::from_millis(1500)), 1500);
    assert_eq!(milliseconds(Duration::MAX), i32::MAX);
}

#[test]
fn roots_that_cannot_be_used_are_named() {
    let error = Database::new("postgres://h?sslmode=verify-full&sslrootcert=/no/such.pem");
    let error = error.unwrap_err().with_causes();
    assert!(error.contains("/no/such.pem: No such file"), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let url = format!("postgres://h?sslmode=require&sslrootcert={}", file.path().display());
    let error = Database::new(&url).unwrap_err().with_causes();
    assert!(error.ends_with("it holds no certificate in PEM"), "{error}");
}
