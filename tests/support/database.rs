//! Databases of one server, which all tests share.

use super::*;

/// The server of this test process; it goes when the process does.
static SERVER: LazyLock<(Runtime, Embedded)> =
    // On a thread of its own, since the test that comes first runs within a runtime already.
    LazyLock::new(|| std::thread::spawn(start_server).join().unwrap());

fn start_server() -> (Runtime, Embedded) {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    remove_remains(parent);
    let folder = parent.join(format!("server-{}", std::process::id()));
    let options = EmbeddedOptions {
        system_folder: std::env::temp_dir().join(format!("stevedore-test-{}", std::process::id())),
        folder,
        path: std::env::var_os("PATH"),
        download: Download::default(),
    };
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Embedded::start(&options)).expect("PostgreSQL starts");
    (runtime, server)
}

/// Removes the servers' folders that earlier test processes left.
fn remove_remains(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix("server-").and_then(|id| id.parse::<u32>().ok());
        if process.is_some_and(|id| !Path::new(&format!("/proc/{id}")).exists()) {
            std::fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// An empty database.
pub struct TestDatabase {
    pub url: String,
}

/// The tables as users of the old job have them.
pub const OLD_TABLES: &str = "
    create table user_status (userid varchar, createdat varchar, status varchar, lastvisitedat int,
        isblacklisted boolean, ingested_at timestamp);
    create table user_status_log (userid varchar, updatedon varchar, status varchar, ingested_at timestamp);
    create table user_status_error_rec (error_rec varchar);";

impl TestDatabase {
    pub async fn empty() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let server = SERVER.1.url().to_owned();
        let admin = Database::new(&server).unwrap().connect().await.unwrap();
        admin.batch_execute(&format!("create database {name}")).await.unwrap();
        Self { url: server.replace("/postgres?", &format!("/{name}?")) }
    }

    /// With the tables of the old job, and nothing else.
    pub async fn with_old_tables() -> Self {
        let database = Self::empty().await;
        database.connect().await.batch_execute(OLD_TABLES).await.unwrap();
        database
    }

    pub async fn connect(&self) -> Connection {
        Database::new(&self.url).unwrap().connect().await.unwrap()
    }

    /// A connection to a database whose ledger is there.
    pub async fn migrated(&self) -> Connection {
        let mut connection = self.connect().await;
        migrate(&mut connection).await.unwrap();
        connection
    }

    /// The rows of a query as JSON, in order of their text.
    pub async fn rows(&self, query: &str) -> Vec<Value> {
        let sql = format!("select row_to_json(t)::text from ({query}) t");
        let rows = self.connect().await.query(&sql, &[]).await.unwrap();
        let mut rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        rows.sort();
        rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
    }

    pub async fn count(&self, table: &str) -> i64 {
        let row =
            self.connect().await.query_one(&format!("select count(*) from {table}"), &[]).await;
        row.unwrap().get(0)
    }

    /// How many rows each of the three tables has; all none when there are no tables.
    pub async fn counts(&self) -> [i64; 3] {
        let connection = self.connect().await;
        let mut counts = [0; 3];
        for (count, table) in
            counts.iter_mut().zip(["user_status", "user_status_log", "user_status_error_rec"])
        {
            let there = connection
                .query_one("select to_regclass($1) is not null", &[&table])
                .await
                .unwrap();
            if there.get(0) {
                let row = connection
                    .query_one(&format!("select count(*) from {table}"), &[])
                    .await
                    .unwrap();
                *count = row.get(0);
            }
        }
        counts
    }

    /// The rows of a query as psql prints them, null as none.
    pub fn psql(&self, query: &str) -> Vec<Vec<Option<String>>> {
        let psql = Command::new("psql")
            .args([
                "-X",
                "-A",
                "-t",
                "-F",
                "\u{1f}",
                "-R",
                "\u{1e}",
                "-P",
                "null=\u{1}",
                "-c",
                query,
            ])
            .arg(&self.url)
            .env("PGTZ", "UTC")
            .env("PGCLIENTENCODING", "UTF8")
            .output()
            .unwrap();
        assert!(psql.status.success(), "{}", stderr(&psql));
        let rows = stdout(&psql);
        let rows = rows.strip_suffix('\n').unwrap_or(&rows).split('\u{1e}');
        let cell = |cell: &str| (cell != "\u{1}").then(|| cell.to_owned());
        rows.map(|row| row.split('\u{1f}').map(cell).collect()).collect()
    }

    /// The binary, to be run against this database.
    pub fn stevedore(&self, args: &[&str]) -> Command {
        let mut command = stevedore(args);
        command.env("DATABASE_URL", &self.url);
        command
    }

    /// Loads with `--json` and returns what was printed.
    pub fn load(&self, args: &[&str]) -> Vec<Value> {
        let output = self.stevedore(&["load", "--json"]).args(args).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        json_lines(&output)
    }
}
