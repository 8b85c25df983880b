-- What a table holds, in whatever order the rows came: how many rows, and the sum of the hashes of all but what
-- a load fills in. jsonb is compared as jsonb prints it.
select :'table', count(*), sum(hashtextextended((to_jsonb(t)
    - array['ingested_at', 'load_id', 'object', 'content_hash'])::text, 0)) from :"table" as t;
