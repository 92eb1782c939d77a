-- The roots under which hosts anchored their receipts: the contract keeps only the hash over all of them.

create table anchor (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  host bigint generated always as ((body ->> 'host')::bigint) stored,
  first_use bigint generated always as ((body ->> 'from')::bigint) stored,
  last_use bigint generated always as ((body ->> 'to')::bigint) stored
);
create index anchor_by_host on anchor (host);
comment on table anchor is 'Merkle roots of receipts, by host and the last use they cover.';
