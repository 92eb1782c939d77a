-- An approval is for one host, which is part of its name: a request for another host is another row.

update approval set key = (body ->> 'grant') || '/' || (body ->> 'host') || '/' || (body ->> 'digest');
alter table approval add column host bigint generated always as ((body ->> 'host')::bigint) stored;
