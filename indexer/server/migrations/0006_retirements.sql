-- Agents that are gone: the contract keeps nothing of them, their last event says whose they were.

create table retirement (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  agent bigint generated always as ((body ->> 'agent')::bigint) stored,
  owner text generated always as (body ->> 'owner') stored,
  at_ms bigint generated always as ((body ->> 'at_ms')::bigint) stored
);
create index retirement_by_agent on retirement (agent);
create index retirement_by_owner on retirement (owner);
comment on table retirement is 'Agents that were retired, by whom and when. Their ids are never given again.';
comment on table agent is 'Agents that exist.';
