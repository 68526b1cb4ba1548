-- The audit log's Merkle tree and the checkpoints that were signed of it (docs/formats/audit-log.md). All of it follows from the
-- log, and is written by the one who seals, through one function.

-- Tiles of 256 hashes (C2SP tlog-tiles). first_*: the key of a level-0 tile's first leaf, by which an entry's leaf is found.
CREATE TABLE tenon.audit_tiles (
  level smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
  index bigint NOT NULL CHECK (index >= 0),
  hashes bytea NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
  first_transaction_id xid8,
  first_id bigint,
  PRIMARY KEY (level, index),
  CONSTRAINT leaves_have_keys CHECK (level > 0 OR (first_transaction_id IS NOT NULL AND first_id IS NOT NULL))
);
ALTER TABLE tenon.audit_tiles ALTER hashes SET STORAGE EXTERNAL;  -- hashes don't compress
CREATE INDEX audit_tiles_first ON tenon.audit_tiles (first_transaction_id, first_id) WHERE level = 0;

-- One a round of sealing. transaction_id, last_id: the key of the tree's last leaf.
CREATE TABLE tenon.audit_checkpoints (
  size bigint PRIMARY KEY CHECK (size > 0),
  root bytea NOT NULL CHECK (length(root) = 32),
  note text NOT NULL CHECK (note <> ''),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  transaction_id xid8 NOT NULL,
  last_id bigint NOT NULL
);

-- Which log this is, and by which key it is signed: set by the first seal.
CREATE TABLE tenon.audit_log_identity (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  origin text NOT NULL CHECK (origin <> ''),
  verifier_key text NOT NULL CHECK (verifier_key <> '')
);

-- Months that were detached once they were sealed. Their leaves stay in the tree, their batches in the ledger.
CREATE TABLE tenon.audit_retired (
  name text PRIMARY KEY,
  from_at timestamptz NOT NULL,
  to_at timestamptz NOT NULL,
  first_id bigint,  -- null where the month had no entries
  last_id bigint,
  entries bigint NOT NULL CHECK (entries >= 0),
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);

SELECT tenon.make_append_only('tenon.audit_checkpoints', 'INSERT, SELECT', 'UPDATE OR DELETE OR TRUNCATE',
                              'tenon_edge, tenon_auditor, tenon_sealer');
SELECT tenon.make_append_only('tenon.audit_log_identity', 'INSERT, SELECT', 'UPDATE OR DELETE OR TRUNCATE',
                              'tenon_edge, tenon_auditor, tenon_sealer');
SELECT tenon.make_append_only('tenon.audit_retired', 'INSERT, SELECT', 'UPDATE OR DELETE OR TRUNCATE',
                              'tenon_edge, tenon_auditor, tenon_sealer');

-- The last tile of a level grows until it is whole; nothing else changes.
CREATE FUNCTION tenon.only_grows() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.level, NEW.index, NEW.first_transaction_id, NEW.first_id)
       IS DISTINCT FROM (OLD.level, OLD.index, OLD.first_transaction_id, OLD.first_id)
     OR length(NEW.hashes) < length(OLD.hashes) OR substring(NEW.hashes FOR length(OLD.hashes)) <> OLD.hashes THEN
    RAISE EXCEPTION 'a tile of the audit log''s tree only grows' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER only_grows BEFORE UPDATE ON tenon.audit_tiles FOR EACH ROW EXECUTE FUNCTION tenon.only_grows();
SELECT tenon.make_append_only('tenon.audit_tiles', 'INSERT, SELECT, UPDATE', 'DELETE OR TRUNCATE',
                              'tenon_edge, tenon_auditor, tenon_sealer');
CREATE POLICY grow ON tenon.audit_tiles FOR UPDATE TO tenon_owner USING (true) WITH CHECK (true);

-- Who seals at the time: a session, by its process and its login. A table, since advisory locks are anybody's to take and to hold.
CREATE TABLE tenon.audit_turn (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  process integer NOT NULL,
  login oid NOT NULL
);
REVOKE ALL ON tenon.audit_turn FROM PUBLIC;

-- Is it this session's turn to seal? It stays so until the session ends; then whoever asks next has it. Nothing but peace among
-- sealers depends on it: see tenon.seal_audit.
CREATE FUNCTION tenon.take_audit_turn() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  caller CONSTANT oid := (SELECT oid FROM pg_roles WHERE rolname = session_user);
  holder tenon.audit_turn;
BEGIN
  LOCK TABLE tenon.audit_turn IN EXCLUSIVE MODE;
  SELECT * INTO holder FROM tenon.audit_turn;
  IF (holder.process, holder.login) = (pg_backend_pid(), caller) THEN
    RETURN true;
  END IF;
  IF EXISTS (SELECT FROM pg_stat_activity WHERE pid = holder.process AND usesysid = holder.login) THEN
    RETURN false;
  END IF;
  INSERT INTO tenon.audit_turn (process, login) VALUES (pg_backend_pid(), caller)
  ON CONFLICT (only_row) DO UPDATE SET process = excluded.process, login = excluded.login;
  RETURN true;
END
$$;
GRANT EXECUTE ON FUNCTION tenon.take_audit_turn TO tenon_sealer;

-- One round of sealing: the tree of `tree_size` leaves, last of them the entry (transaction_id, last_id), on the one of `known_size`
-- that the caller went on from. The arrays are the tiles that changed. Raises, and nothing is done:
--   TN011  the log has another origin or key
--   TN012  somebody else sealed meanwhile: the stored tree is not the caller's
--   TN013  a gap or a fork: the ledger has another number of entries up to there, or some of them may still come
CREATE FUNCTION tenon.seal_audit(
  known_size bigint, log_origin text, log_key text, tree_size bigint, tree_root bytea, signed_note text,
  last_transaction xid8, last_entry bigint,
  levels smallint[], indexes bigint[], tiles bytea[], first_transactions xid8[], first_entries bigint[])
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- Asked before the ledger is looked at: whoever began before and commits between the two would be left out for ever.
  undecided CONSTANT xid8 := pg_snapshot_xmin(pg_current_snapshot());
  sealed record;
  due bigint;
BEGIN
  LOCK TABLE tenon.audit_turn IN EXCLUSIVE MODE;  -- one at a time, whosever turn it is
  INSERT INTO tenon.audit_log_identity (origin, verifier_key)
  SELECT log_origin, log_key WHERE NOT EXISTS (SELECT FROM tenon.audit_log_identity);
  IF NOT EXISTS (SELECT FROM tenon.audit_log_identity WHERE origin = log_origin AND verifier_key = log_key) THEN
    RAISE EXCEPTION 'the audit log is sealed with another key'
      USING ERRCODE = 'TN011', DETAIL = (SELECT verifier_key FROM tenon.audit_log_identity);
  END IF;

  SELECT size, transaction_id INTO sealed FROM tenon.audit_checkpoints ORDER BY size DESC LIMIT 1;
  IF coalesce(sealed.size, 0) <> known_size THEN
    RAISE EXCEPTION 'the tree has % leaves, not %', coalesce(sealed.size, 0), known_size USING ERRCODE = 'TN012';
  END IF;

  SELECT coalesce(sum(entries), 0) INTO due FROM tenon.audit_batches
  WHERE transaction_id > coalesce(sealed.transaction_id, '0') AND transaction_id <= last_transaction;
  IF known_size + due <> tree_size OR due = 0 OR last_transaction >= undecided
     OR NOT EXISTS (SELECT FROM tenon.audit_batches WHERE transaction_id = last_transaction AND last_id = last_entry) THEN
    RAISE EXCEPTION '% leaves up to transaction % are not the % entries after the % sealed ones', tree_size, last_transaction,
      due, known_size USING ERRCODE = 'TN013';
  END IF;

  INSERT INTO tenon.audit_tiles AS stored (level, index, hashes, first_transaction_id, first_id)
  SELECT * FROM unnest(levels, indexes, tiles, first_transactions, first_entries)
  ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes WHERE stored.hashes <> excluded.hashes;
  IF (SELECT index * 256 + octet_length(hashes) / 32 FROM tenon.audit_tiles WHERE level = 0 ORDER BY index DESC LIMIT 1)
     IS DISTINCT FROM tree_size THEN
    RAISE EXCEPTION 'the tiles do not have % leaves', tree_size USING ERRCODE = 'TN013';
  END IF;
  INSERT INTO tenon.audit_checkpoints (size, root, note, transaction_id, last_id)
  VALUES (tree_size, tree_root, signed_note, last_transaction, last_entry);
END
$$;
GRANT EXECUTE ON FUNCTION tenon.seal_audit TO tenon_sealer;

-- For a superuser, as tenon_owner: takes a month that is over and sealed out of the log. Its table stays, unattached, to be kept
-- or dropped; verification goes on by the tiles, and by the entries exported beforehand. '2026_11' names a month.
CREATE FUNCTION tenon.retire_audit_month(month text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '3s' AS $$
DECLARE
  partition CONSTANT text := 'audit_logs_' || month;
  begins CONSTANT timestamptz := to_timestamp(month, 'YYYY_MM');
  ends CONSTANT timestamptz := begins + interval '1 month';
  gone record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'public.audit_logs'::regclass
                 AND inhrelid = to_regclass('public.' || quote_ident(partition))) OR partition = 'audit_logs_default' THEN
    RAISE EXCEPTION 'the audit log has no month %', month USING ERRCODE = 'undefined_table';
  END IF;
  IF ends > clock_timestamp() THEN
    RAISE EXCEPTION 'month % is not over', month USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  EXECUTE format('ALTER TABLE public.audit_logs DETACH PARTITION public.%I', partition);  -- and so nothing more comes
  EXECUTE format('GRANT SELECT ON public.%I TO tenon_owner', partition);
  EXECUTE format('CREATE POLICY read ON public.%I FOR SELECT TO tenon_owner USING (true)', partition);
  EXECUTE format('SELECT count(*) AS entries, min(id) AS first_id, max(id) AS last_id, max(transaction_id) AS newest FROM public.%I',
                 partition) INTO gone;
  IF gone.newest > coalesce((SELECT transaction_id FROM tenon.audit_checkpoints ORDER BY size DESC LIMIT 1), '0') THEN
    RAISE EXCEPTION 'month % is not sealed yet', month USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  INSERT INTO tenon.audit_retired (name, from_at, to_at, first_id, last_id, entries)
  VALUES (partition, begins, ends, gone.first_id, gone.last_id, gone.entries);
  RETURN gone.entries;
END
$$;
