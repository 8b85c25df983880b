-- Removes runs of watches that ended so many days ago; those that found nothing after one day. The newest of each stays.
delete from stevedore.watch_runs r
where
    r.state = 'ended'
    and r.finished_at < now() - case
        when r.new_objects = 0 and r.error is null then least($1::double precision, 1) else $1
    end * interval '1 day'
    and exists (select from stevedore.watch_runs n where n.watch = r.watch and n.run_id > r.run_id)
