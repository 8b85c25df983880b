//! What a draft is made from: objects, or a table of the catalog.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::thread::available_parallelism;

use futures::{StreamExt, TryStreamExt, stream};
use tokio_postgres::GenericClient;

use super::globs::patterns;
use super::kind::grouped;
use super::names::{Names, safe};
use super::records::records_path;
use super::{DraftInput, key};
use crate::catalog::crawler::found;
use crate::catalog::group::name::of_object as object_name;
use crate::catalog::group::{Group, Member, group};
use crate::catalog::store::{Knowledge, TableVersion};
use crate::error::{Error, Result};
use crate::feed::TableName;
use crate::infer::objects::{InferOptions, ObjectShape, Sample, infer_all};
use crate::infer::shape::Shape;
use crate::infer::unique::unique_fields;
use crate::json::path::PathError;
use crate::json::records_path::RecordsPath;
use crate::records::CutOptions;
use crate::store::{Listed, Object};

/// Objects that are begun to be read before their turns.
const BEGUN_AHEAD: usize = 16;
/// Bytes of a root table's name, so that the names of its other tables are not too long.
const TABLE_BYTES: usize = 40;

/// How objects are read for a draft.
#[derive(Debug, Clone, Default)]
pub struct SourceOptions {
    /// Where the records are in their documents; found out if it is not said.
    pub records_path: Option<RecordsPath>,
    /// The root table, if all objects hold records of one kind.
    pub table: Option<TableName>,
    /// How much of each object is read.
    pub sample: Sample,
}

/// What was found for drafts.
#[derive(Debug, Default)]
pub struct Source {
    /// An input for each kind of record, in order of the keys of their first objects.
    pub inputs: Vec<DraftInput>,
    /// Objects that hold no records, and why, by their URLs.
    pub skipped: BTreeMap<String, String>,
}

/// Objects whose records have the same names at the same path.
#[derive(Default)]
struct Alike {
    shape: Option<Shape>,
    objects: Vec<Object>,
    malformed: u64,
    other: u64,
    is_sample: bool,
}

/// Where objects are.
struct Place {
    /// What the keys of all of them begin with; only of local files, whose keys begin at the root.
    folder: String,
    /// The name of their folder or bucket.
    name: String,
    is_local: bool,
}

/// Reads objects, and puts those together that hold the same kind of record. If a field may identify the
/// records, they are read once more.
///
/// Must be called within a tokio runtime.
///
/// # Errors
/// [`Error::Read`] and [`Error::Changed`] when an object cannot be read once more. One that cannot be read
/// at all is skipped.
pub async fn read_objects(listed: Vec<Listed>, options: &SourceOptions) -> Result<Source> {
    let place = Place::of(&listed);
    let path = options.records_path.clone().unwrap_or_default();
    let mut source = Source::default();
    let kinds = read(listed, &path, options, &mut source.skipped).await?;
    let members = kinds.iter().flat_map(|(names, alike)| alike.members(names));
    let groups = group(&place.name, &members.collect::<Vec<_>>());
    let by_key: HashMap<_, _> = kinds
        .iter()
        .flat_map(|(names, alike)| {
            alike.objects.iter().map(move |it| (it.key.clone(), names.clone()))
        })
        .collect();
    let mut kinds = kinds;
    let mut names = Names::default();
    for one in &groups {
        let of_group: BTreeSet<_> = one.keys.iter().filter_map(|key| by_key.get(key)).collect();
        let alike = of_group.into_iter().filter_map(|names| kinds.remove(names));
        let mut alike = alike.fold(Alike::default(), Alike::and);
        let path = match &options.records_path {
            Some(path) => path.clone(),
            None => alike.find_records(options).await?,
        };
        let table = options.table.clone().filter(|_| groups.len() == 1);
        let table = table.map_or_else(|| place.table(one, &mut names), Ok)?;
        let unique = alike.unique(&path, table.table.as_str()).await?;
        source.inputs.push(DraftInput {
            remarks: alike.remarks(&place.url(one, &alike)),
            objects: place.patterns(one, &groups),
            shape: alike.shape.unwrap_or_default(),
            records_path: path,
            table,
            unique,
        });
    }
    Ok(source)
}

/// What a draft of a table of the catalog is made from: what its crawler has seen. No object is read.
///
/// # Errors
/// [`Error::Database`], and [`Error::Location`] when the table is not one of objects.
pub async fn read_catalog(
    client: &impl GenericClient,
    found: &TableVersion,
    table: Option<TableName>,
) -> Result<DraftInput> {
    let known = Knowledge::of_table(client, found.table_id).await?;
    let (keys, shape) = known.ok_or_else(|| Error::Location {
        location: found.table.name.clone(),
        reason: "the catalog does not know its objects: crawl it again".to_owned(),
    })?;
    let records_path = found.table.path.parse().map_err(|error| Error::Location {
        location: found.table.name.clone(),
        reason: format!(
            "its records are at {}: {}",
            found.table.path,
            PathError::to_string(&error)
        ),
    })?;
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    let table = table.map_or_else(|| table_name(&safe(&found.table.name)), Ok)?;
    let place = found.url.as_ref().unwrap_or(&found.table.location);
    let mut remarks = vec![drafted_from(place, shape.records(), keys.len() as u64)];
    if found.table.sampled {
        remarks
            .push("Only a part of the records was looked at: others may be rejected.".to_owned());
    }
    Ok(DraftInput {
        objects: patterns(&keys, &[], false),
        records_path,
        unique: key::known_unique(&shape),
        table,
        shape,
        remarks,
    })
}

/// The objects by the names of their records.
async fn read(
    listed: Vec<Listed>,
    path: &RecordsPath,
    options: &SourceOptions,
    skipped: &mut BTreeMap<String, String>,
) -> Result<BTreeMap<Vec<String>, Alike>> {
    let parallel = available_parallelism().map_or(2, usize::from);
    let begun = listed.into_iter().map(|listed| async move { listed.begin().await });
    let begun = stream::iter(begun).buffered(BEGUN_AHEAD);
    let mut inferred = std::pin::pin!(infer_all(begun, infer_options(path, options), parallel));
    let mut kinds: BTreeMap<Vec<String>, Alike> = BTreeMap::new();
    while let Some((object, shape)) = inferred.try_next().await? {
        let url = object.url();
        match found(&object, shape).await {
            Ok(found) => {
                let names = found.shape.names().into_iter().map(str::to_owned).collect();
                kinds.entry(names).or_default().add(object, found);
            }
            Err(why) => drop(skipped.insert(url, why)),
        }
    }
    Ok(kinds)
}

fn infer_options(path: &RecordsPath, options: &SourceOptions) -> InferOptions {
    InferOptions { sample: options.sample, cut: cut(path), ..InferOptions::default() }
}

fn cut(path: &RecordsPath) -> CutOptions {
    CutOptions { records: path.clone(), ..CutOptions::default() }
}

impl Alike {
    fn add(&mut self, object: Object, found: ObjectShape) {
        self.objects.push(object);
        self.malformed += found.malformed;
        self.other += found.other;
        self.is_sample |= !found.sampled_whole;
        merge(&mut self.shape, found.shape);
    }

    fn and(mut self, other: Self) -> Self {
        self.objects.extend(other.objects);
        self.malformed += other.malformed;
        self.other += other.other;
        self.is_sample |= other.is_sample;
        if let Some(shape) = other.shape {
            merge(&mut self.shape, shape);
        }
        self
    }

    fn members<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = Member> + 'a {
        self.objects.iter().map(|object| Member {
            key: object.key.clone(),
            // Objects whose records have no keys are of one kind too.
            names: if names.is_empty() { vec![String::new()] } else { names.to_vec() },
            path: "$".to_owned(),
        })
    }

    /// Finds the records of documents, and reads the objects again if they are not at `$`.
    async fn find_records(&mut self, options: &SourceOptions) -> Result<RecordsPath> {
        let found = self.shape.as_ref().and_then(|it| records_path(it, self.objects.len() as u64));
        let Some(path) = found else {
            return Ok(RecordsPath::default());
        };
        let objects = stream::iter(std::mem::take(&mut self.objects).into_iter().map(Ok));
        let mut inferred = std::pin::pin!(infer_all(objects, infer_options(&path, options), 1));
        let mut again = Self::default();
        while let Some((object, found)) = inferred.try_next().await? {
            again.add(object, found?);
        }
        *self = again;
        Ok(path)
    }

    /// The fields that identify records, among those that may.
    async fn unique(&self, path: &RecordsPath, table: &str) -> Result<BTreeSet<String>> {
        let Some(shape) = self.shape.as_ref().filter(|_| !self.is_sample) else {
            return Ok(BTreeSet::new());
        };
        let candidates = key::candidates(shape, table);
        if candidates.is_empty() {
            return Ok(BTreeSet::new());
        }
        let unique = unique_fields(&self.objects, &candidates, &cut(path)).await?;
        Ok(unique.into_iter().collect())
    }

    fn remarks(&self, url: &str) -> Vec<String> {
        let records = self.shape.as_ref().map_or(0, Shape::records);
        let mut remarks = vec![drafted_from(url, records, self.objects.len() as u64)];
        if self.malformed > 0 {
            let texts = grouped(self.malformed);
            remarks.push(format!("Malformed texts, which will be rejected: {texts}."));
        }
        if self.other > 0 {
            let values = grouped(self.other);
            remarks.push(format!("Values that are no objects, which will be rejected: {values}."));
        }
        if self.is_sample {
            remarks.push(
                "Only a part of the records was looked at: others may be rejected.".to_owned(),
            );
        }
        remarks
    }
}

fn merge(all: &mut Option<Shape>, shape: Shape) {
    match all {
        Some(all) => all.merge(shape),
        None => *all = Some(shape),
    }
}

fn drafted_from(place: &str, records: u64, objects: u64) -> String {
    let (records, objects) = (grouped(records), grouped(objects));
    format!("Drafted from {place}: records {records}, objects {objects}.")
}

fn table_name(name: &str) -> Result<TableName> {
    let mut names = Names::default();
    let name = names.take_within(name, TABLE_BYTES);
    name.parse()
        .map_err(|error| Error::Location { location: name.clone(), reason: format!("{error}") })
}

impl Place {
    fn of(listed: &[Listed]) -> Self {
        let is_local = listed.iter().all(|it| it.bucket().is_local());
        let keys: Vec<_> = listed.iter().map(Listed::key).collect();
        let folder = common_folder(&keys).to_owned();
        let bucket = listed.first().map_or("", |it| it.bucket().name.as_str());
        let bucket = bucket.rsplit('/').next().unwrap_or_default();
        let name = folder.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty());
        Self { name: name.unwrap_or(bucket).to_owned(), folder, is_local }
    }

    /// A key as patterns have it: of a local file its path below the folder.
    fn key<'a>(&self, key: &'a str) -> &'a str {
        if self.is_local { key.strip_prefix(&*self.folder).unwrap_or(key) } else { key }
    }

    fn patterns(&self, group: &Group, groups: &[Group]) -> Vec<String> {
        let keys: Vec<_> = group.keys.iter().map(|key| self.key(key)).collect();
        let others = groups.iter().filter(|other| *other != group);
        let others: Vec<_> = others.flat_map(|it| &it.keys).map(|key| self.key(key)).collect();
        patterns(&keys, &others, self.is_local)
    }

    fn table(&self, group: &Group, names: &mut Names) -> Result<TableName> {
        let keys: Vec<_> = group.keys.iter().map(String::as_str).collect();
        let folder = common_folder(&keys).trim_end_matches('/').rsplit('/').next();
        let name = match keys.as_slice() {
            [key] => object_name(&self.name, key),
            _ => folder.filter(|name| !name.is_empty()).unwrap_or(&self.name).to_owned(),
        };
        table_name(&names.take_within(&safe(&name), TABLE_BYTES))
    }

    /// The URL of a group's object, or of the first of them.
    fn url(&self, group: &Group, alike: &Alike) -> String {
        let first = group.keys.first();
        let object = alike.objects.iter().find(|object| Some(&object.key) == first);
        let url = object.map(Object::url).unwrap_or_default();
        if group.keys.len() == 1 { url } else { format!("{url} and others") }
    }
}

/// The folder that all of the keys are in, with its `/`.
fn common_folder<'a>(keys: &[&'a str]) -> &'a str {
    let (Some(first), Some(last)) = (keys.iter().min(), keys.iter().max()) else {
        return "";
    };
    let common = first.bytes().zip(last.bytes()).take_while(|(one, other)| one == other).count();
    let end = first.as_bytes()[..common].iter().rposition(|byte| *byte == b'/');
    end.map_or("", |end| &first[..=end])
}
