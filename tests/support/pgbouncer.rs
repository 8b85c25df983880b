//! A real PgBouncer in front of a server.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::TestServer;

const PATIENCE: Duration = Duration::from_secs(30);

/// A pooler that is there while this is.
pub struct PgBouncer {
    folder: TempDir,
    port: u16,
    server: u16,
    process: Child,
}

impl PgBouncer {
    /// None where it is not installed, which CI must have.
    pub fn start(server: &TestServer, settings: &str) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"]
            .into_iter()
            .find(|program| Path::new(program).exists());
        let Some(program) = program else {
            assert!(std::env::var_os("CI").is_none(), "pgbouncer is not installed");
            eprintln!("skipped: pgbouncer is not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::write(folder.path().join("users.txt"), "\"postgres\" \"\"\n").unwrap();
        write_settings(folder.path(), port, server.port(), settings);
        let mut command = Command::new(program);
        if let Some((user, group)) = server.user() {
            chown(folder.path(), Some(user), Some(group)).unwrap();
            command.uid(user).gid(group);
        }
        command.arg(folder.path().join("pgbouncer.ini")).current_dir(folder.path());
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pooler = Self { folder, port, server: server.port(), process };
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(since.elapsed() < PATIENCE, "{}", pooler.log());
            std::thread::yield_now();
        }
        Some(pooler)
    }

    /// Lets it read other settings while it runs.
    pub fn set(&self, settings: &str) {
        write_settings(self.folder.path(), self.port, self.server, settings);
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@localhost:{}/{database}", self.port)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn write_settings(folder: &Path, port: u16, server: u16, settings: &str) {
    let text = format!(
        "[databases]\n* = host=127.0.0.1 port={server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = users.txt\n\
         logfile = log\n{settings}\n"
    );
    std::fs::write(folder.join("pgbouncer.ini"), text).unwrap();
}
