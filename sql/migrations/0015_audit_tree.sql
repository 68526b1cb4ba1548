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
  first_id bigint NOT NULL,
  last_id bigint NOT NULL,
  entries bigint NOT NULL CHECK (entries > 0),
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

-- One round: the tree grows from old_size to new_size leaves, tiles and checkpoint together. The arrays are parallel, an element a
-- tile, whole. Raises TN005 when the tree has not old_size leaves: somebody else sealed meanwhile, and nothing is done; TN006 when
-- the log is another one, or signed by another key, than the one that was sealed first.
CREATE FUNCTION tenon.seal_audit(
  old_size bigint, new_size bigint, root bytea, note text, last_transaction_id xid8, last_id bigint,
  levels smallint[], indexes bigint[], hashes bytea[], first_transaction_ids xid8[], first_ids bigint[],
  origin text, verifier_key text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  sealed tenon.audit_checkpoints;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('tenon.seal_audit'));  -- one at a time
  SELECT * INTO sealed FROM tenon.audit_checkpoints ORDER BY size DESC LIMIT 1;
  IF coalesce(sealed.size, 0) <> old_size THEN
    RAISE EXCEPTION 'the tree has % leaves, not %', coalesce(sealed.size, 0), old_size USING ERRCODE = 'TN005';
  END IF;
  IF new_size <= old_size OR (last_transaction_id, last_id) <= (sealed.transaction_id, sealed.last_id) THEN
    RAISE EXCEPTION 'a log is sealed forward only' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO tenon.audit_log_identity (origin, verifier_key) VALUES (seal_audit.origin, seal_audit.verifier_key)
  ON CONFLICT DO NOTHING;
  IF NOT EXISTS (SELECT FROM tenon.audit_log_identity AS i
                 WHERE i.origin = seal_audit.origin AND i.verifier_key = seal_audit.verifier_key) THEN
    RAISE EXCEPTION 'this log is signed by another key: %', (SELECT i.verifier_key FROM tenon.audit_log_identity AS i)
      USING ERRCODE = 'TN006';
  END IF;
  INSERT INTO tenon.audit_tiles AS t (level, index, hashes, first_transaction_id, first_id)
  SELECT * FROM unnest(levels, indexes, hashes, first_transaction_ids, first_ids)
  ON CONFLICT ON CONSTRAINT audit_tiles_pkey DO UPDATE SET hashes = excluded.hashes;
  INSERT INTO tenon.audit_checkpoints (size, root, note, transaction_id, last_id)
  VALUES (new_size, seal_audit.root, seal_audit.note, last_transaction_id, seal_audit.last_id);
END
$$;
GRANT EXECUTE ON FUNCTION tenon.seal_audit TO tenon_sealer;
