-- The audit log: append-only, written in the transaction of what it tells of, by SECURITY DEFINER functions alone.

-- Each batch takes a block of 1024 ids at once (limits::audit_id_block): one sequence call a batch, and ids that grow in the
-- order in which batches took their locks.
CREATE SEQUENCE tenon.audit_log_ids INCREMENT BY 1024 START 1024;

CREATE TABLE public.audit_logs (
  id bigint PRIMARY KEY,
  at timestamptz NOT NULL,
  transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
  entity_id uuid NOT NULL,
  action text NOT NULL CHECK (action <> ''),
  entity_kind text NOT NULL CHECK (entity_kind <> ''),
  actor text NOT NULL CHECK (actor <> ''),
  role text NOT NULL,
  request_id text NOT NULL,
  idempotency_key text,
  before text,  -- JSON of what the mutation changed; text, since jsonb would cost a parse on every write
  after text,
  CONSTRAINT says_what_changed CHECK (before IS NOT NULL OR after IS NOT NULL)
);
CREATE INDEX audit_logs_entity ON public.audit_logs (entity_id, id);

ALTER TABLE public.audit_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.audit_logs FORCE ROW LEVEL SECURITY;  -- the owner too
CREATE POLICY append ON public.audit_logs FOR INSERT TO tenon_owner WITH CHECK (true);
CREATE POLICY read ON public.audit_logs FOR SELECT TO tenon_owner, tenon_edge, tenon_auditor, tenon_sealer USING (true);
REVOKE ALL ON public.audit_logs FROM PUBLIC, tenon_owner, tenon_edge, tenon_auditor, tenon_sealer;
GRANT INSERT, SELECT, TRIGGER ON public.audit_logs TO tenon_owner;  -- TRIGGER: until the one below is there
GRANT SELECT ON public.audit_logs TO tenon_edge, tenon_auditor, tenon_sealer;

-- Row triggers and row security don't see TRUNCATE.
CREATE FUNCTION tenon.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: the audit log is append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.audit_logs
  FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_change();
REVOKE TRIGGER ON public.audit_logs FROM tenon_owner;

-- Who asked, as every operation is told.
CREATE TYPE tenon.command AS (user_id text, role text, request_id text, idempotency_key text);

-- Appends one entry and returns its id. `before` and `after` are JSON objects as text; null: there was nothing.
CREATE FUNCTION tenon.audit(command tenon.command, action text, entity_kind text, entity_id uuid, before text, after text)
RETURNS bigint LANGUAGE sql VOLATILE SET search_path = public, pg_temp AS $$
  INSERT INTO audit_logs (id, at, entity_id, action, entity_kind, actor, role, request_id, idempotency_key, before, after)
  VALUES (nextval('tenon.audit_log_ids'), clock_timestamp(), entity_id, action, entity_kind, command.user_id, command.role,
          command.request_id, command.idempotency_key, before, after)
  RETURNING id
$$;
