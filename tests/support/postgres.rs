//! A PostgreSQL that listens on a port, uses TLS if it is to, and can be killed and started again.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pipeline::database::Binaries;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::Authority;

const PATIENCE: Duration = Duration::from_secs(60);

/// A server that is there while this is; every user of the machine may connect as `postgres`.
pub struct TestServer {
    folder: TempDir,
    binaries: Binaries,
    /// Whom to run as, where we are root: PostgreSQL refuses to.
    user: Option<(u32, u32)>,
    port: u16,
    server: Option<Child>,
}

impl TestServer {
    /// A server without TLS.
    pub async fn start() -> Self {
        let binaries = Binaries::find(std::env::var_os("PATH").as_deref(), None).unwrap();
        let user = is_root().then(|| (id("-u"), id("-g")));
        let folder = tempfile::tempdir().unwrap();
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { folder, binaries, user, port, server: None };
        let mut initdb = server.command("initdb");
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        let made = initdb.args(["-D", "data"]).output().unwrap();
        assert!(made.status.success(), "{}", super::stderr(&made));
        server.restart().await;
        server
    }

    /// A server with a certificate and its key (PEM), that lets nobody in without TLS.
    pub async fn start_with_tls(certificate: &str, key: &str) -> Self {
        let mut server = Self::start().await;
        server.write("pg_hba.conf", "hostssl all all all trust\n");
        server.use_certificate(certificate, key).await;
        server
    }

    /// Starts it again with another certificate.
    pub async fn use_certificate(&mut self, certificate: &str, key: &str) {
        self.write("server.crt", certificate);
        self.write("server.key", key);
        self.write("postgresql.auto.conf", "ssl = on\n");
        self.kill();
        self.restart().await;
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whom it runs as, where we are root.
    pub const fn user(&self) -> Option<(u32, u32)> {
        self.user
    }

    /// Starts it again, so that it demands certificates of an authority from its users.
    pub async fn demand_certificates(&mut self, authority: &Authority) {
        self.write("clients.crt", &std::fs::read_to_string(authority.file()).unwrap());
        self.write("pg_hba.conf", "hostssl all all all cert\n");
        self.write("postgresql.auto.conf", "ssl = on\nssl_ca_file = 'clients.crt'\n");
        self.restart().await;
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@localhost:{}/{database}", self.port)
    }

    /// Kills every process of it at once (SIGKILL), as a power cut does.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // Stopped, so that it starts no others meanwhile and does not mourn those that go first.
        signal("-STOP", &[server.id()]);
        signal("-KILL", &children(server.id()));
        server.kill().unwrap();
        server.wait().unwrap();
    }

    /// Starts it, again on the same port, and waits until it says that it is ready.
    pub async fn restart(&mut self) {
        self.kill();
        let since = Instant::now();
        loop {
            let (server, ready) = self.spawn();
            self.server = Some(server);
            let left = PATIENCE.saturating_sub(since.elapsed());
            match tokio::time::timeout(left, ready).await {
                Ok(Ok(())) => return,
                // It has ended: what a killed one left in shared memory keeps it from starting for a moment.
                Ok(Err(_)) => self.kill(),
                Err(_) => panic!("{}", self.log()),
            }
        }
    }

    /// The server, and what tells that it is ready, or that it will never be.
    fn spawn(&self) -> (Child, oneshot::Receiver<()>) {
        let log = self.folder.path().join("log");
        let mut log = std::fs::File::options().append(true).create(true).open(log).unwrap();
        let mut command = self.command("postgres");
        command.args(["-D", "data", "-k", "", "-c", "listen_addresses=127.0.0.1"]);
        // Processes are killed here, not machines: the system writes what they have written.
        command.args(["-c", "fsync=off", "-c", "lc_messages=C", "-p", &self.port.to_string()]);
        let mut server = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, ready) = oneshot::channel();
        let mut tell = Some(tell);
        let lines = BufReader::new(server.stderr.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // The folder may be gone.
                writeln!(log, "{line}").ok();
                if line.contains("database system is ready to accept connections")
                    && let Some(tell) = tell.take()
                {
                    tell.send(()).ok();
                }
            }
        });
        (server, ready)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.program(program));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Writes a file of the data, which the server reads when it is started.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.data().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if let Some((user, group)) = self.user {
            chown(&path, Some(user), Some(group)).unwrap();
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

/// The number of the user `postgres`, or of its group.
fn id(kind: &str) -> u32 {
    let output = Command::new("id").args([kind, "postgres"]).output().unwrap();
    super::stdout(&output).trim().parse().unwrap()
}

fn signal(signal: &str, processes: &[u32]) {
    if !processes.is_empty() {
        // Fails for one that has just ended by itself.
        let processes = processes.iter().map(u32::to_string);
        Command::new("kill").arg(signal).args(processes).stderr(Stdio::null()).status().unwrap();
    }
}

/// The processes that a process has started.
fn children(parent: u32) -> Vec<u32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = if Path::new(&path).exists() {
        std::fs::read_to_string(path).unwrap()
    } else {
        super::stdout(&Command::new("pgrep").args(["-P", &parent.to_string()]).output().unwrap())
    };
    children.split_whitespace().map(|child| child.parse().unwrap()).collect()
}
