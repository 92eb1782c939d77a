-- Who answers whom in time, and the requests that were not answered so.

create table edge (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  id bytea generated always as (decode(body ->> 'id', 'hex')) stored,
  asker text generated always as (body ->> 'asker') stored,
  acker text generated always as (body ->> 'acker') stored,
  token text generated always as (body #>> '{asset,nep141}') stored,
  state text generated always as (body ->> 'state') stored,
  collateral numeric(39, 0) generated always as ((body ->> 'collateral')::numeric(39, 0)) stored,
  asker_side numeric(39, 0) generated always as ((body ->> 'asker_side')::numeric(39, 0)) stored,
  acker_side numeric(39, 0) generated always as ((body ->> 'acker_side')::numeric(39, 0)) stored,
  late numeric(39, 0) generated always as ((body ->> 'late')::numeric(39, 0)) stored,
  escalations numeric(20, 0) generated always as ((body ->> 'escalations')::numeric(20, 0)) stored,
  ends_ms numeric(20, 0) generated always as ((body ->> 'ends_ms')::numeric(20, 0)) stored
);
create index edge_by_asker on edge (asker);
create index edge_by_acker on edge (acker);
create index edge_by_token on edge (token);
create index edge_by_state on edge (state);
comment on table edge is 'Who answers whom in time. Without a token it is about NEAR. An edge that is over is in event only.';

create table request (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  edge bytea generated always as (decode(body ->> 'edge', 'hex')) stored,
  counter numeric(20, 0) generated always as ((body ->> 'counter')::numeric(20, 0)) stored,
  deadline_ms numeric(20, 0) generated always as ((body ->> 'deadline_ms')::numeric(20, 0)) stored,
  escalated_ms numeric(20, 0) generated always as ((body ->> 'escalated_ms')::numeric(20, 0)) stored,
  late numeric(39, 0) generated always as ((body ->> 'late')::numeric(39, 0)) stored,
  open boolean generated always as ((body ->> 'open')::boolean) stored,
  delivered_ms numeric(20, 0) generated always as ((body #>> '{delivered,at_ms}')::numeric(20, 0)) stored
);
create index request_by_edge on request (edge);
create index request_by_open on request (open);
comment on table request is 'Requests that were escalated, until they are forgotten.';
