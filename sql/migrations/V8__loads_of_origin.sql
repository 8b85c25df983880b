-- A load looks for earlier ones of its object by where that really is: without an index that reads the
-- whole ledger for every object.

create index loads_of_origin on stevedore.loads (origin, load_id);
