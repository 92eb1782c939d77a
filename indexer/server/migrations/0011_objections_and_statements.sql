-- What is said of a release before it is carried out: what people found who looked at it, and which owners object.

create table statement (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  release numeric(20, 0) generated always as ((body ->> 'release')::numeric(20, 0)) stored,
  by text generated always as (body ->> 'by') stored,
  kind text generated always as (body ->> 'kind') stored,
  ok boolean generated always as ((body ->> 'ok')::boolean) stored
);
create index statement_by_release on statement (release);
create index statement_by_by on statement (by);
create index statement_by_ok on statement (ok);
comment on table statement is 'What accounts state of releases: audits, builds from source, measurements, tests.';

create table objection (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  proposal numeric(20, 0) generated always as ((body ->> 'proposal')::numeric(20, 0)) stored,
  owner text generated always as (body ->> 'owner') stored,
  agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored
);
create index objection_by_proposal on objection (proposal);
create index objection_by_owner on objection (owner);
comment on table objection is 'Owners who object to a proposal, with one of their agents.';

alter table proposal
  add column objections numeric(20, 0) generated always as ((body ->> 'objections')::numeric(20, 0)) stored,
  add column round numeric(20, 0) generated always as ((body ->> 'round')::numeric(20, 0)) stored;
