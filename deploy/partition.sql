-- Partitions for a database that has grown: `messages` by its ids, `updates` by a hash of the chat. Nothing of the program changes with them.
-- Stop the program, take a backup, then (`size`: ids in a partition, about as many as come in a month; PostgreSQL 17 or later)
--   psql --single-transaction --set=ON_ERROR_STOP=1 --set=size=50000000 --file=deploy/partition.sql "$DATABASE_URL"
-- Ids grow with time, so that a partition of ids is one of a time, and the primary key stays the id alone: by `at` it could not.
-- What is there becomes the first partition as it is, without being copied; `updates` are copied.

select (coalesce(max(id), 0) / :size + 1) * :size as first, coalesce(max(id), 0) + 1 as next from messages \gset

alter table messages rename to messages_first;
alter table messages_first alter column id drop identity;
create table messages (like messages_first including all) partition by range (id);
alter table messages alter column id add generated always as identity (start with :next);
alter table messages attach partition messages_first for values from (minvalue) to (:first);
create table messages_second partition of messages for values from (:first) to (:first + :size);
create table messages_later partition of messages default;

alter table updates rename to updates_whole;
create table updates (like updates_whole including all) partition by hash (chat);
create table updates_0 partition of updates for values with (modulus 4, remainder 0);
create table updates_1 partition of updates for values with (modulus 4, remainder 1);
create table updates_2 partition of updates for values with (modulus 4, remainder 2);
create table updates_3 partition of updates for values with (modulus 4, remainder 3);
insert into updates select * from updates_whole;
drop table updates_whole;

-- Every month, before the newest is full (deploy/partition.sql makes one to spare; `messages_later` takes what has no other place):
--   create table messages_third partition of messages for values from (100000000) to (150000000);
-- What is old enough to be kept elsewhere:
--   alter table messages detach partition messages_first concurrently;
