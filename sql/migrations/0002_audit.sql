-- The audit log: append-only, written in the transaction of what it tells of, by SECURITY DEFINER functions alone.

-- Each batch takes a block of 1024 ids at once (limits::audit_id_block): one sequence call a batch, and ids that grow in the
-- order in which batches took their locks.
CREATE SEQUENCE tenon.audit_log_ids INCREMENT BY 1024 START 1024;
-- Who verifies the log tells by it whether a tail was cut off or a backup restored.
GRANT SELECT ON SEQUENCE tenon.audit_log_ids TO tenon_auditor;
GRANT USAGE ON SEQUENCE tenon.audit_log_ids TO tenon_teller;

-- A domain, not a CHECK of the table: that one is parsed again by every statement that appends.
CREATE DOMAIN tenon.said AS text CHECK (VALUE <> '');

-- One partition a month of `at`, so that a month may leave whole once it is sealed, and one for what no month takes (a clock
-- that went astray). Ids come from the one sequence; each partition holds them unique, the parent could only together with `at`.
CREATE TABLE public.audit_logs (
  id bigint NOT NULL,
  at timestamptz NOT NULL,
  transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
  entity_id uuid NOT NULL,
  action tenon.said NOT NULL,
  entity_kind tenon.said NOT NULL,
  actor tenon.said NOT NULL,
  role text NOT NULL,
  request_id text NOT NULL,
  idempotency_key text,
  before text,  -- JSON of what the mutation changed; text, since jsonb would cost a parse on every write
  after text,
  CONSTRAINT says_what_changed CHECK (before IS NOT NULL OR after IS NOT NULL)
) PARTITION BY RANGE (at);
CREATE INDEX audit_logs_entity ON public.audit_logs (entity_id, id);

CREATE FUNCTION tenon.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: the audit log is append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Makes a table what nobody changes or empties, its owner neither: who may read and, of `writers`, `owner_may` are all that is
-- left, and each row that they append keeps to `rule`.
-- Row triggers and row security don't see TRUNCATE; a trigger does.
CREATE FUNCTION tenon.make_append_only(
  log regclass, owner_may text, events text, readers text, rule text DEFAULT 'true', writers text DEFAULT 'tenon_owner')
RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER append_only BEFORE %s ON %s FOR EACH STATEMENT EXECUTE FUNCTION tenon.refuse_change()', events, log);
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', log);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', log);  -- the owner too
  EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, tenon_owner, tenon_edge, tenon_auditor, tenon_sealer, tenon_teller', log);
  IF owner_may <> '' THEN
    EXECUTE format('GRANT %s ON %s TO %s', owner_may, log, writers);
    EXECUTE format('CREATE POLICY append ON %s FOR INSERT TO %s WITH CHECK (%s)', log, writers, rule);
    EXECUTE format('GRANT SELECT ON %s TO %s', log, readers);
    EXECUTE format('CREATE POLICY read ON %s FOR SELECT TO %s, %s USING (true)', log, writers, readers);
  END IF;
END
$$;
SELECT tenon.make_append_only('public.audit_logs', 'INSERT, SELECT', 'UPDATE OR DELETE OR TRUNCATE',
                              'tenon_edge, tenon_auditor, tenon_sealer',
                              'transaction_id = pg_current_xact_id()', 'tenon_owner, tenon_teller');

-- A partition is reached through its parent alone: nobody has a privilege on it, no policy lets a row through, and a statement
-- that names it is refused, an INSERT as well.
CREATE FUNCTION tenon.add_audit_partition(name text, bounds text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE TABLE public.%I (LIKE public.audit_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
  EXECUTE format('ALTER TABLE public.%I ADD PRIMARY KEY (id)', name);
  PERFORM tenon.make_append_only(format('public.%I', name)::regclass, '', 'INSERT OR UPDATE OR DELETE OR TRUNCATE', '');
  EXECUTE format('ALTER TABLE public.audit_logs ATTACH PARTITION public.%I %s', name, bounds);  -- lets writers go on
END
$$;
SELECT tenon.add_audit_partition('audit_logs_default', 'DEFAULT');

-- Makes the partitions of this month and the three after it, where they are missing. Called by any node now and then;
-- harmless when called too often or by many. Gives up rather than hold writers up: the next call tries again. Returns the
-- names of those it made.
CREATE FUNCTION tenon.add_audit_months() RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' SET lock_timeout = '200ms' AS $$
DECLARE
  month timestamptz;
  name text;
  made text[] := '{}';
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('tenon.add_audit_months')) THEN
    RETURN made;
  END IF;
  FOR ahead IN 0..3 LOOP
    month := date_trunc('month', clock_timestamp()) + make_interval(months => ahead);
    name := to_char(month, '"audit_logs_"YYYY_MM');
    CONTINUE WHEN to_regclass('public.' || name) IS NOT NULL;
    BEGIN
      PERFORM tenon.add_audit_partition(name, format('FOR VALUES FROM (%L) TO (%L)', month, month + interval '1 month'));
      made := made || name;
    EXCEPTION WHEN lock_not_available OR check_violation THEN  -- busy; or the default partition has rows of that month
      NULL;
    END;
  END LOOP;
  RETURN made;
END
$$;
SELECT tenon.add_audit_months();
GRANT EXECUTE ON FUNCTION tenon.add_audit_months TO tenon_edge;

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
