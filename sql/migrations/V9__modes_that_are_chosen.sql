-- The mode auto, which leaves the choice to the tables: jobs ask for it, and the ledger has it of a load
-- that failed before its tables had chosen. Of all other loads it has the mode that was used.

alter table stevedore.jobs
    drop constraint jobs_mode_known,
    add constraint jobs_mode_known check (mode in ('auto', 'append', 'merge'));

alter table stevedore.loads
    drop constraint loads_mode_known,
    add constraint loads_mode_known check (
        mode in ('append', 'merge') or mode = 'auto' and state = 'failed'
    );
