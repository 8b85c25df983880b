//! `stevedore crawl`: finds out what is in a bucket or in Postgres, and catalogs it.

use std::path::Path;
use std::process::ExitCode;
use std::thread::available_parallelism;

use pipeline::catalog::crawl::InferOptions;
use pipeline::catalog::crawler::{CrawlReport, ObjectsCrawler, crawl_objects};
use pipeline::catalog::postgres::{TablesCrawler, TablesReport, crawl_tables};
use pipeline::error::Result;
use pipeline::source::Bucket;

use super::print::Printer;
use super::session::Session;
use crate::buckets::{Buckets, environment};
use crate::config::{CrawlArgs, CrawlObjectsArgs, CrawlPostgresArgs, CrawlVerb};

pub(super) async fn crawl(args: &CrawlArgs, printer: &Printer) -> ExitCode {
    match &args.verb {
        CrawlVerb::Objects(args) => objects(args, printer).await,
        CrawlVerb::Postgres(args) => postgres(args, printer).await,
    }
}

async fn postgres(args: &CrawlPostgresArgs, printer: &Printer) -> ExitCode {
    match run_postgres(args, printer).await {
        Ok(report) if args.json => {
            printer.json(&report);
            ExitCode::SUCCESS
        }
        Ok(report) => {
            printer.crawl_of_tables(&report);
            ExitCode::SUCCESS
        }
        Err(error) => printer.failed("could not crawl the database", &error),
    }
}

async fn run_postgres(args: &CrawlPostgresArgs, printer: &Printer) -> Result<TablesReport> {
    let mut session = Session::open(&args.database, true, printer).await?;
    let crawler = TablesCrawler {
        database: args.catalog_database.clone(),
        schemas: args.schemas.clone(),
        include: args.include.clone(),
    };
    let crawled = crawl_tables(&crawler, &mut session.connection).await;
    session.close().await?;
    crawled
}

async fn objects(args: &CrawlObjectsArgs, printer: &Printer) -> ExitCode {
    match run_objects(args, printer).await {
        Ok(report) if args.json => {
            printer.json(&report);
            ExitCode::SUCCESS
        }
        Ok(report) => {
            printer.crawl(&report);
            ExitCode::SUCCESS
        }
        Err(error) => printer.failed(&format!("could not crawl {}", args.bucket), &error),
    }
}

async fn run_objects(args: &CrawlObjectsArgs, printer: &Printer) -> Result<CrawlReport> {
    let bucket = bucket(args)?;
    let mut session = Session::open(&args.database, true, printer).await?;
    let processors = args.parallel.or_else(|| available_parallelism().ok());
    let crawler = ObjectsCrawler {
        name: args.name.clone().unwrap_or_else(|| match args.prefix.as_str() {
            "" => bucket.name.clone(),
            prefix => format!("{}/{prefix}", bucket.name),
        }),
        database: args.catalog_database.clone(),
        bucket,
        prefix: args.prefix.clone(),
        options: InferOptions {
            sample: args.sample.0,
            path: args.path.clone(),
            ..InferOptions::default()
        },
        parallel: processors.map_or(2, usize::from),
    };
    let crawled = crawl_objects(&crawler, &mut session.connection).await;
    session.close().await?;
    crawled
}

/// The configured bucket of that name, else the one of that URL, named by the end of it.
fn bucket(args: &CrawlObjectsArgs) -> Result<Bucket> {
    let is_named = |name: &str| args.buckets.iter().any(|setting| setting.name == name);
    if is_named(&args.bucket) {
        let named = args.buckets.iter().filter(|setting| setting.name == args.bucket);
        let named: Vec<_> = named.cloned().collect();
        if let Some(bucket) = Buckets::open(&named)?.get(&args.bucket) {
            return Ok(bucket.clone());
        }
    }
    let plain = args.bucket.split('?').next().unwrap_or_default().trim_end_matches('/');
    let path = std::path::absolute(plain).unwrap_or_default();
    let name = Path::new(&path).file_name().map(|name| name.to_string_lossy().into_owned());
    Bucket::open(&name.unwrap_or_else(|| "bucket".to_owned()), &args.bucket, &environment())
}
