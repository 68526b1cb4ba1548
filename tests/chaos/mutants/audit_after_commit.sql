-- A change's entry is written after its commit, in a transaction of its own: the lane asks for that once it has the batch's
-- answer (the switch of the same name in the binary). In between they are in a table that no one else looks at.
CREATE TABLE tenon.late_entries (process integer NOT NULL DEFAULT pg_backend_pid(), LIKE public.audit_logs);

CREATE FUNCTION tenon.put_entry_off() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF current_setting('tenon.late_entries', true) = 'come' THEN
    RETURN NEW;
  END IF;
  INSERT INTO tenon.late_entries SELECT pg_backend_pid(), NEW.*;
  RETURN NULL;
END
$$;
CREATE TRIGGER put_entry_off BEFORE INSERT ON public.audit_logs FOR EACH ROW EXECUTE FUNCTION tenon.put_entry_off();
ALTER TABLE tenon.audit_balance DISABLE TRIGGER check_audit_balance;
ALTER TABLE public.market_purchases DISABLE TRIGGER check_detail;

-- The sale sees to its entries itself: here it does not.
DO $$
DECLARE
  sale text := pg_get_functiondef('public.decrement_stock_atomic'::regproc);
  change text[];
BEGIN
  FOREACH change SLICE 1 IN ARRAY ARRAY[
    ['IF size = 1 THEN', 'IF false THEN'],
    ['batch.entries FROM batch' || chr(10), 'batch.entries FROM batch WHERE batch.entries > 0' || chr(10)],
    ['(entries, entered_rows) IS DISTINCT FROM (changes, changed_rows)', 'false']
  ] LOOP
    IF strpos(sale, change[1]) = 0 THEN
      RAISE EXCEPTION 'there is no "%" to break', change[1];
    END IF;
    sale := replace(sale, change[1], change[2]);
  END LOOP;
  EXECUTE sale;
END
$$;

CREATE FUNCTION tenon.write_late_entries() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM set_config('tenon.late_entries', 'come', true);
  WITH due AS (DELETE FROM tenon.late_entries WHERE process = pg_backend_pid() RETURNING *)
  INSERT INTO audit_logs SELECT id, at, transaction_id, entity_id, action, entity_kind, actor, role, request_id,
                                idempotency_key, before, after FROM due;
  PERFORM set_config('tenon.late_entries', '', true);
END
$$;
GRANT EXECUTE ON FUNCTION tenon.write_late_entries TO tenon_edge;
