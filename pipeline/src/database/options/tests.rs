//! What is taken out of a URL, and what is refused.

use super::*;

fn taken(text: &str) -> (String, SslMode, Verify) {
    let (rest, TlsOptions { mode, verify, .. }) = take_tls_options(text).unwrap();
    (rest, mode, verify)
}

fn refused(text: &str) -> String {
    take_tls_options(text).unwrap_err().to_string()
}

#[test]
fn every_other_part_of_a_url_stays_as_it_is() {
    for url in [
        "postgresql://u:p%40%2F@a:1,b:2,[::1]:3/db?target_session_attrs=read-write",
        "postgres://%2Fvar%2Frun%2Fpostgresql/db",
        "postgresql:///db?host=/tmp&user=a+b%20c",
        "postgresql://u:p?w/d@h",
        "postgresql://",
    ] {
        assert_eq!(taken(url), (url.to_owned(), SslMode::Prefer, Verify::Nothing));
    }
    let url = "postgresql://a,b/db?sslmode=verify-full&port=1&sslrootcert=%2Fa%20b%2Bc+d&user=x";
    let roots = Verify::RootsAndName("/a b+c+d".into());
    assert_eq!(taken(url), ("postgresql://a,b/db?port=1&user=x".into(), SslMode::Require, roots));
    assert_eq!(taken("postgres://h?sslmode=disable").0, "postgres://h");
}

#[test]
fn every_other_pair_stays_as_it_is() {
    let text = r"host=a,b  password='it\'s  it' port = 1  x";
    assert_eq!(taken(text).0, text);
    let one_quote_ends_a_value = "user='a'sslmode=disable dbname='b'port=1 ";
    assert_eq!(taken(one_quote_ends_a_value).0.trim_end(), "user='a' dbname='b' port=1");
    let text = r"host=h sslmode = 'verify-ca' password='a \' sslmode=x' sslrootcert=/a\ b user=u sslmode='verify-ca";
    assert_eq!(
        taken(text),
        (
            r"host=h  password='a \' sslmode=x' user=u  sslmode='verify-ca".into(),
            SslMode::Require,
            Verify::Roots("/a b".into())
        )
    );
}

#[test]
fn the_modes_are_those_of_libpq() {
    let of = |options: &str| taken(&format!("postgres://h?{options}"));
    let file = || Verify::Roots("f".into());
    for (options, mode, verify) in [
        ("", SslMode::Prefer, Verify::Nothing),
        ("sslmode=", SslMode::Prefer, Verify::Nothing),
        ("sslmode=disable&sslrootcert=f", SslMode::Disable, Verify::Nothing),
        ("sslmode=allow", SslMode::Prefer, Verify::Nothing),
        ("sslmode=prefer&sslrootcert=f", SslMode::Prefer, file()),
        ("sslmode=require", SslMode::Require, Verify::Nothing),
        ("sslmode=require&sslrootcert=f", SslMode::Require, file()),
        ("sslmode=require&sslrootcert=system", SslMode::Require, Verify::Platform),
        ("sslmode=verify-ca", SslMode::Require, Verify::Platform),
        ("sslmode=verify-full", SslMode::Require, Verify::Platform),
        ("sslrootcert=system", SslMode::Require, Verify::Platform),
        ("sslmode=disable&sslmode=require", SslMode::Require, Verify::Nothing),
    ] {
        assert_eq!((of(options).1, of(options).2), (mode, verify), "{options}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_without_a_secret() {
    assert!(refused("host=h sslmode=full").contains("sslmode=full is none of disable, "));
    assert!(refused("postgres://h?sslmode=prefer&sslrootcert=system").contains("too weak"));
    for url in [
        "postgres://u:p@ssw0rd@h",
        "postgres://u:p@ssw0rd/@h/db",
        "postgres://h/db?password=ssw0rd@",
    ] {
        let error = refused(url);
        assert!(error.contains("%40") && !error.contains("ssw0rd"), "{error}");
    }
}

#[test]
fn a_client_certificate_is_named_in_the_text_or_in_libpqs_variables() {
    let of = |text: &str| take_tls_options(text).unwrap();
    let files = |certificate: &str, key: &str| {
        Some(IdentityFiles { certificate: certificate.into(), key: key.into() })
    };
    let (rest, options) = of("postgres://h/db?sslcert=%2Fa.crt&user=u&sslkey=%2Fa.key");
    assert_eq!(
        (rest.as_str(), options.identity),
        ("postgres://h/db?user=u", files("/a.crt", "/a.key"))
    );
    assert_eq!(of("host=h sslcert=c sslkey='k k'").1.identity, files("c", "k k"));
    assert_eq!(of("host=h sslkey=k").1.identity, None);
    assert!(refused("host=h sslcert=c").contains("sslcert needs sslkey"));

    let variables = |name: &str| Some(name.to_ascii_lowercase());
    let found = Found { key: Some("k".to_owned()), ..Found::default() };
    let found = found.with_environment(variables).resolve().unwrap();
    assert_eq!(found.identity, files("pgsslcert", "k"));
}
