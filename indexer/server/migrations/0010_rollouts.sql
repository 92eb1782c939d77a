-- How releases reach the agents of their lines: rollouts, what was reported in them, and how many agents owners have there.

create table rollout (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  line numeric(20, 0) generated always as ((body ->> 'line')::numeric(20, 0)) stored,
  release numeric(20, 0) generated always as ((body ->> 'release')::numeric(20, 0)) stored,
  state text generated always as (body ->> 'state') stored,
  stage numeric(20, 0) generated always as ((body ->> 'stage')::numeric(20, 0)) stored,
  owners numeric(20, 0) generated always as ((body ->> 'owners')::numeric(20, 0)) stored
);
create index rollout_by_line on rollout (line);
comment on table rollout is 'How far the newest release of each line has got among its agents.';

create table health_report (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  release numeric(20, 0) generated always as ((body ->> 'release')::numeric(20, 0)) stored,
  owner text generated always as (body ->> 'owner') stored,
  agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  ok boolean generated always as ((body ->> 'ok')::boolean) stored
);
create index health_report_by_release on health_report (release);
create index health_report_by_owner on health_report (owner);
comment on table health_report is 'What owners'' agents said of a release while it was rolled out: one voice an owner.';

create table holding (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  line numeric(20, 0) generated always as ((body ->> 'line')::numeric(20, 0)) stored,
  owner text generated always as (body ->> 'owner') stored,
  agents numeric(20, 0) generated always as ((body ->> 'agents')::numeric(20, 0)) stored
);
create index holding_by_line on holding (line);
create index holding_by_owner on holding (owner);
comment on table holding is 'How many agents each owner has on a line.';

alter table enrolment
  add column owner text generated always as (body ->> 'owner') stored,
  add column running numeric(20, 0) generated always as ((body ->> 'running')::numeric(20, 0)) stored,
  add column pin numeric(20, 0) generated always as ((body ->> 'pin')::numeric(20, 0)) stored;
create index enrolment_by_owner on enrolment (owner);
comment on table enrolment is 'Which line an agent is on, and what its owner wants of it there.';
