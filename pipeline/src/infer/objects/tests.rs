use std::io::Write;
use std::sync::Arc;

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};

use super::{InferOptions, Sample, infer_all, infer_object};
use crate::error::Error;
use crate::infer::classify::{Classified, classify};
use crate::records::{Compression, Format};
use crate::store::{Bucket, Object, Selection};

/// A bucket with one object.
async fn object(bytes: impl Into<Vec<u8>>) -> Object {
    let store = Arc::new(InMemory::new());
    store.put(&"o.json".into(), PutPayload::from(bytes.into())).await.unwrap();
    Bucket::new("memory://", store).locate("o.json").await.unwrap()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn sample(records: u64) -> InferOptions {
    InferOptions { sample: Sample::Records(records), ..InferOptions::default() }
}

#[tokio::test]
async fn an_object_is_read_whole_or_to_the_end_of_the_sample() {
    let lines =
        "{\"id\":1,\"text\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}\nbad\n".repeat(200_000);
    let object = object(lines.clone()).await;
    let all = infer_object(&object, &InferOptions::default()).await.unwrap();
    assert_eq!((all.records, all.malformed, all.sampled_whole), (200_000, 200_000, true));
    assert_eq!((all.bytes_read, all.format), (lines.len() as u64, Some(Format::Ndjson)));
    let some = infer_object(&object, &sample(20_001)).await.unwrap();
    assert_eq!((some.records, some.malformed, some.sampled_whole), (10_001, 10_000, false));
    assert!(some.bytes_read <= 3 << 20, "{}", some.bytes_read);
}

#[tokio::test]
async fn a_sample_of_exactly_all_records_is_whole() {
    let object = object("[{\"a\":1},{\"a\":2}]").await;
    let sampled = async |records| {
        let shape = infer_object(&object, &sample(records)).await.unwrap();
        (shape.records, shape.sampled_whole)
    };
    assert_eq!(sampled(1).await, (1, false));
    assert_eq!(sampled(2).await, (2, true));
    assert_eq!(sampled(0).await, (0, false));
}

#[tokio::test]
async fn the_elements_of_an_array_are_documents_of_a_path() {
    let object = object("[{\"a\":[{\"x\":1}]},{\"a\":[{\"x\":2}]}]").await;
    for (path, expected) in [
        ("$", "struct<a:array<struct<x:int>>>"),
        ("$[*]", "struct<a:array<struct<x:int>>>"),
        ("$[*].a[*]", "struct<x:int>"),
        ("$.a[*]", "struct<x:int>"),
    ] {
        let options =
            InferOptions { paths: vec![path.parse().unwrap()], ..InferOptions::default() };
        let shape = infer_object(&object, &options).await.unwrap().shape;
        assert_eq!(shape.data_type().to_string(), expected, "{path}");
    }
}

#[tokio::test]
async fn of_many_paths_the_first_that_leads_to_records_counts() {
    let text = "{\"next\":null,\"items\":[{\"x\":1},{\"x\":2}]}\n".repeat(3);
    let object = object(text).await;
    for (paths, expected) in [
        (vec!["$.users[*]", "$.items[*]", "$"], (6, 0, "struct<x:int>")),
        (vec!["$", "$.items[*]"], (3, 0, "struct<next:void,items:array<struct<x:int>>>")),
        (vec!["$.users[*]", "$.none[*]"], (0, 3, "void")),
        (vec![], (3, 0, "struct<next:void,items:array<struct<x:int>>>")),
    ] {
        let paths = paths.iter().map(|path| path.parse().unwrap()).collect();
        let options = InferOptions { paths, ..InferOptions::default() };
        let found = infer_object(&object, &options).await.unwrap();
        let data_type = found.shape.data_type().to_string();
        assert_eq!((found.records, found.other, data_type.as_str()), expected);
        let of_all = options.bytes_read.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(found.bytes_read, of_all);
    }
}

#[tokio::test]
async fn classify_tells_json_from_everything_else() {
    let json = |format, compression| Classified::Json { format, compression };
    let cut_off = {
        let mut bytes = gzip(b"{\"a\":1}\n");
        bytes.truncate(15);
        bytes
    };
    let plain = Compression::Plain;
    for (bytes, expected) in [
        (b"{\"a\":1}\n{\"a\":2}\n".to_vec(), Ok(json(Format::Ndjson, plain))),
        (b"[{\"a\":1}]".to_vec(), Ok(json(Format::Array, plain))),
        (b"{\n\"a\":1}{\n\"a\":2}".to_vec(), Ok(json(Format::Concatenated, plain))),
        (gzip(b"{\"a\":1}\n"), Ok(json(Format::Ndjson, Compression::Gzip))),
        (b"damaged\n{\"a\":1}\n".to_vec(), Ok(json(Format::Ndjson, plain))),
        (Vec::new(), Err("holds no records")),
        (b"id,name\n1x,a\n".to_vec(), Err("is not JSON: none of its first 2 lines is")),
        (b"PAR1\x15\x04".to_vec(), Err("is Parquet")),
        (cut_off, Err("is damaged: ")),
        (vec![1; 100], Err("is not text: its first bytes are not text: 01 01")),
    ] {
        match (classify(&object(bytes).await).await.unwrap(), expected) {
            (found @ Classified::Json { .. }, Ok(expected)) => assert_eq!(found, expected),
            (Classified::Other { reason }, Err(expected)) => {
                assert!(reason.starts_with(expected), "{reason}");
            }
            (found, expected) => panic!("{found:?}, not {expected:?}"),
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_of_many_objects_is_an_error_of_its_own() {
    let store = Arc::new(InMemory::new());
    for n in 0..20 {
        let bytes = if n == 7 { vec![1; 100] } else { format!("{{\"id\":{n}}}").into_bytes() };
        store.put(&format!("o{n}.json").into(), PutPayload::from(bytes)).await.unwrap();
    }
    let bucket = Bucket::new("memory://", store);
    let objects = bucket.select(Selection::Prefix("o".to_owned())).unwrap();
    let inferred: Vec<_> =
        infer_all(objects, InferOptions::default(), 4).try_collect().await.unwrap();
    assert_eq!(inferred.len(), 20);
    for (object, shape) in inferred {
        match shape {
            Ok(shape) => assert_eq!(shape.records, 1),
            Err(error) => {
                assert!(matches!(error, Error::NotText { .. }) && object.key == "o7.json");
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_listed_is_an_error_of_the_stream() {
    let unlisted = Error::NoObjects { location: "b".to_owned() };
    let objects = futures::stream::iter([Err(unlisted), Ok(object("{}").await)]);
    let inferred: Vec<_> = infer_all(objects, InferOptions::default(), 1).collect().await;
    assert!(inferred[0].is_err() && inferred[1].is_ok());
}
