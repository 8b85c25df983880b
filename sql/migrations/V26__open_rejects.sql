-- How many rejects are open, by feed and reason, for those who watch it: without counting rejects.

alter table stevedore.handled_rejects add column feed text, add column reason text;

-- What loads and replays add up. In several rows each, so that two that end at the same time do not wait for each other.
create table stevedore.open_rejects (
    feed text not null,
    reason text not null,
    shard integer not null,
    rejects bigint not null,
    constraint open_rejects_pkey primary key (feed, reason, shard)
);

insert into stevedore.open_rejects (feed, reason, shard, rejects)
select l.feed, r.key, -1, sum(r.value::bigint)
from stevedore.loads l
cross join jsonb_each_text(l.rejected_by_reason) as r
where l.state = 'loaded'
group by l.feed, r.key;

create function stevedore.count_new_rejects() returns trigger language plpgsql as $$
begin
    insert into stevedore.open_rejects as o (feed, reason, shard, rejects)
    select n.feed, r.key, pg_backend_pid() % 64, sum(r.value::bigint)
    from changed n
    cross join jsonb_each_text(n.rejected_by_reason) as r
    where n.state = 'loaded'
    group by n.feed, r.key
    order by n.feed, r.key
    on conflict (feed, reason, shard) do update set rejects = o.rejects + excluded.rejects;
    return null;
end
$$;

create trigger loads_rejects_counted after insert on stevedore.loads
referencing new table as changed
for each statement execute function stevedore.count_new_rejects();

-- A load in parts is there before it is loaded.
create function stevedore.count_rejects_of_parts() returns trigger language plpgsql as $$
begin
    insert into stevedore.open_rejects as o (feed, reason, shard, rejects)
    select new.feed, r.key, pg_backend_pid() % 64, r.value::bigint
    from jsonb_each_text(new.rejected_by_reason) as r
    order by r.key
    on conflict (feed, reason, shard) do update set rejects = o.rejects + excluded.rejects;
    return null;
end
$$;

create trigger loads_parts_counted after update on stevedore.loads
for each row when (old.state = 'loading' and new.state = 'loaded')
execute function stevedore.count_rejects_of_parts();

create function stevedore.count_closed_rejects() returns trigger language plpgsql as $$
begin
    insert into stevedore.open_rejects as o (feed, reason, shard, rejects)
    select feed, reason, pg_backend_pid() % 64, -count(*)
    from changed
    where feed is not null and reason is not null
    group by feed, reason
    order by feed, reason
    on conflict (feed, reason, shard) do update set rejects = o.rejects + excluded.rejects;
    return null;
end
$$;

create trigger handled_rejects_closed after insert on stevedore.handled_rejects
referencing new table as changed
for each statement execute function stevedore.count_closed_rejects();
