# about: dlt, files by `incremental("modification_date")`
# in: deliveries
# needs: dlt
import dlt
from dlt.sources.filesystem import filesystem, read_jsonl
from pipeline import FOLDER, pipeline

files = filesystem(FOLDER, file_glob="*.jsonl", incremental=dlt.sources.incremental("modification_date"))
readings = (files | read_jsonl()).with_name("readings")
pipeline.run(readings).raise_on_failed_jobs()
