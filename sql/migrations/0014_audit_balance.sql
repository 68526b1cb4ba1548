-- Exactly one entry of the audit log for each change of each audited row, held by the database at COMMIT: an operation that
-- forgets its entry, writes two, or writes it for another row, cannot commit. docs/decisions has the reasons and the figures.
--
-- Each statement that changes an audited table adds to its transaction's balance how many changes it made, and a digest of which
-- rows they were made of; each that appends entries takes the same away. The first of them queues a check for COMMIT. So the
-- order of changes and entries is free, and an UPDATE that raises a row's version by k is k changes with an entry each.
--
-- A table, not a setting: what a session may SET it could balance as it likes. Unlogged, since no row outlives its transaction.
CREATE UNLOGGED TABLE tenon.audit_balance (
  transaction_id xid8 PRIMARY KEY,
  changes bigint NOT NULL,  -- less entries. Both columns mean their value modulo 2^31
  digest bigint NOT NULL    -- the sum of the changed rows' hashes, less those of the entries'
) WITH (vacuum_truncate = off);
REVOKE ALL ON tenon.audit_balance FROM PUBLIC;

-- The ledger of the log: one row a statement that appended to it. Who follows the log (the sealer, verification) goes through
-- this in order of (transaction_id, first_id) and finds each batch's entries by their ids; so the log itself needs no index on
-- (transaction_id, id), which every entry would pay for.
CREATE TABLE tenon.audit_batches (
  transaction_id xid8 NOT NULL,
  first_id bigint NOT NULL,
  last_id bigint NOT NULL,
  first_at timestamptz NOT NULL,  -- the earliest and the latest `at`: which partitions they are in
  last_at timestamptz NOT NULL,
  entries integer NOT NULL,
  PRIMARY KEY (transaction_id, first_id)
);
SELECT tenon.make_append_only('tenon.audit_batches', 'INSERT, SELECT', 'UPDATE OR DELETE OR TRUNCATE',
                              'tenon_edge, tenon_auditor, tenon_sealer', writers => 'tenon_owner, tenon_teller');

-- After each statement that appended to the log.
CREATE FUNCTION tenon.note_entries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  WITH batch AS MATERIALIZED (
    SELECT min(id) AS first_id, max(id) AS last_id, min(at) AS first_at, max(at) AS last_at, count(*) AS entries,
           sum(uuid_hash(entity_id)) AS digest
    FROM added HAVING count(*) > 0
  ), told AS (
    INSERT INTO tenon.audit_balance AS balance SELECT pg_current_xact_id(), -entries, -digest FROM batch
    ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                               digest = balance.digest + excluded.digest
  )
  INSERT INTO tenon.audit_batches
  SELECT pg_current_xact_id(), first_id, last_id, first_at, last_at, entries FROM batch;
  RETURN NULL;
END
$$;
GRANT TRIGGER ON public.audit_logs TO tenon_owner;  -- until it is there
-- But for the sale, which does both itself (0006).
CREATE TRIGGER note_entries AFTER INSERT ON public.audit_logs REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT WHEN (current_user <> 'tenon_teller'::text) EXECUTE FUNCTION tenon.note_entries();
REVOKE TRIGGER ON public.audit_logs FROM tenon_owner;

-- At COMMIT. Takes the balance away: should the session have asked for the check early (SET CONSTRAINTS), the next statement
-- starts another one, with a check of its own.
CREATE FUNCTION tenon.check_audit_balance() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  rest record;
BEGIN
  DELETE FROM tenon.audit_balance WHERE transaction_id = pg_current_xact_id()
  RETURNING changes & 2147483647 AS changes, digest & 2147483647 AS digest INTO rest;
  IF rest.changes = 0 AND rest.digest = 0 THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the audit log does not tell of what was changed'
    USING ERRCODE = 'TN010',
          DETAIL = CASE WHEN rest.changes = 0 THEN 'Some entries are of other rows than those that were changed.'
                        WHEN rest.changes < 1073741824 THEN format('There are %s more changes than entries.', rest.changes)
                        ELSE format('There are %s more entries than changes.', 2147483648 - rest.changes) END,
          HINT = 'Each change of an audited row has one entry, under the row''s id.';
END
$$;
CREATE CONSTRAINT TRIGGER check_audit_balance AFTER INSERT ON tenon.audit_balance
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tenon.check_audit_balance();

CREATE FUNCTION tenon.refuse_uncounted_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'a change of % keeps its id and raises its version', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END
$$;

CREATE FUNCTION tenon.refuse_truncate() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% is audited: its rows go one by one, each with an entry', TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END
$$;

-- For migrations: from now on each change of a row of `target` needs an entry under the row's `id_column`, a uuid. Where the
-- table has a `version` (bigint), an UPDATE is as many changes as it raises it by, and at least one; else it is one a row.
-- `guarded`: a trigger of the table's own refuses an UPDATE that changes the id or does not raise the version. `but_for`: a role
-- whose functions hold their changes against their entries by themselves, before they return.
CREATE FUNCTION tenon.audit_table(target regclass, id_column name, guarded boolean DEFAULT false, but_for name DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  table_name CONSTANT name := (SELECT relname FROM pg_class WHERE oid = target AND relkind = 'r' AND NOT relispartition);
  function_name CONSTANT text := 'tenon.' || quote_ident(left('note_changes_of_' || table_name, 63));
  versioned CONSTANT boolean := EXISTS (SELECT FROM pg_attribute WHERE attrelid = target AND attname = 'version'
                                        AND atttypid IN ('bigint'::regtype, 'tenon.version'::regtype) AND attnotnull);
  updated text := format('SELECT pg_current_xact_id(), count(*), sum(uuid_hash(%I)) FROM changed HAVING count(*) > 0',
                         id_column);
BEGIN
  IF table_name IS NULL THEN
    RAISE EXCEPTION '% is not a plain table', target USING ERRCODE = 'wrong_object_type';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = target AND attname = id_column AND atttypid = 'uuid'::regtype
                 AND attnotnull) THEN
    RAISE EXCEPTION '% has no column "%" that is a uuid and never null', target, id_column USING ERRCODE = 'undefined_column';
  END IF;
  IF versioned THEN
    updated := format($sql$
        SELECT pg_current_xact_id(), sum(raised), sum(((uuid_hash(id)::bigint * raised) & 2147483647)::integer)
        FROM (SELECT %1$I AS id, (version & 2147483647)::integer AS raised FROM changed
              UNION ALL SELECT %1$I, -(version & 2147483647)::integer FROM before) AS by
        HAVING count(*) > 0$sql$, id_column);
  END IF;
  EXECUTE format($sql$
    CREATE FUNCTION %1$s() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        INSERT INTO tenon.audit_balance AS balance %3$s
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      ELSE
        INSERT INTO tenon.audit_balance AS balance
        SELECT pg_current_xact_id(), count(*), sum(uuid_hash(%2$I)) FROM changed HAVING count(*) > 0
        ON CONFLICT (transaction_id) DO UPDATE SET changes = balance.changes + excluded.changes,
                                                   digest = balance.digest + excluded.digest;
      END IF;
      RETURN NULL;
    END
    $function$
  $sql$, function_name, id_column, updated);
  EXECUTE format('CREATE TRIGGER note_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS changed'
                 ' FOR EACH STATEMENT EXECUTE FUNCTION %s()', target, function_name);
  EXECUTE format('CREATE TRIGGER note_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS changed %s'
                 ' FOR EACH STATEMENT %s EXECUTE FUNCTION %s()', target, CASE WHEN versioned THEN 'OLD TABLE AS before' END,
                 'WHEN (current_user <> ' || quote_literal(but_for) || '::text)', function_name);
  EXECUTE format('CREATE TRIGGER note_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS changed'
                 ' FOR EACH STATEMENT EXECUTE FUNCTION %s()', target, function_name);
  EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT'
                 ' EXECUTE FUNCTION tenon.refuse_truncate()', target);
  IF NOT guarded THEN
    EXECUTE format('CREATE TRIGGER changes_count BEFORE UPDATE ON %s FOR EACH ROW WHEN (NEW.%2$I <> OLD.%2$I%3$s)'
                   ' EXECUTE FUNCTION tenon.refuse_uncounted_change()', target, id_column,
                   CASE WHEN versioned THEN ' OR NEW.version <= OLD.version' END);
  END IF;
END
$$;

-- Rows that belong to an entity with a table of its own: whoever touches one has an entry of the entity in the same transaction.
-- The column's name is the trigger's argument. By the index on (entity_id, id), from the newest: where there is an entry, it is
-- among the last.
CREATE FUNCTION tenon.check_detail() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  entity uuid;
BEGIN
  FOR entity IN
    SELECT (touched ->> TG_ARGV[0])::uuid
    FROM unnest(ARRAY[CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END,
                      CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END]) AS touched
    WHERE touched IS NOT NULL
  LOOP
    PERFORM FROM public.audit_logs WHERE entity_id = entity AND transaction_id = pg_current_xact_id() ORDER BY id DESC LIMIT 1;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'a row of % was changed, and the audit log has no entry of %', TG_TABLE_NAME, entity USING ERRCODE = 'TN010';
    END IF;
  END LOOP;
  RETURN NULL;
END
$$;

-- For migrations: `target`'s rows are details of the entity whose id is in `entity_column`.
CREATE FUNCTION tenon.audit_detail(target regclass, entity_column name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = target AND attname = entity_column AND atttypid = 'uuid'::regtype
                 AND attnotnull) THEN
    RAISE EXCEPTION '% has no column "%" that is a uuid and never null', target, entity_column USING ERRCODE = 'undefined_column';
  END IF;
  EXECUTE format('CREATE CONSTRAINT TRIGGER check_detail AFTER INSERT OR UPDATE OR DELETE ON %s DEFERRABLE INITIALLY DEFERRED'
                 ' FOR EACH ROW EXECUTE FUNCTION tenon.check_detail(%L)', target, entity_column);
  EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT'
                 ' EXECUTE FUNCTION tenon.refuse_truncate()', target);
END
$$;

SELECT tenon.audit_table('public.inventory', 'id', guarded => true, but_for => 'tenon_teller');
SELECT tenon.audit_table('public.businesses', 'id', guarded => true);
SELECT tenon.audit_table('public.market_items', 'id', guarded => true);
SELECT tenon.audit_table('public.facilities', 'id', guarded => true);
SELECT tenon.audit_table('public.legislation', 'id', guarded => true);
SELECT tenon.audit_table('public.laundering_channels', 'id');
SELECT tenon.audit_detail('public.market_purchases', 'item_id');
SELECT tenon.audit_detail('public.facility_conversions', 'facility_id');
