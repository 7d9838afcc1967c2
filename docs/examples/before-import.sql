-- What tenants are before an import is applied; undo-import.sql goes back to it.
drop table if exists tenants_before_import;
create table tenants_before_import as select *, now() as taken_at from tenants;
