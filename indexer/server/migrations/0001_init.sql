-- The mirror of Charter's contracts.
--
-- Every table of records has `key` (the contract's own key as text), `body` (the record exactly as the contract's views
-- show it) and columns generated from `body`, so that a column can't say anything else than the record.

create table cursor (
  only_row boolean primary key default true check (only_row),
  height bigint not null,
  hash bytea not null,
  chain_id text not null
);
comment on table cursor is 'The last block that is in the tables. Moves in the same transaction as the rows.';

create table contract (
  name text primary key,
  account text not null,
  seq bigint not null default 0,
  head bytea not null default '\x0000000000000000000000000000000000000000000000000000000000000000'
);
comment on table contract is 'Contracts being mirrored, and how far their chains of events are.';

create table event (
  height bigint not null,
  receipt_id text not null,
  log_index integer not null,
  contract text not null,
  seq bigint not null,
  event text not null,
  by_account text not null,
  log text not null,
  body jsonb not null,
  primary key (height, receipt_id, log_index)
) partition by range (height);
create table event_default partition of event default;
create index event_by_seq on event (contract, seq);
comment on table event is 'Every event, append-only. log is the line as the contract wrote it, body its new value.';

create table dead_letter (
  height bigint not null,
  receipt_id text not null,
  log_index integer not null,
  contract text not null,
  reason text not null,
  log text not null,
  primary key (height, receipt_id, log_index)
);
comment on table dead_letter is 'Events of ours in a version or shape this indexer does not know. Kept, never guessed at.';

create table verify_run (
  id bigserial primary key,
  height bigint not null,
  rows bigint not null,
  mismatches bigint not null,
  detail jsonb not null,
  finished_at timestamptz not null default now()
);
comment on table verify_run is 'Comparisons of these tables with the contracts at one block.';

create table agent (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  id bigint generated always as ((body ->> 'id')::bigint) stored,
  owner text generated always as (body ->> 'owner') stored,
  status text generated always as (body #>> '{status,state}') stored,
  card_uri text generated always as (body #>> '{card,uri}') stored,
  agent_account text generated always as (body ->> 'agent_account') stored,
  epoch bigint generated always as ((body ->> 'epoch')::bigint) stored,
  owner_epoch bigint generated always as ((body ->> 'owner_epoch')::bigint) stored
);
create index agent_by_id on agent (id);
create index agent_by_owner on agent (owner, id);
comment on table agent is 'Agents that exist. A retired agent is in event only.';

create table owner (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  epoch bigint generated always as ((body ->> 'epoch')::bigint) stored,
  agents bigint generated always as ((body ->> 'agents')::bigint) stored
);
comment on table owner is 'Owners of at least one agent.';

create table host (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  id bigint generated always as ((body ->> 'id')::bigint) stored,
  operator text generated always as (body ->> 'operator') stored,
  generation bigint generated always as ((body ->> 'generation')::bigint) stored
);
comment on table host is 'Key hosts.';

create table secret (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  id bigint generated always as ((body ->> 'id')::bigint) stored,
  agent bigint generated always as ((body ->> 'agent')::bigint) stored,
  epoch bigint generated always as ((body ->> 'epoch')::bigint) stored
);
create index secret_by_agent on secret (agent, id);
comment on table secret is 'Secrets: hashes and lengths, never a ciphertext.';

create table wrap (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  secret bigint generated always as ((body ->> 'secret')::bigint) stored,
  host bigint generated always as ((body ->> 'host')::bigint) stored
);
comment on table wrap is 'Which host a secret is sealed to: who would have to forget it.';

create table key_grant (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  id bigint generated always as ((body ->> 'id')::bigint) stored,
  agent bigint generated always as ((body ->> 'agent')::bigint) stored,
  secret bigint generated always as ((body ->> 'secret')::bigint) stored,
  parent bigint generated always as ((body ->> 'parent')::bigint) stored,
  revoked boolean generated always as ((body ->> 'revoked')::boolean) stored,
  expires_ms bigint generated always as ((body ->> 'expires_ms')::bigint) stored
);
create index key_grant_by_id on key_grant (id);
create index key_grant_by_agent on key_grant (agent, id);
comment on table key_grant is 'Grants. The policy a grant was made with is in key_policy.';

create table key_policy (
  key text primary key,
  body jsonb not null,
  height bigint not null
);
comment on table key_policy is 'Policies by the grant they belong to, as they stood in the event.';

create table line (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  id bigint generated always as ((body ->> 'id')::bigint) stored,
  name text generated always as (body ->> 'name') stored,
  head bigint generated always as ((body ->> 'head')::bigint) stored,
  seq bigint generated always as ((body ->> 'seq')::bigint) stored
);
comment on table line is 'Release lines.';

create table release (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  id bigint generated always as ((body ->> 'id')::bigint) stored,
  line bigint generated always as ((body ->> 'line')::bigint) stored,
  semver text generated always as (body #>> '{content,semver}') stored,
  published boolean generated always as ((body ->> 'published')::boolean) stored
);
comment on table release is 'Releases, proposed and published.';

create table proposal (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  id bigint generated always as ((body ->> 'id')::bigint) stored,
  line bigint generated always as ((body ->> 'line')::bigint) stored,
  state text generated always as (body ->> 'state') stored,
  yes bigint generated always as ((body ->> 'yes')::bigint) stored,
  no bigint generated always as ((body ->> 'no')::bigint) stored
);
create index proposal_by_id on proposal (id);
comment on table proposal is 'Proposals with their tallies.';

create table ballot (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  proposal bigint generated always as ((body ->> 'proposal')::bigint) stored,
  voter text generated always as (body ->> 'voter') stored
);
comment on table ballot is 'Votes as they stand.';

create table enrolment (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  agent bigint generated always as ((body ->> 'agent')::bigint) stored,
  line bigint generated always as ((body ->> 'line')::bigint) stored
);
comment on table enrolment is 'Which line an agent is on.';

create table channel (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  id bytea generated always as (decode(body ->> 'id', 'hex')) stored,
  payer text generated always as (body ->> 'payer') stored,
  payee text generated always as (body ->> 'payee') stored,
  deposited numeric(39, 0) generated always as ((body ->> 'deposited')::numeric(39, 0)) stored,
  claimed numeric(39, 0) generated always as ((body ->> 'claimed')::numeric(39, 0)) stored,
  paid numeric(39, 0) generated always as ((body ->> 'paid')::numeric(39, 0)) stored,
  closed boolean generated always as ((body ->> 'closed')::boolean) stored
);
create index channel_by_payer on channel (payer, key);
create index channel_by_payee on channel (payee, key);
comment on table channel is 'Payment channels that exist, amounts in yoctoNEAR. A closed one is in event only.';
