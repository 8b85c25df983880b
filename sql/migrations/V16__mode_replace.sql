-- The mode replace, in which the rows of an object replace those of its earlier versions.

alter table stevedore.jobs
    drop constraint jobs_mode_known,
    add constraint jobs_mode_known check (mode in ('auto', 'append', 'merge', 'replace'));

alter table stevedore.loads
    drop constraint loads_mode_known,
    add constraint loads_mode_known check (
        mode in ('append', 'merge', 'replace') or mode = 'auto' and state = 'failed'
    );
