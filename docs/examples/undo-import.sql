-- Takes back what an import wrote for tenants that were there before it: its customers with their subscriptions, and what
-- followed for counts and access. All or nothing. Postgres refuses it once a case of dunning hangs on what would be removed.
-- Tenants that --create-missing made, and what --tag wrote to Stripe, stay.
begin;
create temporary table imported on commit drop as
  select c.tenant, c.stripe_customer_id from stripe_customers c
  join tenants_before_import b using (tenant)
  where c.metadata ->> 'source' = 'migration_import' and c.created_at >= b.taken_at;
delete from stripe_invoices i using imported
  where (i.tenant, i.stripe_customer_id) = (imported.tenant, imported.stripe_customer_id);
delete from stripe_subscriptions s using imported
  where (s.tenant, s.stripe_customer_id) = (imported.tenant, imported.stripe_customer_id);
delete from stripe_customers c using imported
  where (c.tenant, c.stripe_customer_id) = (imported.tenant, imported.stripe_customer_id);
update tenants t set
  licensed_user_count = b.licensed_user_count, last_license_update = b.last_license_update,
  access_state = b.access_state, suspended_at = b.suspended_at, suspended_reason = b.suspended_reason, updated_at = now()
from tenants_before_import b
where b.tenant = t.tenant and t.tenant in (select tenant from imported);
commit;
