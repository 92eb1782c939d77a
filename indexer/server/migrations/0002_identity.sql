-- The rest of the registry's records.

alter table agent add column handle text generated always as (body ->> 'handle') stored;
alter table agent add column payout text generated always as (body ->> 'payout') stored;
create unique index agent_by_handle on agent (handle) where handle is not null;

create table heartbeat (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  agent bigint generated always as ((body ->> 'agent')::bigint) stored,
  last_seen_ms bigint generated always as ((body ->> 'last_seen_ms')::bigint) stored
);
create index heartbeat_by_time on heartbeat (last_seen_ms);
comment on table heartbeat is 'When an agent''s own account said last that it is alive.';

create table recovery (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  agent bigint generated always as ((body ->> 'agent')::bigint) stored,
  round bigint generated always as ((body ->> 'round')::bigint) stored
);
comment on table recovery is 'Who can restore an agent whose owner''s key is lost, and who will be able to.';

create table recovery_proposal (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  agent bigint generated always as ((body ->> 'agent')::bigint) stored,
  proposer text generated always as (body ->> 'proposer') stored,
  new_owner text generated always as (body ->> 'new_owner') stored,
  ready_ms bigint generated always as ((body ->> 'ready_ms')::bigint) stored
);
create index recovery_proposal_by_agent on recovery_proposal (agent);
comment on table recovery_proposal is 'Proposals to restore an agent. Void if their round is not the recovery''s.';

create table attestation (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  agent bigint generated always as ((body ->> 'agent')::bigint) stored,
  measurement text generated always as (body #>> '{attestation,measurement}') stored,
  expires_ms bigint generated always as ((body #>> '{attestation,expires_ms}')::bigint) stored
);
comment on table attestation is 'Which code an owner accepts, and what the agent was last attested with.';

create table reputation (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  agent bigint generated always as ((body ->> 'agent')::bigint) stored,
  epoch bigint generated always as ((body ->> 'epoch')::bigint) stored,
  reporter text generated always as (body ->> 'reporter') stored,
  asset text generated always as (body ->> 'asset') stored,
  earned numeric(39, 0) generated always as ((body ->> 'earned')::numeric(39, 0)) stored
);
create index reputation_by_agent on reputation (agent, asset);
comment on table reputation is 'What agents were paid in all, by who reports it, per epoch of the agent. Whoever pays itself is in here, too.';

create table registry_setting (
  key text primary key,
  body jsonb not null,
  height bigint not null
);
comment on table registry_setting is 'Settings of the registry that changed since its deployment: reporters, verifier.';
