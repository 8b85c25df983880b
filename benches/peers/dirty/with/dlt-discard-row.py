# about: dlt, columns and `schema_contract="discard_row"`
# in: strict
# needs: dlt
from pipeline import CLEAN, FILE, declared, pipeline

pipeline.run(declared(CLEAN))  # makes the tables: a contract is for tables that are there
pipeline.run(declared(FILE), schema_contract="discard_row").raise_on_failed_jobs()
