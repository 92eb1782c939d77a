-- Every table is served: what pages are ordered by has a column and an index.

alter table key_policy add column grant_id bigint generated always as (key::bigint) stored;
alter table lease add column id bigint generated always as ((body ->> 'id')::bigint) stored;

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
