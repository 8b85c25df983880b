//! PostgreSQL that is downloaded.

use super::*;

/// The build that is downloaded, as the archive names it.
const BUILD: &str = "postgresql-17.11.0";

/// An archive whose programs run the installed ones.
fn archive() -> Vec<u8> {
    let installed = Binaries::find(std::env::var_os("PATH").as_deref(), None).unwrap();
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    for folder in [format!("{BUILD}-any/"), format!("{BUILD}-any/bin/")] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        header.set_mode(0o755);
        archive.append_data(&mut header, folder, std::io::empty()).unwrap();
    }
    for program in ["postgres", "initdb"] {
        let script = format!("#!/bin/sh\nexec {} \"$@\"\n", installed.program(program).display());
        let mut header = tar::Header::new_gnu();
        header.set_size(script.len() as u64);
        header.set_mode(0o755);
        archive
            .append_data(&mut header, format!("{BUILD}-any/bin/{program}"), script.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// A server that gives `body` to whoever asks for the archive of this platform, and counts.
async fn serve(body: Vec<u8>) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/builds", listener.local_addr().unwrap());
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = String::new();
            tokio::io::BufReader::new(&mut stream).read_line(&mut request).await.unwrap();
            let asked = format!("GET /builds/17.11.0/{BUILD}-");
            let (status, body) = if request.starts_with(&asked) && request.contains(".tar.gz ") {
                ("200 OK", &body[..])
            } else {
                ("404 Not Found", &b""[..])
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    (url, served)
}

fn sha256(bytes: &[u8]) -> String {
    let mut sum =
        Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    sum.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = sum.wait_with_output().unwrap();
    stdout(&output).split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn without_an_installed_server_a_build_is_downloaded_once_and_runs() {
    let archive = archive();
    let sha256 = Some(sha256(&archive));
    let (url, served) = serve(archive).await;
    let folder = folder();
    let download = Download { url, sha256 };
    for _ in 0..2 {
        let binaries = Binaries::download(&download, folder.path(), None).await.unwrap();
        let version = Command::new(binaries.program("postgres")).arg("--version").output().unwrap();
        assert!(stdout(&version).starts_with("postgres (PostgreSQL)"));
    }
    assert_eq!(served.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_build_that_is_not_the_pinned_one_is_refused() {
    let (url, _) = serve(archive()).await;
    let folder = folder();
    let error =
        Binaries::download(&Download { url, sha256: None }, folder.path(), None).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        cause.contains("b7a1ba6b") || cause.contains("abffda09") || cause.contains("fd4b6279"),
        "{cause}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn data_of_another_version_are_not_handed_to_the_build_that_is_downloaded() {
    let folder = folder();
    let error =
        Binaries::download(&Download::default(), folder.path(), Some(12)).await.unwrap_err();
    assert!(
        error.with_causes().contains("the data are of PostgreSQL 12"),
        "{}",
        error.with_causes()
    );
}

#[tokio::test]
async fn offline_the_error_names_the_command_that_installs_postgres() {
    let folder = folder();
    let download = Download { url: "http://127.0.0.1:1/builds".to_owned(), sha256: None };
    let error = Binaries::download(&download, folder.path(), None).await.unwrap_err();
    assert!(error.to_string().contains(
        "PostgreSQL is not installed, and it could not be downloaded from http://127.0.0.1:1/builds"
    ));
    assert!(pipeline::database::install_command().contains("install"));
}
