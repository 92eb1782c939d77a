-- The mirror takes what the chain takes.
--
-- Numbers are as wide as on the chain, logs are bytes, and nothing but a key is unique: two rows may have one handle for the
-- length of a transaction, in which they are written in another order than they changed. U+0000, which neither text nor
-- jsonb can hold, is escaped from now on (`src/escape.rs`), and so is the sign that it is escaped with.

do $$
declare name text;
begin
  for name in select table_name from information_schema.columns where table_schema = current_schema() and column_name = 'body'
              and table_name not in ('event', 'event_default') loop
    execute format('update %I set key = replace(key, ''␀'', ''␀␀''), body = replace(body::text, ''␀'', ''␀␀'')::jsonb
                    where body::text like ''%%␀%%'' or key like ''%%␀%%''', name);
  end loop;
end $$;
update event set event = replace(event, '␀', '␀␀'), body = replace(body::text, '␀', '␀␀')::jsonb
where body::text like '%␀%' or event like '%␀%';

alter table event alter column log type bytea using convert_to(log, 'UTF8');
comment on table event is
  'Every event that was applied, append-only. log is the line as the contract wrote it, byte for byte; body its new value.';

alter table dead_letter alter column log type bytea using convert_to(log, 'UTF8');
alter table dead_letter add column seq bigint;
create index dead_letter_by_seq on dead_letter (contract, seq);
comment on table dead_letter is
  'Events of ours that could not be read or applied, and why. No other table has anything of them. seq is their number in the contract''s chain of events.';

alter table verify_run add column dead_letters bigint not null default 0;

alter table cursor add column genesis bytea;
comment on column cursor.genesis is 'Hash of the chain''s first block: another chain may have the same id.';

drop index agent_by_handle;
create index agent_by_handle on agent (handle) where handle is not null;

alter table agent
  drop column id,
  drop column epoch,
  drop column owner_epoch,
  add column id numeric(20, 0) generated always as ((body ->> 'id')::numeric(20, 0)) stored,
  add column epoch numeric(20, 0) generated always as ((body ->> 'epoch')::numeric(20, 0)) stored,
  add column owner_epoch numeric(20, 0) generated always as ((body ->> 'owner_epoch')::numeric(20, 0)) stored;

alter table owner
  drop column epoch,
  drop column agents,
  add column epoch numeric(20, 0) generated always as ((body ->> 'epoch')::numeric(20, 0)) stored,
  add column agents numeric(20, 0) generated always as ((body ->> 'agents')::numeric(20, 0)) stored;

alter table host
  drop column id,
  drop column generation,
  drop column receipts,
  add column id numeric(20, 0) generated always as ((body ->> 'id')::numeric(20, 0)) stored,
  add column generation numeric(20, 0) generated always as ((body ->> 'generation')::numeric(20, 0)) stored,
  add column receipts numeric(20, 0) generated always as ((body ->> 'receipts')::numeric(20, 0)) stored;

alter table secret
  drop column id,
  drop column agent,
  drop column epoch,
  drop column version,
  add column id numeric(20, 0) generated always as ((body ->> 'id')::numeric(20, 0)) stored,
  add column agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  add column epoch numeric(20, 0) generated always as ((body ->> 'epoch')::numeric(20, 0)) stored,
  add column version numeric(20, 0) generated always as ((body ->> 'version')::numeric(20, 0)) stored;

alter table wrap
  drop column secret,
  drop column host,
  add column secret numeric(20, 0) generated always as ((body ->> 'secret')::numeric(20, 0)) stored,
  add column host numeric(20, 0) generated always as ((body ->> 'host')::numeric(20, 0)) stored;

alter table key_grant
  drop column id,
  drop column agent,
  drop column secret,
  drop column parent,
  drop column expires_ms,
  add column id numeric(20, 0) generated always as ((body ->> 'id')::numeric(20, 0)) stored,
  add column agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  add column secret numeric(20, 0) generated always as ((body ->> 'secret')::numeric(20, 0)) stored,
  add column parent numeric(20, 0) generated always as ((body ->> 'parent')::numeric(20, 0)) stored,
  add column expires_ms numeric(20, 0) generated always as ((body ->> 'expires_ms')::numeric(20, 0)) stored;

alter table line
  drop column id,
  drop column head,
  drop column seq,
  add column id numeric(20, 0) generated always as ((body ->> 'id')::numeric(20, 0)) stored,
  add column head numeric(20, 0) generated always as ((body ->> 'head')::numeric(20, 0)) stored,
  add column seq numeric(20, 0) generated always as ((body ->> 'seq')::numeric(20, 0)) stored;

alter table release
  drop column id,
  drop column line,
  add column id numeric(20, 0) generated always as ((body ->> 'id')::numeric(20, 0)) stored,
  add column line numeric(20, 0) generated always as ((body ->> 'line')::numeric(20, 0)) stored;

alter table proposal
  drop column id,
  drop column line,
  drop column yes,
  drop column no,
  add column id numeric(20, 0) generated always as ((body ->> 'id')::numeric(20, 0)) stored,
  add column line numeric(20, 0) generated always as ((body ->> 'line')::numeric(20, 0)) stored,
  add column yes numeric(20, 0) generated always as ((body ->> 'yes')::numeric(20, 0)) stored,
  add column no numeric(20, 0) generated always as ((body ->> 'no')::numeric(20, 0)) stored;

alter table ballot
  drop column proposal,
  add column proposal numeric(20, 0) generated always as ((body ->> 'proposal')::numeric(20, 0)) stored;

alter table enrolment
  drop column agent,
  drop column line,
  add column agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  add column line numeric(20, 0) generated always as ((body ->> 'line')::numeric(20, 0)) stored;

alter table heartbeat
  drop column agent,
  drop column last_seen_ms,
  add column agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  add column last_seen_ms numeric(20, 0) generated always as ((body ->> 'last_seen_ms')::numeric(20, 0)) stored;

alter table recovery
  drop column agent,
  drop column round,
  add column agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  add column round numeric(20, 0) generated always as ((body ->> 'round')::numeric(20, 0)) stored;

alter table recovery_proposal
  drop column agent,
  drop column ready_ms,
  add column agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  add column ready_ms numeric(20, 0) generated always as ((body ->> 'ready_ms')::numeric(20, 0)) stored;

alter table attestation
  drop column agent,
  drop column expires_ms,
  add column agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  add column expires_ms numeric(20, 0) generated always as ((body #>> '{attestation,expires_ms}')::numeric(20, 0)) stored;

alter table reputation
  drop column agent,
  drop column epoch,
  add column agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  add column epoch numeric(20, 0) generated always as ((body ->> 'epoch')::numeric(20, 0)) stored;

alter table recipient
  drop column secret,
  drop column host,
  add column secret numeric(20, 0) generated always as ((body ->> 'secret')::numeric(20, 0)) stored,
  add column host numeric(20, 0) generated always as ((body #>> '{recipient,host}')::numeric(20, 0)) stored,
  add column place numeric(20, 0) generated always as ((body ->> 'index')::numeric(20, 0)) stored;

alter table budget
  drop column grant_id,
  add column grant_id numeric(20, 0) generated always as ((body ->> 'grant')::numeric(20, 0)) stored;

alter table lease
  drop column grant_id,
  drop column host,
  drop column expires_ms,
  drop column id,
  add column grant_id numeric(20, 0) generated always as ((body ->> 'grant')::numeric(20, 0)) stored,
  add column host numeric(20, 0) generated always as ((body ->> 'host')::numeric(20, 0)) stored,
  add column expires_ms numeric(20, 0) generated always as ((body ->> 'expires_ms')::numeric(20, 0)) stored,
  add column id numeric(20, 0) generated always as ((body ->> 'id')::numeric(20, 0)) stored;

alter table approval
  drop column grant_id,
  drop column expires_ms,
  drop column host,
  add column grant_id numeric(20, 0) generated always as ((body ->> 'grant')::numeric(20, 0)) stored,
  add column expires_ms numeric(20, 0) generated always as ((body ->> 'expires_ms')::numeric(20, 0)) stored,
  add column host numeric(20, 0) generated always as ((body ->> 'host')::numeric(20, 0)) stored;

alter table key_policy
  drop column grant_id,
  add column grant_id numeric(20, 0) generated always as (key::numeric(20, 0)) stored;

alter table anchor
  drop column host,
  drop column first_use,
  drop column last_use,
  add column host numeric(20, 0) generated always as ((body ->> 'host')::numeric(20, 0)) stored,
  add column first_use numeric(20, 0) generated always as ((body ->> 'from')::numeric(20, 0)) stored,
  add column last_use numeric(20, 0) generated always as ((body ->> 'to')::numeric(20, 0)) stored;

alter table retirement
  drop column agent,
  drop column at_ms,
  add column agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  add column at_ms numeric(20, 0) generated always as ((body ->> 'at_ms')::numeric(20, 0)) stored;

alter table resting_handle
  drop column until_ms,
  add column until_ms numeric(20, 0) generated always as ((body ->> 'until_ms')::numeric(20, 0)) stored;

create index agent_by_id on agent (id);
create index agent_by_owner on agent (owner, id);
create index secret_by_agent on secret (agent, id);
create index key_grant_by_id on key_grant (id);
create index key_grant_by_agent on key_grant (agent, id);
create index proposal_by_id on proposal (id);
create index heartbeat_by_time on heartbeat (last_seen_ms);
create index recovery_proposal_by_agent on recovery_proposal (agent);
create index reputation_by_agent on reputation (agent, asset);
create index recipient_by_secret on recipient (secret, place);
create index recipient_by_host on recipient (host);
create index lease_by_grant on lease (grant_id);
create index approval_by_grant on approval (grant_id);
create index host_by_id on host (id);
create index secret_by_id on secret (id);
create index release_by_id on release (id);
create index line_by_id on line (id);
create index key_policy_by_grant on key_policy (grant_id);
create index lease_by_id on lease (id);
create index budget_by_grant on budget (grant_id);
create index heartbeat_by_agent on heartbeat (agent);
create index recovery_by_agent on recovery (agent);
create index attestation_by_agent on attestation (agent);
create index enrolment_by_agent on enrolment (agent);
create index anchor_by_host on anchor (host);
create index retirement_by_agent on retirement (agent);

create index event_by_name on event (contract, event, seq);
