-- What signs the sessions of the console, for all processes that serve it: 32 bytes of which 244 bits are random.
create table stevedore.console_secrets (
    secret bytea not null,
    is_only boolean not null default true,
    constraint console_secrets_pkey primary key (is_only),
    constraint console_secrets_only check (is_only)
);

insert into stevedore.console_secrets (secret)
select decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
