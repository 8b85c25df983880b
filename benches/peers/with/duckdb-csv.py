# about: DuckDB to CSV, then `\copy`
# needs: duckdb2
import os
import subprocess

import duckdb

TABLES = {"user_status": "status", "user_status_log": "status_log", "user_status_error_rec": "error_rec"}
work, here = os.environ["SCRATCH"], os.environ["HERE"]

database = duckdb.connect()
database.execute("set preserve_insertion_order = false")
database.execute(f"set temp_directory = '{work}/duckdb'")
database.execute(f"set variable file = '{os.environ['FILE']}'")
with open(f"{here}/duckdb.sql") as file:
    database.execute(file.read())
for table, view in TABLES.items():
    database.execute(f"copy {view} to '{work}/{table}.csv' (format csv, header false)")
database.close()

copies = "".join(f"\\copy {table} from '{work}/{table}.csv' (format csv)\n" for table in TABLES)
psql = ["psql", "-qX", "-v", "ON_ERROR_STOP=1", os.environ["DATABASE_URL"]]
subprocess.run(psql, input=f"begin;\n{copies}commit;\n", text=True, check=True)
for table in TABLES:
    os.remove(f"{work}/{table}.csv")
