-- The loads that have open rejects.
select o.load_id
from stevedore.loads o
left join stevedore.reject_counts c using (load_id)
where o.state = 'loaded' and o.rejected > coalesce(c.replayed + c.ignored, 0)
