-- The rest of the key-permission registry's records.

alter table host add column status text generated always as (body ->> 'status') stored;
alter table host add column receipts bigint generated always as ((body ->> 'receipts')::bigint) stored;
alter table secret add column mode text generated always as (body ->> 'mode') stored;
alter table secret add column status text generated always as (body ->> 'status') stored;
alter table secret add column version bigint generated always as ((body ->> 'version')::bigint) stored;
alter table key_grant add column suspended text generated always as (body ->> 'suspended') stored;
comment on table wrap is 'Data keys that are on chain: which version of a secret is sealed to which host.';

create table recipient (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  secret bigint generated always as ((body ->> 'secret')::bigint) stored,
  host bigint generated always as ((body #>> '{recipient,host}')::bigint) stored
);
create index recipient_by_secret on recipient (secret);
create index recipient_by_host on recipient (host);
comment on table recipient is 'Hosts that could ever open a secret: who would have to forget it.';

create table budget (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  grant_id bigint generated always as ((body ->> 'grant')::bigint) stored,
  level numeric(39, 0) generated always as ((body ->> 'level')::numeric(39, 0)) stored,
  reserved numeric(39, 0) generated always as ((body ->> 'reserved')::numeric(39, 0)) stored,
  spent numeric(39, 0) generated always as ((body ->> 'spent')::numeric(39, 0)) stored
);
comment on table budget is 'Budgets of grants, as they stood when they were last used.';

create table lease (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  grant_id bigint generated always as ((body ->> 'grant')::bigint) stored,
  host bigint generated always as ((body ->> 'host')::bigint) stored,
  amount numeric(39, 0) generated always as ((body ->> 'amount')::numeric(39, 0)) stored,
  expires_ms bigint generated always as ((body ->> 'expires_ms')::bigint) stored
);
create index lease_by_grant on lease (grant_id);
comment on table lease is 'Parts of budgets that hosts have set aside.';

create table approval (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  grant_id bigint generated always as ((body ->> 'grant')::bigint) stored,
  state text generated always as (body ->> 'state') stored,
  expires_ms bigint generated always as ((body ->> 'expires_ms')::bigint) stored
);
create index approval_by_grant on approval (grant_id);
comment on table approval is 'Actions that wait for an approval, or have an answer that was not used yet.';

create table keys_setting (
  key text primary key,
  body jsonb not null,
  height bigint not null
);
comment on table keys_setting is 'Settings of the key-permission registry that changed since its deployment: mpc.';
