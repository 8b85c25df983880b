-- What was done about rejects, with the job that asked for it: nulls for those that are open, or are none.
select w.load_id, w.record_no, h.state, h.replay_load_id, l.job_id
from unnest($1::bigint[], $2::bigint[]) as w (load_id, record_no)
left join stevedore.handled_rejects h on h.load_id = w.load_id and h.record_no = w.record_no
left join stevedore.loads l on l.load_id = h.replay_load_id
order by w.load_id, w.record_no
