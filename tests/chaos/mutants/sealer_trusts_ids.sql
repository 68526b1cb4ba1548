-- The sealer takes whatever it sees (the switch of the same name in the binary), and the database lets it: what commits later
-- under an earlier transaction id is in no tree.
DO $$
DECLARE
  held CONSTANT text := ' OR last_transaction >= pg_snapshot_xmin(pg_current_snapshot())';
  whole CONSTANT text := pg_get_functiondef('tenon.seal_audit'::regproc);
BEGIN
  IF strpos(whole, held) = 0 THEN
    RAISE EXCEPTION 'tenon.seal_audit is not the one that this was written for';
  END IF;
  EXECUTE replace(whole, held, '');
END
$$;
