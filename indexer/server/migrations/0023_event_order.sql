-- Events have an order among all contracts: the one in which they came into the table, by which `/v1/stream` tells them.
--
-- Whoever writes events holds the cursor's row until they are committed, so numbers are given in the order of commits: once
-- one is seen, no lower one appears. One that comes late, as a dead letter does that is applied, has the highest. Numbers of
-- steps that were not committed are missing. The default is for programs that don't know the column, and for COPY.

create sequence event_ordinal;
alter table event add column ordinal bigint;
update event set ordinal = numbered.ordinal
from (select height, receipt_id, log_index, row_number() over (order by height, contract, seq) as ordinal from event) as numbered
where event.height = numbered.height and event.receipt_id = numbered.receipt_id and event.log_index = numbered.log_index;
select setval('event_ordinal', (select count(*) from event) + 1, false);
alter table event
  alter column ordinal set default nextval('event_ordinal'),
  alter column ordinal set not null;
alter sequence event_ordinal owned by event.ordinal;
create index event_by_ordinal on event (ordinal);
comment on column event.ordinal is
  'In which order events came into this table, of all contracts. Some numbers are missing, and another database has others.';
