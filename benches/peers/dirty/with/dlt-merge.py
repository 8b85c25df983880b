# about: dlt, `write_disposition="merge"`, `primary_key="id"`
# in: deliveries
# needs: dlt
from pipeline import FILE, pipeline, records

readings = records(FILE)
readings.apply_hints(write_disposition="merge", primary_key="id")
pipeline.run(readings).raise_on_failed_jobs()
