-- A write is answered when it is durable on the primary, whatever the synchronous standby has. In each transaction, not in the
-- login's settings: those a node looks at when it connects, and refuses.
CREATE FUNCTION tenon.await_no_standby() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'local', true);
  RETURN NULL;
END
$$;
CREATE TRIGGER zz_await_no_standby AFTER INSERT ON public.audit_logs
  FOR EACH STATEMENT EXECUTE FUNCTION tenon.await_no_standby();
