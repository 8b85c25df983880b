//! Connections: encrypted as asked, and with the settings of a session.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::time::Duration;

use pipeline::database::Database;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use crate::support::{Authority, TestDatabase, TestServer, stderr, stevedore};

/// Whether a connection with these options is encrypted, or why there is none.
async fn encrypted(server: &TestServer, options: &str) -> Result<bool, String> {
    let url = format!("{}?{options}", server.url("postgres"));
    let database = Database::new(&url).map_err(|error| error.with_causes())?;
    let connection = database.connect().await.map_err(|error| error.with_causes())?;
    let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    Ok(connection.query_one(sql, &[]).await.unwrap().get(0))
}

fn assert_refused(outcome: Result<bool, String>, why: &str) {
    let error = outcome.expect_err(why);
    assert!(error.contains(why), "{error}");
}

#[tokio::test]
async fn a_server_that_demands_tls_gets_what_each_mode_allows() {
    let (right, wrong) = (Authority::new(), Authority::new());
    let (certificate, key) = right.certify("localhost");
    let mut server = TestServer::start_with_tls(&certificate, &key).await;
    let verify = |mode: &str, authority: &Authority| {
        format!("sslmode={mode}&sslrootcert={}", authority.file().display())
    };
    for options in ["", "sslmode=allow", "sslmode=prefer", "sslmode=require"] {
        assert_eq!(encrypted(&server, options).await, Ok(true), "{options}");
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        assert_eq!(encrypted(&server, &verify(mode, &right)).await, Ok(true), "{mode}");
        assert_refused(encrypted(&server, &verify(mode, &wrong)).await, "invalid peer certificate");
    }
    assert_refused(encrypted(&server, "sslmode=disable").await, "no encryption");
    // With the platform's roots, if it has any, which do not know of ours.
    for options in ["sslmode=verify-ca", "sslmode=verify-full", "sslrootcert=system"] {
        let error = encrypted(&server, options).await.expect_err(options);
        assert!(error.contains("UnknownIssuer") || error.contains("No CA"), "{error}");
    }

    let (certificate, key) = right.certify("elsewhere.example");
    server.use_certificate(&certificate, &key).await;
    assert_refused(encrypted(&server, &verify("verify-full", &right)).await, "localhost");
    assert_eq!(encrypted(&server, &verify("verify-ca", &right)).await, Ok(true));
    assert_eq!(encrypted(&server, &verify("require", &right)).await, Ok(true));
    assert_eq!(encrypted(&server, "sslmode=require").await, Ok(true));
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_is_trusted_where_it_is_named() {
    let authority = Authority::new();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap().pem();
    let server = TestServer::start_with_tls(&certificate, &key.serialize_pem()).await;
    let of = |authority: &Authority| {
        format!("sslmode=verify-full&sslrootcert={}", authority.file().display())
    };
    assert_refused(encrypted(&server, &of(&authority)).await, "invalid peer certificate");
    std::fs::write(authority.file(), certificate).unwrap();
    assert_eq!(encrypted(&server, &of(&authority)).await, Ok(true));
}

#[tokio::test]
async fn without_tls_goes_on_who_only_prefers_it() {
    let server = TestServer::start().await;
    for options in ["", "sslmode=disable", "sslmode=allow", "sslmode=prefer"] {
        assert_eq!(encrypted(&server, options).await, Ok(false), "{options}");
    }
    let authority = Authority::new();
    for mode in ["require", "verify-ca", "verify-full"] {
        let options = format!("sslmode={mode}&sslrootcert={}", authority.file().display());
        assert_refused(encrypted(&server, &options).await, "server does not support TLS");
    }
}

#[tokio::test]
async fn who_only_prefers_tls_goes_on_without_where_it_fails() {
    let (right, wrong) = (Authority::new(), Authority::new());
    let (certificate, key) = right.certify("localhost");
    let mut server = TestServer::start().await;
    server.use_certificate(&certificate, &key).await;
    let prefer = |authority: &Authority| {
        format!("sslmode=prefer&sslrootcert={}", authority.file().display())
    };
    assert_eq!(encrypted(&server, &prefer(&right)).await, Ok(true));
    assert_eq!(encrypted(&server, &prefer(&wrong)).await, Ok(false));
    server.write("pg_hba.conf", "hostnossl all all all trust\n");
    server.restart().await;
    assert_eq!(encrypted(&server, "sslmode=prefer").await, Ok(false));
    assert_refused(encrypted(&server, "sslmode=require").await, "pg_hba.conf");
}

#[tokio::test]
async fn a_local_socket_never_uses_tls_and_takes_the_settings_of_a_session() {
    let database = TestDatabase::empty().await;
    let url = format!("{}&sslmode=verify-full", database.url);
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let database = Database::new(&url).unwrap();
    let database = database.with_lock_timeout(seconds(7)).with_statement_timeout(seconds(90));
    let connection = database.connect().await.unwrap();
    for (setting, value) in [
        ("lock_timeout", "7s"),
        ("statement_timeout", "90s"),
        ("tcp_keepalives_idle", "0"),
        ("client_connection_check_interval", "5s"),
    ] {
        let row = connection.query_one("select current_setting($1)", &[&setting]).await.unwrap();
        assert_eq!(row.get::<_, String>(0).replace("1min 30s", "90s"), value, "{setting}");
    }
}

#[tokio::test]
async fn the_server_asks_whether_a_remote_client_is_there_still() {
    let server = TestServer::start().await;
    let connection = Database::new(&server.url("postgres")).unwrap().connect().await.unwrap();
    for (setting, value) in [("idle", "5"), ("interval", "2"), ("count", "3")] {
        let setting = format!("tcp_keepalives_{setting}");
        let row = connection.query_one("select current_setting($1)", &[&setting]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), value, "{setting}");
    }
}

#[tokio::test]
async fn a_server_that_demands_a_certificate_gets_that_of_the_url_or_of_libpqs_variables() {
    let (right, wrong) = (Authority::new(), Authority::new());
    let (certificate, key) = right.certify("localhost");
    let mut server = TestServer::start_with_tls(&certificate, &key).await;
    server.demand_certificates(&right).await;
    let with = |(certificate, key): &(PathBuf, PathBuf)| {
        format!("sslmode=require&sslcert={}&sslkey={}", certificate.display(), key.display())
    };
    assert_refused(encrypted(&server, "sslmode=require").await, "certificate");
    let ours = right.identify("postgres");
    assert_eq!(encrypted(&server, &with(&ours)).await, Ok(true));
    assert_refused(encrypted(&server, &with(&right.identify("somebody"))).await, "certificate");
    assert!(encrypted(&server, &with(&wrong.identify("postgres"))).await.is_err());

    let ours = right.identify("postgres");
    let list = |variables: &[(&str, &PathBuf)]| {
        let mut command = stevedore(&["loads", "list"]);
        command.env("DATABASE_URL", format!("{}?sslmode=require", server.url("postgres")));
        command.envs(variables.iter().copied()).output().unwrap()
    };
    assert!(!list(&[]).status.success());
    let output = list(&[("PGSSLCERT", &ours.0), ("PGSSLKEY", &ours.1)]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[tokio::test]
async fn a_certificate_that_is_renewed_is_used_for_the_next_connection() {
    let (old, new) = (Authority::new(), Authority::new());
    let (certificate, key) = old.certify("localhost");
    let mut server = TestServer::start_with_tls(&certificate, &key).await;
    server.demand_certificates(&old).await;
    let (certificate, key) = old.identify("postgres");
    let options = format!("?sslcert={}&sslkey={}", certificate.display(), key.display());
    let database = Database::new(&(server.url("postgres") + &options)).unwrap();
    database.connect().await.unwrap();
    server.demand_certificates(&new).await;
    assert!(database.connect().await.is_err());
    let renewed = new.identify("postgres");
    std::fs::copy(&renewed.0, &certificate).unwrap();
    std::fs::copy(&renewed.1, &key).unwrap();
    database.connect().await.unwrap();
}

#[test]
fn a_key_that_others_can_read_is_refused_as_libpq_does() {
    let authority = Authority::new();
    let (certificate, key) = authority.identify("postgres");
    let options = format!("?sslcert={}&sslkey={}", certificate.display(), key.display());
    let is_root = std::fs::metadata(&key).unwrap().uid() == 0;
    for (mode, is_refused) in
        [(0o600, false), (0o400, false), (0o640, !is_root), (0o660, true), (0o644, true)]
    {
        std::fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let found = Database::new(&format!("postgres://h/d{options}"));
        assert_eq!(found.is_err(), is_refused, "{mode:o}");
        if let Err(error) = found {
            assert_eq!(error.code(), "database_certificate_invalid");
            let text = error.with_causes();
            assert!(text.contains("postgres.key") && text.contains("chmod 600"), "{text}");
        }
    }
}
