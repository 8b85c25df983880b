# about: dlt
# in: default deliveries
# needs: dlt
from pipeline import FILE, pipeline, records

pipeline.run(records(FILE)).raise_on_failed_jobs()
