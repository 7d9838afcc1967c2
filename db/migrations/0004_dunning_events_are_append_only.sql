-- The record of a case can't be changed or taken back, as little as the audit log: an UPDATE, DELETE or TRUNCATE is an error.
CREATE FUNCTION refuse_change_of_dunning_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'dunning_events is append-only';
END
$$;
--> statement-breakpoint
CREATE TRIGGER dunning_events_is_append_only BEFORE UPDATE OR DELETE ON "dunning_events"
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_dunning_events();
--> statement-breakpoint
CREATE TRIGGER dunning_events_is_never_emptied BEFORE TRUNCATE ON "dunning_events"
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_dunning_events();
